// The three payloads as JSON: what SkyRL 0.3.0 and older servers speak. A float32 is written as the decimal number of its
// exact value, so it comes back to the bit; only -0 comes back as 0, and what is not finite cannot be written.
import {
  floatsAt,
  listAt,
  mapEntries,
  numberAt,
  objectAt,
  optional,
  textAt,
  wholeAt,
  wholesAt,
} from "./jsonFields.ts";
import { checkShape, type DenseBudget, denseBudget, densify } from "./tensorShape.ts";
import {
  type ForwardBackwardCall,
  type ForwardBackwardOutput,
  ProtocolError,
  type SampledSequence,
  type SampleOutput,
  type WireChunk,
  type WireDatum,
  type WireTensor,
} from "./wire.ts";

const INT32_MIN = -0x80000000;
/** The name of the body's main part tells whether there is a gradient to add. */
const CALL_FIELDS = ["forward_backward_input", "forward_input"] as const;

export type CallField = (typeof CALL_FIELDS)[number];

/** @param field `forward_backward_input` for POST forward_backward, `forward_input` for POST forward */
export function encodeForwardBackwardCallJson(call: ForwardBackwardCall, field: CallField): object {
  return {
    model_id: call.modelId,
    seq_id: call.seqId,
    [field]: {
      data: call.data.map((datum) => ({
        model_input: { chunks: encodeChunks(datum.chunks) },
        loss_fn_inputs: encodeTensors(datum.inputs, "loss_fn_inputs"),
      })),
      loss_fn: call.lossFn,
      ...(Object.keys(call.lossFnConfig).length === 0 ? {} : { loss_fn_config: { ...call.lossFnConfig } }),
    },
  };
}

/** @throws ProtocolError for what does not have this form; keys that are not known are passed over */
export function decodeForwardBackwardCallJson(body: unknown): ForwardBackwardCall {
  const call = objectAt(body, "body");
  const given = CALL_FIELDS.filter((name) => call[name] !== undefined && call[name] !== null);
  const field = given[0];
  if (field === undefined || given.length > 1)
    throw new ProtocolError("body", `must have one of ${CALL_FIELDS.join(", ")}`, given);
  const input = objectAt(call[field], field);
  const budget = denseBudget();
  return {
    modelId: textAt(call["model_id"], "model_id"),
    seqId: wholeAt(call["seq_id"], "seq_id", 1),
    data: listAt(input["data"], "data").map((item, i) => decodeDatum(item, `data[${i}]`, budget)),
    lossFn: textAt(input["loss_fn"], "loss_fn"),
    lossFnConfig:
      optional(input["loss_fn_config"], (map) => mapEntries(map, "loss_fn_config", numberAt)) ?? {},
    forwardOnly: field === "forward_input",
  };
}

export function encodeForwardBackwardOutputJson(output: ForwardBackwardOutput): object {
  return {
    loss_fn_output_type: output.outputType,
    loss_fn_outputs: output.outputs.map((tensors, i) => encodeTensors(tensors, `loss_fn_outputs[${i}]`)),
    metrics: { ...output.metrics },
  };
}

