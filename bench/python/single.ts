// Figures of one session at a time: starting it, calls, crashes. Both sides take turns round by round.
import { SandboxError } from "../../src/core/errors.ts";
import type { Progress } from "../../src/core/reporter.ts";
import { ERROR, EXIT, LOOK, PRINT, SEGFAULT, STATISTICS } from "./programs.ts";
import type { Ours } from "./ours.ts";
import type { Call, Side } from "./side.ts";
import type { StandIn } from "./standIn.ts";

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** All in milliseconds. */
export interface StartTimes {
  /** With time before each for the runtime to get ready. */
  readonly spaced: number[];
  /** One right after another; the runtime may prepare sessions ahead, but not that many. */
  readonly backToBack: number[];
  readonly standIn: number[];
  /** Pillow's, of the same picture as PNG. */
  readonly decode: number[];
}

/** Every session gets a picture of its own. */
export async function startTimes(
  ours: Ours,
  standIn: StandIn,
  rounds: number,
  crowd: number,
  progress: Progress,
): Promise<StartTimes> {
  const times: StartTimes = { spaced: [], backToBack: [], standIn: [], decode: [] };
  for (let round = 0; round < rounds; round++) {
    const theirs = await standIn.start(PRINT);
    times.standIn.push(theirs.ms);
    await standIn.discard([theirs.session]);
    times.decode.push(await standIn.decodePngMs());
    await sleep(400);
    const own = await ours.start(PRINT);
    times.spaced.push(own.ms);
    await ours.discard([own.session]);
    times.decode.push(await standIn.decodePngMs());
    progress.advance();
  }
  const sessions = [];
  for (let i = 0; i < crowd; i++) {
    const own = await ours.start(PRINT);
    times.backToBack.push(own.ms);
    sessions.push(own.session);
  }
  await ours.discard(sessions);
  return times;
}

/** Name, program, what its result has to be. */
export const CALLS = [
  ["print(1)", PRINT, (call: Call) => call.outcome === "ok" && call.stdout === "1\n"],
  ["crop and show", LOOK, (call: Call) => call.outcome === "ok" && call.figures === 1],
  ["mean and deviation", STATISTICS, (call: Call) => call.outcome === "ok" && call.stdout !== ""],
  ["error", ERROR, (call: Call) => call.outcome === "error"],
] as const;

export interface CallTimes {
  readonly name: string;
  readonly ours: number[];
  readonly standIn: number[];
  /** Decoding of the stand-in's figures, which is part of its time. */
  readonly decode: number[];
}

/** One session a side; the first round warms up and is not counted. @throws SandboxError for a wrong result. */
export async function callTimes(
  ours: Ours,
  standIn: StandIn,
  rounds: number,
  progress: Progress,
): Promise<CallTimes[]> {
  const [own, theirs] = [await ours.start(PRINT), await standIn.start(PRINT)];
  const times = CALLS.map(([name]): CallTimes => ({ name, ours: [], standIn: [], decode: [] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [i, [name, code, holds]] of CALLS.entries()) {
      const a = await ours.run(own.session, code);
      const b = await standIn.run(theirs.session, code);
      for (const [side, call] of Object.entries({ ours: a, "stand-in": b }))
        if (!holds(call))
          throw new SandboxError(`bench python: "${name}" of ${side} ended wrongly: ${JSON.stringify(call)}`);
      if (round === 0) continue;
      times[i]?.ours.push(a.ms);
      times[i]?.standIn.push(b.ms);
      times[i]?.decode.push(b.decodeMs ?? 0);
    }
    progress.advance();
  }
  await ours.discard([own.session]);
  await standIn.discard([theirs.session]);
  return times;
}

export const CRASHES = [
  ["os._exit(3)", EXIT],
  ["segmentation fault", SEGFAULT],
] as const;

/** Milliseconds until a caller knows that the session died, for each of CRASHES. @throws SandboxError when it did not. */
export async function crashTimes<S>(
  side: Side<S>,
  rounds: number,
  limitSeconds: number,
): Promise<number[][]> {
  const crash = async (name: string, code: string): Promise<number> => {
    const { session } = await side.start(PRINT);
    const call = await side.run(session, code, limitSeconds);
    await side.discard([session]);
    if (call.outcome !== "lost")
      throw new SandboxError(`bench python: a session lived on after "${name}": ${JSON.stringify(call)}`);
    return call.ms;
  };
  const times = CRASHES.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, [name, code]] of CRASHES.entries()) times[i]?.push(await crash(name, code));
  return times;
}
