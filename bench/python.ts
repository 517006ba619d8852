// The Python tool beside a stand-in that works as the reference's runtime does with its worst fault removed
// (bench/reference/worker.py), on the same interpreter, picture and programs, in turns on the same machine. A time of ours
// is what the caller of `session.run` waits; one of the stand-in is taken inside its own process.
import { formatBytes } from "../src/runs/format.ts";
import { type Crowd, crowd, idleShare, type Memory, memory, wholeBytes } from "./python/crowd.ts";
import { Ours } from "./python/ours.ts";
import { availableBytes } from "./python/processes.ts";
import { photo } from "./python/programs.ts";
import type { Closing, Side } from "./python/side.ts";
import { type CallTimes, callTimes, crashTimes, type StartTimes, startTimes } from "./python/single.ts";
import { StandIn } from "./python/standIn.ts";
import { barsOf, rowsOf } from "./python/verdict.ts";
import type { Progress } from "../src/core/reporter.ts";
import { type Benchmark, type BenchReport, watchMachine } from "./report.ts";

interface Plan {
  readonly starts: number;
  /** Sessions opened one right after another. */
  readonly backToBack: number;
  readonly calls: number;
  readonly crashes: number;
  /** Time limit of the stand-in's calls that crash: it sees a crash by nothing else. */
  readonly crashLimitSeconds: number;
  readonly crowds: number;
  readonly sessions: number;
  readonly fewSessions: number;
  readonly idleSeconds: number;
  /** The stand-in's closing is cut then. */
  readonly closeLimitSeconds: number;
  /** Sessions alive at once, ours only; 0 for none. */
  readonly live: number;
}

const FULL: Plan = {
  ...{ starts: 10, backToBack: 16, calls: 40, crashes: 5, crashLimitSeconds: 5, crowds: 3, sessions: 64 },
  ...{ fewSessions: 12, idleSeconds: 2, closeLimitSeconds: 30, live: 256 },
};
const QUICK: Plan = {
  ...{ starts: 3, backToBack: 8, calls: 8, crashes: 2, crashLimitSeconds: 1, crowds: 1, sessions: 12 },
  ...{ fewSessions: 4, idleSeconds: 1, closeLimitSeconds: 4, live: 0 },
};
const LIVE_NEEDS_BYTES = 10e9;

/** Everything measured, in milliseconds, bytes, shares of a core. */
export interface Measured {
  readonly runtimeStartMs: number;
  readonly starts: StartTimes;
  readonly calls: readonly CallTimes[];
  readonly crowds: Pair<readonly Crowd[]>;
  readonly sessions: number;
  readonly few: Pair<Memory>;
  readonly fewSessions: number;
  readonly idle: Pair<number>;
  readonly closing: Pair<Closing>;
  /** For each of CRASHES. */
  readonly crashes: Pair<readonly (readonly number[])[]>;
  readonly live: { readonly sessions: number; readonly bytes: number } | undefined;
}

export interface Pair<T> {
  readonly ours: T;
  readonly standIn: T;
}

export const benchPython: Benchmark = {
  async run({ quick, reporter }): Promise<BenchReport> {
    const machine = watchMachine();
    const plan = quick ? QUICK : FULL;
    const notes: string[] = [];
    const work = reporter.start("python", plan.starts + plan.calls + 3 + 2 * plan.crowds, "steps");
    const picture = photo();
    const standIn = await StandIn.launch(picture);
    const { ticksPerSecond, ...versions } = standIn.versions;
    let ours: Ours | undefined;
    try {
      ours = await Ours.launch(picture, ticksPerSecond);
      const { level, by, shortfalls } = ours.isolation;
      const measured = await measure(ours, standIn, plan, ticksPerSecond, notes, work);
      return {
        machine: machine(),
        facts: {
          versions: Object.entries(versions)
            .map(([name, version]) => `${name} ${version}`)
            .join(", "),
          isolation: [`${level}, by ${by}`, ...shortfalls].join("; "),
          picture: `${picture.width}x${picture.height} RGB, like a photo`,
          "stand-in":
            "a process a session as in the reference, the input picture sent once; bench/reference/",
        },
        rows: rowsOf(measured),
        bars: barsOf(measured),
        notes,
      };
    } finally {
      work.end();
      await Promise.all([standIn.end(), ours?.end()]);
    }
  },
};

