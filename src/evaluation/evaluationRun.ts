// evaluation.json of a run: what its answers depend on besides the config (weights, how many answers to each item), and what a
// report needs when nothing is left to ask. Answers to anything else are not continued.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../core/errors.ts";
import { writeFileAtomic } from "../runs/files.ts";

const schema = z.object({
  version: z.literal(1),
  repeats: z.int().min(1),
  /** SHA-256 of each file of the checkpoint; none where it is not here. */
  weights: z.record(z.string(), z.string()),
  available: z.int().min(0),
  published: z.int().min(0).exactOptional(),
  title: z.string(),
  split: z.string().exactOptional(),
  /** Positions that are asked, in order. */
  positions: z.array(z.int().min(0)),
  /** Of the tool, as it was when items were last asked. */
  isolation: z.string(),
});

export type EvaluationRun = Readonly<z.output<typeof schema>>;

const FILE = "evaluation.json";
/** Of the same folder. */
export const RECORDS_FILE = "items.jsonl";

/**
 * undefined when there is none that can be read, and no answers depend on it.
 * @throws ConfigError when there are answers of which nobody can tell what they are to
 */
export function readEvaluationRun(dir: string): EvaluationRun | undefined {
  const path = join(dir, FILE);
  const run = parsed(path);
  if (run === undefined && hasRecords(dir))
    throw new ConfigError(
      `${path}: must say what the answers of this run are to, but is ${existsSync(path) ? "damaged" : "missing"}; put it back, ` +
        "or give --new to begin anew",
    );
  return run;
}

function parsed(path: string): EvaluationRun | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function hasRecords(dir: string): boolean {
  const path = join(dir, RECORDS_FILE);
  return existsSync(path) && statSync(path).size > 0;
}

export function writeEvaluationRun(dir: string, run: EvaluationRun): void {
  writeFileAtomic(join(dir, FILE), `${JSON.stringify(run)}\n`);
}

/** What answers of the one are not worth for the other, in words; none: they can be continued. */
export function evaluationDifferences(before: EvaluationRun, now: EvaluationRun): string[] {
  const differences: string[] = [];
  if (before.repeats !== now.repeats) differences.push(`--repeats was ${before.repeats}, now ${now.repeats}`);
  if (JSON.stringify(before.weights) !== JSON.stringify(now.weights))
    differences.push("the files of the checkpoint are not what they were");
  if (JSON.stringify(before.positions) !== JSON.stringify(now.positions))
    differences.push(
      `the items are not what they were (${before.positions.length}, now ${now.positions.length})`,
    );
  return differences;
}
