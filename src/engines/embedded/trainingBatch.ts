// Datums as one right-padded batch of the training graph. Causal attention keeps padding out of every real token, and
// only rows that predict a token with a weight reach the head: row t - 1 predicts token t.
import type { Datum } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import { CAUSAL_BLOCKS } from "../../models/qwen2_5_vl/causalAttention.ts";
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import { UNCLIPPED } from "../../models/qwen2_5_vl/graphLosses.ts";
import { mropePositions } from "../../models/qwen2_5_vl/positions.ts";
import type { Value } from "../../onnx/session.ts";
import type { LossSpec } from "../engine.ts";
import type { MropeTables } from "./rotaryTables.ts";
import { floats, ints, rowIds } from "./values.ts";
import { BLOCKED, visionBatch } from "./visionBatch.ts";

export interface TrainingBatch {
  readonly feeds: Record<string, Value>;
  readonly hasImages: boolean;
  /** Where each trained row's token stands: datum and position. */
  readonly places: readonly Place[];
}

export interface Place {
  /** In the batch. */
  readonly datum: number;
  readonly position: number;
}

/** @param loss undefined for log-probabilities alone */
export function trainingBatch(
  batch: readonly Datum[],
  loss: LossSpec | undefined,
  config: Qwen25VLConfig,
  tables: MropeTables,
): TrainingBatch {
  const length = paddedLength(Math.max(...batch.map((d) => d.tokens.length)));
  const rows = batch.length * length;
  const ids = new Int32Array(rows).fill(config.padTokenId);
  const rotary = tables.allocate(rows);
  const imageRows: number[] = [];
  const trainedRows: number[] = [];
  const targets: number[] = [];
  const places: Place[] = [];
  batch.forEach((datum, b) => {
    const { tokens, images, targets: wanted = tokens } = datum;
    ids.set(tokens, b * length);
    const positions = mropePositions(
      tokens,
      images.map((image) => image.grid),
      config,
    );
    for (let t = 0; t < tokens.length; t++) {
      tables.write(rotary, b * length + t, positions, tokens.length, t);
      if (tokens[t] === config.imageTokenId) imageRows.push(b * length + t);
      if (datum.mask[t] === 0) continue;
      if (t === 0)
        throw new EngineError(
          "internal: the first token of a datum cannot be trained on; its mask must be 0",
        );
      trainedRows.push(b * length + t - 1);
      targets.push(wanted[t] as number);
      places.push({ datum: b, position: t });
    }
  });
  if (places.length === 0) throw new EngineError("internal: a training batch without any trained token");
  const along = (pick: (datum: Datum) => Float32Array): Value =>
    floats(
      Float32Array.from(places, (p) => pick(batch[p.datum] as Datum)[p.position] as number),
      [places.length],
    );
  const feeds: Record<string, Value> = {
    ids: ints(ids),
    cos: floats(rotary.cos, [rows, tables.width]),
    sin: floats(rotary.sin, [rows, tables.width]),
    rowIds: rowIds(rows),
    layout: ints([batch.length, length]),
    ...causalFeeds(length, config),
    trainedRows: ints(trainedRows),
    targets: ints(targets),
  };
  if (loss !== undefined) feeds["mask"] = along((d) => d.mask);
  if (loss !== undefined && loss.type !== "crossEntropy") {
    const [low, high] = ratioBounds(loss);
    feeds["sampledLogprobs"] = along((d) => d.logprobs);
    feeds["advantages"] = along((d) => d.advantages);
    feeds["ratioLow"] = floats(Float32Array.of(low), []);
    feeds["ratioHigh"] = floats(Float32Array.of(high), []);
  }
  const images = batch.flatMap((d) => d.images);
  if (images.length > 0) {
    const vision = visionBatch(images, config);
    Object.assign(feeds, vision.feeds);
    feeds["featureRows"] = ints(vision.featureRows);
    feeds["imageRows"] = ints(imageRows);
  }
  return { feeds, hasImages: images.length > 0, places };
}

function ratioBounds(loss: Exclude<LossSpec, { type: "crossEntropy" }>): [low: number, high: number] {
  return loss.type === "importanceSampling"
    ? [UNCLIPPED.low, UNCLIPPED.high]
    : [1 - loss.clipLow, 1 + loss.clipHigh];
}

/** The least length from which every block of the attention has rows: a gradient cannot be taken of none. */
export function paddedLength(longest: number): number {
  let length = longest;
  while ((CAUSAL_BLOCKS - 1) * Math.ceil(length / CAUSAL_BLOCKS) >= length) length++;
  return length;
}

let lastCausal:
  { readonly length: number; readonly groups: number; readonly feeds: Record<string, Value> } | undefined;

/** The inputs of `causalAttention`. Blocks are equally long but for the last ones, which are empty in a short sequence. */
export function causalFeeds(length: number, config: Qwen25VLConfig): Record<string, Value> {
  const groups = config.numAttentionHeads / config.numKeyValueHeads;
  if (lastCausal?.length === length && lastCausal.groups === groups) return lastCausal.feeds;
  const bias = new Float32Array(length * groups * length);
  for (let row = 0; row < length * groups; row++) {
    const time = Math.floor(row / groups);
    bias.fill(BLOCKED, row * length + time + 1, (row + 1) * length);
  }
  const ends = Array.from({ length: CAUSAL_BLOCKS }, (_, i) =>
    Math.min(length, (i + 1) * Math.ceil(length / CAUSAL_BLOCKS)),
  );
  const feeds = {
    causalBias: floats(bias, [length * groups, length]),
    blockEnds: ints(ends),
    blockRows: ints(ends.map((end, i) => (end - (ends[i - 1] ?? 0)) * groups)),
  };
  lastCausal = { length, groups, feeds };
  return feeds;
}
