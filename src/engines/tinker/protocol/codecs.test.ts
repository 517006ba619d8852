// Laws of the two codecs: whatever is written is read back the same, and both say the same. Then what each refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Random, randomStream } from "../../../core/random.ts";
import {
  decodeForwardBackwardCallJson,
  decodeForwardBackwardOutputJson,
  decodeSampleOutputJson,
  encodeForwardBackwardCallJson,
  encodeForwardBackwardOutputJson,
  encodeSampleOutputJson,
} from "./json.ts";
import {
  decodeForwardBackwardCallProto,
  decodeForwardBackwardOutputProto,
  decodeSampleOutputProto,
  encodeForwardBackwardCallProto,
  encodeForwardBackwardOutputProto,
  encodeSampleOutputProto,
} from "./protobuf.ts";
import {
  type ForwardBackwardCall,
  type ForwardBackwardOutput,
  ProtocolError,
  type SampleOutput,
  type WireChunk,
  type WireDatum,
  type WireTensor,
} from "./wire.ts";

const INT32 = [0, 1, -1, 151645, 0x7fffffff, -0x80000000];
const TOKENS = [0, 1, 127, 128, 151645, 0x7fffffff];

test("calls, results and samples come back the same, in both codecs", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = randomStream(seed, "codecs");
    const call = randomCall(random);
    const field = call.forwardOnly ? "forward_input" : "forward_backward_input";
    assert.deepEqual(decodeForwardBackwardCallProto(encodeForwardBackwardCallProto(call)), call);
    assert.deepEqual(decodeForwardBackwardCallJson(sent(encodeForwardBackwardCallJson(call, field))), call);
    const output = randomOutput(random);
    assert.deepEqual(decodeForwardBackwardOutputProto(encodeForwardBackwardOutputProto(output)), output);
    assert.deepEqual(decodeForwardBackwardOutputJson(sent(encodeForwardBackwardOutputJson(output))), output);
    const sample = randomSample(random);
    assert.deepEqual(decodeSampleOutputProto(encodeSampleOutputProto(sample)), sample);
    assert.deepEqual(decodeSampleOutputJson(sent(encodeSampleOutputJson(sample))), sample);
  }
});

test("every float32 that is finite comes through JSON to the bit", () => {
  const random = randomStream(3, "bits");
  const bits = Uint32Array.from({ length: 20_000 }, () => random.below(2 ** 32));
  // The smallest above 0, the largest, ln 2, and those around 1.
  bits.set([1, 0x7f7fffff, 0x3f317218, 0x3f7fffff, 0x3f800001, 0x00800000, 0x807fffff]);
  const values = new Float32Array(bits.buffer).filter(Number.isFinite);
  const output = { outputType: "", outputs: [{ logprobs: floats(...values) }], metrics: {} };
  const back = decodeForwardBackwardOutputJson(sent(encodeForwardBackwardOutputJson(output)));
  const read = back.outputs[0]?.["logprobs"]?.data as Float32Array;
  assert.ok(values.length > 19_000);
  assert.deepEqual(new Uint32Array(read.slice().buffer), new Uint32Array(values.slice().buffer));
});

test("a negative zero loses its sign in JSON only", () => {
  const output = { outputType: "", outputs: [{ logprobs: floats(-0) }], metrics: {} };
  const json = decodeForwardBackwardOutputJson(sent(encodeForwardBackwardOutputJson(output)));
  const proto = decodeForwardBackwardOutputProto(encodeForwardBackwardOutputProto(output));
  assert.ok(Object.is(json.outputs[0]?.["logprobs"]?.data[0], 0));
  assert.ok(Object.is(proto.outputs[0]?.["logprobs"]?.data[0], -0));
});

test("what is not finite goes as protobuf, and JSON refuses it by its place", () => {
  const output = {
    outputType: "",
    outputs: [{ logprobs: floats(-1, Number.NEGATIVE_INFINITY) }],
    metrics: {},
  };
  const back = decodeForwardBackwardOutputProto(encodeForwardBackwardOutputProto(output));
  assert.deepEqual(back.outputs[0]?.["logprobs"]?.data, Float32Array.of(-1, Number.NEGATIVE_INFINITY));
  assert.throws(
    () => encodeForwardBackwardOutputJson(output),
    told("loss_fn_outputs[0].logprobs[1]: must be a finite number to be written as JSON, received -Infinity"),
  );
});

