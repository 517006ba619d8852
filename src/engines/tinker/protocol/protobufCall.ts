// ForwardBackwardRequest as protobuf: what the official SDK posts to forward_backward since 0.25.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { join, readMessage } from "./protoMessage.ts";
import {
  bytesPerElement,
  DTYPE,
  elementBytes,
  int32Bytes,
  readElements,
  readInt32s,
  readInt64s,
} from "./rawArrays.ts";
import { checkShape, type DenseBudget, denseBudget, densify } from "./tensorShape.ts";
import {
  type ForwardBackwardCall,
  ProtocolError,
  type WireChunk,
  type WireDatum,
  type WireTensor,
} from "./wire.ts";

const { LengthDelimited, Varint, Bit64 } = WireType;
/** More than any tensor has dimensions; `checkShape` says which number is allowed. */
const MAX_SHAPE = 64;

/** Numbers of the loss's configuration are written twice, for servers before and after 0.38, as the SDK does. */
export function encodeForwardBackwardCallProto(call: ForwardBackwardCall): Uint8Array {
  const writer = new BinaryWriter();
  if (call.modelId !== "") writer.tag(1, LengthDelimited).string(call.modelId);
  writer.tag(2, Varint).int32(call.seqId);
  for (const datum of call.data) {
    writer.tag(3, LengthDelimited).fork();
    writeDatum(writer, datum);
    writer.join();
  }
  if (call.lossFn !== "") writer.tag(4, LengthDelimited).string(call.lossFn);
  const config = sortedEntries(call.lossFnConfig);
  for (const [key, value] of config) {
    writer.tag(5, LengthDelimited).fork().tag(1, LengthDelimited).string(key);
    writer.tag(2, Bit64).double(value).join();
  }
  if (call.forwardOnly) writer.tag(6, Varint).bool(true);
  for (const [key, value] of config) {
    writer.tag(7, LengthDelimited).fork().tag(1, LengthDelimited).string(key);
    writer.tag(2, LengthDelimited).fork().tag(1, Bit64).double(value).join().join();
  }
  return writer.finish();
}

/**
 * What the SDK tells of where tokens came from (spans) is passed over. @throws ProtocolError for malformed bytes, for
 * chunks that are neither text nor an image, and for a configuration that is not of numbers
 */
export function decodeForwardBackwardCallProto(bytes: Uint8Array): ForwardBackwardCall {
  let modelId = "";
  let seqId = 0;
  let lossFn = "";
  let forwardOnly = false;
  const data: WireDatum[] = [];
  const legacy = new Map<string, number>();
  const config = new Map<string, number>();
  const budget = denseBudget();
  readMessage(bytes, "", (field) => {
    switch (field.number) {
      case 1:
        modelId = field.text("model_id");
        break;
      case 2:
        seqId = field.whole("seq_id");
        break;
      case 3:
        data.push(readDatum(field.bytes("data"), `data[${data.length}]`, budget));
        break;
      case 4:
        lossFn = field.text("loss_fn");
        break;
      case 5:
        readConfigEntry(field.bytes("loss_fn_config"), legacy);
        break;
      case 6:
        forwardOnly = field.bool("forward_only");
        break;
      case 7:
        readTypedConfigEntry(field.bytes("loss_fn_config_v2"), config);
        break;
    }
  });
  if (modelId === "") throw new ProtocolError("model_id", "must be set");
  if (seqId === 0) throw new ProtocolError("seq_id", "must be a whole number of at least 1", seqId);
  if (lossFn === "") throw new ProtocolError("loss_fn", "must be set");
  const lossFnConfig = Object.fromEntries(config.size > 0 ? config : legacy);
  return { modelId, seqId, data, lossFn, lossFnConfig, forwardOnly };
}

