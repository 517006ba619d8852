// Tells the server now and then that somebody still wants the session: servers give up models of sessions that are silent.
// It never keeps the process alive and never fails; that it cannot reach the server is said once, and once that it can again.
import { NoReply } from "./failures.ts";
import type { Transport } from "./transport.ts";

const EVERY_MS = 10_000;
const TIMEOUT_MS = 10_000;
const WARN_AFTER_MS = 120_000;

/** @returns what stops it */
export function startHeartbeat(
  transport: Transport,
  sessionId: string,
  warn: (text: string) => void,
): () => void {
  const { world } = transport;
  const ending = new AbortController();
  let lastHeard = world.now();
  let warned = false;
  let busy = false;
  const stopTimer = world.every(EVERY_MS, () => void beat());
  const stop = (): void => {
    stopTimer();
    ending.abort();
  };
  return stop;

  async function beat(): Promise<void> {
    if (busy) return;
    busy = true;
    const problem = await tell();
    busy = false;
    if (ending.signal.aborted) return;
    if (problem === undefined) {
      if (warned) warn(`${transport.settings.baseUrl}: the server hears the session's heartbeat again`);
      lastHeard = world.now();
      warned = false;
    } else if (problem.ended) {
      stop();
      warn(
        `${transport.settings.baseUrl}: the server ended session ${sessionId} (${problem.text}); its models are gone or will be soon`,
      );
    } else if (!warned && world.now() - lastHeard >= WARN_AFTER_MS) {
      warned = true;
      warn(
        `${transport.settings.baseUrl}: no heartbeat of the session got through for ` +
          `${Math.round((world.now() - lastHeard) / 1000)} s (${problem.text}); the server may give its models up`,
      );
    }
  }

  async function tell(): Promise<{ readonly text: string; readonly ended: boolean } | undefined> {
    try {
      const value = { session_id: sessionId, type: "session_heartbeat" };
      const reply = await transport.post(
        "session_heartbeat",
        { type: "json", value },
        { timeoutMs: TIMEOUT_MS, signal: ending.signal, background: true },
      );
      if (reply.status < 300) return undefined;
      return { text: transport.told(reply), ended: reply.status === 404 || reply.status === 410 };
    } catch (error) {
      const text = error instanceof NoReply ? transport.shown(error.message) : String(error);
      return { text, ended: false };
    }
  }
}
