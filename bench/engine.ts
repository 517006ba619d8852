// The embedded engine beside PyTorch: the carried mini policy, the same batches, in turns on the same machine. The peer is
// what one writes with Hugging Face Transformers (bench/reference/torch_engine.py), on the environment of the parity
// suite; both sides have all cores, and the one that is not measured is seen to be idle.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineError } from "../src/core/errors.ts";
import { parseConfig } from "../src/models/qwen2_5_vl/config.ts";
import { BatchMaker } from "./engine/batches.ts";
import { readBatch } from "./engine/batchFile.ts";
import { casesOf } from "./engine/cases.ts";
import { trainingFlops } from "./engine/flops.ts";
import { type Rounds, runRounds, spreadOf, type Times } from "./engine/measure.ts";
import { peakMemory } from "./engine/memory.ts";
import { FULL, type Plan, QUICK } from "./engine/plan.ts";
import { type Facts, Side } from "./engine/side.ts";
import { barsOf, COMPILED, EAGER, measuredOf, OURS, rowsOf } from "./engine/verdict.ts";
import {
  type Benchmark,
  type BenchReport,
  type BenchRow,
  lessIsBetter,
  median,
  moreIsBetter,
  watchMachine,
} from "./report.ts";

const CHECKPOINT = fileURLToPath(new URL("../checkpoints/image-mini/sft", import.meta.url));
const FIND_PYTHON = fileURLToPath(new URL("engine/peerPython.mjs", import.meta.url));
const MATMUL_SIZE = 2048;
/** Above this load before the start the figures are not to be trusted. */
const QUIET_LOAD = 0.5;
/** Above this share of a core the side that waits is not idle. */
const IDLE_LIMIT = 0.05;

export const benchEngine: Benchmark = {
  async run({ quick, reporter }): Promise<BenchReport> {
    const plan = quick ? QUICK : FULL;
    const python = peerPython();
    const machine = watchMachine();
    const threads = availableParallelism();
    const root = mkdtempSync(join(tmpdir(), "pyvision-bench-"));
    const most = Math.max(...[...plan.training, ...plan.sampling].map(({ rounds }) => rounds));
    const work = reporter.start("engine", most + 5 + (plan.memory ? 6 : 4), "steps");
    const sides: Side[] = [];
    const notes: string[] = [];
    try {
      const checkpoint = endlessCopy(join(root, "checkpoint"));
      const start = async (side: Side): Promise<[Side, Facts]> => {
        sides.push(side);
        return [side, await side.order("load", { checkpoint, threads })];
      };
      const [ours, ourFacts] = await start(Side.ours());
      const [torch, torchFacts] = await start(Side.torch(python, EAGER));
      if (ourFacts.parameters !== torchFacts.parameters)
        throw new Error(
          `internal: ours has ${ourFacts.parameters} parameters, PyTorch ${torchFacts.parameters}`,
        );
      work.advance();
      const folders = await prepare(plan, checkpoint, root);
      for (const [name, folder] of folders)
        for (const side of [ours, torch]) await side.order("batch", { name, folder });
      work.advance();
      const compiled = await startCompiled(plan, python, checkpoint, threads, folders, notes);
      if (compiled !== undefined) sides.push(compiled);
      work.advance();
      const ceiling = await matmulCeiling(ours, torch, plan.matmulRepeats);
      const { cases, losses } = casesOf(plan, ours, torch, compiled);
      const rounds = await runRounds(cases, [...sides], plan.seconds, clockTicks(), work);
      noteRounds(rounds, plan, losses, notes);
      const { loadAtStart } = machine();
      if (loadAtStart > QUIET_LOAD)
        notes.push(
          `other programs kept the machine busy (load ${loadAtStart} at the start): PyTorch's threads wait for each other and ` +
            `suffer more from that than ours, so the ratios flatter ours; bars count on a quiet machine only`,
        );
      const memory = plan.memory
        ? await peakMemory(
            () => Side.ours(),
            () => Side.torch(python),
            checkpoint,
            threads,
            folders,
            plan,
          )
        : [];
      return {
        machine: machine(),
        peer: "PyTorch",
        facts: {
          policy: `image-mini/sft, ${ourFacts.parameters.toLocaleString("en")} parameters, float32`,
          versions: Object.entries({ ...ourFacts.versions, ...torchFacts.versions })
            .map(([name, version]) => `${name} ${version}`)
            .join(", "),
          threads: `ours ${ourFacts.threads}, PyTorch ${torchFacts.threads}`,
          tokens: "real ones, padding not counted; rates at the median of the rounds",
          peer: "Transformers with sdpa attention, fused AdamW and a dynamic cache; bench/reference/",
        },
        rows: [
          ...ceiling,
          ...(await flopRows(plan, rounds, folders, ceiling)),
          ...rowsOf(plan, rounds),
          ...bestRows(plan, rounds),
          ...memory,
        ],
        bars: barsOf(plan, rounds),
        notes,
      };
    } finally {
      work.end();
      await Promise.all(sides.map((side) => side.end()));
      rmSync(root, { recursive: true, force: true });
    }
  },
};

