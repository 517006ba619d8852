// What every benchmark gives: figures with their units, the peer's beside ours where there is one, and the bars they are
// held to. Plain data, so that it can be printed, written as JSON and compared from one machine to the next.
import { cpus, loadavg, release, totalmem, type as systemName } from "node:os";
import type { Reporter } from "../src/core/reporter.ts";

export interface BenchOptions {
  /** Fewer rounds and smaller crowds: a first look in well under a minute, with more noise. */
  readonly quick: boolean;
  /** For progress; results are returned. */
  readonly reporter: Reporter;
}

export interface Benchmark {
  run(options: BenchOptions): Promise<BenchReport>;
}

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  /** Of `value` and `peer`. */
  readonly unit: string;
  /** The same figure of what we are compared with, measured in the same run. */
  readonly peer?: number;
  /** How many times better than the peer; below 1 is worse. */
  readonly ratio?: number;
}

export interface BenchBar {
  readonly name: string;
  /** The rule in words, with its limit. */
  readonly bar: string;
  readonly value: number;
  readonly unit: string;
  readonly met: boolean;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** Mean number of running processes over the last minute, at the start and at the end; 0 when nothing else runs. */
  readonly loadAtStart: number;
  readonly loadAtEnd: number;
}

export interface BenchReport {
  readonly machine: Machine;
  /** Whose figures `BenchRow.peer` are; "stand-in" unless told. */
  readonly peer?: string;
  /** What was compared with what, versions and levels: name and text. */
  readonly facts: Readonly<Record<string, string>>;
  readonly rows: readonly BenchRow[];
  readonly bars: readonly BenchBar[];
  /** What was left out or cut short, and why. */
  readonly notes: readonly string[];
}

/** To be called at the start; the function it returns is called at the end. */
export function watchMachine(): () => Machine {
  const load = (): number => Math.round((loadavg()[0] ?? NaN) * 100) / 100;
  const loadAtStart = load();
  return () => ({
    cpu: cpus()[0]?.model ?? "unknown CPU",
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${systemName()} ${release()}`,
    node: process.version,
    loadAtStart,
    loadAtEnd: load(),
  });
}

/** A row with a peer, for figures where less is better. */
export function lessIsBetter(name: string, unit: string, value: number, peer: number): BenchRow {
  return { name, value, unit, peer, ratio: peer / value };
}

/** A row with a peer, for figures where more is better. */
export function moreIsBetter(name: string, unit: string, value: number, peer: number): BenchRow {
  return { name, value, unit, peer, ratio: value / peer };
}

/** `bar` must say the same limit in words. */
export function atMost(name: string, bar: string, value: number, limit: number, unit: string): BenchBar {
  return { name, bar, value, unit, met: value <= limit };
}

/** `bar` must say the same limit in words. */
export function atLeast(name: string, bar: string, value: number, limit: number, unit: string): BenchBar {
  return { name, bar, value, unit, met: value >= limit };
}

/** Linear between the two nearest of the sorted values, as numpy's default. @param q 0 to 1 @throws RangeError when empty */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined)
    throw new RangeError("internal: a quantile of no values, or outside 0 to 1");
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
