// A session as the agent sees it: cells in, results out. A process that died is replaced with a fresh one at the next
// call; that its variables are gone was said by the result of the call it died with (`alive: false`).
import { constants } from "node:os";
import { basename, resolve } from "node:path";
import { DataError, SandboxError } from "../core/errors.ts";
import type { ToolOutcome, ToolResult } from "../core/trajectory.ts";
import { ProtocolViolation } from "./frames.ts";
import type { Gate } from "../core/gate.ts";
import { openFault, readResult } from "./reply.ts";
import { settingsOfCall } from "./callLimits.ts";
import type { CallLimits, PythonSession, SessionOptions } from "./runtime.ts";
import type { RuntimeSettings } from "./settings.ts";
import type { Answer, Death, Worker } from "./worker.ts";
import { KILLED, MOST_STARTS, type Zygote, ZygoteGone } from "./zygote.ts";

const LOAD_LIMIT_MS = 30_000;
/** Exit status of worker/zygote.py's children that had no memory left to answer. */
const EXIT_OUT_OF_MEMORY = 71;

export class Session implements PythonSession {
  #worker: Worker | undefined;
  #calls: Promise<unknown> = Promise.resolve();
  #cells = 0;
  #closed = false;

  constructor(
    readonly options: SessionOptions,
    readonly settings: RuntimeSettings,
    readonly gate: Gate,
    readonly zygote: () => Promise<Zygote>,
    /** Told once, when the session is closed or could not be opened. */
    readonly closed: () => void,
  ) {}

  /**
   * Starts the process and gives it the images and videos. A process that somebody kills meanwhile is replaced: no code
   * of the model's has run in it. @throws SandboxError, DataError
   */
  async start(): Promise<Worker> {
    for (let attempt = 1; ; attempt++) {
      const zygote = await this.zygote();
      let worker: Worker;
      try {
        worker = await zygote.take((this.options.videos ?? []).length > 0);
      } catch (error) {
        if (error instanceof ZygoteGone && attempt < MOST_STARTS) continue;
        throw error;
      }
      this.#worker = worker;
      try {
        const answer = await this.#load(zygote, worker);
        const fault = answer.type === "frame" ? openFault(answer.frame) : undefined;
        if (fault?.of === "data") throw new DataError(fault.message);
        if (fault !== undefined)
          throw new SandboxError(`${fault.message}; "pyvision doctor" looks what is missing`);
        if (answer.type === "frame" && !this.#closed) return worker;
        if (answer.type === "exit" && answer.status === KILLED && attempt < MOST_STARTS) continue;
        const reason = answer.type === "frame" ? "it was closed meanwhile" : reasonOf(answer);
        throw new SandboxError(
          `a session did not open (${reason}); are its images too large for memoryBytes?`,
        );
      } catch (error) {
        this.#abandon();
        throw error;
      }
    }
  }

  async #load(zygote: Zygote, worker: Worker): Promise<Answer> {
    const { images, videos = [] } = this.options;
    void worker.exited.then(() => images.forEach((image) => zygote.images.release(image)));
    const paths = await Promise.all(images.map((image) => zygote.images.acquire(image)));
    zygote.handOver(worker, [...paths, ...videos.map((path) => resolve(path))]);
    const sizes = images.map(({ width, height }) => [width, height]);
    const names = videos.map((path) => basename(path));
    return worker.request({ op: "open", images: sizes, videos: names }, LOAD_LIMIT_MS);
  }

  run(code: string, limits: Partial<CallLimits> = {}): Promise<ToolResult> {
    const call = this.#calls.then(() => this.gate.run(() => this.#run(code, limits)));
    this.#calls = call.catch(() => undefined);
    return call;
  }

  async close(): Promise<void> {
    if (!this.#closed) this.closed();
    this.#closed = true;
    await this.#worker?.close();
  }

  async #run(code: string, limits: Partial<CallLimits>): Promise<ToolResult> {
    if (this.#closed) throw new SandboxError("run: the session is closed; open a new one");
    const settings = settingsOfCall(this.settings, limits);
    const { callTimeoutMs, hardKillGraceMs } = settings;
    const worker = this.#worker ?? (await this.start());
    const startedAt = performance.now();
    const answer = await worker.request(
      { op: "run", code, name: `<cell ${++this.#cells}>`, until: secondsNow() + callTimeoutMs / 1000 },
      callTimeoutMs + hardKillGraceMs,
    );
    const elapsedMs = performance.now() - startedAt;
    if (answer.type !== "frame") return this.#lost(answer, callTimeoutMs, elapsedMs);
    const result = readResult(answer.frame, settings, elapsedMs);
    if (result instanceof ProtocolViolation)
      return this.#lost(worker.violate(result.message), callTimeoutMs, elapsedMs);
    if (!result.alive) this.#abandon();
    return result;
  }

  #lost(death: Death, limitMs: number, elapsedMs: number): ToolResult {
    this.#abandon();
    const outcome = outcomeOf(death, limitMs);
    return { outcome, alive: false, stdout: "", figures: [], elapsedMs };
  }

  #abandon(): void {
    void this.#worker?.close();
    this.#worker = undefined;
  }
}

/** Seconds of the clock that Python's time.monotonic() reads, too. */
function secondsNow(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}

function outcomeOf(death: Death, limitMs: number): ToolOutcome {
  if (death.type === "hardLimit") return { type: "timeout", limitMs };
  if (death.type === "memory") return { type: "outOfMemory" };
  if (death.type === "exit" && death.status === EXIT_OUT_OF_MEMORY) return { type: "outOfMemory" };
  return { type: "killed", reason: reasonOf(death) };
}

function reasonOf(death: Death): string {
  switch (death.type) {
    case "exit":
      if (death.status >= 0) return `the process exited with status ${death.status}`;
      return `the process was killed by ${signalName(-death.status)}`;
    case "violation":
      return `the process broke the reply protocol: ${death.detail}`;
    case "hardLimit":
      return "the process did not answer in time";
    case "memory":
      return "all sessions together held too much memory, and it the most";
    case "closed":
      return "the session was closed";
    default:
      return death satisfies never;
  }
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}