/**
 * The checkpoint with the names of the end of a turn and of an unused special token exchanged, so that rows do not end
 * early (bench/engine/ours.ts draws none of the last id). Weights are the same.
 */
function endlessCopy(folder: string): string {
  cpSync(CHECKPOINT, folder, { recursive: true });
  const file = join(folder, "tokenizer.json");
  const json = readFileSync(file, "utf8");
  const [end, unused] = ["<|im_end|>", "<|quad_end|>"];
  const swapped = json.replaceAll(end, "\u0000").replaceAll(unused, end).replaceAll("\u0000", unused);
  writeFileSync(file, swapped);
  const { added_tokens: added } = JSON.parse(swapped) as { added_tokens: { id: number; content: string }[] };
  const config = join(folder, "config.json");
  const fields = JSON.parse(readFileSync(config, "utf8")) as object;
  const id = added.find(({ content }) => content === end)?.id;
  writeFileSync(config, JSON.stringify({ ...fields, eos_token_id: id }));
  return folder;
}

async function prepare(plan: Plan, checkpoint: string, root: string): Promise<Map<string, string>> {
  const maker = await BatchMaker.open(checkpoint, root);
  const folders = new Map<string, string>();
  try {
    for (const { name, shape } of plan.training) folders.set(name, await maker.training(name, shape));
    for (const { name, shape } of plan.sampling) folders.set(name, await maker.prompts(name, shape));
  } finally {
    await maker.close();
  }
  return folders;
}