async function measure(
  ours: Ours,
  standIn: StandIn,
  plan: Plan,
  ticksPerSecond: number,
  notes: string[],
  work: Progress,
): Promise<Measured> {
  const starts = await startTimes(ours, standIn, plan.starts, plan.backToBack, work);
  const calls = await callTimes(ours, standIn, plan.calls, work);
  const crashes = {
    ours: await crashTimes(ours, plan.crashes, plan.crashLimitSeconds),
    standIn: await crashTimes(standIn, 1, plan.crashLimitSeconds),
  };
  work.advance();
  notes.push(`the stand-in sees a crash by its time limit only, ${plan.crashLimitSeconds} s here`);
  const few = {
    ours: await memory(ours, plan.fewSessions),
    standIn: await memory(standIn, plan.fewSessions),
  };
  work.advance();
  const { crowds, idle, closing } = await crowdRounds(ours, standIn, plan, ticksPerSecond, work);
  if (closing.standIn.closed < plan.sessions)
    notes.push(
      `closing of the stand-in was cut after ${plan.closeLimitSeconds} s with ${closing.standIn.closed} of ` +
        `${plan.sessions} sessions closed; its figure and the ratio are lower bounds`,
    );
  return {
    ...{ runtimeStartMs: ours.startMs, starts, calls, crashes, few, fewSessions: plan.fewSessions },
    ...{ crowds, sessions: plan.sessions, idle, closing, live: await liveSessions(ours, plan, notes) },
  };
}

/** The crowds of both sides in turns, one at a time; quiet sessions and closing are measured on the first of each. */
async function crowdRounds(
  ours: Ours,
  standIn: StandIn,
  plan: Plan,
  ticksPerSecond: number,
  work: Progress,
): Promise<Pick<Measured, "crowds" | "idle" | "closing">> {
  const one = async <S>(side: Side<S>): Promise<{ figures: Crowd; idle: number; closing: Closing }> => {
    const { sessions, ...figures } = await crowd(side, plan.sessions);
    const idle = await idleShare(side, sessions, ticksPerSecond, plan.idleSeconds);
    const closing = await side.close(sessions, plan.closeLimitSeconds);
    work.advance();
    return { figures, idle, closing };
  };
  const again = async <S>(side: Side<S>): Promise<Crowd> => {
    const { sessions, ...figures } = await crowd(side, plan.sessions);
    await side.discard(sessions);
    work.advance();
    return figures;
  };
  const [a, b] = [await one(ours), await one(standIn)];
  const crowds: { ours: Crowd[]; standIn: Crowd[] } = { ours: [a.figures], standIn: [b.figures] };
  for (let round = 1; round < plan.crowds; round++) {
    // The other way round every second time.
    if (round % 2 === 1) crowds.standIn.push(await again(standIn));
    crowds.ours.push(await again(ours));
    if (round % 2 === 0) crowds.standIn.push(await again(standIn));
  }
  return {
    crowds,
    idle: { ours: a.idle, standIn: b.idle },
    closing: { ours: a.closing, standIn: b.closing },
  };
}

async function liveSessions(ours: Ours, plan: Plan, notes: string[]): Promise<Measured["live"]> {
  if (plan.live === 0) {
    notes.push(`${FULL.live} live sessions were left out: --quick`);
    return undefined;
  }
  const available = availableBytes();
  if (!(available >= LIVE_NEEDS_BYTES)) {
    notes.push(
      `${plan.live} live sessions were left out: they want ${formatBytes(LIVE_NEEDS_BYTES)} of memory available, ` +
        `here are ${formatBytes(available)}`,
    );
    return undefined;
  }
  return { sessions: plan.live, bytes: await wholeBytes(ours, plan.live) };
}
