// A config as trackers take it: dotted names and plain values.
import type { ResolvedConfig } from "../config.ts";

export type PlainValue = string | number | boolean;

/** Every leaf by its dotted name, in the config's order; lists as JSON. What is not set has no entry. */
export function flattenConfig(config: ResolvedConfig): Record<string, PlainValue> {
  const flat: Record<string, PlainValue> = {};
  const walk = (value: unknown, path: string): void => {
    if (value === undefined || value === null) return;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      flat[path] = value;
    else if (Array.isArray(value)) flat[path] = JSON.stringify(value);
    else for (const [key, child] of Object.entries(value)) walk(child, path === "" ? key : `${path}.${key}`);
  };
  walk(config, "");
  return flat;
}
