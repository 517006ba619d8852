// The host's side of one session process: one request at a time over its socket, a hard limit on each, and the
// reason when the process is gone. Any byte that was not asked for ends the process; between requests it is stopped.
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { awake } from "./awake.ts";
import { encodeFrame, type Frame, FrameReader, type FrameLimits, ProtocolViolation } from "./frames.ts";
import { answers } from "./reply.ts";

/** Why a session process is gone. `status`: its exit status, or minus the number of the signal that killed it. */
export type Death =
  | { readonly type: "exit"; readonly status: number }
  | { readonly type: "violation"; readonly detail: string }
  | { readonly type: "hardLimit" }
  | { readonly type: "memory" }
  | { readonly type: "closed" };

export type Answer = { readonly type: "frame"; readonly frame: Frame } | Death;

/** How a process ended. */
export interface Exit {
  readonly status: number;
  /** Whether it was alive when the host asked for its end. */
  readonly ordered: boolean;
}

/** How long the news of a process's end may come after the end of its connection. */
const EXIT_NEWS_MS = 1000;
const EXIT_LIMIT_MS = 20_000;

export class Worker {
  #death: Death | undefined;
  #pending:
    { readonly id: number; readonly nonce: string; readonly settle: (answer: Answer) => void } | undefined;
  #requests = 0;
  readonly #reader: FrameReader;

  #freezing: NodeJS.Timeout | undefined;
  #frozen = false;

  /**
   * @param number the session's, at the zygote
   * @param exited resolves with the exit status when the process has been reaped
   * @param signal asks for the process's immediate end, or to stop it and let it go on
   * @param freezeAfterMs how long it may go on after an answer: it tidies up then, its threads may not go on for ever
   */
  constructor(
    readonly number: number,
    readonly socket: Socket,
    limits: FrameLimits,
    readonly exited: Promise<Exit>,
    readonly signal: (what: "kill" | "freeze" | "thaw") => void,
    readonly freezeAfterMs: number,
  ) {
    this.#reader = new FrameReader(limits);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("close", () => void this.#disconnected());
    void exited.then(({ status, ordered }) => ordered || this.#end({ type: "exit", status }));
  }

  /** Set once the process is gone or given up. */
  get death(): Death | undefined {
    return this.#death;
  }

  /** Sends one request and waits for its answer, at most `hardLimitMs`. One at a time. */
  request(header: Record<string, unknown>, hardLimitMs: number): Promise<Answer> {
    if (this.#death !== undefined) return Promise.resolve(this.#death);
    if (this.#pending !== undefined) throw new Error("internal: a session process got two requests at once");
    this.#thaw();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end({ type: "hardLimit" }), hardLimitMs);
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        this.#pending = undefined;
        this.#freezeSoon();
        resolve(answer);
      };
      const [id, nonce] = [++this.#requests, randomBytes(8).toString("hex")];
      this.#pending = { id, nonce, settle };
      this.socket.write(encodeFrame({ ...header, id, nonce }));
    });
  }

  /** Ends the process because all sessions together hold too much memory, and it the most. */
  endForMemory(): void {
    this.#end({ type: "memory" });
  }

  /** Kills the process and waits until it is gone. */
  async close(): Promise<void> {
    this.#end({ type: "closed" });
    // Not for ever: were the zygote stuck, its own end would come with the runtime's.
    await awake(this.exited, EXIT_LIMIT_MS).catch(() => undefined);
  }

  #freezeSoon(): void {
    if (this.freezeAfterMs === 0 || this.#death !== undefined) return;
    this.#freezing = setTimeout(() => {
      this.#frozen = true;
      this.signal("freeze");
    }, this.freezeAfterMs);
    this.#freezing.unref();
  }

  #thaw(): void {
    clearTimeout(this.#freezing);
    if (this.#frozen) this.signal("thaw");
    this.#frozen = false;
  }

  #receive(chunk: Buffer): void {
    if (this.#death !== undefined) return;
    try {
      if (this.#pending === undefined) throw new ProtocolViolation("bytes that no request asked for");
      const [frame, ...more] = this.#reader.push(chunk);
      if (frame === undefined) return;
      const { id, nonce, settle } = this.#pending;
      if (!answers(frame, id, nonce)) throw new ProtocolViolation("a reply to another request");
      if (more.length > 0 || this.#reader.midFrame) throw new ProtocolViolation("more than one reply");
      settle({ type: "frame", frame });
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.violate(error.message);
    }
  }

  /** Gives the process up for a reply that broke the protocol. */
  violate(detail: string): Death {
    return this.#end({ type: "violation", detail });
  }

  /** Most often it has ended, and how is about to be told. */
  async #disconnected(): Promise<void> {
    const news = (limitMs: number): Promise<Exit | undefined> =>
      awake(this.exited, limitMs).catch(() => undefined);
    let exit = await news(EXIT_NEWS_MS);
    if (this.#death !== undefined) return;
    if (exit === undefined) {
      this.signal("kill");
      exit = await news(EXIT_LIMIT_MS);
    }
    if (exit === undefined || exit.ordered)
      this.#end({ type: "violation", detail: "it closed its connection" });
    else this.#end({ type: "exit", status: exit.status });
  }

  #end(death: Death): Death {
    if (this.#death !== undefined) return this.#death;
    this.#death = death;
    clearTimeout(this.#freezing);
    if (death.type !== "exit") this.signal("kill");
    this.socket.destroy();
    this.#pending?.settle(death);
    return death;
  }
}
