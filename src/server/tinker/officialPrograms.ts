// The programs that the parity test runs: the server as a process of its own, and the Python side.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const START_MS = 180_000;
/** Then it is killed. */
const STOP_MS = 60_000;
const RUN_MS = 900_000;
const OFFLINE = { TINKER_TELEMETRY: "0", HF_HUB_OFFLINE: "1", TOKENIZERS_PARALLELISM: "false" };

export interface ServedTinker {
  readonly baseUrl: string;
  stop(): Promise<void>;
}

/**
 * `pyvision serve --tinker` on a free port.
 * @throws Error with what it wrote, when it does not begin to serve
 */
export async function serveTinker(
  checkpoint: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ServedTinker> {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const line = ["--import", import.meta.resolve("tsx"), main, "serve", "--tinker", checkpoint, "--port", "0"];
  const child = spawn(process.execPath, [...line, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  // A test process that ends early takes it along.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(kill, STOP_MS);
    await ended;
    clearTimeout(timer);
    process.off("exit", kill);
  };
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  const baseUrl = await new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), START_MS);
    void ended.then(() => resolve(undefined));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const url = /^serving .* at (http:[^\s,]+)/m.exec(output)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
  if (baseUrl === undefined) {
    kill();
    await ended;
    throw new Error(`the server did not begin to serve:\n${output}`);
  }
  return { baseUrl, stop };
}

/** @throws Error with the end of what the program wrote, when it fails or takes too long */
export async function runPython(
  python: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  // -E -s: neither PYTHON* variables nor the user's own packages may leak in.
  const child = spawn(python, ["-E", "-s", ...args], {
    cwd,
    env: { ...process.env, ...OFFLINE, HF_HOME: join(cwd, ".cache"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: RUN_MS,
  });
  let output = "";
  const keep = (text: string): void => void (output = (output + text).slice(-20_000));
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve(status ?? signal));
  });
  if (code !== 0) throw new Error(`python ${args.join(" ")} failed (${code}):\n${output}`);
}
