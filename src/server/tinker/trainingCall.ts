// One forward_backward or forward on an engine: datums of the wire to those of the engine, in parts that fit in memory, and
// per-token results back to the wire, one for each of a datum's N inputs.
import type { Datum } from "../../core/datum.ts";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type { LossSpec } from "../../engines/engine.ts";
import { lossOf } from "../../engines/tinker/losses.ts";
import { fromWireDatum } from "../../engines/tinker/protocol/datum.ts";
import { calledLoss } from "../../engines/tinker/protocol/losses.ts";
import {
  type ForwardBackwardCall,
  type ForwardBackwardOutput,
  ProtocolError,
  type WireDatum,
} from "../../engines/tinker/protocol/wire.ts";
import { microBatchesByLength } from "../../learning/microBatches.ts";
import type { Pictures } from "../pictures.ts";
import { checkExpected, checkText } from "./prompt.ts";

export interface TrainingCallOptions {
  readonly pictures: Pictures;
  /** Positions that a datum may have. */
  readonly contextTokens: number;
  /** Rows × longest row of one part. */
  readonly microBatchTokens: number;
  /** Told after each part whose gradient was added. */
  readonly onAccumulated: () => void;
}

export interface PreparedCall {
  readonly data: readonly Datum[];
  readonly loss: LossSpec;
  /** As `CalledLoss.trainedOnly`. */
  readonly trainedOnly: boolean;
  readonly forwardOnly: boolean;
}

/** @throws ProtocolError or DataError for what cannot be trained on */
export function prepare(
  { data, forwardOnly, ...call }: ForwardBackwardCall,
  engine: EmbeddedEngine,
  { pictures, contextTokens }: TrainingCallOptions,
): PreparedCall {
  const { loss, trainedOnly } = calledLoss(call);
  if (data.length === 0) throw new ProtocolError("data", "must hold at least one datum");
  const { imagePadId } = engine.codec;
  const datums = data.map((wire, d) => {
    const field = `data[${d}]`;
    checkChunks(wire, imagePadId, pictures, field);
    const datum = fromWireDatum(wire, {
      imagePadId,
      loss,
      trainedOnly,
      picture: (bytes) => pictures.read(bytes, `in ${field}`).view,
      field,
    });
    if (datum.tokens.length > contextTokens + 1)
      throw new ProtocolError(
        `${field}.model_input`,
        `must have at most ${contextTokens} positions, the model's context`,
        datum.tokens.length - 1,
      );
    return trainedOnly ? datum : withAllTargets(datum, wire);
  });
  return { data: datums, loss, trainedOnly, forwardOnly };
}

/** Where log-probabilities are wanted everywhere, they are those of the targets everywhere, over images too. */
function withAllTargets(datum: Datum, { inputs }: WireDatum): Datum {
  const targets = datum.tokens.slice();
  targets.set(inputs["target_tokens"]?.data ?? [], 1);
  return targets.every((target, t) => target === datum.tokens[t]) ? datum : { ...datum, targets };
}

/** @throws EngineError; parts whose gradient was added before it failed stay added */
export async function execute(
  call: PreparedCall,
  engine: EmbeddedEngine,
  options: TrainingCallOptions,
): Promise<ForwardBackwardOutput> {
  // A client that asks for trained tokens alone cuts its batches itself, and gets exactly what it cut.
  const parts = call.trainedOnly
    ? [call.data.map((_, i) => i)]
    : microBatchesByLength(call.data, options.microBatchTokens, "fewest").batches;
  const logprobs: Float32Array[] = new Array<Float32Array>(call.data.length);
  let loss = 0;
  let entropy: number | undefined = 0;
  for (const part of parts) {
    const batch = part.map((i) => call.data[i] as Datum);
    const result = await executePart({ ...call, data: batch }, engine);
    if (result.accumulated) options.onAccumulated();
    loss += result.loss;
    entropy = result.entropy === undefined || entropy === undefined ? undefined : entropy + result.entropy;
    part.forEach((i, row) => (logprobs[i] = result.logprobs[row] as Float32Array));
  }
  return {
    outputType: "TorchLossReturn",
    outputs: logprobs.map((values) => {
      const data = values.slice(1);
      return { logprobs: { dtype: "float32", data, shape: [data.length] } };
    }),
    metrics: { "loss:sum": loss, ...(entropy !== undefined && { "entropy:sum": entropy }) },
  };
}

interface PartResult {
  readonly loss: number;
  readonly entropy: number | undefined;
  readonly logprobs: readonly Float32Array[];
  readonly accumulated: boolean;
}

async function executePart(
  { data, loss, trainedOnly, forwardOnly }: PreparedCall,
  engine: EmbeddedEngine,
): Promise<PartResult> {
  const isTrained = data.some(({ mask }) => mask.some((weight) => weight !== 0));
  if (isTrained && !forwardOnly) {
    const result = await engine.forwardBackward(data, loss, { everywhere: !trainedOnly });
    return { loss: result.loss, entropy: result.entropySum, logprobs: result.logprobs, accumulated: true };
  }
  // Without a trained token there is no gradient, but log-probabilities there are.
  const everywhere = data.map((datum) => ({ ...datum, mask: datum.mask.map((_, t) => (t === 0 ? 0 : 1)) }));
  if (trainedOnly && !isTrained)
    return { loss: 0, entropy: 0, logprobs: data.map(({ mask }) => mask.slice()), accumulated: false };
  const logprobs = await engine.forward(trainedOnly ? data : everywhere);
  const total = data.reduce((sum, datum, i) => sum + lossOf(datum, loss, logprobs[i] as Float32Array), 0);
  return { loss: total, entropy: undefined, logprobs, accumulated: false };
}

/** What is refused in the words of this server's samples too. */
function checkChunks({ chunks }: WireDatum, imagePadId: number, pictures: Pictures, field: string): void {
  chunks.forEach((chunk, c) => {
    const path = `${field}.model_input.chunks[${c}]`;
    if (chunk.type === "encoded_text") checkText(chunk.tokens, imagePadId, path);
    else checkExpected(chunk.expectedTokens, pictures.read(chunk.data, `in ${path}`).view.tokenCount);
  });
}
