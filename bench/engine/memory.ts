// Peak memory of a process that does one thing only, on either side: a fresh one for each figure.
import { type BenchRow, lessIsBetter } from "../report.ts";
import type { Plan } from "./plan.ts";
import type { Side } from "./side.ts";

const MB = 1e6;

export async function peakMemory(
  ours: () => Side,
  torch: () => Side,
  checkpoint: string,
  threads: number,
  folders: ReadonlyMap<string, string>,
  plan: Plan,
): Promise<BenchRow[]> {
  const peak = async (make: () => Side, name: string, work: (side: Side) => Promise<unknown>) => {
    const side = make();
    try {
      await side.order("load", { checkpoint, threads });
      await side.order("batch", { name, folder: folders.get(name) as string });
      for (let i = 0; i < 2; i++) await work(side);
      return side.peakBytes() / MB;
    } finally {
      await side.end();
    }
  };
  const rows: BenchRow[] = [];
  const both = async (name: string, work: (side: Side) => Promise<unknown>): Promise<void> => {
    const value = await peak(ours, name, work);
    rows.push(lessIsBetter(`peak memory of a process: ${name}`, "MB", value, await peak(torch, name, work)));
  };
  for (const { name } of plan.training.filter(({ bar }) => bar))
    await both(name, (side) =>
      side.order("train", { batch: name, compiled: false, clip: 0.2, learning_rate: 0, rows: 0 }),
    );
  const widest = plan.sampling.filter(({ barOf, scores }) => barOf !== undefined && scores).at(-1);
  if (widest !== undefined)
    await both(widest.name, (side) =>
      side.order("sample", { batch: widest.name, tokens: plan.newTokens, compiled: false, scores: false }),
    );
  return rows;
}
