// From the run directories of a study to its data: what is kept of metrics.jsonl and summary.json, in few digits.
import { z } from "zod";
import { DataError } from "../core/errors.ts";
import type { MetricsRecord } from "../runs/metrics.ts";
import { openRun } from "../runs/runDirectory.ts";
import { type EvaluationFigures, rounded, type RunFigures, type StudyData } from "./data.ts";
import type { PlannedStudy } from "./grid.ts";
import type { RunOutcome } from "./pool.ts";
import { heldOutField, heldOutQuantities, keptMetrics } from "./quantities.ts";
import type { StudyFolder } from "./runFolder.ts";
import type { Study } from "./studyFile.ts";

const interval = z.object({ low: z.number(), high: z.number() });
const slice = z.looseObject({
  judged: z.int(),
  accuracy: z.number().optional(),
  meanRelativeAccuracy: z.number().optional(),
  toolCalls: z.number().optional(),
  interval: interval.optional(),
  visualTokensInterval: interval.optional(),
});
type Slice = z.output<typeof slice>;
const evaluation = z.object({ overall: slice, kinds: z.record(z.string(), slice) });
const summarySchema = z.object({
  trainingSeconds: z.number(),
  resumed: z.int().default(0),
  before: evaluation,
  after: evaluation,
  difference: interval.extend({ difference: z.number() }).optional(),
  heldOut: z.array(z.object({ step: z.int(), overall: slice })),
});
type Summary = z.output<typeof summarySchema>;

type KindFigures = EvaluationFigures["kinds"][string];

/** Of the curves; figures that are reported by themselves have one more. */
const CURVE_DIGITS = 4;
const FIGURE_DIGITS = 5;

/** @param outcomes by digest; what is not "done" is missing in the data, with the reason */
export function collectStudy(
  { study, arms }: PlannedStudy,
  folder: StudyFolder,
  outcomes: ReadonlyMap<string, RunOutcome>,
  set: readonly string[],
): StudyData {
  const asked = arms.flatMap(({ arm, runs }) =>
    [...runs].map(([seed, digest]) => ({ arm: arm.name, seed, digest })),
  );
  const done = asked.filter(({ digest }) => outcomes.get(digest)?.type === "done");
  const missing = asked.flatMap(({ arm, seed, digest }) => {
    const outcome = outcomes.get(digest);
    if (outcome?.type === "done") return [];
    return [{ arm, seed, reason: outcome?.type === "failed" ? outcome.reason : "was not run" }];
  });
  const origins = new Map(
    done.flatMap(({ digest }) => folder.origins(digest)).map((origin) => [JSON.stringify(origin), origin]),
  );
  return {
    version: 1,
    study,
    set: [...set],
    seeds: [...(arms[0]?.runs.keys() ?? [])],
    origins: [...origins].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, origin]) => origin),
    runs: done.map(({ arm, seed, digest }) => ({
      ...{ arm, seed, digest },
      ...figuresOf(folder.runDir(digest), keptFor(study)),
    })),
    missing,
  };
}

/** What every study keeps of the steps, and what this one measures besides. */
function keptFor({ tests, table, frontier }: Study): readonly string[] {
  const measures = [
    ...tests.map(({ measure }) => measure),
    ...table,
    ...(frontier ? [frontier.x, frontier.y] : []),
  ];
  const own = measures.map(({ of }) => of).filter((of) => heldOutField(of) === undefined);
  return [...new Set([...keptMetrics, ...own])];
}

function figuresOf(dir: string, kept: readonly string[]): Omit<RunFigures, "arm" | "seed" | "digest"> {
  const run = openRun(dir);
  const checked = summarySchema.safeParse(run.readSummary());
  if (!checked.success)
    throw new DataError(
      `${dir}/summary.json: lacks what a study reads (${checked.error.issues.map(({ path }) => path.join(".")).join(", ")}); it was ` +
        "written by another version: remove the run, and it is made again",
    );
  const { trainingSeconds, resumed, before, after, difference, heldOut } = checked.data;
  const records = run.readMetrics();
  return {
    seconds: figure(trainingSeconds),
    resumed,
    steps: records.length,
    curves: curvesOf(records, kept),
    heldOut: heldOutOf(heldOut),
    before: evaluationOf(before),
    after: evaluationOf(after),
    ...(difference && {
      gain: [figure(difference.difference), figure(difference.low), figure(difference.high)],
    }),
  };
}

function curvesOf(records: readonly MetricsRecord[], kept: readonly string[]): RunFigures["curves"] {
  const present = new Set(records.flatMap((record) => Object.keys(record)));
  const names = kept.flatMap((of) =>
    of.endsWith("/") ? [...present].filter((key) => key.startsWith(of)).sort() : present.has(of) ? [of] : [],
  );
  const isFamily = (name: string): boolean => kept.some((of) => of.endsWith("/") && name.startsWith(of));
  return Object.fromEntries(
    names.map((name) => {
      const values = records.map((record) => {
        const value = record[name] ?? (isFamily(name) ? 0 : NaN);
        return rounded(typeof value === "number" ? value : NaN, CURVE_DIGITS);
      });
      const [first] = values;
      return [name, typeof first === "number" && values.every((v) => v === first) ? first : values];
    }),
  );
}

function heldOutOf(points: Summary["heldOut"]): RunFigures["heldOut"] {
  const valuesOf = (field: string): (number | null)[] =>
    points.map(({ overall }) => {
      const value = overall[field];
      return rounded(typeof value === "number" ? value : NaN, FIGURE_DIGITS);
    });
  const curves = heldOutQuantities
    .map((field) => [field, valuesOf(field)] as const)
    .filter(([, values]) => values.some((value) => value !== null));
  return { steps: points.map(({ step }) => step), curves: Object.fromEntries(curves) };
}

function evaluationOf({ overall, kinds }: z.output<typeof evaluation>): EvaluationFigures {
  const ends = (of: Slice["interval"]): [number, number] | undefined =>
    of && [figure(of.low), figure(of.high)];
  const { judged, accuracy, interval: accuracyInterval, visualTokensInterval } = overall;
  return {
    judged,
    ...(accuracy !== undefined && { accuracy: figure(accuracy) }),
    ...(accuracyInterval && { interval: ends(accuracyInterval) }),
    ...(visualTokensInterval && { visualTokensInterval: ends(visualTokensInterval) }),
    kinds: Object.fromEntries(
      Object.entries(kinds).flatMap(
        ([kind, { accuracy: share, judged: n, meanRelativeAccuracy: relative }]) =>
          share === undefined
            ? []
            : [
                [
                  kind,
                  [figure(share), n, ...(relative === undefined ? [] : [figure(relative)])] as KindFigures,
                ],
              ],
      ),
    ),
    calls: Object.fromEntries(
      Object.entries(kinds).flatMap(([kind, { toolCalls }]) =>
        toolCalls === undefined ? [] : [[kind, figure(toolCalls)]],
      ),
    ),
  };
}

function figure(value: number): number {
  return rounded(value, FIGURE_DIGITS) ?? 0;
}
