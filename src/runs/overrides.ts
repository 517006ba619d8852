// `--set key.path=value`: one value written over the config file's, read as YAML so that numbers, lists and booleans
// look as they do in the file.
import { parse } from "yaml";
import { ConfigError } from "../core/errors.ts";

/** One `--set`: its key path and the text as the user wrote it. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly text: string;
}

/** @throws ConfigError with the parser's own account of the place */
export function parseYaml(text: string, source: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new ConfigError(`${source}: not valid YAML: ${(error as Error).message.trim()}`);
  }
}

/** @throws ConfigError when there is no `=` or a part of the key is empty */
export function parseOverride(text: string): Override {
  const at = text.indexOf("=");
  const path = at < 0 ? [] : text.slice(0, at).trim().split(".");
  if (path.length === 0 || path.some((key) => key === ""))
    throw new ConfigError(`--set ${text}: must be key=value with a dotted key, e.g. --set reward.toolCall=0`);
  return { path, value: parseYaml(text.slice(at + 1), `--set ${text}`), text };
}

/** Sets the value in place, making the sections on the way. */
export function applyOverride(root: Record<string, unknown>, { path, value, text }: Override): void {
  let section = root;
  path.forEach((key, depth) => {
    const isLeaf = depth === path.length - 1;
    const child = Object.hasOwn(section, key) ? section[key] : undefined;
    const next = isLeaf ? value : (child ?? {});
    if (!isLeaf && !isSection(next))
      throw new ConfigError(
        `--set ${text}: ${path.slice(0, depth + 1).join(".")} is ${JSON.stringify(next)}, not a section with keys`,
      );
    // defineProperty, so that a key named __proto__ is an (unknown) key like any other.
    Object.defineProperty(section, key, {
      value: next,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    if (!isLeaf) section = next as Record<string, unknown>;
  });
}

export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
