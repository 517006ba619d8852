// Where a run keeps a batch that broke it: `failures/step-12/`.
import { writeFailedBatch, type FailedBatch } from "../../learning/failedBatch.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";

/** @returns the folder */
export async function saveFailedBatch(
  run: Pick<RunDirectory, "filePath">,
  failed: FailedBatch,
): Promise<string> {
  const dir = run.filePath(`failures/step-${failed.step}`);
  await writeFailedBatch(dir, failed);
  return dir;
}