test("names that JavaScript's objects have of their own are names like others", () => {
  const inputs = Object.fromEntries([["__proto__", floats(1)]]);
  const call = oneDatum({ chunks: [text(5)], inputs });
  const proto = decodeForwardBackwardCallProto(encodeForwardBackwardCallProto(call));
  const json = decodeForwardBackwardCallJson(
    sent(encodeForwardBackwardCallJson(call, "forward_backward_input")),
  );
  for (const read of [proto, json]) assert.deepEqual(Object.keys(read.data[0]?.inputs ?? {}), ["__proto__"]);
});

test("JSON with null, without shapes and with keys that are new is read", () => {
  const output = decodeForwardBackwardOutputJson({
    loss_fn_output_type: null,
    loss_fn_outputs: [{ logprobs: { data: [-1, -2], dtype: "float32", shape: null } }],
    metrics: { "loss:sum": 1, "odd:mean": null },
    later: 1,
  });
  assert.deepEqual(output, {
    outputType: "",
    outputs: [{ logprobs: floats(-1, -2) }],
    metrics: { "loss:sum": 1 },
  });
  assert.deepEqual(
    decodeSampleOutputJson({
      sequences: [{ stop_reason: "length", tokens: [1], logprobs: null }],
      prompt_logprobs: null,
    }),
    { sequences: [{ stopReason: "length", tokens: [1] }] },
  );
});

const TENSOR = { data: [1, 2], dtype: "int64", shape: [2] };
const body = (datum: object, more: object = {}): object => ({
  model_id: "m",
  seq_id: 1,
  forward_backward_input: { data: [datum], loss_fn: "ppo", ...more },
});
const withInputs = (inputs: object): object =>
  body({ model_input: { chunks: [{ type: "encoded_text", tokens: [1] }] }, loss_fn_inputs: inputs });
const withChunk = (chunk: object): object => body({ model_input: { chunks: [chunk] }, loss_fn_inputs: {} });

const REFUSED_JSON: readonly [unknown, string][] = [
  [null, "body: must be an object, received null"],
  [{ model_id: "m", seq_id: 1 }, "body: must have one of forward_backward_input, forward_input, received []"],
  [{ ...body({}), seq_id: 0 }, "seq_id: must be a whole number from 1 to 2147483647, received 0"],
  [{ ...body({}), model_id: 3 }, "model_id: must be text, received 3"],
  [body({ model_input: { chunks: [] } }), "data[0].model_input.chunks: must hold at least one chunk"],
  [
    withChunk({ type: "encoded_text", tokens: [1, 2.5] }),
    "data[0].model_input.chunks[0].tokens[1]: must be a whole number from 0 to 2147483647, received 2.5",
  ],
  [
    withChunk({ type: "image", format: "png", data: "not base64!" }),
    'data[0].model_input.chunks[0].data: must be the bytes of a picture in base64, received "not base64!"',
  ],
  [
    withChunk({ type: "image", format: "gif", data: "AAAA" }),
    'data[0].model_input.chunks[0].format: must be "png" or "jpeg", received "gif"',
  ],
  [
    withInputs({ a: { ...TENSOR, dtype: "float64" } }),
    'data[0].loss_fn_inputs.a.dtype: must be "float32" or "int64", received "float64"',
  ],
  [
    withInputs({ a: { ...TENSOR, shape: [3] } }),
    "data[0].loss_fn_inputs.a.shape: its product must be the number of elements, 2, received [3]",
  ],
  [
    withInputs({ a: { ...TENSOR, data: [1, 2147483648] } }),
    "data[0].loss_fn_inputs.a.data[1]: must be a whole number from -2147483648 to 2147483647, received 2147483648",
  ],
  [
    withInputs({ a: { ...TENSOR, dtype: "float32", data: [1, null] } }),
    "data[0].loss_fn_inputs.a.data[1]: must be a finite number of 32 bits, received null",
  ],
  [
    withInputs({
      a: { ...TENSOR, shape: [2, 2], sparse_crow_indices: [0, 1, 2], sparse_col_indices: [0, 2] },
    }),
    "data[0].loss_fn_inputs.a.sparse_col_indices[1]: must be from 0 to 1, received 2",
  ],
  [
    withInputs({
      a: { ...TENSOR, shape: [1, 2147483647], sparse_crow_indices: [0, 2], sparse_col_indices: [0, 1] },
    }),
    "data[0].loss_fn_inputs.a.shape: sparse matrices of one request may come to 16777216 elements; " +
      "send fewer sequences at once, received [1,2147483647]",
  ],
];