function writeDatum(writer: BinaryWriter, datum: WireDatum): void {
  for (const chunk of datum.chunks) {
    writer.tag(1, LengthDelimited).fork();
    if (chunk.type === "encoded_text") {
      writer.tag(1, LengthDelimited).fork().tag(1, LengthDelimited).bytes(int32Bytes(chunk.tokens)).join();
    } else {
      writer.tag(2, LengthDelimited).fork().tag(1, LengthDelimited).bytes(chunk.data);
      writer.tag(2, LengthDelimited).string(chunk.format);
      if (chunk.expectedTokens !== undefined) writer.tag(3, Varint).int32(chunk.expectedTokens);
      writer.join();
    }
    writer.join();
  }
  for (const [name, tensor] of sortedEntries(datum.inputs)) {
    checkShape(tensor.shape, tensor.data.length, `loss_fn_inputs.${name}.shape`);
    writer.tag(2, LengthDelimited).fork().tag(1, LengthDelimited).string(name);
    writer.tag(2, LengthDelimited).fork().tag(1, LengthDelimited).bytes(elementBytes(tensor));
    writer.tag(3, Varint).int32(DTYPE[tensor.dtype]);
    writePacked(writer, 4, tensor.shape);
    writer.join().join();
  }
}

function readDatum(bytes: Uint8Array, path: string, budget: DenseBudget): WireDatum {
  const chunks: WireChunk[] = [];
  const inputs = new Map<string, WireTensor>();
  readMessage(bytes, path, (field) => {
    if (field.number === 1)
      chunks.push(readChunk(field.bytes("model_input"), `${path}.model_input.chunks[${chunks.length}]`));
    if (field.number === 2) {
      const entry = readEntry(field.bytes("loss_fn_inputs"), `${path}.loss_fn_inputs`);
      const tensorPath = `${path}.loss_fn_inputs.${entry.key}`;
      inputs.set(entry.key, readTensor(entry.value, tensorPath, budget));
    }
  });
  if (chunks.length === 0)
    throw new ProtocolError(`${path}.model_input.chunks`, "must hold at least one chunk");
  return { chunks, inputs: Object.fromEntries(inputs) };
}

function readChunk(bytes: Uint8Array, path: string): WireChunk {
  let chunk: WireChunk | undefined;
  readMessage(bytes, path, (field) => {
    if (field.number === 1) chunk = readText(field.bytes("encoded_text"), path);
    if (field.number === 2) chunk = readImage(field.bytes("image"), path);
    if (field.number === 3)
      throw new ProtocolError(path, "must be text or an image; sound (dmel) cannot be read");
  });
  if (chunk === undefined) throw new ProtocolError(path, "must be text or an image");
  return chunk;
}

function readText(bytes: Uint8Array, path: string): WireChunk {
  let tokens: Int32Array = new Int32Array();
  readMessage(bytes, path, (field) => {
    if (field.number === 1) tokens = readInt32s(field.bytes("tokens"), `${path}.tokens`);
  });
  checkTokens(tokens, path);
  return { type: "encoded_text", tokens };
}

/** @throws ProtocolError for no tokens at all, and for negative ones */
export function checkTokens(tokens: Int32Array, path: string): void {
  if (tokens.length === 0) throw new ProtocolError(`${path}.tokens`, "must hold at least one token");
  const negative = tokens.findIndex((token) => token < 0);
  if (negative !== -1)
    throw new ProtocolError(`${path}.tokens[${negative}]`, "must not be negative", tokens[negative]);
}

function readImage(bytes: Uint8Array, path: string): WireChunk {
  let data: Uint8Array = new Uint8Array();
  let format = "";
  let expectedTokens: number | undefined;
  readMessage(bytes, path, (field) => {
    // A copy, so that a picture that is kept does not keep the whole request.
    if (field.number === 1) data = Uint8Array.from(field.bytes("data"));
    if (field.number === 2) format = field.text("format");
    if (field.number === 3) expectedTokens = field.whole("expected_tokens");
    if (field.number === 4)
      throw new ProtocolError(
        `${path}.override_dimensions`,
        "must be left out; send the picture at its size",
      );
  });
  if (format !== "png" && format !== "jpeg")
    throw new ProtocolError(`${path}.format`, 'must be "png" or "jpeg"', format);
  if (data.length === 0) throw new ProtocolError(`${path}.data`, "must hold the bytes of a picture");
  return { type: "image", data, format, ...(expectedTokens === undefined ? {} : { expectedTokens }) };
}

