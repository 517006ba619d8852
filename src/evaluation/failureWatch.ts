// Items that engine, tool or judge failed on score 0, which is honest of a few and says nothing of the model when it is most of
// them: then an evaluation stops, and the same command asks for them again when what failed is well. What failed when it was
// asked before may always fail: that alone stops nothing, so that the rest is asked and reported.
import { EngineError, SandboxError } from "../core/errors.ts";
import type { ItemRecord } from "./itemRecord.ts";

/** Fewer failures than this stop nothing before the end. */
const FEW = 8;
/** Share of the items asked above which nothing is measured. */
const MOST = 0.5;

export interface FailureWatch {
  /** @throws EngineError, SandboxError when most of what was asked failed */
  note(record: ItemRecord): void;
}

/**
 * @param maxJudgeFailures share of the judge's answers without a verdict above which it stops
 * @param before records that are there already
 */
export function watchFailures(maxJudgeFailures: number, before: readonly ItemRecord[] = []): FailureWatch {
  const keyOf = ({ position, repeat }: ItemRecord): string => `${position}/${repeat}`;
  const failedBefore = new Set(before.filter((record) => !isFinal(record)).map(keyOf));
  const counts = noCounts();
  return {
    note: (record) => {
      if (failedBefore.has(keyOf(record)) && !isFinal(record)) return;
      tally(counts, record);
      const failure = tooMany(counts, FEW, maxJudgeFailures);
      if (failure !== undefined) throw failure("This stops here; ");
    },
  };
}

/**
 * What makes the score of a whole evaluation, of however few items, say nothing of the model; undefined when nothing does.
 * @param maxJudgeFailures as for `watchFailures`
 */
export function failureOf(
  records: readonly ItemRecord[],
  maxJudgeFailures: number,
): EngineError | SandboxError | undefined {
  const counts = noCounts();
  for (const record of records) tally(counts, record);
  return tooMany(counts, 1, maxJudgeFailures)?.("The report says little of the model; ");
}

interface Counts {
  asked: number;
  engine: number;
  sandbox: number;
  judged: number;
  unjudged: number;
  why: string;
  judgeWhy: string;
}

const noCounts = (): Counts => ({
  ...{ asked: 0, engine: 0, sandbox: 0, judged: 0, unjudged: 0 },
  ...{ why: "", judgeWhy: "" },
});

function tally(counts: Counts, { stage, endReason, error, judge }: ItemRecord): void {
  counts.asked++;
  if (stage === "failed") {
    counts[endReason === "sandboxFailure" ? "sandbox" : "engine"]++;
    counts.why = error ?? "";
  }
  if (judge === undefined) return;
  counts.judged++;
  if (stage !== "none") return;
  counts.unjudged++;
  counts.judgeWhy = judge.failure ?? "";
}

/** @returns the error, given what follows from it */
function tooMany(
  { asked, engine, sandbox, judged, unjudged, why, judgeWhy }: Counts,
  few: number,
  maxJudgeFailures: number,
): ((then: string) => EngineError | SandboxError) | undefined {
  const failed = engine + sandbox;
  const goOn = "what was answered is kept, and the same command asks these items again";
  if (failed >= few && failed > MOST * asked)
    return (then) =>
      new (sandbox > engine ? SandboxError : EngineError)(
        `${failed} of ${asked} items failed, the last because of: ${why}. ${then}${goOn}` +
          (sandbox > engine ? '; see "pyvision doctor"' : ""),
      );
  if (unjudged >= few && unjudged > maxJudgeFailures * judged)
    return (then) =>
      new EngineError(
        `the judge gave no verdict on ${unjudged} of ${judged} answers (${judgeWhy}). ${then}see to the judge's server or its ` +
          `budget (reward.judge.maxCalls), or raise reward.judge.maxFailedShare: ${goOn}`,
      );
  return undefined;
}

/** Whether an answer need not be asked for again: engine, tool and judge did what they were to do. */
export function isFinal({ stage, judge }: ItemRecord): boolean {
  return stage !== "failed" && !(stage === "none" && judge !== undefined);
}
