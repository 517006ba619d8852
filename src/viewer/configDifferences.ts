// How runs differ: the config keys that do not have the same value everywhere.

export interface ConfigDifference {
  readonly key: string;
  /** One a run, in the order given; undefined where a run has no such key. */
  readonly values: readonly (string | undefined)[];
}

/** `{a: {b: 1}, c: [x]}` → `{"a.b": "1", "c": "[\"x\"]"}`. Lists stay whole; empty sections are left out. */
export function flatConfig(config: unknown, prefix = ""): Record<string, string> {
  if (typeof config !== "object" || config === null) return {};
  return Object.fromEntries(
    Object.entries(config as Record<string, unknown>).flatMap(([name, value]) => {
      const key = prefix === "" ? name : `${prefix}.${name}`;
      const isSection = typeof value === "object" && value !== null && !Array.isArray(value);
      if (isSection) return Object.entries(flatConfig(value, key));
      return [[key, typeof value === "string" ? value : (JSON.stringify(value) ?? "")]];
    }),
  );
}

/** Only the differing keys, in alphabetical order; none for fewer than two configs. */
export function configDifferences(
  configs: readonly Readonly<Record<string, string>>[],
): readonly ConfigDifference[] {
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config)))].sort();
  return keys
    .map((key) => ({ key, values: configs.map((config) => config[key]) }))
    .filter(({ values }) => new Set(values).size > 1);
}
