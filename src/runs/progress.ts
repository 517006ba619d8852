// The reporter for a terminal. With a TTY: one bar a running piece of work at the foot of the screen, with rate and
// time left, redrawn four times a second and kept apart from the lines above. Without: plain lines, at most one every
// few seconds a piece of work, and none for what is over within two seconds.
import type { Progress, Reporter } from "../core/reporter.ts";
import { formatCount, formatDuration } from "./format.ts";

export type { Progress, Reporter } from "../core/reporter.ts";

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface ReporterOptions {
  readonly stdout?: OutputStream;
  readonly stderr?: OutputStream;
  /** Milliseconds of a steady clock. */
  readonly now?: () => number;
  /** Between redraws of the bars; 0 redraws at every update and needs no timer. */
  readonly redrawMs?: number;
  /** Between two plain lines of one piece of work when there is no terminal. */
  readonly plainEveryMs?: number;
}

/** Work shorter than this shows nothing. */
const quietMs = 2_000;
/** A bar appears a little earlier, so that a person is not left wondering. */
const barAfterMs = 500;

interface Work {
  readonly label: string;
  readonly total: number | undefined;
  readonly unit: string;
  readonly startedMs: number;
  /** Done by an earlier process. */
  readonly before: number;
  done: number;
  note: string;
  lastPlainMs: number;
}

/** A reporter on the process's own streams unless others are given. Bars are drawn on stderr. */
export function createReporter(options: ReporterOptions = {}): Reporter {
  const stdout = options.stdout ?? process.stdout;
  const stderr = options.stderr ?? process.stderr;
  const now = options.now ?? (() => performance.now());
  const redrawMs = options.redrawMs ?? 250;
  const plainEveryMs = options.plainEveryMs ?? 10_000;
  const hasBars = stderr.isTTY === true;
  const active: Work[] = [];
  let drawnLines = 0;
  let timer: NodeJS.Timeout | undefined;

  const erase = (): void => {
    if (drawnLines > 0) stderr.write(`\x1b[${drawnLines}A\x1b[0J`);
    drawnLines = 0;
  };
  const draw = (): void => {
    const at = now();
    const columns = Math.max(20, stderr.columns ?? 80);
    const lines = active.filter((w) => at - w.startedMs >= barAfterMs).map((w) => barLine(w, at, columns));
    const text = lines.map((line) => `${line}\n`).join("");
    stderr.write((drawnLines > 0 ? `\x1b[${drawnLines}A\x1b[0J` : "") + text);
    drawnLines = lines.length;
  };
  const writeLine = (stream: OutputStream, text: string): void => {
    erase();
    stream.write(`${text}\n`);
    if (hasBars && active.length > 0) draw();
  };
  const changed = (work: Work): void => {
    if (hasBars) {
      if (redrawMs === 0) draw();
      return;
    }
    const at = now();
    if (at - work.startedMs < quietMs || at - work.lastPlainMs < plainEveryMs) return;
    work.lastPlainMs = at;
    stderr.write(`${plainLine(work, at)}\n`);
  };
  const finish = (work: Work): void => {
    active.splice(active.indexOf(work), 1);
    if (hasBars) draw();
    if (active.length === 0 && timer !== undefined) {
      clearInterval(timer);
      timer = undefined;
    }
    const elapsedMs = now() - work.startedMs;
    if (elapsedMs >= quietMs) writeLine(stderr, doneLine(work, elapsedMs));
  };

  return {
    print: (text) => writeLine(stdout, text),
    info: (text) => writeLine(stderr, text),
    warn: (text) => writeLine(stderr, `warning: ${text}`),
    start: (label, total, unit = "", before = 0) => {
      const startedMs = now();
      const times = { startedMs, lastPlainMs: -Infinity };
      const work: Work = { label, total, unit, before, ...times, done: before, note: "" };
      active.push(work);
      if (hasBars && redrawMs > 0 && timer === undefined) {
        timer = setInterval(draw, redrawMs);
        timer.unref();
      }
      return progressOf(work, changed, finish);
    },
  };
}

function progressOf(work: Work, changed: (work: Work) => void, finish: (work: Work) => void): Progress {
  let ended = false;
  const set = (done: number, note: string | undefined): void => {
    if (ended) return;
    work.done = done;
    if (note !== undefined) work.note = note;
    changed(work);
  };
  return {
    update: (done, note) => set(done, note),
    advance: (by = 1, note) => set(work.done + by, note),
    end: (note) => {
      if (ended) return;
      ended = true;
      if (note !== undefined) work.note = note;
      finish(work);
    },
  };
}

/** "12/60 steps", "12 steps", "12/60". */
function amount({ done, total, unit }: Work): string {
  const of = total === undefined ? "" : `/${formatCount(total)}`;
  return `${formatCount(done)}${of}${unit === "" ? "" : ` ${unit}`}`;
}

/** "1.3/s" or, when slow, "4.2 s each"; "" before anything is done. */
function rate(work: Work, elapsedMs: number): string {
  const done = work.done - work.before;
  if (done <= 0 || elapsedMs <= 0) return "";
  const perSecond = (done / elapsedMs) * 1000;
  return perSecond >= 1 ? `${formatCount(perSecond)}/s` : `${formatDuration(1000 / perSecond)} each`;
}

function timeLeft(work: Work, elapsedMs: number): string {
  const done = work.done - work.before;
  if (work.total === undefined || done <= 0) return "";
  const leftMs = (elapsedMs / done) * Math.max(0, work.total - work.done);
  return `${formatDuration(leftMs)} left`;
}

function plainLine(work: Work, at: number): string {
  const elapsedMs = at - work.startedMs;
  const parts = [amount(work), rate(work, elapsedMs), timeLeft(work, elapsedMs), work.note];
  return `${work.label}: ${parts.filter((part) => part !== "").join(", ")}`;
}

function barLine(work: Work, at: number, columns: number): string {
  const width = Math.min(24, Math.floor(columns / 4));
  const elapsedMs = at - work.startedMs;
  const share =
    work.total === undefined || work.total <= 0 ? 0 : Math.min(1, Math.max(0, work.done / work.total));
  const filled = Math.round(share * width);
  const bar =
    work.total === undefined
      ? `${formatDuration(elapsedMs)} `
      : `${"█".repeat(filled)}${"░".repeat(width - filled)} ${String(Math.floor(share * 100)).padStart(3)}% `;
  const parts = [amount(work), rate(work, elapsedMs), timeLeft(work, elapsedMs), work.note];
  const line = `${work.label} ${bar}${parts.filter((part) => part !== "").join(" · ")}`;
  // A line that wraps would break the erasing, which counts lines.
  return line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
}

function doneLine(work: Work, elapsedMs: number): string {
  const note = work.note === "" ? "" : `, ${work.note}`;
  return `${work.label}: ${amount(work)} in ${formatDuration(elapsedMs)}${note}`;
}
