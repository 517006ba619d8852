// One kernel on the server: started, made a session by kernel.py, asked one thing at a time, removed from the server at
// its end. A kernel that did not do as it was asked is never used again, so nothing late of it can reach anybody.
import { randomBytes } from "node:crypto";
import { SandboxError } from "../../core/errors.ts";
import { awake, Expired } from "../awake.ts";
import { type Frame, ProtocolViolation } from "../frames.ts";
import { Channel, type KernelReply } from "./channel.ts";
import { ReplyParts } from "./parts.ts";
import { isRecord, type JupyterServer } from "./server.ts";
import { CALL_CODE, shippedModules, SHIP_CODE } from "./shipped.ts";

/** Why a kernel cannot answer any more. `lost`: not the program's doing, but the server's or the network's. */
export type Death =
  | { readonly type: "died" | "lost" | "violation"; readonly detail: string }
  | { readonly type: "hardLimit" | "closed" };
export type Answer = { readonly type: "frame"; readonly frame: Frame } | Death;

const POLL_MS = 5000;
const LOOK_LIMIT_MS = 5000;
const INFO_REPEAT_MS = 2000;

interface Pending {
  readonly id: string;
  readonly parts: ReplyParts;
  readonly settle: (answer: Answer) => void;
  replied: boolean;
  idle: boolean;
  error: string;
}

export class Kernel {
  #channel: Channel | undefined;
  #death: Death | undefined;
  #pending: Pending | undefined;
  #greeted: ((reply: KernelReply | Death) => void) | undefined;
  #removed: Promise<void> | undefined;

  private constructor(
    readonly server: JupyterServer,
    readonly id: string,
  ) {}

