// golden.json holds messages as the official SDK encodes them and what they mean (golden.py writes it). Ours must read them
// so, and write the same bytes; then thousands of damaged ones must each be read or refused with a named field.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { randomStream } from "../../../core/random.ts";
import {
  decodeForwardBackwardCallProto,
  decodeForwardBackwardOutputProto,
  decodeSampleOutputProto,
  encodeForwardBackwardCallProto,
  encodeForwardBackwardOutputProto,
  encodeSampleOutputProto,
} from "./protobuf.ts";
import { type ForwardBackwardOutput, ProtocolError, type WireChunk, type WireTensor } from "./wire.ts";

interface GoldenTensor {
  dtype: "float32" | "int64";
  data: number[];
  shape: number[];
  sparse_crow_indices?: number[];
}
type GoldenTensors = Record<string, GoldenTensor>;
interface GoldenChunk {
  type: string;
  tokens: number[];
  data_hex: string;
  format: "png";
  expected_tokens: number;
}
interface GoldenCall {
  model_id: string;
  seq_id: number;
  loss_fn: string;
  loss_fn_config: Record<string, number> | null;
  forward_only: boolean;
  data: { chunks: GoldenChunk[]; loss_fn_inputs: GoldenTensors }[];
}
interface GoldenOutput {
  loss_fn_output_type: string;
  loss_fn_outputs: GoldenTensors[];
  metrics: Record<string, number>;
}
type Messages<T> = Record<string, { hex: string; values: T }>;
interface Golden {
  ForwardBackwardRequest: Messages<GoldenCall>;
  ForwardBackwardOutput: Messages<GoldenOutput>;
  SampleResponse: Messages<unknown>;
}

const golden = JSON.parse(readFileSync(new URL("golden.json", import.meta.url), "utf8")) as Golden;

function message<T>(messages: Messages<T>, name: string): { bytes: Uint8Array; values: T } {
  const found = messages[name];
  assert.ok(found !== undefined, `golden.json has no message ${name}`);
  return { bytes: Uint8Array.from(Buffer.from(found.hex, "hex")), values: found.values };
}

function tensors(all: GoldenTensors): Record<string, WireTensor> {
  return Object.fromEntries(
    Object.entries(all).map(([name, { dtype, data, shape }]) => [
      name,
      { dtype, data: dtype === "float32" ? Float32Array.from(data) : Int32Array.from(data), shape },
    ]),
  );
}

function chunk(golden: GoldenChunk): WireChunk {
  if (golden.type === "encoded_text") return { type: "encoded_text", tokens: Int32Array.from(golden.tokens) };
  const data = Uint8Array.from(Buffer.from(golden.data_hex, "hex"));
  return { type: "image", data, format: golden.format, expectedTokens: golden.expected_tokens };
}

function call(values: GoldenCall): unknown {
  return {
    modelId: values.model_id,
    seqId: values.seq_id,
    lossFn: values.loss_fn,
    lossFnConfig: values.loss_fn_config ?? {},
    forwardOnly: values.forward_only,
    data: values.data.map((datum) => ({
      chunks: datum.chunks.map(chunk),
      inputs: tensors(datum.loss_fn_inputs),
    })),
  };
}

test("the SDK's request of text is read as it was meant, and ours has the same bytes", () => {
  const { bytes, values } = message(golden.ForwardBackwardRequest, "text");
  const read = decodeForwardBackwardCallProto(bytes);
  assert.deepEqual(read, call(values));
  assert.deepEqual([...(read.data[0]?.inputs["weights"]?.data ?? [])], [0, 1, 0.5, -2]);
  assert.deepEqual(Buffer.from(encodeForwardBackwardCallProto(read)).toString("hex"), hex(bytes));
});

test("a request with a picture, a configuration and spans is read; ours is the same without the spans", () => {
  const { bytes, values } = message(golden.ForwardBackwardRequest, "imageWithConfigAndSpans");
  const read = decodeForwardBackwardCallProto(bytes);
  assert.deepEqual(read, call(values));
  assert.deepEqual(
    read.data[0]?.chunks.map((part) => part.type),
    ["encoded_text", "image", "encoded_text"],
  );
  const ours = encodeForwardBackwardCallProto(read);
  assert.deepEqual(decodeForwardBackwardCallProto(ours), read);
  // The second datum has no spans: its bytes, tag and length included, stand in both.
  const second = hex(bytes).slice(hex(bytes).lastIndexOf("1a80020a0c0a0a0a08070000000800"));
  assert.ok(second.length > 500 && hex(ours).endsWith(second));
});

