// A batch whose loss or gradient was not finite, kept on disk so that the failure can be looked at and repeated:
//   batch.json   where it happened, the message, the loss, and every sequence with its tokens, mask, log-probabilities
//                and advantages (numbers as JSON has them; NaN and the infinities as strings)
//   pixels.rgb   the pictures' 8-bit RGB bytes, one after the other in the order of the sequences
// `readFailedBatch` gives back datums that are equal to the last bit, ready for `Engine.forwardBackward`.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Datum } from "../core/datum.ts";
import { DataError } from "../core/errors.ts";
import type { PatchGrid, ViewImage } from "../core/trajectory.ts";
import type { LossSpec } from "../engines/engine.ts";

export interface FailedBatch {
  /** E.g. "RL step 3, minibatch 0". */
  readonly where: string;
  /** Training step, counted from 1. */
  readonly step: number;
  readonly message: string;
  readonly loss: LossSpec;
  readonly sequences: readonly {
    /** Task and member, or the number in the data. */
    readonly name: string;
    readonly datum: Datum;
  }[];
}

/** Stores a batch and tells where. */
export type SaveFailedBatch = (failed: FailedBatch) => Promise<string>;

interface StoredImage {
  readonly width: number;
  readonly height: number;
  readonly grid: PatchGrid;
  readonly tokenCount: number;
}

type StoredNumber = number | string;

interface StoredSequence {
  readonly name: string;
  readonly tokens: readonly number[];
  readonly mask: readonly StoredNumber[];
  readonly logprobs: readonly StoredNumber[];
  readonly advantages: readonly StoredNumber[];
  readonly images: readonly StoredImage[];
}

/** Writes into `dir`, which is made. */
export async function writeFailedBatch(dir: string, failed: FailedBatch): Promise<void> {
  const stored: readonly StoredSequence[] = failed.sequences.map(({ name, datum }) => ({
    name,
    tokens: [...datum.tokens],
    mask: toJson(datum.mask),
    logprobs: toJson(datum.logprobs),
    advantages: toJson(datum.advantages),
    images: datum.images.map(({ pixels: { width, height }, grid, tokenCount }) => ({
      width,
      height,
      grid,
      tokenCount,
    })),
  }));
  const pixels = failed.sequences.flatMap(({ datum }) => datum.images.map((image) => image.pixels.data));
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "pixels.rgb"), Buffer.concat(pixels));
  await writeFile(join(dir, "batch.json"), `${JSON.stringify({ ...failed, sequences: stored })}\n`);
}

/** @throws DataError when `dir` holds no such batch or its pictures are incomplete. */
export async function readFailedBatch(dir: string): Promise<FailedBatch> {
  let batch: Omit<FailedBatch, "sequences"> & { readonly sequences: readonly StoredSequence[] };
  let pixels: Uint8Array;
  try {
    batch = JSON.parse(await readFile(join(dir, "batch.json"), "utf8")) as typeof batch;
    pixels = await readFile(join(dir, "pixels.rgb"));
  } catch (error) {
    throw new DataError(`${dir}: holds no batch that can be read: ${(error as Error).message}`);
  }
  let at = 0;
  const image = ({ width, height, grid, tokenCount }: StoredImage): ViewImage => {
    const data = Uint8Array.from(pixels.subarray(at, (at += 3 * width * height)));
    return { pixels: { width, height, data }, grid, tokenCount };
  };
  const sequences = batch.sequences.map(({ name, tokens, mask, logprobs, advantages, images }) => ({
    name,
    datum: {
      tokens: Int32Array.from(tokens),
      images: images.map(image),
      mask: fromJson(mask),
      logprobs: fromJson(logprobs),
      advantages: fromJson(advantages),
    },
  }));
  if (at !== pixels.length)
    throw new DataError(`${dir}/pixels.rgb: must have ${at} bytes as batch.json says, got ${pixels.length}`);
  return { ...batch, sequences };
}

function toJson(values: Float32Array): StoredNumber[] {
  return Array.from(values, (value) => (Number.isFinite(value) ? value : String(value)));
}

function fromJson(values: readonly StoredNumber[]): Float32Array {
  return Float32Array.from(values, Number);
}
