// A Datum of T tokens as the wire has it and back. The wire sends the N = T - 1 inputs, and index i of every tensor speaks
// about the prediction of what follows input i; so what a Datum has at position t stands at index t - 1. The last token is no
// input: it is only the last target, so where a Datum has another target there, that is its last token when it comes back.
// Images go as pictures, each in place of its run of placeholders.
import type { Datum } from "../../../core/datum.ts";
import { DataError } from "../../../core/errors.ts";
import type { Segment, ViewImage } from "../../../core/trajectory.ts";
import type { LossSpec } from "../../engine.ts";
import { pngOf } from "../../openai/chatMessages.ts";
import { type Dialect, ProtocolError, type WireChunk, type WireDatum, type WireTensor } from "./wire.ts";

/**
 * @param options.loss decides which tensors go along. `hosted` takes no weights with losses of reinforcement learning: there
 *   the advantages are multiplied by them.
 * @throws DataError for a datum that ends in an image, for placeholders that do not fit the images, and for a negative weight
 *   that would have to be multiplied into an advantage
 */
export function toWireDatum(
  datum: Datum,
  options: { readonly imagePadId: number; readonly dialect: Dialect; readonly loss: LossSpec },
): WireDatum {
  const { tokens, mask, targets } = datum;
  const { imagePadId, dialect, loss } = options;
  const length = tokens.length;
  if (length < 2 || tokens[length - 1] === imagePadId)
    throw new DataError(
      `a sequence to train on must have at least two tokens and end in text, but has ${length}` +
        `${length < 2 ? "" : " and ends in an image"}; leave it out`,
    );
  const targetTokens = new Int32Array(length - 1);
  for (let t = 1; t < length; t++) {
    const untrainedPad = tokens[t] === imagePadId && mask[t] === 0;
    targetTokens[t - 1] = untrainedPad ? 0 : ((targets ?? tokens)[t] as number);
  }
  const inputs: Record<string, WireTensor> = { target_tokens: list("int64", targetTokens) };
  const fold = loss.type !== "crossEntropy" && dialect === "hosted";
  if (!fold) inputs["weights"] = list("float32", mask.slice(1));
  if (loss.type !== "crossEntropy") {
    inputs["logprobs"] = list("float32", datum.logprobs.slice(1));
    inputs["advantages"] = list("float32", fold ? folded(datum) : datum.advantages.slice(1));
  }
  return { chunks: inputChunks(datum, imagePadId), inputs };
}

export interface FromWireOptions {
  readonly imagePadId: number;
  readonly loss: LossSpec;
  /** As `CalledLoss.trainedOnly`. */
  readonly trainedOnly: boolean;
  /** @throws for bytes that are no picture, and for pictures that the model does not take */
  readonly picture: (data: Uint8Array, format: "png" | "jpeg") => ViewImage;
  /** Where the datum stands in the call, as `data[3]`. */
  readonly field: string;
}

/**
 * The tensors' rules are those of the hosted service: exactly the inputs of the loss, each of length N. Without `weights` all
 * tokens of crossEntropy count 1, and of the other losses those whose advantage is not 0: the others add nothing to loss or
 * gradient.
 * @throws ProtocolError
 */
export function fromWireDatum(wire: WireDatum, options: FromWireOptions): Datum {
  const { imagePadId, loss, trainedOnly, field } = options;
  const { inputs, images } = expand(wire.chunks, options);
  const count = inputs.length;
  const needed =
    loss.type === "crossEntropy" ? ["target_tokens"] : ["target_tokens", "logprobs", "advantages"];
  const allowed = loss.type === "crossEntropy" || trainedOnly ? [...needed, "weights"] : needed;
  for (const name of Object.keys(wire.inputs))
    if (!allowed.includes(name))
      throw new ProtocolError(
        `${field}.loss_fn_inputs.${name}`,
        `this loss takes only ${allowed.join(", ")}`,
      );
  const perToken = (name: string, dtype: WireTensor["dtype"]): Float32Array | Int32Array | undefined => {
    const tensor = wire.inputs[name];
    if (tensor === undefined && !needed.includes(name)) return undefined;
    return checked(tensor, dtype, count, `${field}.loss_fn_inputs.${name}`);
  };
  const targetTokens = perToken("target_tokens", "int64") as Int32Array;
  const length = count + 1;
  const tokens = new Int32Array(length);
  tokens.set(inputs);
  tokens[count] = targetTokens[count - 1] as number;
  const advantages = shifted(perToken("advantages", "float32"), length);
  const weights = perToken("weights", "float32");
  const mask =
    weights !== undefined
      ? shifted(weights, length)
      : loss.type === "crossEntropy"
        ? new Float32Array(length).fill(1, 1)
        : advantages.map((advantage) => (advantage === 0 ? 0 : 1));
  const targets = otherTargets(tokens, targetTokens, mask, imagePadId);
  const logprobs = shifted(perToken("logprobs", "float32"), length);
  return { tokens, images, mask, logprobs, advantages, ...(targets === undefined ? {} : { targets }) };
}

