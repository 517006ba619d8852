// `eval` of one benchmark or file, in a folder of its own: which items are asked, the engine that answers them, records that an
// interrupted evaluation goes on behind, and the report. What all is left to ask decides whether an engine is opened at all.
import { type EngineError, Interrupted, type SandboxError } from "../../core/errors.ts";
import { type Reporter, silentReporter } from "../../core/reporter.ts";
import type { Task, TaskSource } from "../../core/task.ts";
import type { Aggregator } from "../../evaluation/aggregates/aggregate.ts";
import { aggregators } from "../../evaluation/aggregates/all.ts";
import { type AskedTask, askItems } from "../../evaluation/askItems.ts";
import { drawItems } from "../../evaluation/draw.ts";
import { type EvaluationRun, RECORDS_FILE, writeEvaluationRun } from "../../evaluation/evaluationRun.ts";
import { failureOf, isFinal, watchFailures } from "../../evaluation/failureWatch.ts";
import { describeItem, type DescribedTask, type ItemRecord } from "../../evaluation/itemRecord.ts";
import { type ItemRecords, openItemRecords } from "../../evaluation/itemRecords.ts";
import { keptRecords } from "../../evaluation/keptRecords.ts";
import { askInOrder, type Unit } from "../../evaluation/schedule.ts";
import { nothingStored, openStoredAnswers, type StoredAnswers } from "../../evaluation/storedAnswers.ts";
import { type EvaluationSummary, ownAggregator, summarize } from "../../evaluation/summary.ts";
import { classifyTrajectory } from "../../evaluation/taxonomy.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { chooseEvaluation } from "./chooseEvaluation.ts";
import { weightsOf } from "./evaluate.ts";
import { headOf } from "./evaluationHead.ts";
import { computesInOrder } from "./reproducibility.ts";
import type { StopRequest } from "./stopRequest.ts";
import { taskWorldOf } from "./taskWorld.ts";
import { openWorkbench } from "./workbench.ts";

export interface EvalRequest {
  readonly config: ResolvedConfig;
  /** Items at most; all when undefined. */
  readonly limit?: number;
  readonly repeats: number;
  /** Folder of the run; named by the config when left out. */
  readonly dir?: string;
  readonly anew: boolean;
  /** Whether trajectories and their pictures are kept. */
  readonly keepTrajectories: boolean;
  readonly stop: StopRequest;
}

export interface EvaluatedRun {
  readonly dir: string;
  readonly summary: EvaluationSummary;
  readonly records: readonly ItemRecord[];
  readonly aggregator: Aggregator;
  /** Why the report says nothing of the model; to be thrown once it is written. */
  readonly failure?: EngineError | SandboxError;
}

/** What was chosen to be asked, before anything is written. */
export interface PlannedEvaluation {
  readonly config: ResolvedConfig;
  readonly evaluation: EvaluationRun;
}

/**
 * Opens the items and draws those that are asked.
 * @throws ConfigError, DataError when they are not there
 */
export async function planEvaluation(
  { config, limit, repeats }: Pick<EvalRequest, "config" | "limit" | "repeats">,
  reporter: Reporter,
): Promise<PlannedEvaluation> {
  const world = taskWorldOf(config, reporter);
  try {
    const source = world.tasks("test");
    const benchmark = world.benchmark?.();
    const count = Math.min(limit ?? source.size, source.size);
    const positions = positionsOf(source, count, config.seed, aggregatorOf(config));
    const evaluation: EvaluationRun = {
      version: 1,
      repeats,
      weights: await weightsOf(config),
      available: source.size,
      title: benchmark?.title ?? config.name.replace(/^eval-/, ""),
      ...(benchmark !== undefined && { published: benchmark.published, split: benchmark.split }),
      positions: [...positions],
      isolation: "",
    };
    return { config: { ...config, evaluation: { ...config.evaluation, tasks: count } }, evaluation };
  } finally {
    world.close();
  }
}

function positionsOf(
  source: TaskSource,
  count: number,
  seed: number,
  { clusterOf }: Aggregator,
): readonly number[] {
  const all = Array.from({ length: source.size }, (_, position) => position);
  if (count === source.size) return all;
  const clusters = all.map((position) => {
    try {
      const { id, labels, questionType } = describeItem(source.at(position), position, 0);
      return clusterOf({ id, labels, questionType });
    } catch {
      return `unreadable ${position}`; // told when it is asked
    }
  });
  return drawItems(clusters, count, seed);
}

export function aggregatorOf({ tasks }: ResolvedConfig): Aggregator {
  return tasks.type === "benchmark" ? aggregators[tasks.name] : ownAggregator;
}