  /** @throws SandboxError when the server starts none, or it does not come up with what sessions need. */
  static async start(server: JupyterServer): Promise<Kernel> {
    const { startTimeoutMs, kernelName, baseUrl } = server.settings;
    const until = performance.now() + startTimeoutMs;
    const left = (): number => Math.max(1, until - performance.now());
    const kernel = new Kernel(server, await server.start(startTimeoutMs));
    try {
      await awake(kernel.#connect(left()), left());
      await kernel.#ship(left());
      return kernel;
    } catch (error) {
      await kernel.remove();
      if (error instanceof Expired)
        throw new SandboxError(
          `startTimeoutMs: kernel "${kernelName}" of ${baseUrl} was not ready within ${startTimeoutMs} ms; is the server ` +
            "overloaded? Give it more time",
        );
      throw error;
    }
  }

  /** Whether it could still answer, as far as is known. */
  get alive(): boolean {
    return this.#death === undefined;
  }

  /**
   * Sends one request and waits for its answer. One at a time.
   * @param interruptMs after which the server is asked to interrupt the program
   */
  ask(
    request: Record<string, unknown>,
    buffers: readonly Uint8Array[],
    limitMs: number,
    interruptMs?: number,
    code = CALL_CODE,
  ): Promise<Answer> {
    if (this.#death !== undefined) return Promise.resolve(this.#death);
    const channel = this.#channel;
    if (channel === undefined || this.#pending !== undefined)
      throw new Error("internal: a kernel got a request while it was not free");
    return new Promise((resolve) => {
      const nonce = randomBytes(8).toString("hex");
      const timers = [
        setTimeout(() => void this.#overdue(), limitMs),
        setInterval(() => void this.#look(), POLL_MS),
        ...(interruptMs === undefined ? [] : [setTimeout(() => this.#interrupt(), interruptMs)]),
      ];
      const settle = (answer: Answer): void => {
        timers.forEach(clearTimeout);
        this.#pending = undefined;
        resolve(answer);
      };
      const header = Buffer.from(JSON.stringify({ ...request, nonce }));
      const id = channel.send("execute_request", executeContent(code), [header, ...buffers]);
      this.#pending = { id, parts: new ReplyParts(nonce), settle, replied: false, idle: false, error: "" };
    });
  }

  /** Gives the kernel up for a reply that broke the protocol. */
  violate(detail: string): Death {
    const death: Death = { type: "violation", detail };
    this.#end(death);
    return death;
  }

  /** Ends the kernel and takes it off the server. Idempotent. @throws SandboxError when the server does not. */
  remove(): Promise<void> {
    this.#end({ type: "closed" });
    this.#removed ??= this.server.remove(this.id);
    return this.#removed;
  }

  async #connect(limitMs: number): Promise<void> {
    const { baseUrl } = this.server.settings;
    try {
      this.#channel = await Channel.open(this.server, this.id, limitMs, {
        message: (reply) => this.#receive(reply),
        violation: (detail) => this.violate(detail),
        lost: (reason) => void this.#lost(reason),
      });
    } catch (error) {
      throw new SandboxError(
        `${baseUrl}: no WebSocket to a kernel (${(error as Error).message}); does a proxy between let them through?`,
      );
    }
    // Asked again until it answers: what is sent before the server listens to the kernel is lost.
    const info = new Promise<KernelReply | Death>((resolve) => (this.#greeted = resolve));
    const ask = (): void => void this.#channel?.send("kernel_info_request", {});
    const repeat = setInterval(ask, INFO_REPEAT_MS);
    ask();
    const reply = await awake(info, limitMs).finally(() => clearInterval(repeat));
    if (!("content" in reply))
      throw new SandboxError(`${baseUrl}: a kernel did not come up (${reasonOf(reply)})`);
    const language = reply.content["language_info"];
    if (!isRecord(language) || language["name"] !== "python")
      throw new SandboxError(`kernelName: kernel "${this.server.settings.kernelName}" does not run Python`);
  }

  /** Sends the runner's own modules and makes the kernel a session without images. */
  async #ship(limitMs: number): Promise<void> {
    const {
      kernelName,
      baseUrl,
      maxOutputBytes,
      maxFileBytes,
      maxFiguresPerCall,
      maxFigurePixels,
      matplotlibRc,
    } = this.server.settings;
    const settings = { maxOutputBytes, maxFileBytes, maxFiguresPerCall, maxFigurePixels, matplotlibRc };
    const answer = await this.ask(
      { op: "setup", settings },
      [await shippedModules()],
      limitMs,
      undefined,
      SHIP_CODE,
    );
    if (answer.type === "hardLimit") throw new Expired();
    if (answer.type !== "frame")
      throw new SandboxError(
        `kernelName: kernel "${kernelName}" of ${baseUrl} cannot be a session (${reasonOf(answer)}); its Python needs ` +
          "ipykernel, numpy, Pillow and matplotlib",
      );
    const { header } = answer.frame;
    if (typeof header === "object" && header !== null && "message" in header)
      throw new SandboxError(String(header.message).slice(0, 2000));
  }

  #receive(reply: KernelReply): void {
    if (this.#death !== undefined) return;
    const status = reply.type === "status" ? reply.content["execution_state"] : undefined;
    if (status === "restarting" || status === "autorestarting" || status === "dead")
      return this.#end({ type: "died", detail: "the kernel died, as the server says" });
    if (reply.type === "kernel_info_reply") return this.#greeted?.(reply);
    const pending = this.#pending;
    if (pending === undefined || reply.parent !== pending.id) return; // of an earlier request, or of none
    try {
      if (reply.type === "comm_msg" && reply.channel === "iopub") pending.parts.add(reply);
      else if (reply.type === "execute_reply" && reply.channel === "shell") {
        pending.replied = true;
        if (reply.content["status"] !== "ok") pending.error = errorOf(reply.content);
      } else if (status === "idle") pending.idle = true;
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.violate(error.message);
      return;
    }
    if (!pending.replied) return;
    const frame = pending.parts.whole();
    if (frame !== undefined) pending.settle({ type: "frame", frame });
    // The parts come before the idle state, on the same channel.
    else if (pending.idle)
      this.#end({ type: "died", detail: `the kernel ended the call without a result${pending.error}` });
  }

  /** Asks the server whether the kernel is there still; a program may well have made it silent. */
  async #look(): Promise<void> {
    const state = await this.server.look(this.id, LOOK_LIMIT_MS);
    if (state === "gone") this.#end({ type: "died", detail: "the kernel is gone from the server" });
  }

  async #lost(reason: string): Promise<void> {
    const state = await this.server.look(this.id, LOOK_LIMIT_MS);
    if (state === "gone") this.#end({ type: "died", detail: "the kernel is gone from the server" });
    else this.#end({ type: "lost", detail: reason });
  }

  /** Whose fault the silence is: the program's, when the server itself answers. */
  async #overdue(): Promise<void> {
    const pending = this.#pending;
    const state = await this.server.look(this.id, LOOK_LIMIT_MS);
    if (pending !== this.#pending) return;
    if (state === "unreachable") this.#end({ type: "lost", detail: "the server does not answer" });
    else if (state === "gone") this.#end({ type: "died", detail: "the kernel is gone from the server" });
    else this.#end({ type: "hardLimit" });
  }

  #interrupt(): void {
    this.server.interrupt(this.id).catch(() => undefined); // then the hard limit ends it
  }

  #end(death: Death): void {
    if (this.#death !== undefined) return;
    this.#death = death;
    this.#channel?.close();
    this.#greeted?.(death);
    this.#pending?.settle(death);
  }
}

export function reasonOf(death: Death): string {
  switch (death.type) {
    case "died":
    case "lost":
      return death.detail;
    case "violation":
      return `the kernel broke the reply protocol: ${death.detail}`;
    case "hardLimit":
      return "the kernel did not answer in time";
    case "closed":
      return "the session was closed";
    default:
      return death satisfies never;
  }
}

function executeContent(code: string): object {
  return {
    code,
    silent: true,
    store_history: false,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: false,
  };
}

function errorOf({ ename, evalue }: Record<string, unknown>): string {
  if (typeof ename !== "string" || typeof evalue !== "string") return "";
  return ` (${ename.slice(0, 200)}: ${evalue.slice(0, 500)})`;
}