test("a configuration with words is refused by name", () => {
  const { bytes } = message(golden.ForwardBackwardRequest, "configWithText");
  assert.throws(
    () => decodeForwardBackwardCallProto(bytes),
    refusal('loss_fn_config.loss_id: must be a number, received "l-7"'),
  );
});

test("sparse targets become dense, 0 where nothing is listed", () => {
  const { bytes } = message(golden.ForwardBackwardRequest, "sparseTargets");
  const [datum] = decodeForwardBackwardCallProto(bytes).data;
  // Row 0 lists column 0; row 1 lists columns 0 and 1.
  assert.deepEqual(datum?.inputs, {
    target_tokens: { dtype: "int64", data: Int32Array.of(4, 0, 5, 6), shape: [2, 2] },
    weights: { dtype: "float32", data: Float32Array.of(1, 0, 0.25, 0.75), shape: [2, 2] },
  });
});

for (const name of ["twoDatums", "twoRecordsOfOtherTypes"])
  test(`the SDK's reply ${name} is read as it was meant`, () => {
    const { bytes, values } = message(golden.ForwardBackwardOutput, name);
    const read = decodeForwardBackwardOutputProto(bytes);
    const expected: ForwardBackwardOutput = {
      outputType: values.loss_fn_output_type,
      outputs: values.loss_fn_outputs.map(tensors),
      metrics: values.metrics,
    };
    assert.deepEqual(read, expected);
    const ours = encodeForwardBackwardOutputProto(read);
    assert.deepEqual(decodeForwardBackwardOutputProto(ours), expected);
    // The other one has narrow types, which we never write.
    if (name === "twoDatums") assert.equal(hex(ours), hex(bytes));
  });

test("the SDK's samples are read as they were meant", () => {
  const everything = decodeSampleOutputProto(message(golden.SampleResponse, "everything").bytes);
  assert.deepEqual(everything, {
    sequences: [
      { stopReason: "stop", tokens: [11, 151645], logprobs: [-0.125, -0.0625] },
      { stopReason: "length", tokens: [12], logprobs: [-4] },
    ],
    promptLogprobs: [null, -0.5, -1],
    topkPromptLogprobs: [
      null,
      [
        [21, -0.5],
        [22, -1.5],
      ],
      [[23, -0.25]],
    ],
  });
  assert.deepEqual(decodeSampleOutputProto(encodeSampleOutputProto(everything)), everything);
  const { bytes } = message(golden.SampleResponse, "bare");
  const bare = decodeSampleOutputProto(bytes);
  assert.deepEqual(bare, { sequences: [{ stopReason: "stop", tokens: [5] }] });
  assert.equal(hex(encodeSampleOutputProto(bare)), hex(bytes));
});

test("damaged bytes are read or refused with a named field, never anything else", () => {
  const random = randomStream(7, "damage");
  const cases: [Uint8Array, (bytes: Uint8Array) => unknown][] = [
    ...all(golden.ForwardBackwardRequest, decodeForwardBackwardCallProto),
    ...all(golden.ForwardBackwardOutput, decodeForwardBackwardOutputProto),
    ...all(golden.SampleResponse, decodeSampleOutputProto),
  ];
  let refused = 0;
  let read = 0;
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 8000; i++) {
    const [bytes, decode] = random.pick(cases);
    const damaged = Uint8Array.from(
      bytes.subarray(0, random.below(8) === 0 ? random.below(bytes.length) : undefined),
    );
    for (let n = random.below(4); n >= 0; n--)
      damaged[random.below(damaged.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    try {
      decode(damaged);
      read++;
    } catch (error) {
      assert.ok(error instanceof ProtocolError, `not a ProtocolError: ${String(error)} of ${hex(damaged)}`);
      assert.match(error.message, /^[^:\n\0].*: \S/);
      refused++;
    }
  }
  assert.ok(refused > 2000 && read > 1000, `${refused} refused, ${read} read`);
  assert.ok(process.memoryUsage().arrayBuffers - before < 200e6);
});

function all<T>(
  messages: Messages<T>,
  decode: (bytes: Uint8Array) => unknown,
): [Uint8Array, (bytes: Uint8Array) => unknown][] {
  return Object.keys(messages).map((name) => [message(messages, name).bytes, decode]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function refusal(text: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ProtocolError);
    assert.equal(error.message, text);
    return true;
  };
}