for (const [given, message] of REFUSED_JSON)
  test(`JSON refused: ${message.slice(0, 70)}`, () => {
    assert.throws(() => decodeForwardBackwardCallJson(given), told(message));
  });

test("protobuf refused: lengths, ranges and kinds that do not fit", () => {
  // Field 1 (model_id) as a number; a length beyond the end; int64 -2^40; float32 of 3 bytes; a chunk of sound.
  const cases: [string, string][] = [
    ["0801", "model_id: its bytes must be of wire type 2 (LengthDelimited), received 0"],
    ["0aff7f", "model_id: cannot be read as protobuf (premature EOF)"],
    ["0a016d10002206", "loss_fn: cannot be read as protobuf (premature EOF)"],
    ["0a016d2201781000", "seq_id: must be a whole number of at least 1, received 0"],
    ["1080808080808080808001", "seq_id: must be a whole number from 0 to 2147483647, received "],
    [
      `1a${tensorOf("0a0800000000" + "00ffffff" + "18022201" + "01")}`,
      "data[0].loss_fn_inputs.a.dense[0]: must fit a ",
    ],
    [
      `1a${tensorOf("0a03000000" + "1801220101")}`,
      "data[0].loss_fn_inputs.a.dense: must be a multiple of 4 bytes",
    ],
    [
      `1a${tensorOf("0a04000000001805220101")}`,
      "data[0].loss_fn_inputs.a.dtype: must be 1 (float32), 2 (int64)",
    ],
    [
      "1a050a031a0100",
      "data[0].model_input.chunks[0]: must be text or an image; sound (dmel) cannot be read",
    ],
  ];
  for (const [hex, start] of cases) {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    assert.throws(
      () => decodeForwardBackwardCallProto(bytes),
      (error) => {
        assert.ok(error instanceof ProtocolError, String(error));
        assert.equal(error.message.slice(0, start.length), start);
        return true;
      },
    );
  }
});

test("protobuf refused: results whose offsets or numbers of datums do not fit", () => {
  const good = encodeForwardBackwardOutputProto({
    outputType: "",
    outputs: [{ logprobs: floats(-1, -2) }, { logprobs: floats(-3) }],
    metrics: {},
  });
  const hex = Buffer.from(good).toString("hex");
  const offsets = "000000000000000008000000000000000c00000000000000";
  const cases: [string, string, string][] = [
    [
      offsets,
      offsets.replace("08", "0d"),
      "loss_fn_outputs[0].logprobs.offsets[1]: must end a row of 1 elements of 4",
    ],
    [
      offsets,
      offsets.replace("0c", "08"),
      "loss_fn_outputs[0].logprobs.offsets: must go from 0 to the end of the data",
    ],
    ["1802", "1803", "loss_fn_outputs[0].logprobs.offsets: must be one more than the 3 datums"],
  ];
  for (const [from, to, start] of cases) {
    const at = hex.lastIndexOf(from);
    assert.ok(at >= 0);
    const bytes = Buffer.from(hex.slice(0, at) + to + hex.slice(at + from.length), "hex");
    assert.throws(
      () => decodeForwardBackwardOutputProto(Uint8Array.from(bytes)),
      (error) =>
        error instanceof ProtocolError &&
        assert.equal(error.message.slice(0, start.length), start) === undefined,
    );
  }
});

test("a reply that claims a billion datums behind no bytes is refused at once", () => {
  const bytes = Uint8Array.from(Buffer.from("12061880a8d6b907", "hex"));
  assert.throws(
    () => decodeForwardBackwardOutputProto(bytes),
    told("loss_fn_outputs[0].num_datums: a reply must hold at most 1048576 datums, received 2000000000"),
  );
});

