// More Python packages for the programs: installed into the project's own environment when they are not there, loaded by
// the zygote before the first session.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ConfigError } from "../core/errors.ts";
import { defaultPython } from "./settings.ts";

const PINS = fileURLToPath(new URL("../../requirements.txt", import.meta.url));
const INSTALL_LIMIT_MS = 20 * 60_000;

/** Prints, for each requirement, its version and what it lets one import, or null when it is missing or too old. */
const PROBE = `
import importlib.metadata as metadata, json, sys
from pip._vendor.packaging.requirements import Requirement
provided = metadata.packages_distributions()
def look(text):
    requirement = Requirement(text)
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return None
    if not requirement.specifier.contains(version, prereleases=True):
        return None
    canonical = lambda name: name.lower().replace("_", "-").replace(".", "-")
    modules = [module for module, owners in provided.items() if canonical(requirement.name) in map(canonical, owners)]
    return {"version": version, "modules": sorted(m for m in modules if m.isidentifier() and not m.startswith("_"))}
print(json.dumps([look(text) for text in sys.argv[1:]]))
`;

interface Found {
  readonly version: string;
  readonly modules: readonly string[];
}

export interface ExtraPackages {
  /** For PythonRuntimeOptions.preload. */
  readonly preload: readonly string[];
  /** e.g. "scipy 1.17.1", for the record of a run. */
  readonly versions: readonly string[];
}

/**
 * Sees that the requirements (names with optional version bounds, as pip takes them) are met.
 * @param say is told what takes long
 * @throws ConfigError when one cannot be installed
 */
export async function ensurePackages(
  requirements: readonly string[],
  say: (line: string) => void,
): Promise<ExtraPackages> {
  if (requirements.length === 0) return { preload: [], versions: [] };
  const python = defaultPython();
  let found = await look(python, requirements);
  const missing = requirements.filter((_, i) => found[i] === null);
  if (missing.length > 0) {
    say(`installing ${missing.join(", ")} into the project's Python environment`);
    await install(python, missing);
    found = await look(python, requirements);
  }
  const absent = requirements.find((_, i) => found[i] === null);
  if (absent !== undefined)
    throw new ConfigError(`python.packages: ${absent} was installed but is not found; is its name right?`);
  const all = found as Found[];
  return {
    preload: all.flatMap(({ modules }) => modules),
    versions: all.map(({ version }, i) => `${/^[\w.-]+/.exec(requirements[i] ?? "")?.[0] ?? ""} ${version}`),
  };
}

async function look(python: string, requirements: readonly string[]): Promise<(Found | null)[]> {
  try {
    const { stdout } = await promisify(execFile)(python, ["-I", "-c", PROBE, ...requirements]);
    return JSON.parse(stdout) as (Found | null)[];
  } catch (error) {
    throw new ConfigError(`python.packages: must be names that pip understands (${lastLine(error)})`);
  }
}

async function install(python: string, requirements: readonly string[]): Promise<void> {
  const options = ["--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet", "-c", PINS];
  try {
    await promisify(execFile)(python, ["-I", "-m", "pip", "install", ...options, ...requirements], {
      timeout: INSTALL_LIMIT_MS,
      maxBuffer: 1 << 24,
    });
  } catch (error) {
    throw new ConfigError(
      `python.packages: ${requirements.join(", ")} could not be installed (${lastLine(error)}); ` +
        "check the names, the versions beside those of requirements.txt, and the network",
    );
  }
}

function lastLine(error: unknown): string {
  const { stderr } = error as { stderr?: string };
  const lines = (stderr ?? String(error)).trim().split("\n");
  return (lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.at(-1) ?? "").replace(/^ERROR: /, "");
}
