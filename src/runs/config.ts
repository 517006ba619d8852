// Reads a recipe: YAML file, then `--set key=value` over it, then the schema's checks and defaults. A mistake becomes a
// ConfigError that names the key path, where it was written, the value and the nearest valid name.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { ConfigError } from "../core/errors.ts";
import { describeIssues } from "./configErrors.ts";
import { applyOverride, isSection, type Override, parseOverride, parseYaml } from "./overrides.ts";
import { configSchema, type ResolvedConfig } from "./schema.ts";
import { namesAt } from "./schemaNames.ts";

export type { ResolvedConfig } from "./schema.ts";

/**
 * Loads a config file and applies overrides in order.
 * @param overrides `key.path=value`, the value read as YAML (`reward.toolCall=0`, `selection.keepEndReasons=[answered]`)
 * @throws ConfigError when the file cannot be read, is not YAML, or a key or value is not valid
 */
export function loadConfig(path: string, overrides: readonly string[] = []): ResolvedConfig {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`config file ${path} cannot be read: ${(error as Error).message}`);
  }
  return parseConfig(text, path, overrides);
}

/** As `loadConfig`, from text; `source` is the file name used in messages and, without extension, the default name. */
export function parseConfig(text: string, source: string, overrides: readonly string[] = []): ResolvedConfig {
  const root = parseYaml(text, source) ?? {};
  if (!isSection(root))
    throw new ConfigError(`${source}: must hold sections of keys, received ${JSON.stringify(root)}`);
  const sets = overrides.map(parseOverride);
  changeEngine(root, sets);
  for (const set of sets) applyOverride(root, set);
  fillSections(root);
  const checked = configSchema.safeParse(root);
  if (!checked.success) throw new ConfigError(describeIssues(checked.error.issues, root, source, sets));
  return { name: defaultName(source), ...checked.data };
}

/** The resolved config as YAML that `loadConfig` reads back to an equal config. */
export function dumpConfig(config: ResolvedConfig): string {
  return stringify(config, { lineWidth: 110 });
}

/**
 * A path written in a config: absolute, or relative to the working directory, or else to the package (so that carried
 * checkpoints are found from anywhere).
 * @throws ConfigError when it is in neither place
 */
export function resolveInputPath(path: string, key: string, cwd = process.cwd()): string {
  const found = findInputPath(path, cwd);
  if (found === undefined)
    throw new ConfigError(
      `${key}: ${JSON.stringify(path)} does not exist (looked for ${placesOf(path, cwd).join(" and ")})`,
    );
  return found;
}

/** As `resolveInputPath`; undefined when it is in neither place. */
export function findInputPath(path: string, cwd = process.cwd()): string | undefined {
  return placesOf(path, cwd).find((place) => existsSync(place));
}

function placesOf(path: string, cwd: string): string[] {
  const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
  return isAbsolute(path) ? [path] : [...new Set([resolve(cwd, path), resolve(packageRoot, path)])];
}

/** The member of each union that is meant when a section does not name its `type`. */
const defaultTypes: Readonly<Record<string, string>> = { engine: "embedded", tasks: "world" };

/**
 * `--set engine.type=…` asks for another engine than the recipe's, to which none of the recipe's own settings belong (threads,
 * another server's address): the section begins anew.
 */
function changeEngine(root: Record<string, unknown>, sets: readonly Override[]): void {
  const wanted = sets.findLast(({ path }) => path.join(".") === "engine.type")?.value;
  const { engine } = root;
  if (wanted === undefined || !isSection(engine)) return;
  if (wanted !== (engine["type"] ?? defaultTypes["engine"])) root["engine"] = { type: wanted };
}

/** A section whose keys are all commented out is null in YAML and means "all defaults". */
function fillSections(root: Record<string, unknown>): void {
  for (const [key, section] of Object.entries(root))
    if (section === null && namesAt(configSchema, [key]).length > 0) root[key] = {};
  for (const [key, type] of Object.entries(defaultTypes)) {
    const section = root[key];
    if (isSection(section) && !Object.hasOwn(section, "type")) root[key] = { type, ...section };
  }
}

function defaultName(source: string): string {
  const name = basename(source, extname(source))
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  return name === "" ? "run" : name;
}
