// One side of the comparison as a process: orders and answers as JSON lines, all times taken inside it. Both sides are
// driven alike, so that neither shares threads, memory or a garbage collector with the benchmark or with the other.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { EngineError } from "../../src/core/errors.ts";
import { treeCpuSeconds } from "../python/processes.ts";

const OURS = fileURLToPath(new URL("ours.ts", import.meta.url));
const TORCH = fileURLToPath(new URL("../reference/torch_engine.py", import.meta.url));

export interface Facts {
  readonly versions: Readonly<Record<string, string>>;
  readonly threads: number;
  readonly parameters: number;
}

export interface Trained {
  readonly ms: number;
  /** CPU time of all threads. */
  readonly cpuMs: number;
  readonly loss: number;
}

export interface Sampled {
  readonly ms: number;
  readonly cpuMs: number;
  readonly tokens: number;
}

/** What each side answers; the programs themselves check what they are told. */
export interface Orders {
  load: { ask: { checkpoint: string; threads: number }; answer: Facts };
  batch: { ask: { name: string; folder: string }; answer: object };
  train: {
    /** `rows`: of a micro-batch of the peer's, 0 for all at once; ours cuts as the recipes do. */
    ask: { batch: string; compiled: boolean; clip: number; learning_rate: number; rows: number };
    answer: Trained;
  };
  sample: { ask: { batch: string; tokens: number; compiled: boolean; scores: boolean }; answer: Sampled };
  matmul: { ask: { size: number; repeats: number }; answer: { times: number[] } };
}

export class Side {
  readonly name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  readonly #ended: Promise<void>;

  private constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdin.on("error", () => undefined); // it has ended; `close` tells
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#waiting.shift()?.resolve(line));
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        const error = new EngineError(`bench engine: the process of ${name} ended (${reason})`);
        for (const { reject } of this.#waiting.splice(0)) reject(error);
        resolve();
      };
      this.#child.once("error", (error) => end(error.message));
      this.#child.once("close", (code, signal) => end(`status ${code ?? signal}`));
    });
  }

  static ours(): Side {
    return new Side("ours", process.execPath, ["--import", "tsx", OURS]);
  }

  static torch(python: string, name = "PyTorch"): Side {
    // -E -s: neither PYTHON* variables nor the user's own packages may leak in.
    return new Side(name, python, ["-E", "-s", TORCH]);
  }

  /** @throws EngineError when the process fails, ends, or (it is killed then) takes longer than `limitSeconds`. */
  async order<K extends keyof Orders>(
    op: K,
    ask: Orders[K]["ask"],
    limitSeconds = 600,
  ): Promise<Orders[K]["answer"]> {
    let timer: NodeJS.Timeout | undefined;
    const line = await new Promise<string>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new EngineError(`bench engine: ${this.name} took longer than ${limitSeconds} s for "${op}"`));
        this.#child.kill("SIGKILL");
      }, limitSeconds * 1000);
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ op, ...ask })}\n`);
    }).finally(() => clearTimeout(timer));
    const answer = JSON.parse(line) as Orders[K]["answer"] & { readonly fault?: string };
    if (answer.fault !== undefined)
      throw new EngineError(`bench engine: ${this.name} failed at "${op}": ${answer.fault}`);
    return answer;
  }

  /** CPU time of the process and all below it. */
  cpuSeconds(ticksPerSecond: number): number {
    return this.#child.pid === undefined ? 0 : treeCpuSeconds([this.#child.pid], ticksPerSecond);
  }

  /** The largest resident set that the process has had. */
  peakBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await this.#ended;
    clearTimeout(timer);
  }
}
