// Held-out evaluation of the current weights: the same agent loop as in training, one rollout of each task. What is recorded
// on the way need not be asked again.
import type { Reporter } from "../../core/reporter.ts";
import type { ScoredTrajectory, TrajectoryGroup } from "../../core/trajectory.ts";
import { evaluateTrajectories, type EvaluationReport } from "../../learning/evaluate.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { computesInOrder } from "./reproducibility.ts";
import type { RolloutOptions, Workbench } from "./workbench.ts";

export interface HeldOut {
  readonly report: EvaluationReport;
  readonly trajectories: readonly ScoredTrajectory[];
}

/** Where trajectories are kept as they come, by the position of their task in the split. */
export interface HeldOutRecords {
  get(position: number): ScoredTrajectory | undefined;
  add(position: number, trajectory: ScoredTrajectory): void;
}

export interface HeldOutOptions {
  /** Called between rounds; throws to stop. */
  readonly check?: () => void;
  readonly records?: HeldOutRecords;
}

/**
 * Tasks 0 to n - 1 of the split. Where batches are computed in a fixed order, in chunks of `evaluation.concurrent`: what is
 * recorded of a chunk counts when all of it is, so that an evaluation that was interrupted computes the same batches as any
 * other. Elsewhere task by task, if there are records.
 */
export async function evaluateHeldOut(
  bench: Workbench,
  config: ResolvedConfig,
  label: string,
  reporter: Reporter,
  options: HeldOutOptions = {},
): Promise<HeldOut> {
  const { evaluation, engine, agent } = config;
  const { temperature, topP, topK, split, maxTurns } = evaluation;
  const source = bench.tasks(split);
  const count = Math.min(evaluation.tasks, source.size);
  const progress = reporter.start(`${label}: ${count} held-out tasks`, count, "tasks");
  const inOrder = computesInOrder(engine) && agent.schedule === "lockstep";
  const ask: Ask = (positions, more = {}) =>
    bench.rollout({
      tasks: positions.map((position) => source.at(position)),
      n: 1,
      label: roundLabel(split),
      sampling: { temperature, topP, topK },
      ...(maxTurns !== undefined && { maxTurns }),
      onProgress: () => progress.advance(),
      ...more,
    });
  const round = { ...options, count, concurrent: evaluation.concurrent, ask };
  const trajectories =
    inOrder || options.records === undefined
      ? await byChunks({ ...round, known: (n) => progress.advance(n) })
      : await oneByOne({
          ...{ ...round, records: options.records, known: (n: number) => progress.advance(n) },
          concurrent: Math.min(evaluation.concurrent, agent.concurrent ?? Infinity),
          checkRound: (groups) => bench.check(groups, roundLabel(split)),
        });
  progress.end();
  return { report: evaluateTrajectories(trajectories, bench.world.isNumeric), trajectories };
}

type Ask = (
  positions: readonly number[],
  more?: Pick<RolloutOptions, "background">,
) => Promise<readonly TrajectoryGroup[]>;

interface Round extends HeldOutOptions {
  readonly count: number;
  readonly concurrent: number;
  readonly ask: Ask;
  /** Told of tasks that need not be asked. */
  readonly known: (tasks: number) => void;
}

/** Chunks also bound how many tasks' pictures are in memory at once. */
async function byChunks(round: Round): Promise<ScoredTrajectory[]> {
  const { count, concurrent, ask, check, records, known } = round;
  const trajectories: ScoredTrajectory[] = [];
  for (let start = 0; start < count; start += concurrent) {
    check?.();
    const positions = Array.from({ length: Math.min(concurrent, count - start) }, (_, i) => start + i);
    const recorded = positions.flatMap((position) => records?.get(position) ?? []);
    if (recorded.length === positions.length) {
      known(positions.length);
      trajectories.push(...recorded);
      continue;
    }
    const asked = (await ask(positions)).flatMap((group) => group.trajectories);
    asked.forEach((trajectory, i) => records?.add(start + i, trajectory));
    trajectories.push(...asked);
  }
  return trajectories;
}

interface SingleRound extends Round {
  readonly records: HeldOutRecords;
  /** Looks at as many groups as are asked at once. May throw. */
  readonly checkRound: (groups: readonly TrajectoryGroup[]) => void;
}

async function oneByOne(round: SingleRound): Promise<ScoredTrajectory[]> {
  const { count, concurrent, ask, check, records, known, checkRound } = round;
  const trajectories = Array.from({ length: count }, (_, position) => records.get(position));
  const missing = [...trajectories.keys()].filter((position) => trajectories[position] === undefined);
  known(count - missing.length);
  let unchecked: TrajectoryGroup[] = [];
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let position; !failed && (position = missing.shift()) !== undefined;) {
      check?.();
      const groups = await ask([position], { background: true });
      const trajectory = groups[0]?.trajectories[0];
      if (trajectory === undefined) throw new Error(`internal: no trajectory of held-out task ${position}`);
      trajectories[position] = trajectory;
      records.add(position, trajectory);
      unchecked.push(...groups);
      if (unchecked.length < concurrent) continue;
      checkRound(unchecked);
      unchecked = [];
    }
  };
  const workers = Array.from({ length: Math.min(concurrent, missing.length) }, () =>
    worker().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers); // what is under way is still recorded
  const failure = ended.find((result) => result.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  checkRound(unchecked);
  return trajectories as ScoredTrajectory[];
}

function roundLabel(split: string): string {
  return `evaluation/${split}`;
}
