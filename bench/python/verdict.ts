// From what was measured to rows of the report, and to the bars that the Python tool is held to.
import type { Measured } from "../python.ts";
import {
  atLeast,
  atMost,
  type BenchBar,
  type BenchRow,
  lessIsBetter,
  median,
  moreIsBetter,
  quantile,
} from "../report.ts";
import { type Crowd, SPINNING, TURNS } from "./crowd.ts";
import { CRASHES } from "./single.ts";

const MB = 1e6;

/** p50 and p95 of one thing. */
function spread(name: string, ours: readonly number[], standIn?: readonly number[]): BenchRow[] {
  return (
    [
      ["p50", 0.5],
      ["p95", 0.95],
    ] as const
  ).map(([label, q]) => {
    const value = quantile(ours, q);
    const title = `${name}, ${label}`;
    return standIn === undefined
      ? { name: title, value, unit: "ms" }
      : lessIsBetter(title, "ms", value, quantile(standIn, q));
  });
}

const over = (crowds: readonly Crowd[], field: keyof Crowd): number =>
  median(crowds.map((crowd) => crowd[field]));

export function rowsOf(m: Measured): BenchRow[] {
  const { ours, standIn } = m.crowds;
  const crowd = (field: keyof Crowd): [number, number] => [over(ours, field), over(standIn, field)];
  const memory = (name: string, a: number, b: number): BenchRow => lessIsBetter(name, "MB", a / MB, b / MB);
  const many = `${m.sessions} sessions`;
  const [a, b] = [crowd("decoded"), crowd("afterFigure")];
  const look = m.calls.find(({ name }) => name === "crop and show");
  return [
    { name: "start of the runtime, once", value: m.runtimeStartMs, unit: "ms" },
    { name: "one PNG decode of the picture by Pillow, p50", value: median(m.starts.decode), unit: "ms" },
    ...spread("session with picture until print(1), idle before", m.starts.spaced, m.starts.standIn),
    ...spread("session with picture until print(1), back to back", m.starts.backToBack, m.starts.standIn),
    ...m.calls.flatMap((call) => spread(call.name, call.ours, call.standIn)),
    ...(look === undefined
      ? []
      : [
          lessIsBetter(
            "crop and show, p50, the stand-in's figure left as PNG",
            "ms",
            median(look.ours),
            median(look.standIn.map((ms, i) => ms - (look.decode[i] ?? 0))),
          ),
        ]),
    moreIsBetter(`${many} x ${TURNS} crop and show`, "calls/s", ...crowd("callsPerSecond")),
    lessIsBetter(`${many} x ${TURNS} crop and show, wall time`, "s", ...crowd("wallSeconds")),
    lessIsBetter(`${many} x ${TURNS} crop and show, CPU a call`, "s", ...crowd("cpuSecondsPerCall")),
    { name: `opening ${many}`, value: over(ours, "openMs"), unit: "ms" },
    memory(`memory a session, picture decoded, ${m.fewSessions}`, m.few.ours.decoded, m.few.standIn.decoded),
    memory(`memory a session, picture decoded, ${m.sessions}`, ...a),
    memory(
      `memory a session, after a figure, ${m.fewSessions}`,
      m.few.ours.afterFigure,
      m.few.standIn.afterFigure,
    ),
    memory(`memory a session, after a figure, ${m.sessions}`, ...b),
    lessIsBetter(`closing ${many}`, "ms", m.closing.ours.ms, m.closing.standIn.ms),
    ...CRASHES.map(([name], i) =>
      lessIsBetter(
        `${name} seen, p50`,
        "ms",
        median(m.crashes.ours[i] ?? []),
        median(m.crashes.standIn[i] ?? []),
      ),
    ),
    {
      name: `CPU of ${many} between calls, ${SPINNING} with a thread spinning`,
      value: 100 * m.idle.ours,
      peer: 100 * m.idle.standIn,
      unit: "% of a core",
    },
    ...(m.live === undefined
      ? []
      : [
          {
            name: `memory of ${m.live.sessions} live sessions and what holds them`,
            value: m.live.bytes / MB,
            unit: "MB",
          },
        ]),
  ];
}

export function barsOf(m: Measured): BenchBar[] {
  const { ours, standIn } = m.crowds;
  const better = (field: keyof Crowd, more: boolean): number =>
    more ? over(ours, field) / over(standIn, field) : over(standIn, field) / over(ours, field);
  const p50 = (name: string, side: "ours" | "standIn"): number =>
    median(m.calls.find((call) => call.name === name)?.[side] ?? []);
  const aboveDecode = (times: readonly number[]): number => median(times) - median(m.starts.decode);
  const crash = Math.max(...m.crashes.ours.map((times) => median(times)));
  const start = "session start with the picture";
  return [
    atLeast(
      "crop and show",
      "at least 3x faster, p50",
      p50("crop and show", "standIn") / p50("crop and show", "ours"),
      3,
      "x",
    ),
    atLeast(
      "throughput",
      `at least 3x the calls/s, ${m.sessions} at once`,
      better("callsPerSecond", true),
      3,
      "x",
    ),
    atLeast("CPU", "at least 3x less CPU a call", better("cpuSecondsPerCall", false), 3, "x"),
    atLeast("memory, picture decoded", "at least 2x less a session", better("decoded", false), 2, "x"),
    atLeast("memory, after a figure", "at least 2x less a session", better("afterFigure", false), 2, "x"),
    atMost(
      `${start}, idle before`,
      "at most 40 ms above one PNG decode, p50",
      aboveDecode(m.starts.spaced),
      40,
      "ms",
    ),
    atMost(
      `${start}, back to back`,
      "at most 40 ms above one PNG decode, p50",
      aboveDecode(m.starts.backToBack),
      40,
      "ms",
    ),
    atMost("print(1)", "at most 1 ms, p50", p50("print(1)", "ours"), 1, "ms"),
    atMost("closing", `at most 1 s, ${m.sessions} sessions`, m.closing.ours.ms, 1000, "ms"),
    atMost("crash", "seen within 100 ms, p50", crash, 100, "ms"),
    atMost("between calls", "at most 1% of a core, threads spinning", 100 * m.idle.ours, 1, "%"),
    ...(m.live === undefined
      ? []
      : [atMost("live sessions", `at most 8 GB, ${m.live.sessions} sessions`, m.live.bytes / 1e9, 8, "GB")]),
  ];
}
