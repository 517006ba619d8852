// A growing sequence between requests, and one request on its way through the sampler.
import { EngineError } from "../../core/errors.ts";
import type { StopReason } from "../../core/trajectory.ts";
import type { MropeState } from "../../models/qwen2_5_vl/positions.ts";
import type { Codec, SampleRequest } from "../engine.ts";
import { type Distribution, drawToken } from "./drawToken.ts";
import type { SequenceCache } from "./kvCache.ts";

export interface Sequence {
  readonly cache: SequenceCache;
  readonly positions: MropeState;
}

export interface Row {
  readonly request: SampleRequest;
  readonly sequence: Sequence;
  readonly tokens: number[];
  readonly logprobs: number[];
  /** The end of the text so far, long enough to hold every stop string. */
  text: string;
  stop: StopReason | undefined;
  /** Length of its longest stop string, in characters. */
  readonly longestStop: number;
}

export function newRow(request: SampleRequest, sequence: Sequence): Row {
  const longestStop = Math.max(0, ...request.params.stopStrings.map((s) => s.length));
  return { request, sequence, tokens: [], logprobs: [], text: "", stop: undefined, longestStop };
}

/** Draws tokens for rows and knows what ends them. */
export class TokenDrawer {
  private readonly pieces: readonly string[];

  constructor(
    private readonly codec: Codec,
    vocabSize: number,
    /** Ids that sampling never produces. */
    private readonly banned: ReadonlySet<number>,
    /** A weight that is not finite, to name when logits are not. */
    private readonly spoiltWeight: () => string | undefined,
  ) {
    this.pieces = Array.from({ length: vocabSize }, (_, id) => codec.decode([id]));
  }

  /** Draws the next token of a row and notes whether that ends it. */
  draw(row: Row, next: Distribution): void {
    const { params, random, sequenceId } = row.request;
    const { token, logprob } = drawToken(next, params, this.banned, random);
    if (!Number.isFinite(logprob)) {
      const weight = this.spoiltWeight();
      const cause = weight === undefined ? "" : `; the weight "${weight}" is itself not finite`;
      throw new EngineError(`sampling "${sequenceId}": the model's logits are not finite${cause}`);
    }
    row.tokens.push(token);
    row.logprobs.push(logprob);
    const tail = row.longestStop === 0 ? "" : row.text.slice(-row.longestStop);
    row.text = tail + (this.pieces[token] as string);
    if (token === this.codec.endOfTurnId || params.stopStrings.some((s) => row.text.includes(s)))
      row.stop = "stop";
    else if (row.tokens.length >= params.maxNewTokens) row.stop = "length";
  }
}
