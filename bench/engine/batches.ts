// The batches that are measured: text drawn from a seed, pictures of 16 tokens, and weights such that the first loss is
// the same known number on both sides only if both compute the same log-probabilities.
import { join } from "node:path";
import { randomStream } from "../../src/core/random.ts";
import type { Datum } from "../../src/core/datum.ts";
import type { ViewImage } from "../../src/core/trajectory.ts";
import { EmbeddedEngine } from "../../src/engines/embedded/embeddedEngine.ts";
import { type BatchRow, writeBatch } from "./batchFile.ts";

/** 112 x 112 pixels. */
export const IMAGE_TOKENS = 16;
/** Tokens before the picture. */
const LEAD = 30;
/** Of the tokens after the prompt, how many are trained on: about what RL of the mini recipe has. */
const TRAINED_SHARE = 0.55;

export interface Shape {
  /** Length of each row in tokens. */
  readonly lengths: readonly number[];
  readonly images: boolean;
  /** Rows that begin alike, in groups of so many; 1 for none. */
  readonly group?: number;
}

export const evenShape = (rows: number, length: number, images: boolean): Shape => ({
  lengths: Array.from({ length: rows }, () => length),
  images,
});

export class BatchMaker {
  private constructor(
    private readonly engine: EmbeddedEngine,
    private readonly root: string,
    private readonly padId: number,
  ) {}

  static async open(checkpoint: string, root: string): Promise<BatchMaker> {
    const engine = await EmbeddedEngine.load(checkpoint);
    return new BatchMaker(engine, root, engine.files.config.padTokenId);
  }

  /** Writes a batch to train on; its log-probabilities are those of the checkpoint. @returns its folder */
  async training(name: string, shape: Shape): Promise<string> {
    const { rows, pictures } = this.draw(name, shape, true);
    const data = rows.map((row) => datumOf(row, pictures));
    const logprobs: number[][] = [];
    // With no advantage there is no gradient: this reads log-probabilities.
    for (const datum of data) {
      const loss = { type: "ppo", clipLow: 0.2, clipHigh: 0.2 } as const;
      const flat = { ...datum, advantages: datum.advantages.map(() => 0) };
      const result = await this.engine.forwardBackward([flat], loss);
      logprobs.push(Array.from(result.logprobs[0] ?? []));
    }
    const scored = rows.map((row, i) => ({ ...row, logprobs: logprobs[i] as number[] }));
    return this.write(name, scored, pictures);
  }

  /** Writes a batch to sample from: prompts alone. @returns its folder */
  async prompts(name: string, shape: Shape): Promise<string> {
    const { rows, pictures, keys } = this.draw(name, shape, false);
    return this.write(name, rows, pictures, keys);
  }

  async close(): Promise<void> {
    await this.engine.dispose();
  }

  private async write(
    name: string,
    rows: readonly BatchRow[],
    pictures: readonly ViewImage[],
    keys?: readonly string[],
  ): Promise<string> {
    const folder = join(this.root, name.replaceAll(/\W+/g, "-"));
    await writeBatch(folder, rows, pictures, this.padId, keys);
    return folder;
  }

  private draw(
    name: string,
    shape: Shape,
    trains: boolean,
  ): { rows: BatchRow[]; pictures: ViewImage[]; keys: string[] | undefined } {
    const { codec } = this.engine;
    const random = randomStream("bench engine", name);
    const pictures: ViewImage[] = [];
    const picture = (): number => {
      const side = 112;
      const data = Uint8Array.from({ length: side * side * 3 }, () => random.below(256));
      return pictures.push(codec.viewImage({ width: side, height: side, data })) - 1;
    };
    const one = (length: number): BatchRow => {
      const lead = LEAD + (shape.images ? IMAGE_TOKENS : 0);
      const tokens = Array.from({ length }, (_, t) =>
        shape.images && t >= LEAD && t < lead ? codec.imagePadId : random.below(256),
      );
      const trained = trains ? Math.floor(TRAINED_SHARE * (length - lead)) : 0;
      const isTrained = (t: number): boolean => t >= lead && t < lead + trained;
      const advantage = random.next() * 2 - 1;
      return {
        tokens,
        mask: tokens.map((_, t) => (isTrained(t) ? 1 : 0)),
        logprobs: tokens.map(() => 0),
        advantages: tokens.map((_, t) => (isTrained(t) ? advantage : 0)),
        pictures: shape.images ? [picture()] : [],
      };
    };
    const group = shape.group ?? 1;
    const rows: BatchRow[] = [];
    shape.lengths.forEach((length, i) =>
      rows.push(i % group === 0 ? one(length) : (rows[i - 1] as BatchRow)),
    );
    const keys = group === 1 ? undefined : rows.map((_, i) => `prompt${Math.floor(i / group)}`);
    return { rows, pictures, keys };
  }
}

/** The mask is scaled to the token mean by whoever trains. */
export function datumOf(row: BatchRow, pictures: readonly ViewImage[]): Datum {
  return {
    tokens: Int32Array.from(row.tokens),
    images: row.pictures.map((at) => pictures[at] as ViewImage),
    mask: Float32Array.from(row.mask),
    logprobs: Float32Array.from(row.logprobs),
    advantages: Float32Array.from(row.advantages),
  };
}