/** The chunks of a prompt: neighbouring texts are one, and none is empty. */
export function chunksOf(segments: readonly Segment[]): WireChunk[] {
  const chunks: WireChunk[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    if (run.length > 0) chunks.push({ type: "encoded_text", tokens: Int32Array.from(run) });
    run = [];
  };
  for (const segment of segments) {
    if (segment.type === "image") {
      endRun();
      chunks.push(imageChunk(segment.image));
    } else run = run.concat(segment.tokens);
  }
  endRun();
  return chunks;
}

function imageChunk(image: ViewImage): WireChunk {
  return { type: "image", data: pngOf(image), format: "png", expectedTokens: image.tokenCount };
}

function inputChunks({ tokens, images }: Datum, imagePadId: number): WireChunk[] {
  const chunks: WireChunk[] = [];
  const end = tokens.length - 1;
  let next = 0;
  let at = 0;
  while (at < end) {
    let stop = at;
    if (tokens[at] !== imagePadId) {
      while (stop < end && tokens[stop] !== imagePadId) stop++;
      chunks.push({ type: "encoded_text", tokens: tokens.slice(at, stop) });
    } else {
      // Two images may follow one another without a token between them: the images' own counts part them.
      const image = images[next++];
      stop += image?.tokenCount ?? 0;
      if (
        image === undefined ||
        stop > end ||
        tokens.subarray(at, stop).some((token) => token !== imagePadId)
      )
        throw new DataError(
          `the image placeholders from token ${at} must be those of image ${next} of ${images.length}` +
            `${image === undefined ? "" : `, which takes ${image.tokenCount}`}; build datums with datumFromSegments`,
        );
      chunks.push(imageChunk(image));
    }
    at = stop;
  }
  if (next !== images.length)
    throw new DataError(
      `there are ${images.length} images but placeholders for ${next}; leave the datum out`,
    );
  return chunks;
}

function folded({ mask, advantages }: Datum): Float32Array {
  return mask.slice(1).map((weight, i) => {
    if (weight < 0)
      throw new DataError(
        `mask[${i + 1}] must not be negative where the server takes no weights, received ${weight}`,
      );
    return weight * (advantages[i + 1] as number);
  });
}

function expand(
  chunks: readonly WireChunk[],
  { imagePadId, picture, field }: FromWireOptions,
): { inputs: Int32Array; images: ViewImage[] } {
  const images: ViewImage[] = [];
  const parts = chunks.map((chunk, i) => {
    const path = `${field}.model_input.chunks[${i}]`;
    if (chunk.type === "encoded_text") {
      if (chunk.tokens.includes(imagePadId))
        throw new ProtocolError(
          `${path}.tokens`,
          "must not hold placeholders of images: the picture's chunk stands for them",
          imagePadId,
        );
      return chunk.tokens;
    }
    const image = picture(chunk.data, chunk.format);
    if (chunk.expectedTokens !== undefined && chunk.expectedTokens !== image.tokenCount)
      throw new ProtocolError(
        `${path}.expected_tokens`,
        `must be ${image.tokenCount}, what this model makes of the picture`,
        chunk.expectedTokens,
      );
    images.push(image);
    return new Int32Array(image.tokenCount).fill(imagePadId);
  });
  const inputs = new Int32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    inputs.set(part, at);
    at += part.length;
  }
  return { inputs, images };
}

function checked(
  tensor: WireTensor | undefined,
  dtype: WireTensor["dtype"],
  count: number,
  field: string,
): Float32Array | Int32Array {
  if (tensor === undefined) throw new ProtocolError(field, "must be set");
  if (tensor.dtype !== dtype) throw new ProtocolError(`${field}.dtype`, `must be ${dtype}`, tensor.dtype);
  const [rows, columns = 1] = tensor.shape;
  if (tensor.shape.length > 2 || columns !== 1)
    throw new ProtocolError(
      `${field}.shape`,
      `must be [${count}]: targets of several tokens a position cannot be trained on here`,
      tensor.shape,
    );
  if (rows !== count || tensor.data.length !== count)
    throw new ProtocolError(
      `${field}.shape`,
      `must be [${count}], one per position of model_input`,
      tensor.shape,
    );
  const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) throw new ProtocolError(`${field}.data[${bad}]`, "must be finite", tensor.data[bad]);
  return tensor.data;
}

/** From index i = t - 1 to position t; position 0 has nothing. */
function shifted(values: Float32Array | Int32Array | undefined, length: number): Float32Array {
  const positions = new Float32Array(length);
  if (values !== undefined) positions.set(values, 1);
  return positions;
}

/** Undefined where every target is the token that follows. Targets at untrained placeholders mean nothing. */
function otherTargets(
  tokens: Int32Array,
  targetTokens: Int32Array,
  mask: Float32Array,
  imagePadId: number,
): Int32Array | undefined {
  const targets = tokens.slice();
  let differ = false;
  for (let t = 1; t < tokens.length; t++) {
    if (tokens[t] === imagePadId && mask[t] === 0) continue;
    const target = targetTokens[t - 1] as number;
    differ ||= target !== tokens[t];
    targets[t] = target;
  }
  return differ ? targets : undefined;
}

function list(dtype: WireTensor["dtype"], data: Float32Array | Int32Array): WireTensor {
  return { dtype, data, shape: [data.length] };
}
