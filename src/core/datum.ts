// What an engine trains on: one token sequence with everything aligned to it. Position t of mask, logprobs and
// advantages speaks about token t itself (the engine does the shift to "predict token t from tokens < t").
import { DataError } from "./errors.ts";
import type { Segment, ViewImage } from "./trajectory.ts";

export interface Datum {
  /** Length T, image placeholders expanded. */
  readonly tokens: Int32Array;
  /** Images in the order their placeholders appear. */
  readonly images: readonly ViewImage[];
  /** Length T; weight of the loss at each token: 0 for prompts, observations and images. mask[0] is 0. */
  readonly mask: Float32Array;
  /** Length T; log-probability each token was sampled with, 0 where mask is 0. */
  readonly logprobs: Float32Array;
  /** Length T; advantage of each token, 0 where mask is 0. */
  readonly advantages: Float32Array;
  /** Length T; what is to be predicted at each position, where that is not the token that stands there. */
  readonly targets?: Int32Array;
}

/**
 * Builds the aligned arrays from segments. The advantage is the same for every sampled token.
 * @throws DataError for tokens that are unfit for training
 */
export function datumFromSegments(
  segments: readonly Segment[],
  advantage: number,
  imagePadId: number,
): Datum {
  const unfit = unfitForTraining(segments);
  if (unfit !== undefined)
    throw new DataError(
      `this trajectory cannot be trained on: ${unfit}; leave it out, or sample with engine.type embedded`,
    );
  const length = segments.reduce((n, s) => n + segmentLength(s), 0);
  const tokens = new Int32Array(length);
  const mask = new Float32Array(length);
  const logprobs = new Float32Array(length);
  const advantages = new Float32Array(length);
  const images: ViewImage[] = [];
  let at = 0;
  for (const segment of segments) {
    const end = at + segmentLength(segment);
    if (segment.type === "image") {
      tokens.fill(imagePadId, at, end);
      images.push(segment.image);
    } else {
      tokens.set(segment.tokens, at);
      if (segment.type === "sampled") {
        if (segment.logprobs.length !== segment.tokens.length)
          throw new Error(
            `internal: sampled segment has ${segment.tokens.length} tokens but ${segment.logprobs.length} logprobs`,
          );
        mask.fill(1, at, end);
        logprobs.set(segment.logprobs, at);
        advantages.fill(advantage, at, end);
      }
    }
    at = end;
  }
  return { tokens, images, mask, logprobs, advantages };
}

/** Why nothing may be trained on a sequence; undefined when all its sampled tokens are the policy's own. */
export function unfitForTraining(segments: readonly Segment[]): string | undefined {
  for (const segment of segments)
    if (segment.type === "sampled" && segment.unfit !== undefined) return segment.unfit;
  return undefined;
}

/** Tokens a segment takes in the sequence. */
export function segmentLength(segment: Segment): number {
  return segment.type === "image" ? segment.image.tokenCount : segment.tokens.length;
}