/** @throws Interrupted when it was asked to stop */
export async function runEval(
  request: EvalRequest,
  { config, evaluation }: PlannedEvaluation,
  reporter: Reporter,
): Promise<EvaluatedRun> {
  const { dir, anew } = request;
  const chosen = chooseEvaluation({ config, evaluation, anew, ...(dir !== undefined && { dir }) });
  const { run, lock } = chosen;
  reporter.info(chosen.said);
  try {
    const units = unitsOf(evaluation);
    const records = openRecords(run.filePath(RECORDS_FILE), units, config, reporter);
    const name = config.name.replace(/^eval-/, "");
    const stored = request.keepTrajectories ? openStoredAnswers(run.trajectories, name) : nothingStored;
    const isKnown = ({ position, repeat }: Unit): boolean => {
      const record = records.get(position, repeat);
      return record !== undefined && isFinal(record);
    };
    let { isolation } = chosen.evaluation;
    if (!units.every(isKnown)) {
      settle(records, stored);
      isolation = await askAll(request, config, units, { records, stored, isKnown }, reporter);
      writeEvaluationRun(run.path, { ...evaluation, isolation });
    }
    settle(records, stored);
    records.settle();
    const aggregator = aggregatorOf(config);
    const head = headOf(config, { ...evaluation, isolation });
    const summary = summarize(head, records.all(), aggregator);
    const failure = failureOf(records.all(), maxJudgeFailures(config));
    return {
      ...{ dir: run.path, summary, records: records.all(), aggregator },
      ...(failure !== undefined && { failure }),
    };
  } finally {
    lock.release();
  }
}

/** Those of this evaluation, to items as they are now. */
function openRecords(
  path: string,
  units: readonly Unit[],
  config: ResolvedConfig,
  reporter: Reporter,
): ItemRecords {
  const keyOf = ({ position, repeat }: Unit): string => `${position}/${repeat}`;
  const wanted = new Set(units.map(keyOf));
  const world = taskWorldOf(config, silentReporter); // what it tells was told when it was planned
  try {
    const source = world.tasks("test");
    const kept = keptRecords((position) => source.at(position));
    const records = openItemRecords(
      path,
      (record) => wanted.has(keyOf(record)) && kept.counts(record),
      (reason) => reporter.warn(reason),
    );
    for (const text of kept.said()) reporter.warn(text);
    return records;
  } finally {
    world.close();
  }
}

const maxJudgeFailures = ({ reward }: ResolvedConfig): number => reward.judge?.maxFailedShare ?? 1;

function unitsOf({ positions, repeats }: EvaluationRun): readonly Unit[] {
  return positions.flatMap((position) =>
    Array.from({ length: repeats }, (_, repeat) => ({ position, repeat })),
  );
}

/** Trajectories of records, in their order. */
function settle(records: ItemRecords, stored: StoredAnswers): void {
  const places = new Map(records.all().map(({ id, repeat }, place) => [`${repeat}/${id}`, place]));
  stored.settle((taskId, member) => places.get(`${member}/${taskId}`));
}

interface Asking {
  readonly records: ItemRecords;
  readonly stored: StoredAnswers;
  readonly isKnown: (unit: Unit) => boolean;
}

/** @returns how the tool was isolated */
async function askAll(
  { stop }: EvalRequest,
  config: ResolvedConfig,
  units: readonly Unit[],
  { records, stored, isKnown }: Asking,
  reporter: Reporter,
): Promise<string> {
  const { evaluation, engine, agent } = config;
  const bench = await openWorkbench(config, config.model.init, "--engine", reporter);
  try {
    const { score } = bench.grading;
    if (score === undefined) throw new Error("internal: tasks without a scorer");
    const source = bench.tasks("test");
    const inChunks = computesInOrder(engine) && agent.schedule === "lockstep";
    const progress = reporter.start(`eval ${config.name.replace(/^eval-/, "")}`, units.length, "answers");
    const watch = watchFailures(maxJudgeFailures(config), records.all());
    const asking = {
      at: (position: number): DescribedTask => source.at(position),
      rollout: rolloutOf(bench, config, inChunks),
      score,
      classify: classifyTrajectory,
      records,
      stored,
      now: () => performance.now() / 1000,
      onRecord: (record: ItemRecord) => {
        progress.advance();
        watch.note(record);
      },
    };
    await askInOrder({
      units,
      concurrent: Math.min(evaluation.concurrent, inChunks ? Infinity : (agent.concurrent ?? Infinity)),
      inChunks,
      isKnown,
      ask: (some) => askItems(some, asking),
      check: () => {
        if (stop.asked)
          throw new Interrupted("stopped; what was answered is kept, and the same command asks the rest");
      },
      onKnown: (count) => progress.advance(count),
    });
    progress.end();
    return bench.python.isolation.level;
  } finally {
    await bench.close();
  }
}

function rolloutOf(
  bench: Awaited<ReturnType<typeof openWorkbench>>,
  { evaluation, name }: ResolvedConfig,
  inChunks: boolean,
) {
  const { temperature, topP, topK, maxTurns } = evaluation;
  return async (asked: readonly AskedTask[], onEnd: (place: number) => void) => {
    const repeats = new Map<Task, number>(asked.map(({ task, repeat }) => [task, repeat]));
    const groups = await bench.rollout({
      tasks: asked.map(({ task }) => task),
      n: 1,
      label: `eval/${name}`,
      sampling: { temperature, topP, topK },
      ...(maxTurns !== undefined && { maxTurns }),
      memberOf: (task) => repeats.get(task) ?? 0,
      // Scored when the episode is over, with all that is known of the item.
      reward: () => ({ total: 0, accuracy: undefined, toolCall: 0 }),
      onProgress: ({ taskIndex }) => onEnd(taskIndex),
      background: !inChunks,
      unchecked: true,
    });
    return groups.flatMap(({ trajectories }) => trajectories);
  };
}
