// Answers of a synth folder that nobody could decide when they were given: they may be decided now, and the teacher need not
// be asked for them again.
import type { Reporter } from "../../core/reporter.ts";
import { decided } from "../../learning/synthRecord.ts";
import type { RunGrading } from "./grading.ts";
import type { SynthFolder } from "./synthFolder.ts";

/**
 * @param grading of the run, so that one judge with one budget decides these answers and those to come
 * @throws EngineError when the judge fails on too many of them; what it decided is kept
 */
export async function decideOpen(
  grading: Pick<RunGrading, "reward" | "check">,
  folder: Pick<SynthFolder, "records" | "add">,
  reporter: Reporter,
): Promise<void> {
  const open = folder.records().filter((record) => record.open !== undefined);
  if (open.length === 0) return;
  const now = await Promise.all(open.map((record) => decided(record, grading.reward)));
  const closed = now.filter((record) => record.open === undefined);
  closed.forEach((record) => folder.add(record));
  reporter.info(`${closed.length} of ${open.length} answers that were undecided are decided now`);
  grading.check("undecided answers", reporter);
}