/** A second peer with torch.compile, compiled before the clock starts; undefined, with a note why, when that fails. */
async function startCompiled(
  plan: Plan,
  python: string,
  checkpoint: string,
  threads: number,
  folders: ReadonlyMap<string, string>,
  notes: string[],
): Promise<Side | undefined> {
  const limit = plan.compileLimitSeconds;
  if (limit === 0) {
    notes.push("torch.compile was left out: --quick");
    return undefined;
  }
  const side = Side.torch(python, COMPILED);
  const began = performance.now();
  try {
    await side.order("load", { checkpoint, threads });
    const order = { compiled: true, clip: 0.2, learning_rate: 0, rows: 0 };
    for (const { name } of plan.training.filter(({ bar }) => bar)) {
      await side.order("batch", { name, folder: folders.get(name) as string });
      await side.order("train", { batch: name, ...order }, limit);
    }
    for (const { name } of plan.sampling.filter(({ compiled }) => compiled)) {
      await side.order("batch", { name, folder: folders.get(name) as string });
      const sampled = { compiled: true, scores: false, tokens: plan.newTokens };
      await side.order("sample", { batch: name, ...sampled }, limit);
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    notes.push(`torch.compile took ${seconds} s before it could be measured; that is not in its figures`);
    return side;
  } catch (error) {
    notes.push(`torch.compile was left out: ${(error as Error).message.split("\n")[0] ?? ""}`);
    await side.end();
    return undefined;
  }
}

/** In turns; the rate of the best product is what the machine can do. */
async function matmulCeiling(ours: Side, torch: Side, repeats: number): Promise<BenchRow[]> {
  const times = { ours: [] as number[], torch: [] as number[] };
  for (let i = 0; i < 3; i++) {
    times.ours.push(...(await ours.order("matmul", { size: MATMUL_SIZE, repeats })).times);
    times.torch.push(...(await torch.order("matmul", { size: MATMUL_SIZE, repeats })).times);
  }
  const rate = (ms: readonly number[]): number => (2 * MATMUL_SIZE ** 3) / Math.min(...ms) / 1e6;
  const name = `best product of two ${MATMUL_SIZE} x ${MATMUL_SIZE} matrices`;
  return [moreIsBetter(name, "GFLOP/s", rate(times.ours), rate(times.torch))];
}

async function flopRows(
  plan: Plan,
  rounds: Rounds,
  folders: ReadonlyMap<string, string>,
  ceiling: readonly BenchRow[],
): Promise<BenchRow[]> {
  const config = parseConfig(JSON.parse(readFileSync(join(CHECKPOINT, "config.json"), "utf8")));
  const highest = Math.max(...ceiling.flatMap(({ value, peer }) => [value, peer ?? 0]));
  const rows: BenchRow[] = [];
  for (const { name } of measuredOf(plan, rounds).training.filter(({ bar }) => bar)) {
    const flops = trainingFlops(config, (await readBatch(folders.get(name) as string)).file);
    const rate = (side: string): number => flops / spreadOf(rounds.times(name, side)).best / 1e6;
    rows.push({ name: `${name}: work of a step`, value: flops / 1e9, unit: "GFLOP" });
    rows.push(moreIsBetter(`${name}, best round`, "GFLOP/s", rate(OURS), rate(EAGER)));
    const share = (side: string): number => (100 * rate(side)) / highest;
    rows.push(moreIsBetter(`${name}, best round`, "% of best product", share(OURS), share(EAGER)));
  }
  return rows;
}

/** Milliseconds of the best round, where other work on the machine counts least, and CPU time of all threads. */
function bestRows(plan: Plan, rounds: Rounds): BenchRow[] {
  const names = measuredOf(plan, rounds).names;
  return names.flatMap((name) => {
    const [ours, peer] = [rounds.times(name, OURS), rounds.times(name, EAGER)];
    const cpu = (times: Times): number => median(times.map(({ cpuMs }) => cpuMs));
    return [
      lessIsBetter(`${name}, best round`, "ms", spreadOf(ours).best, spreadOf(peer).best),
      lessIsBetter(`${name}, CPU time`, "ms", cpu(ours), cpu(peer)),
    ];
  });
}

function noteRounds(rounds: Rounds, plan: Plan, losses: ReadonlyMap<string, number>, notes: string[]): void {
  if (rounds.skipped > 0)
    notes.push(`${rounds.skipped} rounds of a case were cut off after ${plan.seconds} s of measuring`);
  for (const [name, fault] of rounds.faults) notes.push(`"${name}" was left out: ${fault}`);
  const shares = [...rounds.idleShare].map(([name, share]) => `${name} ${(100 * share).toFixed(1)}%`);
  const worst = Math.max(...rounds.idleShare.values());
  notes.push(
    `CPU of a side while another is measured, of a core: ${shares.join(", ")}` +
      (worst > IDLE_LIMIT ? ": above 5%, so it disturbed the other" : ""),
  );
  const gap = Math.max(...losses.values());
  notes.push(`the first losses of both sides differ by at most ${gap.toPrecision(1)}`);
}

/** The parity suite's interpreter; its environment is made when it is missing. */
function peerPython(): string {
  const { status, stdout } = spawnSync(process.execPath, [FIND_PYTHON], {
    ...{ encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  });
  if (status !== 0)
    throw new EngineError(
      "bench engine: there is no Python with PyTorch and Transformers; the lines above say why",
    );
  return stdout;
}

function clockTicks(): number {
  return Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
}
