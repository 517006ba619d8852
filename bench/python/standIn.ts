// The stand-in for the reference's runtime (bench/reference/): orders and answers as JSON lines, all times taken there.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../../src/core/errors.ts";
import type { RgbImage } from "../../src/core/image.ts";
import { treeCpuSeconds } from "./processes.ts";
import type { Batch, Call, Closing, Side } from "./side.ts";

const DRIVER = fileURLToPath(new URL("../reference/driver.py", import.meta.url));
const PYTHON = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
/** A call waits in its pool behind others, so this has to be far above what one takes. */
const CALL_LIMIT_SECONDS = 120;

interface Versions {
  readonly python: string;
  readonly numpy: string;
  readonly pillow: string;
  readonly matplotlib: string;
  readonly ticksPerSecond: number;
}

interface Reply {
  readonly ms: number;
  readonly decodeMs: number;
  readonly timedOut: boolean;
  readonly error: string | null;
  readonly stdout: string;
  readonly figures: readonly unknown[];
}

/** Sessions are numbers of the driver's. */
export class StandIn implements Side<number> {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  readonly #ended: Promise<void>;
  #versions: Versions | undefined;

  private constructor() {
    const single = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"];
    this.#child = spawn(PYTHON, ["-s", "-B", DRIVER], {
      // The same interpreter, libraries and thread counts as our runtime has.
      env: {
        PATH: "/usr/local/bin:/usr/bin:/bin",
        LANG: "C.UTF-8",
        MPLBACKEND: "Agg",
        MPLCONFIGDIR: join(dirname(dirname(PYTHON)), "matplotlib"),
        ...Object.fromEntries(single.map((name) => [name, "1"])),
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdin.on("error", () => undefined); // it has ended; `close` tells
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#waiting.shift()?.resolve(line));
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        const error = new SandboxError(`bench python: the stand-in's driver ended (${reason})`);
        for (const { reject } of this.#waiting.splice(0)) reject(error);
        resolve();
      };
      this.#child.once("error", (error) => end(error.message));
      this.#child.once("close", (code, signal) => end(`status ${code ?? signal}`));
    });
  }

  static async launch(picture: RgbImage): Promise<StandIn> {
    const side = new StandIn();
    const folder = mkdtempSync(join(tmpdir(), "pyvision-bench-"));
    try {
      const path = join(folder, "picture.rgb");
      writeFileSync(path, picture.data);
      side.#versions = await side.#order<Versions>({ op: "versions" });
      await side.#order({ op: "load", path, width: picture.width, height: picture.height });
      return side;
    } catch (error) {
      await side.end();
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  get versions(): Versions {
    if (this.#versions === undefined) throw new Error("internal: the stand-in has not been launched");
    return this.#versions;
  }

  /** Milliseconds that Pillow takes to decode the picture from PNG. */
  async decodePngMs(): Promise<number> {
    return (await this.#order<{ ms: number }>({ op: "decode_png" })).ms;
  }

  async start(code: string): Promise<{ session: number; ms: number }> {
    const limit = CALL_LIMIT_SECONDS;
    const started = await this.#order<{ session: number; ms: number; ok: boolean }>({
      op: "start",
      code,
      limit,
    });
    if (!started.ok)
      throw new SandboxError("bench python: the first call of a session of the stand-in failed");
    return started;
  }

  async open(count: number): Promise<{ sessions: number[]; ms: number }> {
    return this.#order({ op: "open", count });
  }

  async run(session: number, code: string, limit = CALL_LIMIT_SECONDS): Promise<Call> {
    const { ms, decodeMs, timedOut, error, stdout, figures } = await this.#order<Reply>({
      op: "run",
      session,
      code,
      limit,
    });
    const outcome = timedOut ? "lost" : error === null ? "ok" : "error";
    return { ms, outcome, detail: error ?? "timeout", stdout, figures: figures.length, decodeMs };
  }

  async trajectories(sessions: readonly number[], code: string, turns: number): Promise<Batch> {
    return this.#order({ op: "batch", sessions, code, turns, limit: CALL_LIMIT_SECONDS });
  }

  async close(sessions: readonly number[], limit: number): Promise<Closing> {
    return this.#order({ op: "close", sessions, limit });
  }

  async discard(sessions: readonly number[]): Promise<void> {
    await this.#order({ op: "kill", sessions });
  }

  roots(): number[] {
    return this.#child.pid === undefined ? [] : [this.#child.pid];
  }

  cpuSeconds(): number {
    return treeCpuSeconds(this.roots(), this.versions.ticksPerSecond);
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await this.#ended;
    clearTimeout(timer);
  }

  async #order<T>(order: object): Promise<T> {
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    });
    const answer = JSON.parse(line) as T & { readonly fault?: string };
    if (answer.fault !== undefined)
      throw new SandboxError(`bench python: the stand-in's driver failed: ${answer.fault}`);
    return answer;
  }
}
