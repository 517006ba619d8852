// A session on a remote kernel as the agent sees it. A kernel that died is replaced with a fresh one, with the same
// images and videos, at the next call.
import { open, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import type { RgbImage } from "../../core/image.ts";
import { DataError, SandboxError } from "../../core/errors.ts";
import type { ToolResult } from "../../core/trajectory.ts";
import { ProtocolViolation } from "../frames.ts";
import type { Gate } from "../../core/gate.ts";
import { settingsOfCall } from "../callLimits.ts";
import { openFault, readResult } from "../reply.ts";
import type { CallLimits, PythonSession, SessionOptions } from "../runtime.ts";
import { type Death, type Kernel, reasonOf } from "./kernel.ts";
import type { JupyterSettings } from "./options.ts";

/** Of an image or a video, sent in one message: below the 10 MiB that servers take. */
const PIECE_BYTES = 4 << 20;
/** Of one piece. */
const LOAD_LIMIT_MS = 30_000;

/** Where sessions get their kernels from, and who takes care of their end. */
export interface KernelSource {
  take(): Promise<Kernel>;
  /** Takes the kernel off the server; waits for it. */
  giveBack(kernel: Kernel): Promise<void>;
}

export class JupyterSession implements PythonSession {
  #kernel: Kernel | undefined;
  #calls: Promise<unknown> = Promise.resolve();
  #cells = 0;
  #closed = false;

  constructor(
    readonly options: SessionOptions,
    readonly settings: JupyterSettings,
    readonly gate: Gate,
    readonly kernels: KernelSource,
  ) {}

  /** Takes a kernel and gives it the images and videos. @throws SandboxError, DataError */
  async start(): Promise<Kernel> {
    const { images, videos } = this.options;
    images.forEach(checkImage);
    const kernel = await this.kernels.take();
    try {
      for (const [i, image] of images.entries()) await this.#loadImage(kernel, `image_clue_${i}`, image);
      for (const [i, path] of (videos ?? []).entries())
        await this.#loadVideo(kernel, `video_clue_${i}`, path);
      if (this.#closed) throw new SandboxError("a session did not open (it was closed meanwhile)");
      return (this.#kernel = kernel);
    } catch (error) {
      await this.kernels.giveBack(kernel);
      throw error;
    }
  }

  run(code: string, limits: Partial<CallLimits> = {}): Promise<ToolResult> {
    const call = this.#calls.then(() => this.gate.run(() => this.#run(code, limits)));
    this.#calls = call.catch(() => undefined);
    return call;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#kernel !== undefined) await this.kernels.giveBack(this.#kernel);
  }

  async #run(code: string, limits: Partial<CallLimits>): Promise<ToolResult> {
    if (this.#closed) throw new SandboxError("run: the session is closed; open a new one");
    const settings = settingsOfCall(this.settings, limits);
    const { callTimeoutMs, hardKillGraceMs } = settings;
    const kernel = this.#kernel ?? (await this.start());
    const startedAt = performance.now();
    const killMs = callTimeoutMs + hardKillGraceMs;
    const name = `<cell ${++this.#cells}>`;
    const answer = await kernel.ask(
      { op: "run", code, name, seconds: callTimeoutMs / 1000, killSeconds: killMs / 1000 },
      [],
      killMs,
      callTimeoutMs + hardKillGraceMs / 2,
    );
    const elapsedMs = performance.now() - startedAt;
    if (answer.type !== "frame") return this.#lost(answer, callTimeoutMs, elapsedMs);
    const result = readResult(answer.frame, settings, elapsedMs);
    if (result instanceof ProtocolViolation)
      return this.#lost(kernel.violate(result.message), callTimeoutMs, elapsedMs);
    if (!result.alive) this.#abandon();
    return result;
  }

  #lost(death: Death, limitMs: number, elapsedMs: number): ToolResult {
    this.#abandon();
    if (death.type === "lost")
      throw new SandboxError(
        `${this.settings.baseUrl}: the connection to the session's kernel was lost (${death.detail}); is the server up?`,
      );
    const result = { alive: false, stdout: "", figures: [], elapsedMs };
    if (death.type === "hardLimit") return { ...result, outcome: { type: "timeout", limitMs } };
    return { ...result, outcome: { type: "killed", reason: reasonOf(death) } };
  }

  #abandon(): void {
    if (this.#kernel !== undefined) void this.kernels.giveBack(this.#kernel);
    this.#kernel = undefined;
  }

  async #loadImage(kernel: Kernel, name: string, { width, height, data }: RgbImage): Promise<void> {
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      const last = at + PIECE_BYTES >= data.length;
      await this.#load(kernel, { name, width, height, last }, data.subarray(at, at + PIECE_BYTES));
    }
  }

  async #loadVideo(kernel: Kernel, name: string, path: string): Promise<void> {
    const video = basename(path);
    const unreadable = (why: string): never => {
      throw new DataError(`video ${video}: ${why}`);
    };
    let file: FileHandle | undefined;
    try {
      file = await open(path).catch((error: Error) => unreadable(`cannot be read (${error.message})`));
      const info = await file.stat();
      if (!info.isFile()) unreadable("is not a file");
      if (info.size === 0) unreadable("is empty");
      for (let at = 0; at < info.size; at += PIECE_BYTES) {
        const { buffer, bytesRead } = await file.read(
          Buffer.alloc(Math.min(PIECE_BYTES, info.size - at)),
          0,
          null,
          at,
        );
        if (bytesRead < buffer.length) unreadable("became shorter while it was read");
        await this.#load(
          kernel,
          { name, video, size: info.size, last: at + PIECE_BYTES >= info.size },
          buffer,
        );
      }
    } finally {
      await file?.close();
    }
  }

  async #load(kernel: Kernel, request: object, piece: Uint8Array): Promise<void> {
    const answer = await kernel.ask({ op: "load", ...request }, [piece], LOAD_LIMIT_MS);
    if (answer.type !== "frame")
      throw new SandboxError(
        `a session did not open (${reasonOf(answer)}); is the kernel's memory too small for its images?`,
      );
    const fault = openFault(answer.frame);
    if (fault?.of === "data") throw new DataError(fault.message);
    if (fault !== undefined) throw new SandboxError(fault.message);
  }
}

function checkImage({ width, height, data }: RgbImage): void {
  if (!(width >= 1 && height >= 1 && data.length === width * height * 3))
    throw new SandboxError(
      `image: data must have width * height * 3 bytes, got ${data.length} for ${width}x${height}`,
    );
}
