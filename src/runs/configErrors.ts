// Turns what the schema check found into lines for a person: where it was written, the key path, the rule, the value
// received, and the nearest valid name.
import type { z } from "zod";
import type { Override } from "./overrides.ts";
import { configSchema } from "./schema.ts";
import { allPaths, namesAt, nearestName } from "./schemaNames.ts";

/** One line an issue, in the schema's order. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  source: string,
  overrides: readonly Override[],
): string {
  return issues
    .flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => ({ path: [...issue.path, key], text: unknownKey(issue.path, key, root) }))
        : [{ path: issue.path, text: badValue(issue, root) }],
    )
    .map(({ path, text }) => `${origin(path, source, overrides)}: ${text}`)
    .join("\n");
}

function unknownKey(section: readonly PropertyKey[], key: string, root: unknown): string {
  const path = [...section, key];
  const near = nearestName(key, namesAt(configSchema, section));
  // A known leaf name in the wrong section is the likelier slip than a misspelt sibling.
  const elsewhere = allPaths(configSchema).filter((other) => other.split(".").at(-1) === key);
  const nearest = elsewhere.length > 0 ? elsewhere : near === undefined ? [] : [dotted([...section, near])];
  const remedy =
    nearest.length > 0
      ? `nearest valid name: ${nearest.slice(0, 3).join(" or ")}`
      : `valid names here: ${namesAt(configSchema, section).join(", ")}`;
  return `unknown key ${dotted(path)} (value ${show(valueAt(root, path))}); ${remedy}`;
}

function badValue(issue: z.core.$ZodIssue, root: unknown): string {
  const value = valueAt(root, issue.path);
  const key = issue.path.length === 0 ? "the config" : dotted(issue.path);
  if (value === undefined) return `${key} is missing: ${rule(issue).replace(/^must be/, "it must be")}`;
  return `${key} ${rule(issue)}, received ${show(value)}${nearestValue(issue, value)}`;
}

function rule(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeNames[issue.expected] ?? `of type ${issue.expected}`}`;
    case "too_small":
      return bound(issue.origin, issue.inclusive === false ? "above" : "at least", issue.minimum);
    case "too_big":
      return bound(issue.origin, issue.inclusive === false ? "below" : "at most", issue.maximum);
    case "invalid_value":
      return `must be ${oneOf(issue.values)}`;
    case "invalid_union":
      return issue.discriminator === undefined
        ? "must be of one of the allowed types"
        : `must be ${oneOf(namesOfUnion(issue))}`;
    case "invalid_format":
    case "custom":
      return issue.message;
    default:
      return `is not valid: ${issue.message}`;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: "an integer",
  number: "a number",
  string: "a string",
  boolean: "true or false",
  object: "a section with keys",
  record: "a section with keys",
  array: "a list",
};

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === "string") return `must be ${relation} ${limit} characters long`;
  if (origin === "array") return `must hold ${relation} ${limit} items`;
  return `must be ${relation} ${limit}`;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? show(values[0]) : `one of ${values.map(show).join(", ")}`;
}

function namesOfUnion(issue: z.core.$ZodIssueInvalidUnion): readonly unknown[] {
  return (issue as { readonly options?: readonly unknown[] }).options ?? [];
}

function nearestValue(issue: z.core.$ZodIssue, value: unknown): string {
  const valid =
    issue.code === "invalid_value" ? issue.values : issue.code === "invalid_union" ? namesOfUnion(issue) : [];
  const names = valid.filter((name): name is string => typeof name === "string");
  const near = typeof value === "string" ? nearestName(value, names) : undefined;
  return near === undefined ? "" : `; nearest valid value: ${show(near)}`;
}

/** The last `--set` that wrote the key (or a section around or inside it), else the file. */
function origin(path: readonly PropertyKey[], source: string, overrides: readonly Override[]): string {
  const keys = path.map(String);
  const set = overrides.findLast((o) => {
    const shared = Math.min(o.path.length, keys.length);
    return o.path.slice(0, shared).every((key, i) => key === keys[i]);
  });
  return set === undefined ? source : `--set ${set.text}`;
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
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
  if (typeof value === "number" || value === undefined) return String(value);
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
