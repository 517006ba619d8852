// Figures of many sessions at once: throughput, CPU, memory, what quiet sessions cost, closing.
import { SandboxError } from "../../src/core/errors.ts";
import { meanSessionPssBytes, treeCpuSeconds, treePssBytes } from "./processes.ts";
import { DECODE, LOOK, spin } from "./programs.ts";
import type { Ours } from "./ours.ts";
import type { Batch, Side } from "./side.ts";
import { sleep } from "./single.ts";

export const TURNS = 3;
export const SPINNING = 4;
/** A session's tidying after a reply, and a runtime's putting it to rest, are over by then. */
const SETTLE_MS = 500;

export interface Memory {
  /** Bytes a session. */
  readonly decoded: number;
  readonly afterFigure: number;
}

export interface Crowd extends Memory {
  readonly openMs: number;
  readonly callsPerSecond: number;
  readonly cpuSecondsPerCall: number;
  readonly wallSeconds: number;
}

/** Opens sessions, lets each decode its picture and run three looks, and leaves them open. */
export async function crowd<S>(side: Side<S>, count: number): Promise<Crowd & { sessions: readonly S[] }> {
  const { sessions, ms: openMs } = await side.open(count);
  const decoded = await memoryAfter(side, sessions, DECODE);
  const before = side.cpuSeconds();
  const batch = await side.trajectories(sessions, LOOK, TURNS);
  // What a session tidies after its reply belongs to the call.
  await sleep(SETTLE_MS);
  const cpuSeconds = side.cpuSeconds() - before;
  complete(batch);
  return {
    sessions,
    openMs,
    decoded,
    callsPerSecond: (batch.calls / batch.ms) * 1000,
    cpuSecondsPerCall: cpuSeconds / batch.calls,
    wallSeconds: batch.ms / 1000,
    afterFigure: meanSessionPssBytes(side.roots(), count),
  };
}

export async function memory<S>(side: Side<S>, count: number): Promise<Memory> {
  const { sessions } = await side.open(count);
  const decoded = await memoryAfter(side, sessions, DECODE);
  const afterFigure = await memoryAfter(side, sessions, LOOK);
  await side.discard(sessions);
  return { decoded, afterFigure };
}

async function memoryAfter<S>(side: Side<S>, sessions: readonly S[], code: string): Promise<number> {
  complete(await side.trajectories(sessions, code, 1));
  await sleep(SETTLE_MS);
  return meanSessionPssBytes(side.roots(), sessions.length);
}

function complete({ calls, failed }: Batch): void {
  if (failed > 0) throw new SandboxError(`bench python: ${failed} of ${calls} calls at once failed`);
}

/**
 * Share of one core that sessions take between calls, with a thread left computing in some of them for longer than is
 * measured. They are quiet again after.
 */
export async function idleShare<S>(
  side: Side<S>,
  sessions: readonly S[],
  ticksPerSecond: number,
  seconds: number,
): Promise<number> {
  for (let spinSeconds = seconds + 2; ; spinSeconds *= 2) {
    const startedAt = performance.now();
    const spinLeftMs = (): number => startedAt + spinSeconds * 1000 - performance.now();
    for (const session of sessions.slice(0, SPINNING)) await side.run(session, spin(spinSeconds));
    await sleep(SETTLE_MS);
    const before = treeCpuSeconds(side.roots(), ticksPerSecond);
    const measuredAt = performance.now();
    await sleep(seconds * 1000);
    const cpuSeconds = treeCpuSeconds(side.roots(), ticksPerSecond) - before;
    const share = cpuSeconds / ((performance.now() - measuredAt) / 1000);
    const valid = spinLeftMs() > 0; // on a busy machine the threads may have ended too early
    await sleep(Math.max(0, spinLeftMs() + SETTLE_MS));
    if (valid) return share;
  }
}

/** Bytes of everything that runs when so many sessions live, each with its picture and after one figure. */
export async function wholeBytes(ours: Ours, count: number): Promise<number> {
  const { sessions } = await ours.open(count);
  complete(await ours.trajectories(sessions, LOOK, 1));
  await sleep(SETTLE_MS);
  const bytes = treePssBytes(ours.roots());
  await ours.discard(sessions);
  return bytes;
}