/** A datum of one text chunk with the input `a`, whose Tensor message is given in hex; with its length before it. */
function tensorOf(tensor: string): string {
  const message = (tag: string, inner: string): string =>
    tag + (inner.length / 2).toString(16).padStart(2, "0") + inner;
  const datum =
    message("0a", message("0a", message("0a", "01000000"))) +
    message("12", message("0a", "61") + message("12", tensor));
  return message("", datum);
}

function randomCall(random: Random): ForwardBackwardCall {
  return {
    modelId: `s-${random.below(9)}:train:0`,
    seqId: 1 + random.below(100_000),
    data: times(random, 4, () => randomDatum(random)),
    lossFn: random.pick(["cross_entropy", "ppo"]),
    lossFnConfig: random.below(2) === 0 ? {} : { clip_low_threshold: 0.8, ä: random.normal() },
    forwardOnly: random.below(2) === 0,
  };
}

function randomDatum(random: Random): WireDatum {
  const inputs: Record<string, WireTensor> = {};
  for (const name of ["advantages", "logprobs", "target_tokens", "weights"])
    if (random.below(4) > 0) inputs[name] = randomTensor(random, [random.below(5), 1 + random.below(3)]);
  return { chunks: [text(random.pick(TOKENS)), ...times(random, 3, () => randomChunk(random))], inputs };
}

function randomChunk(random: Random): WireChunk {
  if (random.below(2) === 0)
    return {
      type: "encoded_text",
      tokens: Int32Array.from({ length: 1 + random.below(6) }, () => random.pick(TOKENS)),
    };
  const data = Uint8Array.from({ length: 1 + random.below(40) }, () => random.below(256));
  const format = random.pick(["png", "jpeg"] as const);
  return {
    type: "image",
    data,
    format,
    ...(random.below(2) === 0 ? {} : { expectedTokens: random.below(5000) }),
  };
}

function randomOutput(random: Random): ForwardBackwardOutput {
  const width = 1 + random.below(2);
  return {
    outputType: random.pick(["", "ArrayRecord"]),
    outputs: times(random, 5, () => ({
      // The width changes now and then: then the datums do not fit into one record.
      elementwise_loss: randomTensor(random, [random.below(4), random.below(5) === 0 ? 3 : width]),
      logprobs: randomTensor(random, [random.below(4)]),
    })),
    metrics: random.below(2) === 0 ? {} : { "loss:sum": random.normal(), "tokens:sum": 3 },
  };
}

function randomTensor(random: Random, shape: number[]): WireTensor {
  const length = shape.reduce((n, size) => n * size, 1);
  return random.below(2) === 0
    ? { dtype: "float32", data: Float32Array.from({ length }, () => random.normal()), shape }
    : { dtype: "int64", data: Int32Array.from({ length }, () => random.pick(INT32)), shape };
}

function randomSample(random: Random): SampleOutput {
  const logprob = (): number => Math.fround(-Math.abs(random.normal()));
  const length = 1 + random.below(4);
  return {
    sequences: times(random, 3, () => {
      const tokens = times(random, 5, () => random.pick(TOKENS));
      const stopReason = random.pick(["stop", "length"] as const);
      return { stopReason, tokens, ...(random.below(3) === 0 ? {} : { logprobs: tokens.map(logprob) }) };
    }),
    ...(random.below(2) === 0 && { promptLogprobs: [null, ...times(random, 4, logprob)] }),
    ...(random.below(2) === 0 && {
      topkPromptLogprobs: Array.from({ length }, (_, i) =>
        i === 0
          ? [[7, -1.5] as const]
          : random.below(3) === 0
            ? null
            : [[1, logprob()] as const, [0, logprob()] as const],
      ),
    }),
  };
}

function times<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: random.below(most + 1) }, make);
}

function oneDatum(datum: WireDatum): ForwardBackwardCall {
  return { modelId: "m", seqId: 1, data: [datum], lossFn: "ppo", lossFnConfig: {}, forwardOnly: false };
}

function text(...tokens: number[]): WireChunk {
  return { type: "encoded_text", tokens: Int32Array.from(tokens) };
}

function floats(...values: number[]): WireTensor {
  return { dtype: "float32", data: Float32Array.from(values), shape: [values.length] };
}

/** As it arrives at the other side. */
function sent(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}

function told(message: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ProtocolError, String(error));
    assert.equal(error.message, message);
    return true;
  };
}
