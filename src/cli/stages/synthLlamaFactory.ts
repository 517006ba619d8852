// LLaMA-Factory for the parity suite: an environment of its own, beside .venv-parity and on top of it, made at its first use.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const REQUIREMENTS = join(ROOT, "requirements-llamafactory.txt");
const FOLDER = join(ROOT, ".venv-llamafactory");
const STAMP = join(FOLDER, "pyvision-stamp.json");
const PROGRAM = fileURLToPath(new URL("synthReference.py", import.meta.url));
const VARIABLE = "PYVISION_PARITY_PYTHON";
/** Of LLaMA-Factory's own `requires-python`. */
const OLDEST_PYTHON_MINOR = 11;
const INSTALL_TIMEOUT_MS = 900_000;
const RUN_TIMEOUT_MS = 300_000;

/** One row as LLaMA-Factory's loader and collator give it to the model. */
export interface LoadedRow {
  readonly inputIds: readonly number[];
  /** -100 where nothing is trained. */
  readonly labels: readonly number[];
  readonly grids: readonly (readonly [number, number, number])[];
  readonly images: readonly string[];
}

export interface Loaded {
  readonly version: string;
  readonly stage: string;
  readonly finetuning: string;
  readonly learningRate: number;
  readonly epochs: number;
  readonly cutoff: number;
  readonly rows: readonly LoadedRow[];
}

/**
 * Reads a training file and its data set in `folder`.
 * @param overrides `key=value` over the training file
 * @throws Error with LLaMA-Factory's own words, or why there is none
 */
export function loadWithLlamaFactory(folder: string, file: string, overrides: readonly string[]): Loaded {
  const result = join(folder, "loaded.json");
  runPython(folder, [PROGRAM, folder, file, result, ...overrides]);
  return JSON.parse(readFileSync(result, "utf8")) as Loaded;
}

/** Trains as `llamafactory-cli train` does. @returns the losses it logged, step by step */
export function trainWithLlamaFactory(
  folder: string,
  file: string,
  outputDir: string,
  overrides: readonly string[],
): number[] {
  const program = "from llamafactory.train.tuner import run_exp; run_exp()";
  runPython(folder, ["-c", program, file, `output_dir=${outputDir}`, ...overrides]);
  const state = JSON.parse(readFileSync(join(outputDir, "trainer_state.json"), "utf8")) as {
    readonly log_history: readonly { readonly loss?: number }[];
  };
  return state.log_history.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
}

function runPython(cwd: string, args: readonly string[]): void {
  const python = llamaFactoryPython();
  const cache = join(cwd, ".cache");
  const run = spawnSync(python, ["-E", "-s", ...args], {
    cwd,
    encoding: "utf8",
    timeout: RUN_TIMEOUT_MS,
    maxBuffer: 1 << 28,
    env: { ...process.env, HF_HUB_OFFLINE: "1", HF_HOME: cache, DISABLE_VERSION_CHECK: "0" },
  });
  if (run.status !== 0)
    throw new Error(
      `LLaMA-Factory failed (exit code ${run.status ?? run.signal}):\n${run.stdout.slice(-4000)}\n${run.stderr.slice(-8000)}`,
    );
}

/** Makes the environment, or finds it made. @throws Error with the reason and what to do */
function llamaFactoryPython(): string {
  const parity = process.env[VARIABLE];
  if (parity === undefined || parity === "")
    throw new Error(
      `${VARIABLE} names no Python with PyTorch: run \`npm run test:parity -- synth\`, which makes one`,
    );
  const python = join(FOLDER, "bin", "python");
  const wanted = JSON.stringify({
    requirements: createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex"),
    on: existsSync(parity) ? `${parity} ${realpathSync(parity)}` : parity,
  });
  if (existsSync(python) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return python;

  const probe = "import sys, sysconfig; print(sys.version_info.minor, sysconfig.get_path('purelib'))";
  const [minor = "", packages = ""] = step(parity, ["-c", probe], `asking ${parity} for its packages`)
    .trim()
    .split(/ (.*)/);
  if (Number(minor) < OLDEST_PYTHON_MINOR)
    throw new Error(
      `LLaMA-Factory needs Python 3.${OLDEST_PYTHON_MINOR} or newer, and ${parity} is 3.${minor}: name a newer one in ` +
        "PYVISION_PYTHON, delete .venv-parity and run the parity suite again",
    );
  rmSync(FOLDER, { recursive: true, force: true });
  step(parity, ["-m", "venv", FOLDER], `making ${FOLDER}`);
  const lib = join(FOLDER, "lib");
  const version = readdirSync(lib).find((name) => name.startsWith("python"));
  if (version === undefined) throw new Error(`${lib}: the environment that venv made holds no python folder`);
  // Behind the environment's own packages on the path, so that its pins win.
  writeFileSync(join(lib, version, "site-packages", "zz_parity.pth"), `${packages}\n`);
  const install = [
    "-m",
    "pip",
    "install",
    "--no-deps",
    "--no-input",
    "--progress-bar=off",
    "-r",
    REQUIREMENTS,
  ];
  step(python, install, "installing LLaMA-Factory (about 130 MB to download)");
  writeFileSync(STAMP, wanted);
  return python;
}

function step(command: string, args: readonly string[], what: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, ["-E", "-s", ...args], {
    encoding: "utf8",
    timeout: INSTALL_TIMEOUT_MS,
    maxBuffer: 1 << 28,
  });
  if (status === 0) return stdout;
  const reason = error?.message ?? stderr.trim().split("\n").slice(-6).join("\n");
  throw new Error(`${what} failed, so the export could not be read by LLaMA-Factory: ${reason}`);
}
