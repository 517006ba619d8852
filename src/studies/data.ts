// What a report is made of, as one small JSON file a study: the study itself, what its runs were made with, and of each run the
// curves and the held-out figures in four or five significant digits. Every report is made from these digits, so that the same
// file gives the same report to the byte, without training.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { DataError } from "../core/errors.ts";
import { originSchema } from "./runFolder.ts";
import { describe, studySchema } from "./studyFile.ts";

const value = z.number().nullable();
/** One number when it never changes. */
const curve = z.union([z.number(), z.array(value)]);
const interval = z.tuple([z.number(), z.number()]);

const evaluation = z.strictObject({
  judged: z.int(),
  accuracy: z.number().optional(),
  /** Wilson's, over tasks. */
  interval: interval.optional(),
  visualTokensInterval: interval.optional(),
  /** By kind of task: accuracy, tasks judged, and for numbers the mean relative accuracy. */
  kinds: z.record(z.string(), z.tuple([z.number(), z.int()]).rest(z.number())),
  /** By kind of task: tool calls a trajectory. The first studies' data do not have them. */
  calls: z.record(z.string(), z.number()).optional(),
});

const run = z.strictObject({
  arm: z.string(),
  seed: z.int(),
  digest: z.string(),
  /** Overrides of the recipe with which it was made are those of the study, the arm and these. */
  seconds: z.number(),
  /** Times it was continued. */
  resumed: z.int(),
  /** Steps 1 to this; a curve has an entry for each. */
  steps: z.int(),
  curves: z.record(z.string(), curve),
  heldOut: z.strictObject({ steps: z.array(z.int()), curves: z.record(z.string(), z.array(value)) }),
  before: evaluation,
  after: evaluation,
  /** After minus before over the same tasks, in pairs: mean and 95% interval. */
  gain: z.tuple([z.number(), z.number(), z.number()]).optional(),
});

export const studyDataSchema = z.strictObject({
  version: z.literal(1),
  study: studySchema,
  /** Overrides of the command line. */
  set: z.array(z.string()),
  seeds: z.array(z.int()),
  origins: z.array(originSchema),
  /** Recipe and weights of the arms' runs. */
  runs: z.array(run),
  missing: z.array(z.strictObject({ arm: z.string(), seed: z.int(), reason: z.string() })),
});

export type StudyData = z.output<typeof studyDataSchema>;
export type RunFigures = z.output<typeof run>;
export type EvaluationFigures = z.output<typeof evaluation>;

/** Keys in the schema's order; runs one a line, so that a change shows which; everything else indented. */
export function dataText(data: StudyData): string {
  const { runs, ...head } = studyDataSchema.parse(data);
  const body = JSON.stringify(head, null, 2).replace(/\n}$/, "");
  const lines = runs.map((r) => `    ${JSON.stringify(r)}`).join(",\n");
  return `${body},\n  "runs": [${lines === "" ? "" : `\n${lines}\n  `}]\n}\n`;
}

/** @throws DataError when the file is no data of a study */
export function parseData(text: string, source: string): StudyData {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new DataError(
      `${source}: not JSON: ${(error as Error).message}; give the .json file that a study has written`,
    );
  }
  const checked = studyDataSchema.safeParse(root);
  if (checked.success) return checked.data;
  throw new DataError(
    `${source}: is not the data of a study: ${checked.error.issues
      .map((issue) => describe(issue, root))
      .slice(0, 3)
      .join("; ")}`,
  );
}

/** @throws DataError when it cannot be read or is no data of a study */
export function loadData(path: string): StudyData {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${(error as Error).message}`);
  }
  return parseData(text, path);
}

/** To so many significant digits; null for what is not finite. */
export function rounded(number: number, digits: number): number | null {
  return Number.isFinite(number) ? Number(number.toPrecision(digits)) : null;
}