/** Metrics that are null are left out: a server's number that JSON cannot hold. */
export function decodeForwardBackwardOutputJson(body: unknown): ForwardBackwardOutput {
  const output = objectAt(body, "body");
  const budget = denseBudget();
  const metrics = optional(output["metrics"], (map) =>
    mapEntries(map, "metrics", (value, field) => optional(value, (number) => numberAt(number, field))),
  );
  return {
    outputType: optional(output["loss_fn_output_type"], (type) => textAt(type, "loss_fn_output_type")) ?? "",
    outputs: listAt(output["loss_fn_outputs"], "loss_fn_outputs").map((tensors, i) =>
      mapEntries(tensors, `loss_fn_outputs[${i}]`, (tensor, field) => decodeTensor(tensor, field, budget)),
    ),
    metrics: Object.fromEntries(
      Object.entries(metrics ?? {}).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
  };
}

export function encodeSampleOutputJson(output: SampleOutput): object {
  return {
    type: "sample",
    sequences: output.sequences.map(({ stopReason, tokens, logprobs }, i) => ({
      stop_reason: stopReason,
      tokens: [...tokens],
      ...(logprobs === undefined ? {} : { logprobs: finite(logprobs, `sequences[${i}].logprobs`) }),
    })),
    ...(output.promptLogprobs === undefined ? {} : { prompt_logprobs: [...output.promptLogprobs] }),
    ...(output.topkPromptLogprobs === undefined
      ? {}
      : {
          topk_prompt_logprobs: output.topkPromptLogprobs.map((row) => row?.map((pair) => [...pair]) ?? null),
        }),
  };
}

/** @throws ProtocolError for what does not have this form, and for as many log-probabilities as are not tokens */
export function decodeSampleOutputJson(body: unknown): SampleOutput {
  const output = objectAt(body, "body");
  const promptLogprobs = optional(output["prompt_logprobs"], (list) =>
    listAt(list, "prompt_logprobs").map(
      (value, i) => optional(value, (number) => numberAt(number, `prompt_logprobs[${i}]`)) ?? null,
    ),
  );
  const topkPromptLogprobs = optional(output["topk_prompt_logprobs"], (rows) =>
    listAt(rows, "topk_prompt_logprobs").map((row, i) => decodeRow(row, `topk_prompt_logprobs[${i}]`)),
  );
  return {
    sequences: listAt(output["sequences"], "sequences").map((item, i) =>
      decodeSequence(item, `sequences[${i}]`),
    ),
    ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
    ...(topkPromptLogprobs === undefined ? {} : { topkPromptLogprobs }),
  };
}

/** Of a training datum or of a prompt, `{chunks}`. */
export function encodeChunks(chunks: readonly WireChunk[]): object[] {
  return chunks.map((chunk) =>
    chunk.type === "encoded_text"
      ? { type: "encoded_text", tokens: [...chunk.tokens] }
      : {
          type: "image",
          data: Buffer.from(chunk.data.buffer, chunk.data.byteOffset, chunk.data.byteLength).toString(
            "base64",
          ),
          format: chunk.format,
          ...(chunk.expectedTokens === undefined ? {} : { expected_tokens: chunk.expectedTokens }),
        },
  );
}

/** @throws ProtocolError for none, for empty ones, and for chunks that are neither text nor an image */
export function decodeChunks(value: unknown, field: string): WireChunk[] {
  const chunks = listAt(value, field);
  if (chunks.length === 0) throw new ProtocolError(field, "must hold at least one chunk");
  return chunks.map((item, i) => decodeChunk(objectAt(item, `${field}[${i}]`), `${field}[${i}]`));
}

function decodeChunk(chunk: Readonly<Record<string, unknown>>, field: string): WireChunk {
  if (chunk["type"] === "encoded_text") {
    const tokens = wholesAt(chunk["tokens"], `${field}.tokens`);
    if (tokens.length === 0) throw new ProtocolError(`${field}.tokens`, "must hold at least one token");
    return { type: "encoded_text", tokens };
  }
  if (chunk["type"] !== "image")
    throw new ProtocolError(
      `${field}.type`,
      'must be "encoded_text" or "image"; pictures by address and sound cannot be read',
      chunk["type"],
    );
  const format = chunk["format"];
  if (format !== "png" && format !== "jpeg")
    throw new ProtocolError(`${field}.format`, 'must be "png" or "jpeg"', format);
  const expectedTokens = optional(chunk["expected_tokens"], (n) => wholeAt(n, `${field}.expected_tokens`));
  return {
    type: "image",
    data: base64At(chunk["data"], `${field}.data`),
    format,
    ...(expectedTokens === undefined ? {} : { expectedTokens }),
  };
}

function base64At(value: unknown, field: string): Uint8Array {
  const text = textAt(value, field);
  if (text === "" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new ProtocolError(field, "must be the bytes of a picture in base64", text);
  return Uint8Array.from(Buffer.from(text, "base64"));
}

function decodeDatum(value: unknown, field: string, budget: DenseBudget): WireDatum {
  const datum = objectAt(value, field);
  const modelInput = objectAt(datum["model_input"], `${field}.model_input`);
  return {
    chunks: decodeChunks(modelInput["chunks"], `${field}.model_input.chunks`),
    inputs: mapEntries(datum["loss_fn_inputs"], `${field}.loss_fn_inputs`, (tensor, name) =>
      decodeTensor(tensor, name, budget),
    ),
  };
}

function encodeTensors(tensors: Readonly<Record<string, WireTensor>>, field: string): object {
  return mapEntries(tensors, field, (value, name) => {
    const { dtype, data, shape } = value as WireTensor;
    checkShape(shape, data.length, `${name}.shape`);
    return { data: dtype === "float32" ? finite(data, name) : [...data], dtype, shape: [...shape] };
  });
}

function decodeTensor(value: unknown, field: string, budget: DenseBudget): WireTensor {
  const tensor = objectAt(value, field);
  const dtype = tensor["dtype"];
  if (dtype !== "float32" && dtype !== "int64")
    throw new ProtocolError(`${field}.dtype`, 'must be "float32" or "int64"', dtype);
  const data =
    dtype === "float32"
      ? floatsAt(tensor["data"], `${field}.data`)
      : wholesAt(tensor["data"], `${field}.data`, INT32_MIN);
  const sizes = optional(tensor["shape"], (list) => wholesAt(list, `${field}.shape`));
  // Without a shape, or with that of a single number, it is a plain list.
  const shape = sizes === undefined || sizes.length === 0 ? [data.length] : [...sizes];
  const crow = optional(tensor["sparse_crow_indices"], (list) =>
    wholesAt(list, `${field}.sparse_crow_indices`),
  );
  const col = optional(tensor["sparse_col_indices"], (list) => wholesAt(list, `${field}.sparse_col_indices`));
  if (crow !== undefined || col !== undefined)
    return densify({ dtype, data }, crow ?? new Int32Array(), col ?? new Int32Array(), shape, field, budget);
  checkShape(shape, data.length, `${field}.shape`);
  return { dtype, data, shape };
}

function decodeSequence(value: unknown, field: string): SampledSequence {
  const sequence = objectAt(value, field);
  const stopReason = sequence["stop_reason"];
  if (stopReason !== "stop" && stopReason !== "length")
    throw new ProtocolError(`${field}.stop_reason`, 'must be "stop" or "length"', stopReason);
  const tokens = [...wholesAt(sequence["tokens"], `${field}.tokens`)];
  const logprobs = optional(sequence["logprobs"], (list) => [...floatsAt(list, `${field}.logprobs`)]);
  if (logprobs !== undefined && logprobs.length !== tokens.length)
    throw new ProtocolError(`${field}.logprobs`, `must be one per token, ${tokens.length}`, logprobs.length);
  return { stopReason, tokens, ...(logprobs === undefined ? {} : { logprobs }) };
}

function decodeRow(row: unknown, field: string): [number, number][] | null {
  if (row === null) return null;
  return listAt(row, field).map((pair, j) => {
    const [id, logprob] = listAt(pair, `${field}[${j}]`);
    return [wholeAt(id, `${field}[${j}][0]`), numberAt(logprob, `${field}[${j}][1]`)];
  });
}

/** A plain list of them. @throws ProtocolError for what JSON would write as null */
function finite(values: ArrayLike<number>, field: string): number[] {
  return Array.from(values, (value, i) => {
    if (!Number.isFinite(value))
      throw new ProtocolError(`${field}[${i}]`, "must be a finite number to be written as JSON", value);
    return value;
  });
}
