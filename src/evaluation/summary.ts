// All that an evaluation found, as data: from the records of its answers and from nothing else, so that a run which was
// interrupted reports the same as one that was not. Whatever a clock decides stands under `time`.
import { mean } from "../learning/statistics.ts";
import type { Aggregate, Aggregator, ItemScore, Metric } from "./aggregates/aggregate.ts";
import { accuracyBy, isUnlabelled } from "./aggregates/additive.ts";
import { repeated, withIntervals } from "./aggregates/intervals.ts";
import { passScores } from "./aggregates/passAtK.ts";
import type { PublishedFigure } from "./published.ts";
import { type ItemRecord, type Stage, STAGES } from "./itemRecord.ts";

/** What was evaluated and how; goes into the report as it is. */
export interface EvaluationHead {
  /** Name of the benchmark, or of the data file. */
  readonly name: string;
  /** As people write it. */
  readonly title: string;
  readonly split?: string;
  readonly items: {
    readonly asked: number;
    /** Those that were to be asked: more, where clusters that are asked whole do not come out at that. */
    readonly wanted: number;
    /** Items there are. */
    readonly available: number;
    /** Items that the authors published; absent for own data. */
    readonly published?: number;
  };
  readonly repeats: number;
  readonly profile?: string;
  /** Where the profile leaves the authors' rules. */
  readonly differences: readonly string[];
  /** Controls and changes that are in force, e.g. "options shuffled by seed 3". */
  readonly changes: readonly string[];
  readonly published: readonly PublishedFigure[];
  readonly engine: string;
  readonly judge?: { readonly model: string };
  readonly seed: number;
  readonly temperature: number;
  readonly maxTurns: number;
  readonly isolation: string;
  /** SHA-256 of the resolved config, 16 hex digits. */
  readonly configDigest: string;
  readonly version: string;
}

export interface Lost {
  readonly id: string;
  readonly repeat: number;
  readonly error: string;
}

export interface EvaluationSummary extends EvaluationHead {
  /** With several answers to each item: their mean, avg@k. */
  readonly headline: Metric;
  readonly metrics: readonly Metric[];
  /** Mean score by category. */
  readonly kinds: readonly Metric[];
  /** Chance that one of k answers is right, for each k up to the number of repeats; none for one answer to each. */
  readonly passAt: readonly Metric[];
  readonly answers: number;
  readonly stages: Readonly<Record<Stage, number>>;
  /** Share of answers that neither rules nor a judge decided: the score could be that much higher. */
  readonly unjudged: number;
  /** Items whose options could be put into another order; absent unless they were to be. */
  readonly shuffled?: number;
  /** The judge said that it cannot tell. */
  readonly undecided: number;
  /** SHA-256 of the judge's prompts, with how many answers each was asked about. */
  readonly judgePrompts: Readonly<Record<string, number>>;
  readonly unreadable: readonly Lost[];
  readonly failed: readonly Lost[];
  /** Means per answer. */
  readonly means: {
    readonly turns: number;
    readonly toolCalls: number;
    readonly visualTokens: number;
    readonly sampledTokens: number;
  };
  readonly endReasons: Readonly<Record<string, number>>;
  /** Share of answers with a cell that did this; by share. */
  readonly code: Readonly<Record<string, number>>;
  /** Cells that raised, of all cells; null without cells. */
  readonly pythonErrorRate: number | null;
  /** Seconds from asking to the score, with others at the same time. */
  readonly time: { readonly median: number; readonly p90: number };
}

/** A label beside those of the authors, which clusters are told by. */
const CATEGORY = "(category)";

/** By kind, for questions that no benchmark aggregates. */
export const ownAggregator: Aggregator = accuracyBy(["kind"]);

/**
 * @param records of all answers that were asked for, sorted
 * @param aggregator of the benchmark
 */
