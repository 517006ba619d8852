// The real server as a process of its own, for tests: `pyvision serve` on a free port.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface TestServerOptions {
  /** Folder of the checkpoint. Default: the carried one of the image world. */
  readonly checkpoint?: string;
  /** Further words of the command line. */
  readonly args?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestServer {
  readonly baseUrl: string;
  /** As clients must name it. */
  readonly model: string;
  /** What it wrote to stderr so far. */
  stderr(): string;
  /** Ends it as a service manager does, and gives its exit code (null: it was killed). Once more does nothing. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const START_MS = 180_000;
/** Then it is killed. */
const STOP_MS = 60_000;

/** @throws Error with what the process wrote, when it ends or is silent instead of serving */
export async function startTestServer({
  checkpoint = fileURLToPath(new URL("../../../checkpoints/image-mini/sft", import.meta.url)),
  args = [],
  env = {},
}: TestServerOptions = {}): Promise<TestServer> {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const line = [
    main,
    "serve",
    checkpoint,
    "--openai",
    "--port",
    "0",
    "--model-name",
    "policy",
    "--threads",
    "1",
  ];
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), ...line, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  // A test process that ends early takes it along.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    const timer = setTimeout(kill, STOP_MS);
    const code = await ended;
    clearTimeout(timer);
    process.off("exit", kill);
    return code;
  };
  const baseUrl = await new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), START_MS);
    const settle = (url: string | undefined): void => {
      clearTimeout(timer);
      resolve(url);
    };
    void ended.then(() => settle(undefined));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const url = / at (http:\S+)\n/.exec(stdout)?.[1];
      if (url !== undefined) settle(url);
    });
  });
  if (baseUrl === undefined) {
    await stop("SIGKILL");
    throw new Error(`the server did not begin to serve:\n${stdout}${stderr}`);
  }
  return { baseUrl, model: "policy", stderr: () => stderr, stop };
}
