// The conversation with bridge.py: one order at a time, one line each way.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { TrackerClock } from "../clock.ts";
import { TrackerError } from "../tracker.ts";

const PROGRAM = fileURLToPath(new URL("bridge.py", import.meta.url));
/** An order may wait for a server; opening waits longest. */
const TIMEOUT_MS = 120_000;
const STDERR_KEPT = 4_000;

const replySchema = z.looseObject({
  id: z.number(),
  ok: z.literal(true).optional(),
  error: z.string().optional(),
  then: z.enum(["retry", "skip", "stop"]).optional(),
});
export type Reply = z.output<typeof replySchema>;

export interface Bridge {
  /** @throws TrackerError */
  order(order: Readonly<Record<string, unknown>>): Promise<Reply>;
  /** Closes the input and waits for the process to end. */
  end(): Promise<void>;
}

export interface BridgeOptions {
  readonly python: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: TrackerClock;
  /** Kills the process. */
  readonly signal: AbortSignal;
}

export function startBridge({ python, env, clock, signal }: BridgeOptions): Bridge {
  const child = spawn(python, [PROGRAM], { stdio: ["pipe", "pipe", "pipe"], env: { ...env } });
  let stderr = "";
  let waiting: { readonly id: number; readonly give: (reply: Reply | TrackerError) => void } | undefined;
  let dead: TrackerError | undefined;
  let nextId = 1;

  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  const ended = new Promise<void>((resolve) => {
    const end = (reason: string): void => {
      signal.removeEventListener("abort", kill);
      const said = stderr.trim().split("\n").slice(-3).join(" ").slice(-300);
      dead ??= new TrackerError("stop", `${reason}${said === "" ? "" : ` (it said: ${said})`}`);
      waiting?.give(dead);
      resolve();
    };
    child.once("error", (error) =>
      end(
        `${python} cannot be started: ${error.message}; name a Python with the wandb package in logging.trackers[…].python`,
      ),
    );
    child.once("close", (code, by) => end(`the W&B client ended by itself (${by ?? `code ${code}`})`));
  });
  // A process that is gone shows in `close`; the pipe's own error says less.
  child.stdin.on("error", () => {});
  child.stderr
    .setEncoding("utf8")
    .on("data", (text: string) => (stderr = (stderr + text).slice(-STDERR_KEPT)));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const reply = readReply(line);
    if (reply !== undefined && reply.id === waiting?.id) waiting.give(reply);
  });

  return {
    order: async (order) => {
      if (dead !== undefined) throw dead;
      const id = nextId++;
      const answered = new AbortController();
      const reply = await new Promise<Reply | TrackerError>((resolve) => {
        waiting = { id, give: resolve };
        child.stdin.write(`${JSON.stringify({ ...order, id })}\n`);
        void clock.sleep(TIMEOUT_MS, answered.signal).then(() => {
          if (answered.signal.aborted) return;
          dead = new TrackerError(
            "stop",
            `the W&B client gave no answer within ${TIMEOUT_MS / 1000} s and was ended`,
          );
          kill();
          resolve(dead);
        });
      });
      waiting = undefined;
      answered.abort();
      if (reply instanceof TrackerError) throw reply;
      if (reply.ok !== true) throw new TrackerError(reply.then ?? "skip", reply.error ?? "no reason given");
      return reply;
    },
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function readReply(line: string): Reply | undefined {
  try {
    const { data } = replySchema.safeParse(JSON.parse(line));
    return data;
  } catch {
    return undefined;
  }
}
