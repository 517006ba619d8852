// Requests and datums that the model cannot compute are refused by name before anything is computed.
import type { Datum } from "../../core/datum.ts";
import { segmentLength } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import type { SampleRequest } from "../engine.ts";

/** What must be known of a model to refuse what it cannot compute. */
export interface KnownModel {
  readonly vocabSize: number;
  readonly imageTokenId: number;
  readonly vision: { readonly patchSize: number; readonly spatialMergeSize: number };
}

/** @throws EngineError naming the sequence, the field, the rule and the value */
export function checkRequest({ sequenceId, segments, params }: SampleRequest, config: KnownModel): void {
  const refuse = (text: string): never => {
    throw new EngineError(`sampling "${sequenceId}": ${text}`);
  };
  const rule = (holds: boolean, name: keyof typeof params, must: string): void => {
    if (!holds) refuse(`${name} must be ${must}, got ${String(params[name])}`);
  };
  rule(
    Number.isInteger(params.maxNewTokens) && params.maxNewTokens >= 1,
    "maxNewTokens",
    "a whole number of at least 1",
  );
  rule(
    Number.isFinite(params.temperature) && params.temperature >= 0,
    "temperature",
    "finite and at least 0 (0 is greedy)",
  );
  rule(params.topP > 0 && params.topP <= 1, "topP", "more than 0 and at most 1 (1 is off)");
  rule(Number.isInteger(params.topK) && params.topK >= 0, "topK", "a whole number of at least 0 (0 is off)");
  if (segments.reduce((n, segment) => n + segmentLength(segment), 0) === 0)
    refuse("its segments hold no token; a sequence begins with its prompt");
  segments.forEach((segment, s) => {
    if (segment.type === "image") {
      const problem = imageProblem(segment.image, config);
      if (problem !== undefined) refuse(`segment ${s}: ${problem}`);
      return;
    }
    for (const token of segment.tokens)
      if (!isToken(token, config))
        refuse(
          `segment ${s}: token ids must be whole numbers from 0 to ${config.vocabSize - 1}, got ${token}`,
        );
      else if (token === config.imageTokenId)
        refuse(
          `segment ${s}: the image placeholder ${token} stands in text; images are segments of their own`,
        );
  });
}

/** @throws EngineError naming the call, and the datum by its position in the batch */
export function checkDatums(
  batch: readonly Datum[],
  config: KnownModel,
  call: "forward" | "forwardBackward" = "forwardBackward",
): void {
  if (batch.length === 0) throw new EngineError(`${call}: the batch is empty; give it at least one datum`);
  batch.forEach((datum, d) => {
    const refuse = (text: string): never => {
      throw new EngineError(`${call}, datum ${d}: ${text}`);
    };
    const { tokens, images, mask, targets } = datum;
    if (tokens.length < 2) refuse(`it must have at least 2 tokens, got ${tokens.length}`);
    for (const name of ["mask", "logprobs", "advantages"] as const)
      if (datum[name].length !== tokens.length)
        refuse(
          `${name} must have one value for each of the ${tokens.length} tokens, got ${datum[name].length}`,
        );
    if (targets !== undefined && targets.length !== tokens.length)
      refuse(
        `targets must have one value for each of the ${tokens.length} tokens, or be left out; got ${targets.length}`,
      );
    if (mask[0] !== 0)
      refuse(`mask[0] must be 0, got ${mask[0]}: nothing comes before the first token that could predict it`);
    let placeholders = 0;
    for (const token of tokens) {
      if (!isToken(token, config))
        refuse(`token ids must be whole numbers from 0 to ${config.vocabSize - 1}, got ${token}`);
      if (token === config.imageTokenId) placeholders++;
    }
    for (const token of targets ?? [])
      if (!isToken(token, config))
        refuse(`targets must be token ids, whole numbers from 0 to ${config.vocabSize - 1}, got ${token}`);
    for (const image of images) {
      const problem = imageProblem(image, config);
      if (problem !== undefined) refuse(problem);
    }
    const expected = images.reduce((n, image) => n + image.tokenCount, 0);
    if (placeholders !== expected)
      refuse(
        `its ${images.length} images take ${expected} placeholder tokens, but ${placeholders} are there`,
      );
  });
  if (batch.every(({ mask }) => mask.every((weight) => weight === 0)))
    throw new EngineError(
      `${call}: no token of the batch has a mask other than 0; there is nothing to ${call === "forward" ? "compute" : "train"}`,
    );
}

function isToken(token: number, { vocabSize }: KnownModel): boolean {
  return Number.isInteger(token) && token >= 0 && token < vocabSize;
}

function imageProblem({ pixels, grid, tokenCount }: ViewImage, { vision }: KnownModel): string | undefined {
  const { patchSize, spatialMergeSize: merge } = vision;
  const [t, h, w] = grid;
  const shown = `image grid [${grid.join(", ")}]`;
  const whole = t === 1 && [h, w].every((n) => Number.isInteger(n) && n > 0 && n % merge === 0);
  if (!whole) return `${shown}: must be 1 × two positive multiples of ${merge}`;
  if (tokenCount !== (h * w) / merge ** 2)
    return `${shown}: takes ${(h * w) / merge ** 2} tokens, but tokenCount is ${tokenCount}`;
  const { width, height, data } = pixels;
  if (width !== w * patchSize || height !== h * patchSize || data.length !== 3 * width * height)
    return (
      `${shown}: needs ${w * patchSize} × ${h * patchSize} pixels, got ${width} × ${height} with ` +
      `${data.length} bytes; make it with codec.viewImage`
    );
  return undefined;
}
