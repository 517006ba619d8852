// Items that engine, tool or judge failed on score 0, which is honest of a few and says nothing of the model when it is most of
// them: then an evaluation stops, and the same command asks for them again when what failed is well.
import { EngineError, SandboxError } from "../core/errors.ts";
import type { ItemRecord } from "./itemRecord.ts";

/** Fewer failures than this stop nothing before the end. */
const FEW = 8;
/** Share of the items asked above which nothing is measured. */
const MOST = 0.5;

export interface FailureWatch {
  /** @throws EngineError, SandboxError when most of what was asked failed */
  note(record: ItemRecord): void;
  /** When all have been asked, however few. @throws as `note` */
  end(): void;
}

/** @param maxJudgeFailures share of the judge's answers without a verdict above which it stops */
export function watchFailures(maxJudgeFailures: number): FailureWatch {
  const counts = { asked: 0, engine: 0, sandbox: 0, judged: 0, unjudged: 0 };
  let why = "";
  let judgeWhy = "";
  const look = (few: number): void => {
    const { asked, engine, sandbox, judged, unjudged } = counts;
    const failed = engine + sandbox;
    const goOn = "what was answered is kept, and the same command asks these items again";
    if (failed >= few && failed > MOST * asked)
      throw new (sandbox > engine ? SandboxError : EngineError)(
        `${failed} of ${asked} items failed, the last because of: ${why}. This stops here; ${goOn}` +
          (sandbox > engine ? '; see "pyvision doctor"' : ""),
      );
    if (unjudged >= few && unjudged > maxJudgeFailures * judged)
      throw new EngineError(
        `the judge gave no verdict on ${unjudged} of ${judged} answers (${judgeWhy}). This stops here; see to the judge's ` +
          `server or its budget (reward.judge.maxCalls), or raise reward.judge.maxFailedShare: ${goOn}`,
      );
  };
  return {
    note: ({ stage, endReason, error, judge }) => {
      counts.asked++;
      if (stage === "failed") {
        counts[endReason === "sandboxFailure" ? "sandbox" : "engine"]++;
        why = error ?? "";
      }
      if (judge !== undefined) {
        counts.judged++;
        if (stage === "none") {
          counts.unjudged++;
          judgeWhy = judge.failure ?? "";
        }
      }
      look(FEW);
    },
    end: () => look(1),
  };
}

/** Whether an answer need not be asked for again: engine, tool and judge did what they were to do. */
export function isFinal({ stage, judge }: ItemRecord): boolean {
  return stage !== "failed" && !(stage === "none" && judge !== undefined);
}
