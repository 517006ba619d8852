// A Python environment on top of .venv-parity: it sees PyTorch and Transformers there behind its own packages, so that a
// program of others is compared with in its own versions without 5 GB more on disk. Made at its first use.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const VARIABLE = "PYVISION_PARITY_PYTHON";
const STAMP = "pyvision-stamp.json";
const INSTALL_TIMEOUT_MS = 900_000;

export interface LayeredEnvironment {
  /** In the project's root. */
  readonly folder: string;
  /** File in the project's root. All of it is installed, and nothing that it depends on. */
  readonly requirements: string;
  /** Minor version of Python 3. */
  readonly oldestPython: number;
  /** Who needs it and what is downloaded, for the person who waits, e.g. "LLaMA-Factory (130 MB to download)". */
  readonly what: string;
}

/**
 * Makes the environment anew when its requirements or the interpreter below it changed.
 * @param say is given a line before each step that takes long
 * @returns its interpreter
 * @throws Error with the reason and what to do
 */
export async function layeredPython(
  { folder, requirements, oldestPython, what }: LayeredEnvironment,
  say: (line: string) => void,
): Promise<string> {
  const parity = process.env[VARIABLE];
  if (parity === undefined || parity === "")
    throw new Error(`${VARIABLE} names no Python with PyTorch: run \`npm run test:parity\`, which makes one`);
  const dir = join(ROOT, folder);
  const stamp = join(dir, STAMP);
  const python = join(dir, "bin", "python");
  const pins = join(ROOT, requirements);
  const wanted = JSON.stringify({
    requirements: createHash("sha256").update(readFileSync(pins)).digest("hex"),
    on: existsSync(parity) ? `${parity} ${realpathSync(parity)}` : parity,
  });
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python;

  const probe = "import sys, sysconfig; print(sys.version_info.minor, sysconfig.get_path('purelib'))";
  const [minor = "", packages = ""] = (await run(parity, ["-c", probe], `asking ${parity} for its packages`))
    .trim()
    .split(/ (.*)/);
  if (Number(minor) < oldestPython)
    throw new Error(
      `${what} needs Python 3.${oldestPython} or newer, and ${parity} is 3.${minor}: name a newer one in ` +
        "PYVISION_PYTHON, delete .venv-parity and run the parity suite again",
    );
  say(`Making ${folder} for ${what} …`);
  rmSync(dir, { recursive: true, force: true });
  await run(parity, ["-m", "venv", dir], `making ${dir}`);
  const lib = join(dir, "lib");
  const version = readdirSync(lib).find((name) => name.startsWith("python"));
  if (version === undefined) throw new Error(`${lib}: the environment that venv made holds no python folder`);
  // Behind the environment's own packages on the path, so that its pins win.
  writeFileSync(join(lib, version, "site-packages", "zz_parity.pth"), `${packages}\n`);
  const options = ["--no-deps", "--no-input", "--progress-bar=off", "--disable-pip-version-check"];
  await run(python, ["-m", "pip", "install", ...options, "-r", pins], `installing ${what}`, (line) => {
    if (/^(Collecting|Downloading|Installing)/.test(line.trim())) say(`  ${line.trim()}`);
  });
  writeFileSync(stamp, wanted);
  return python;
}

async function run(
  command: string,
  args: readonly string[],
  what: string,
  onLine?: (line: string) => void,
): Promise<string> {
  // -E -s: neither PYTHON* variables nor the user's own packages may leak in.
  const child = spawn(command, ["-E", "-s", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: INSTALL_TIMEOUT_MS,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (onLine !== undefined) text.split("\n").forEach((line) => onLine(line));
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) =>
      resolve(code === 0 ? undefined : stderr.trim().split("\n").slice(-6).join("\n")),
    );
  });
  if (failure !== undefined) throw new Error(`${what} failed: ${failure}`);
  return stdout;
}
