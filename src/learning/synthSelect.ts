// Which of a teacher's episodes become demonstrations: those that pass the filter, not twice the same, and not too many of
// one length. A pure function of records, so that the choice can be made anew without playing again.
import type { EndReasonType } from "../core/trajectory.ts";
import { randomStream } from "../core/random.ts";
import { capOf, type CapOptions } from "./synthBalance.ts";

/** What the choice needs to know of one episode. */
export interface SynthFacts {
  readonly taskId: string;
  readonly kind: string;
  /** Of the task in its split. */
  readonly position: number;
  /** Counted from 0. */
  readonly attempt: number;
  /** Equal for tasks that ask the same about the same medium. */
  readonly questionKey: string;
  /** Equal for episodes whose turns say the same, spaces aside. */
  readonly wordsKey: string;
  /** `broken`: the task could not be put before the model. */
  readonly end: EndReasonType | "broken";
  /** Undefined: could not be decided. */
  readonly accuracy?: 0 | 1;
  readonly turns: number;
  /** Calls that ran, and calls that did not. */
  readonly calls: number;
  readonly failedCalls: number;
  /** True without calls. */
  readonly lastCallRan: boolean;
  readonly images: number;
  readonly tokens: number;
  /** Why the layout cannot say it. */
  readonly unwritable?: string;
}

export interface SynthFilter {
  readonly right: boolean;
  readonly lastCallRan: boolean;
  readonly minCalls: number;
  readonly maxCalls?: number;
  readonly maxFailedCalls?: number;
  readonly maxImages?: number;
  readonly maxTokens?: number;
}

export interface SynthSelection {
  readonly filter: SynthFilter;
  readonly perTask: number;
  readonly balance: CapOptions;
  readonly seed: number;
}

export interface Selected<T> {
  /** In the order of position and attempt. */
  readonly chosen: readonly T[];
  /** Every other episode by the first reason it fell for, most frequent first. */
  readonly dropped: readonly (readonly [reason: string, episodes: number])[];
  /** Episodes that passed filter and de-duplication, and those chosen, by number of turns, fewest first. */
  readonly turns: readonly { readonly turns: number; readonly passed: number; readonly chosen: number }[];
}

/** Why an episode is no demonstration; undefined when it is one. */
export function whyNot(facts: SynthFacts, filter: SynthFilter): string | undefined {
  const above = (value: number, limit: number | undefined): boolean => limit !== undefined && value > limit;
  if (facts.end === "broken") return "the task is broken";
  if (facts.end === "sandboxFailure") return "the sandbox failed";
  if (facts.end !== "answered") return `not answered: ${facts.end}`;
  if (filter.right && facts.accuracy === undefined) return "nobody could decide the answer";
  if (filter.right && facts.accuracy === 0) return "wrong answer";
  if (filter.lastCallRan && !facts.lastCallRan) return "the last call failed";
  if (facts.calls < filter.minCalls) return "too few calls";
  if (above(facts.calls, filter.maxCalls)) return "too many calls";
  if (above(facts.failedCalls, filter.maxFailedCalls)) return "too many failed calls";
  if (above(facts.images, filter.maxImages)) return "too many images";
  if (above(facts.tokens, filter.maxTokens)) return "too long";
  return facts.unwritable === undefined ? undefined : `cannot be written: ${facts.unwritable}`;
}

/** @param records in any order, at most one for a position and attempt */
export function selectDemonstrations<T extends SynthFacts>(
  records: readonly T[],
  { filter, perTask, balance, seed }: SynthSelection,
): Selected<T> {
  const dropped = new Map<string, number>();
  const drop = (reason: string): void => void dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
  const ordered = records.toSorted((a, b) => a.position - b.position || a.attempt - b.attempt);

  const words = new Set<string>();
  const ofQuestion = new Map<string, number>();
  const passed = ordered.filter((record) => {
    const reason = whyNot(record, filter);
    if (reason !== undefined) return void drop(reason);
    const said = `${record.questionKey} ${record.wordsKey}`;
    if (words.has(said)) return void drop("duplicate");
    const before = ofQuestion.get(record.questionKey) ?? 0;
    if (before >= perTask) return void drop("enough of this question");
    words.add(said);
    ofQuestion.set(record.questionKey, before + 1);
    return true;
  });

  const bins = new Map<number, T[]>();
  for (const record of passed) bins.set(record.turns, [...(bins.get(record.turns) ?? []), record]);
  const lengths = [...bins.keys()].sort((a, b) => a - b);
  const sizes = capOf(
    lengths.map((turns) => bins.get(turns)?.length ?? 0),
    balance,
  );
  const kept = new Set<T>();
  const turns = lengths.map((length, i) => {
    const bin = bins.get(length) ?? [];
    const size = sizes[i] ?? 0;
    for (const record of randomStream(seed, "synth", "balance", length).shuffle(bin).slice(0, size))
      kept.add(record);
    return { turns: length, passed: bin.length, chosen: size };
  });
  const chosen = passed.filter((record) => kept.has(record) || void drop("balanced away"));
  return { chosen, dropped: [...dropped].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)), turns };
}