function readTensor(bytes: Uint8Array, path: string, budget: DenseBudget): WireTensor {
  let dense: Uint8Array | undefined;
  let sparse: Uint8Array | undefined;
  let dtype = 0;
  const shape: number[] = [];
  readMessage(bytes, path, (field) => {
    if (field.number === 1) [dense, sparse] = [field.bytes("dense"), undefined];
    if (field.number === 2) [dense, sparse] = [undefined, field.bytes("sparse_csr")];
    if (field.number === 3) dtype = field.whole("dtype");
    if (field.number === 4) field.wholes("shape", shape, MAX_SHAPE);
  });
  bytesPerElement(dtype, `${path}.dtype`);
  if (sparse !== undefined) return readSparse(sparse, dtype, shape, path, budget);
  const elements = readElements(dense ?? new Uint8Array(), dtype, `${path}.dense`);
  // Without a shape it is a plain list.
  if (shape.length === 0) shape.push(elements.data.length);
  checkShape(shape, elements.data.length, `${path}.shape`);
  return { ...elements, shape };
}

function readSparse(
  bytes: Uint8Array,
  dtype: number,
  shape: readonly number[],
  path: string,
  budget: DenseBudget,
): WireTensor {
  let values: Uint8Array = new Uint8Array();
  let crow: Int32Array = new Int32Array();
  let col: Int32Array = new Int32Array();
  readMessage(bytes, `${path}.sparse_csr`, (field) => {
    if (field.number === 1) values = field.bytes("values");
    if (field.number === 2) crow = readInt64s(field.bytes("crow_indices"), `${path}.sparse_crow_indices`);
    if (field.number === 3) col = readInt64s(field.bytes("col_indices"), `${path}.sparse_col_indices`);
  });
  const elements = readElements(values, dtype, `${path}.values`);
  return densify(elements, crow, col, shape, path, budget);
}

function readConfigEntry(bytes: Uint8Array, into: Map<string, number>): void {
  let key = "";
  let value = 0;
  readMessage(bytes, "loss_fn_config", (field) => {
    if (field.number === 1) key = field.text("key");
    if (field.number === 2) value = field.double(key);
  });
  into.set(key, value);
}

function readTypedConfigEntry(bytes: Uint8Array, into: Map<string, number>): void {
  const { key, value } = readEntry(bytes, "loss_fn_config");
  const path = `loss_fn_config.${key}`;
  let number: number | undefined;
  readMessage(value, path, (field) => {
    if (field.number === 1) number = field.double("number");
    if (field.number === 2) throw new ProtocolError(path, "must be a number", field.text("text"));
  });
  if (number === undefined) throw new ProtocolError(path, "must be a number");
  into.set(key, number);
}

/** One entry of a map from names to messages. */
export function readEntry(bytes: Uint8Array, path: string): { key: string; value: Uint8Array } {
  let key = "";
  let value: Uint8Array = new Uint8Array();
  readMessage(bytes, path, (field) => {
    if (field.number === 1) key = field.text("key");
    if (field.number === 2) value = field.bytes(join(key, "value"));
  });
  return { key, value };
}

export function writePacked(writer: BinaryWriter, number: number, values: readonly number[]): void {
  if (values.length === 0) return;
  writer.tag(number, LengthDelimited).fork();
  for (const value of values) writer.int64(value);
  writer.join();
}

/** By code units, as protobuf's deterministic form has it for the names that are used here. */
export function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
