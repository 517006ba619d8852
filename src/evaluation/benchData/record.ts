// What is known of a fetched benchmark besides its files: archives are taken away once they are unpacked, and without a note the next
// run would fetch them again.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const schema = z.object({
  /** Commit that was fetched last. */
  revision: z.string().optional(),
  /** By their path in the repository. Files, with their bytes, are relative to the benchmark's folder. */
  archives: z.record(
    z.string(),
    z.object({
      size: z.number(),
      sha256: z.string().optional(),
      files: z.array(z.tuple([z.string(), z.number()])),
    }),
  ),
});

export type Record_ = z.infer<typeof schema>;

const NAME = ".bench-data.json";

/** An empty one when there is none, or none that can be read: it only saves work. */
export function readRecord(folder: string): Record_ {
  try {
    return schema.parse(JSON.parse(readFileSync(join(folder, NAME), "utf8")));
  } catch {
    return { archives: {} };
  }
}

export function writeRecord(folder: string, record: Record_): void {
  const place = join(folder, NAME);
  writeFileSync(`${place}.part`, JSON.stringify(record));
  renameSync(`${place}.part`, place);
}
