// What is measured, and how often.
import { evenShape, type Shape } from "./batches.ts";

export interface TrainingCase {
  readonly name: string;
  readonly shape: Shape;
  readonly rounds: number;
  /** Held to the bar, and measured with torch.compile as well. */
  readonly bar?: true;
  /** The peer is measured with micro-batches of so many rows as well. */
  readonly microRows?: number;
}

export interface SamplingCase {
  readonly name: string;
  readonly shape: Shape;
  readonly rounds: number;
  /** Number of rows whose decoding counts for the bar of this number; none for extra shapes. */
  readonly barOf?: number;
  /** `generate` that gives back its scores is measured as well. */
  readonly scores: boolean;
  /** And `generate` with torch.compile. */
  readonly compiled?: true;
}

export interface Plan {
  readonly training: readonly TrainingCase[];
  readonly sampling: readonly SamplingCase[];
  /** Tokens that every row gains. */
  readonly newTokens: number;
  /** A quarter each for training and sampling, cases of many rounds and the others: no case begins later. */
  readonly seconds: number;
  readonly compileLimitSeconds: number;
  readonly matmulRepeats: number;
  readonly memory: boolean;
}

/** Lengths of trajectories that the mini recipe trained on in two RL steps: 32 quantiles of 128 (see docs/decisions.md). */
const RECIPE_LENGTHS = [
  ...[48, 50, 50, 50, 50, 50, 51, 51, 51, 51, 51, 51, 54, 54, 54, 120],
  ...[120, 120, 120, 120, 121, 121, 121, 125, 191, 191, 198, 198, 254, 327, 331, 354],
] as const;

const training = (rows: number, length: number, images: boolean, rounds: number): TrainingCase => ({
  name: `train ${rows} x ${length}${images ? ", an image each" : ", text"}`,
  shape: evenShape(rows, length, images),
  rounds,
});

const sampling = (rows: number, length: number, images: boolean, rounds: number): SamplingCase => ({
  name: `${rows} rows at ${length}${images ? ", an image each" : ", text"}`,
  shape: evenShape(rows, length, images),
  rounds,
  barOf: rows,
  scores: length === 128 && images,
});

const BAR_CASE: TrainingCase = { ...training(32, 256, true, 9), bar: true, microRows: 8 };
const GROUPS: SamplingCase = {
  name: "64 rows at 512, 8 groups with a prompt each",
  shape: { ...evenShape(64, 512, true), group: 8 },
  ...{ rounds: 2, scores: false },
};

export const FULL: Plan = {
  training: [
    BAR_CASE,
    {
      name: "train 32 of the mini recipe's lengths, an image each",
      shape: { lengths: RECIPE_LENGTHS, images: true },
      rounds: 7,
      microRows: 8,
    },
    ...[training(32, 256, false, 3), training(32, 512, true, 3)],
    ...[training(8, 128, true, 3), training(8, 256, true, 3), training(8, 1024, true, 3)],
  ],
  sampling: [
    ...[1, 16, 64].map((rows): SamplingCase => {
      const one = sampling(rows, 128, true, 7);
      return rows === 16 ? { ...one, compiled: true } : one;
    }),
    sampling(16, 128, false, 3),
    ...[1, 16, 64].map((rows) => sampling(rows, 512, true, 3)),
    ...[1, 16].map((rows) => sampling(rows, 1024, true, 2)),
    GROUPS,
  ],
  ...{ newTokens: 32, seconds: 300, compileLimitSeconds: 120, matmulRepeats: 12, memory: true },
};

export const QUICK: Plan = {
  training: [{ ...BAR_CASE, rounds: 5 }],
  sampling: [1, 16, 64].map((rows) => ({ ...sampling(rows, 128, true, 5), scores: false })),
  ...{ newTokens: 32, seconds: 100, compileLimitSeconds: 0, matmulRepeats: 5, memory: false },
};
