// From measured times to rows of the report, and to the bars that the embedded engine is held to.
import { atLeast, type BenchBar, type BenchRow, moreIsBetter } from "../report.ts";
import { type Rounds, type Spread, spreadOf } from "./measure.ts";
import type { Plan, SamplingCase, TrainingCase } from "./plan.ts";

export const TRAINING_BAR = 1.5;
export const DECODING_BAR = 3;

/** Names of contestants. */
export const OURS = "ours";
export const EAGER = "PyTorch";
/** A few rows at a time, as memory-bound or cache-minded users do. */
export const MICRO = "PyTorch, micro-batches";
export const COMPILED = "PyTorch, torch.compile";
export const SCORES = "PyTorch, scores";
/** The same with one new token only. */
export const prefillOf = (name: string): string => `prefill, ${name}`;

/** Better by how much, in the median of the rounds and in the best ones. */
export type Ratio = Spread;

const ratio = (peer: Spread, ours: Spread): Ratio => ({
  median: peer.median / ours.median,
  best: peer.best / ours.best,
});

/** On a machine with other work a median may flatter either side; a bar has to hold in the best rounds as well. */
const lower = ({ median, best }: Ratio): number => Math.min(median, best);

/** The fastest of the peer's ways that were measured. @throws RangeError when there is none */
function fastest(rounds: Rounds, name: string, ways: readonly string[]): Spread {
  const spreads = ways.map((way) => rounds.times(name, way)).filter((times) => times.length > 0);
  return spreads.map(spreadOf).reduce((a, b) => ({
    median: Math.min(a.median, b.median),
    best: Math.min(a.best, b.best),
  }));
}

/** Milliseconds of the steps after the first token, from calls with all and with one new token. */
function decoding(rounds: Rounds, name: string, ways: readonly string[]): Spread {
  const all = ways.filter((way) => rounds.times(name, way).length > 0);
  const spreads = all.map((way) => {
    const whole = spreadOf(rounds.times(name, way));
    // What the prefill costs does not hang on how the scores are given back.
    const first = spreadOf(rounds.times(name, prefillOf(way === OURS ? OURS : EAGER)));
    return { median: whole.median - first.median, best: whole.best - first.best };
  });
  return spreads.reduce((a, b) => ({
    median: Math.min(a.median, b.median),
    best: Math.min(a.best, b.best),
  }));
}

const tokensOf = ({ shape }: TrainingCase | SamplingCase): number => shape.lengths.reduce((n, l) => n + l, 0);

/** Rates at the median; the ratio of the best rounds has a row of its own in `bestRows`. */
function rateRow(name: string, tokens: number, ours: Spread, peer: Spread): BenchRow {
  const rate = ({ median }: Spread): number => (1000 * tokens) / median;
  return moreIsBetter(name, "tokens/s", rate(ours), rate(peer));
}

const PEERS = [EAGER, MICRO, SCORES, COMPILED];
const LABELS: Readonly<Record<string, string>> = {
  [MICRO]: "; peer in micro-batches",
  [SCORES]: "; peer gives scores",
  [COMPILED]: "; peer with torch.compile",
};

/** What the time allowed has left: cases that were measured on both sides at least once. */
export function measuredOf(
  plan: Plan,
  rounds: Rounds,
): Pick<Plan, "training" | "sampling"> & { names: string[] } {
  const done = (name: string, ways: readonly string[]): boolean =>
    ways.every((way) => rounds.times(name, way).length > 0);
  const training = plan.training.filter(({ name }) => done(name, [OURS, EAGER]));
  const all = [OURS, EAGER, prefillOf(OURS), prefillOf(EAGER)];
  const sampling = plan.sampling.filter(({ name }) => done(name, all));
  return { training, sampling, names: [...training, ...sampling].map(({ name }) => name) };
}

export function rowsOf(plan: Plan, rounds: Rounds): BenchRow[] {
  const ours = (name: string): Spread => spreadOf(rounds.times(name, OURS));
  const measured = measuredOf(plan, rounds);
  const training = measured.training.flatMap((c): BenchRow[] => {
    const against = PEERS.filter((way) => rounds.times(c.name, way).length > 0);
    return against.map((way) => {
      const label = `${c.name}${LABELS[way] ?? ""}`;
      return rateRow(label, tokensOf(c), ours(c.name), spreadOf(rounds.times(c.name, way)));
    });
  });
  const sampling = measured.sampling.flatMap((c): BenchRow[] => {
    const rows = c.shape.lengths.length;
    const ways = PEERS.filter((way) => rounds.times(c.name, way).length > 0);
    const oursPrefill = spreadOf(rounds.times(c.name, prefillOf(OURS)));
    const peerPrefill = spreadOf(rounds.times(c.name, prefillOf(EAGER)));
    const decoded = rows * (plan.newTokens - 1);
    return [
      rateRow(`prefill ${c.name}`, tokensOf(c), oursPrefill, peerPrefill),
      ...ways.map((way) => {
        const label = `decode ${c.name}${LABELS[way] ?? ""}`;
        return rateRow(label, decoded, decoding(rounds, c.name, [OURS]), decoding(rounds, c.name, [way]));
      }),
      rateRow(
        `whole call of ${plan.newTokens} tokens, ${c.name}`,
        rows * plan.newTokens,
        ours(c.name),
        fastest(rounds, c.name, PEERS),
      ),
    ];
  });
  return [...training, ...sampling];
}

export function barsOf(plan: Plan, rounds: Rounds): BenchBar[] {
  const rule = (limit: number): string => `at least ${limit}x PyTorch's faster way, median and best round`;
  const measured = measuredOf(plan, rounds);
  const training = measured.training
    .filter(({ bar }) => bar)
    .map(({ name }) => {
      const value = lower(ratio(fastest(rounds, name, PEERS), spreadOf(rounds.times(name, OURS))));
      return atLeast(name, rule(TRAINING_BAR), value, TRAINING_BAR, "x");
    });
  const batches = [...new Set(measured.sampling.flatMap(({ barOf }) => barOf ?? []))];
  const sampling = batches.map((rows) => {
    const shapes = measured.sampling.filter(({ barOf }) => barOf === rows);
    const values = shapes.map(({ name }) =>
      lower(ratio(decoding(rounds, name, PEERS), decoding(rounds, name, [OURS]))),
    );
    const lowest = Math.min(...values);
    const where = shapes[values.indexOf(lowest)]?.name ?? "";
    return atLeast(
      `decoding, ${rows} ${rows === 1 ? "row" : "rows"}`,
      `${rule(DECODING_BAR)}; lowest of ${shapes.length}: ${where}`,
      ...([lowest, DECODING_BAR, "x"] as const),
    );
  });
  const faulty = rounds.faults.size;
  const whole = plan.training.length + plan.sampling.length;
  const complete =
    faulty === 0 ? [] : [atLeast("cases without a fault", "all of them", whole - faulty, whole, "")];
  return [...training, ...sampling, ...complete];
}
