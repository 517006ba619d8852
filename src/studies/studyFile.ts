// A study: which claim is tested, what would refute it, and the grid of runs that decides (configs/studies/*.yaml). The claim
// and what would refute it stand in the file before anything is run, and the tests name the figures that decide, so that a
// verdict is computed and not chosen afterwards.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { ConfigError } from "../core/errors.ts";
import { parseYaml } from "../runs/overrides.ts";
import { nearestName } from "../runs/schemaNames.ts";
import { heldOutQuantities, isQuantity } from "./quantities.ts";

const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    "must be letters, digits, '.', '_' or '-', and start with a letter or digit",
  );
const sentence = z.string().trim().min(1);
/** Dotted config keys with their values. */
const overrides = z.record(z.string().regex(/^[^=\s]+$/, "must be a dotted config key"), z.json());

/** How a curve becomes one number. */
export const reductions = ["last", "tail", "mean", "early", "trend", "fluctuation"] as const;
export type Reduction = (typeof reductions)[number];

const measure = z.strictObject({
  /** A metric of metrics.jsonl (docs/metrics.md), or `heldOut/FIELD`. */
  of: z
    .string()
    .refine(
      isQuantity,
      `must be a metric of docs/metrics.md, or heldOut/ and one of ${heldOutQuantities.join(", ")}`,
    ),
  /** See `reduce` in measures.ts. */
  as: z.enum(reductions),
});
export type Measure = z.output<typeof measure>;

const arm = z.strictObject({
  name,
  /** In tables and curves; the name when left out. */
  label: sentence.exactOptional(),
  /** Over the study's own `set`. */
  set: overrides.default({}),
  /** What the others are compared with; exactly one arm. */
  baseline: z.boolean().default(false),
  /** Makes weights of its own: `pretrain` and `sft` of this arm's config, once for all seeds, in place of model.init. */
  coldStart: z.boolean().default(false),
});
export type Arm = z.output<typeof arm>;

const test = z.strictObject({
  /** The part of the claim, as a sentence. */
  says: sentence,
  arm: name,
  /** The baseline when left out. */
  against: name.exactOptional(),
  measure,
  /** What the claim expects of arm minus against. */
  expect: z.enum(["higher", "lower"]),
  /** A difference smaller than this does not count: an interval inside (-margin, margin) refutes the claim. */
  margin: z.number().gt(0).exactOptional(),
});
export type StudyTest = z.output<typeof test>;

/** A picture of one quantity against another, an arm a point, e.g. accuracy against visual tokens. */
const frontier = z.strictObject({
  x: measure,
  y: measure,
  /** Arms that are joined by a line, in order; others are single points. */
  joined: z.array(name).default([]),
  /** Points that are no arms, e.g. what can be reached at most; joined in order. */
  reference: z
    .strictObject({ label: sentence, points: z.array(z.tuple([z.number().gt(0), z.number()])).min(1) })
    .exactOptional(),
});
export type Frontier = z.output<typeof frontier>;

const seconds = z.number().min(0);

export const studySchema = z
  .strictObject({
    name,
    title: sentence,
    /** What the paper says, with the section. */
    claim: sentence,
    /** What result would refute it. Written before the study is run. */
    refutedBy: sentence,
    /** How settings map to the paper's, and what the study cannot show. */
    notes: sentence.exactOptional(),
    /** Path of the recipe, from the working directory or the package. */
    recipe: z.string().min(1),
    seeds: z
      .array(z.int().min(0))
      .min(1)
      .refine((seeds) => new Set(seeds).size === seeds.length, "must not name a seed twice"),
    /** Overrides of every arm. Studies that agree in them share their runs. */
    set: overrides.default({}),
    arms: z.array(arm).min(1),
    tests: z.array(test).min(1),
    /** Columns of the table of final figures. */
    table: z.array(measure).min(1),
    frontier: frontier.exactOptional(),
    /** Seconds measured on a quiet machine with as many runs side by side as are the default there; for the estimate only. */
    cost: z.strictObject({
      step: seconds,
      heldOutTask: seconds,
      start: seconds.default(5),
      pretrainStep: seconds.default(0),
      sftStep: seconds.default(0),
    }),
  })
  .superRefine((study, context) => {
    const names = study.arms.map((a) => a.name);
    const wrong = (path: (string | number)[], input: unknown, message: string): void =>
      context.addIssue({ code: "custom", path, input, message });
    names.forEach((n, i) => {
      if (names.indexOf(n) < i) wrong(["arms", i, "name"], n, "must differ from the arms before it");
    });
    const baselines = study.arms.filter((a) => a.baseline).map((a) => a.name);
    if (baselines.length !== 1)
      wrong(
        ["arms"],
        names,
        `must have exactly one arm with baseline: true, and ${baselines.length} have it`,
      );
    const known = (path: (string | number)[], n: string): void => {
      if (!names.includes(n)) wrong(path, n, `must be the name of an arm (${names.join(", ")})`);
    };
    study.tests.forEach(({ arm: of, against }, i) => {
      known(["tests", i, "arm"], of);
      if (against !== undefined) known(["tests", i, "against"], against);
      if (of === (against ?? baselines[0]))
        wrong(
          ["tests", i, "arm"],
          of,
          "must differ from the arm it is compared with; name another in `against`",
        );
    });
    study.frontier?.joined.forEach((n, i) => known(["frontier", "joined", i], n));
  });

export type Study = z.output<typeof studySchema>;

/** @throws ConfigError when the file cannot be read or is no study: where, which key, the value and the rule */
export function loadStudy(path: string): Study {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`study file ${path} cannot be read: ${(error as Error).message}`);
  }
  return parseStudy(text, path);
}

/** As `loadStudy`, from text. */
export function parseStudy(text: string, source: string): Study {
  const root = parseYaml(text, source);
  const checked = studySchema.safeParse(root);
  if (checked.success) return checked.data;
  throw new ConfigError(
    checked.error.issues.map((issue) => `${source}: ${describe(issue, root)}`).join("\n"),
  );
}

/** The key, the rule and the value received. Shared with the reader of reports' data. */
export function describe(issue: z.core.$ZodIssue, root: unknown): string {
  const at = (keys: readonly PropertyKey[]): string => keys.map(String).join(".") || "the file";
  if (issue.code === "unrecognized_keys") {
    const keys = issue.path.length === 0 ? Object.keys(studySchema.shape) : [];
    return issue.keys
      .map((key) => {
        const near = nearestName(key, keys);
        const remedy = near === undefined ? "remove it" : `nearest valid name: ${near}`;
        return `unknown key ${at([...issue.path, key])} (value ${show(valueAt(root, [...issue.path, key]))}); ${remedy}`;
      })
      .join("; ");
  }
  const value = valueAt(root, issue.path);
  if (value === undefined) return `${at(issue.path)} is missing: ${issue.message}`;
  return `${at(issue.path)} ${issue.message}, received ${show(issue.input ?? value)}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? "nothing" : text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