export function summarize(
  head: EvaluationHead,
  records: readonly ItemRecord[],
  aggregator: Aggregator,
): EvaluationSummary {
  const { headline, metrics } = aggregated(head, records, aggregator);
  const kinds = aggregated(
    head,
    records.map((record) =>
      isUnlabelled(record) ? record : { ...record, labels: { ...record.labels, [CATEGORY]: record.kind } },
    ),
    accuracyBy([CATEGORY], { clusterOf: aggregator.clusterOf }),
  ).metrics;
  const average = (value: (record: ItemRecord) => number): number => mean(records.map(value)) ?? 0;
  const cells = sum(records, ({ cells }) => cells);
  const of = (stage: Stage): readonly ItemRecord[] => records.filter((record) => record.stage === stage);
  const lost = (stage: Stage): readonly Lost[] =>
    of(stage).map(({ id, repeat, error = "" }) => ({ id, repeat, error }));
  const seconds = records.map((record) => record.seconds).sort((a, b) => a - b);
  return {
    ...head,
    headline,
    metrics,
    kinds,
    passAt: passAtEach(head, records, aggregator),
    answers: records.length,
    stages: Object.fromEntries(STAGES.map((stage) => [stage, of(stage).length])) as Record<Stage, number>,
    unjudged: records.length === 0 ? 0 : of("none").length / records.length,
    ...(records.some((record) => record.shuffled !== undefined) && {
      shuffled: new Set(records.filter((record) => record.shuffled === true).map(({ id }) => id)).size,
    }),
    undecided: records.filter(({ judge }) => judge?.verdict === "undecided").length,
    judgePrompts: counted(records.flatMap(({ judge }) => (judge === undefined ? [] : [judge.promptHash]))),
    unreadable: lost("unreadable"),
    failed: lost("failed"),
    means: {
      turns: average(({ turns }) => turns),
      toolCalls: average(({ toolCalls }) => toolCalls),
      visualTokens: average(({ visualTokens }) => visualTokens),
      sampledTokens: average(({ sampledTokens }) => sampledTokens),
    },
    endReasons: counted(records.map(({ endReason }) => endReason)),
    code: Object.fromEntries(
      Object.entries(counted(records.flatMap(({ code }) => code))).map(([category, count]) => [
        category,
        count / records.length,
      ]),
    ),
    pythonErrorRate: cells === 0 ? null : sum(records, ({ pythonErrors }) => pythonErrors) / cells,
    time: { median: quantile(seconds, 0.5), p90: quantile(seconds, 0.9) },
  };
}

const sum = (records: readonly ItemRecord[], value: (record: ItemRecord) => number): number =>
  records.reduce((total, record) => total + value(record), 0);

function aggregated(
  { repeats, seed }: EvaluationHead,
  records: readonly ItemRecord[],
  aggregator: Aggregator,
): Aggregate {
  return repeated(aggregator, scoresByRepeat(repeats, records), seed);
}

const scoresByRepeat = (repeats: number, records: readonly ItemRecord[]): readonly ItemScore[][] =>
  Array.from({ length: repeats }, (_, repeat) =>
    records.filter((record) => record.repeat === repeat).map(scoreOf),
  );

export function scoreOf({ id, questionType, labels, score }: ItemRecord): ItemScore {
  return { item: { id, questionType, labels }, score };
}

function passAtEach(
  { repeats, seed }: EvaluationHead,
  records: readonly ItemRecord[],
  { clusterOf }: Aggregator,
): readonly Metric[] {
  if (repeats === 1) return [];
  const byRepeat = scoresByRepeat(repeats, records);
  const plain = accuracyBy([], { clusterOf });
  return Array.from({ length: repeats }, (_, i) => ({
    ...withIntervals(plain, passScores(byRepeat, i + 1), seed).headline,
    name: `pass@${i + 1}`,
  }));
}

/** Most frequent first, then by name. */
function counted(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

/** The smallest value that at least this share of them does not exceed; 0 of none. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
