// What the Tinker API carries, apart from how it is written: the records that both codecs (json.ts, protobuf.ts) give and
// take, for the three payloads that exist in both. Everything else is always JSON (messages.ts).
import { DataError } from "../../../core/errors.ts";

/**
 * Which server is spoken to: `hosted` as Thinking Machines serves it, `skyrl` as SkyRL does, `pyvision` our own, which
 * takes what `hosted` takes and more (`random_state`, `sequence`, `together`, `trained_only`, `weights` with every loss).
 */
export type Dialect = "pyvision" | "skyrl" | "hosted";

/** A stretch of a prompt. An image stands for as many positions as it has tokens; its pads are not sent. */
export type WireChunk =
  | { readonly type: "encoded_text"; readonly tokens: Int32Array }
  | {
      readonly type: "image";
      /** The encoded file. */
      readonly data: Uint8Array;
      readonly format: "png" | "jpeg";
      /** Positions the image takes by the sender's count; the receiver refuses another. */
      readonly expectedTokens?: number;
    };

/** Row-major. Whole numbers are 64 bits wide on the wire and must fit 32 here. */
export interface WireTensor {
  readonly dtype: "float32" | "int64";
  /** Float32Array for float32, Int32Array for int64. */
  readonly data: Float32Array | Int32Array;
  /** Its product is the length of `data`. */
  readonly shape: readonly number[];
}

/** One sequence of N inputs; index i of each tensor speaks about the prediction of what follows input i. */
export interface WireDatum {
  readonly chunks: readonly WireChunk[];
  readonly inputs: Readonly<Record<string, WireTensor>>;
}

export interface ForwardBackwardCall {
  readonly modelId: string;
  /** Place of this request in its model's order, counted from 1. */
  readonly seqId: number;
  readonly data: readonly WireDatum[];
  readonly lossFn: string;
  readonly lossFnConfig: Readonly<Record<string, number>>;
  /** Log-probabilities only: no gradient. */
  readonly forwardOnly: boolean;
}

export interface ForwardBackwardOutput {
  readonly outputType: string;
  /** One record per datum, in order. */
  readonly outputs: readonly Readonly<Record<string, WireTensor>>[];
  /** Keys are `name:reduction`. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface SampledSequence {
  readonly stopReason: "stop" | "length";
  /** The stop token, or the tokens that completed the stop string, included. */
  readonly tokens: readonly number[];
  /** As long as `tokens`. */
  readonly logprobs?: readonly number[];
}

export interface SampleOutput {
  readonly sequences: readonly SampledSequence[];
  /** Per position of the prompt; null where there is none, as at the first. */
  readonly promptLogprobs?: readonly (number | null)[];
  /** Per position of the prompt: the likeliest tokens, as [token, log-probability]. */
  readonly topkPromptLogprobs?: readonly (readonly (readonly [number, number])[] | null)[];
}

/** What came over the wire breaks a rule of the protocol: field, rule and value are named. */
export class ProtocolError extends DataError {
  /** Path of the field, as `data[2].loss_fn_inputs.weights.shape`. */
  readonly field: string;
  readonly rule: string;

  /** @param received in words or as a value, which is shortened; left out where there is nothing to show */
  constructor(field: string, rule: string, ...received: readonly [] | readonly [unknown]) {
    const path = plain(field);
    super(`${path}: ${plain(rule)}${received.length === 0 ? "" : `, received ${shown(received[0])}`}`);
    this.field = path;
    this.rule = rule;
  }
}

/** Names of map entries come from outside: no control characters, no endless ones. */
function plain(text: string): string {
  const line = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, "?");
  return line.length <= 200 ? line : `${line.slice(0, 197)}...`;
}

/** A value in at most 80 characters. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "bigint") return `${value}`;
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value) && value.length > 20) return `a list of ${value.length}`;
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
