// The two stages before RL (`train --from-scratch`), as runs of their own inside the run directory. One that is over is not
// made again; one that is not goes on where it was.
import type { Reporter } from "../../core/reporter.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { createRun, openRun, type RunDirectory } from "../../runs/runDirectory.ts";
import { readRecord } from "../../runs/runRecord.ts";
import { runPretrain } from "./pretrain.ts";
import { runSft } from "./sft.ts";
import type { StopRequest } from "./stopRequest.ts";

/** @returns the folder of the weights that RL starts from */
export async function runColdStart(
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  stop: StopRequest | undefined,
): Promise<string> {
  const base = await once(config, run, "pretrain", (stage) => runPretrain(config, stage, reporter, { stop }));
  const onBase = { ...config, sft: { ...config.sft, init: base } };
  return once(onBase, run, "sft", (stage) => runSft(onBase, stage, reporter, { stop }));
}

async function once(
  config: ResolvedConfig,
  run: RunDirectory,
  name: "pretrain" | "sft",
  stage: (run: RunDirectory) => Promise<string>,
): Promise<string> {
  const dir = run.filePath(name);
  const inside = (readRecord(run.path)?.resumed ?? 0) > 0 ? existing(dir) : undefined;
  if (inside?.readSummary() !== undefined) return inside.checkpointPath("final");
  return stage(inside ?? createRun(config, { dir }));
}

/** undefined when it had not begun. */
function existing(dir: string): RunDirectory | undefined {
  try {
    return openRun(dir);
  } catch {
    return undefined;
  }
}
