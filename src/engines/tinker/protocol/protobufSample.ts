// SampleResponse as protobuf. What the SDK may ask for beyond this server's and client's use (likeliest tokens of the reply,
// drawn alternatives, named targets) is passed over when it is read.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { readMessage } from "./protoMessage.ts";
import { float32Bytes, int32Bytes, readFloat32s, readInt32s } from "./rawArrays.ts";
import { ProtocolError, type SampledSequence, type SampleOutput } from "./wire.ts";

const { LengthDelimited, Varint } = WireType;
const STOP_REASONS = ["stop", "length"] as const;
/** Fills the cells behind the last of fewer than k likeliest tokens, with token 0. */
const NO_LOGPROB = -99999;

type TopK = NonNullable<SampleOutput["topkPromptLogprobs"]>;

/** Positions without likeliest tokens are written as null, and so are lists of none. */
export function encodeSampleOutputProto(output: SampleOutput): Uint8Array {
  const writer = new BinaryWriter();
  for (const { stopReason, tokens, logprobs } of output.sequences) {
    writer.tag(1, LengthDelimited).fork();
    if (stopReason === "length") writer.tag(1, Varint).int32(1);
    if (tokens.length > 0) writer.tag(2, LengthDelimited).bytes(int32Bytes(tokens));
    if (logprobs !== undefined) writer.tag(3, LengthDelimited).bytes(float32Bytes(logprobs));
    writer.join();
  }
  if (output.promptLogprobs !== undefined)
    writer
      .tag(2, LengthDelimited)
      .bytes(float32Bytes(output.promptLogprobs.map((logprob) => logprob ?? Number.NaN)));
  if (output.topkPromptLogprobs !== undefined) {
    writer.tag(3, LengthDelimited).fork();
    writeTopK(writer, output.topkPromptLogprobs);
    writer.join();
  }
  return writer.finish();
}

/** @throws ProtocolError for malformed bytes, and for as many log-probabilities as are not tokens */
export function decodeSampleOutputProto(bytes: Uint8Array): SampleOutput {
  const sequences: SampledSequence[] = [];
  let promptLogprobs: (number | null)[] | undefined;
  let topkPromptLogprobs: TopK | undefined;
  readMessage(bytes, "", (field) => {
    if (field.number === 1)
      sequences.push(readSequence(field.bytes("sequences"), `sequences[${sequences.length}]`));
    if (field.number === 2)
      promptLogprobs = Array.from(readFloat32s(field.bytes("prompt_logprobs"), "prompt_logprobs"), (value) =>
        Number.isNaN(value) ? null : value,
      );
    if (field.number === 3) topkPromptLogprobs = readTopK(field.bytes("topk_prompt_logprobs"));
  });
  return {
    sequences,
    ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
    ...(topkPromptLogprobs === undefined ? {} : { topkPromptLogprobs }),
  };
}

function readSequence(bytes: Uint8Array, path: string): SampledSequence {
  let reason = 0;
  let tokens: number[] = [];
  let logprobs: number[] | undefined;
  readMessage(bytes, path, (field) => {
    if (field.number === 1) reason = field.whole("stop_reason");
    if (field.number === 2) tokens = [...readInt32s(field.bytes("tokens"), `${path}.tokens`)];
    if (field.number === 3) logprobs = [...readFloat32s(field.bytes("logprobs"), `${path}.logprobs`)];
  });
  const stopReason = STOP_REASONS[reason];
  if (stopReason === undefined)
    throw new ProtocolError(`${path}.stop_reason`, "must be 0 (stop) or 1 (length)", reason);
  if (logprobs !== undefined && logprobs.length !== tokens.length)
    throw new ProtocolError(`${path}.logprobs`, `must be one per token, ${tokens.length}`, logprobs.length);
  return { stopReason, tokens, ...(logprobs === undefined ? {} : { logprobs }) };
}

function writeTopK(writer: BinaryWriter, rows: TopK): void {
  const k = rows.reduce((most, row) => Math.max(most, row?.length ?? 0), 0);
  const ids = new Int32Array(rows.length * k);
  const logprobs = new Float32Array(rows.length * k).fill(NO_LOGPROB);
  rows.forEach((row, i) =>
    row?.forEach(([id, logprob], j) => {
      ids[i * k + j] = id;
      logprobs[i * k + j] = logprob;
    }),
  );
  writer.tag(1, LengthDelimited).bytes(int32Bytes(ids));
  writer.tag(2, LengthDelimited).bytes(float32Bytes(logprobs));
  writer.tag(3, Varint).uint32(k);
  writer.tag(4, Varint).uint32(rows.length);
}

function readTopK(bytes: Uint8Array): TopK | undefined {
  const path = "topk_prompt_logprobs";
  let ids: Int32Array = new Int32Array();
  let logprobs: Float32Array = new Float32Array();
  let k = 0;
  let length = 0;
  readMessage(bytes, path, (field) => {
    if (field.number === 1) ids = readInt32s(field.bytes("token_ids"), `${path}.token_ids`);
    if (field.number === 2) logprobs = readFloat32s(field.bytes("logprobs"), `${path}.logprobs`);
    if (field.number === 3) k = field.whole("k");
    if (field.number === 4) length = field.whole("length");
  });
  if (ids.length !== length * k || logprobs.length !== length * k)
    throw new ProtocolError(
      `${path}.token_ids`,
      `must be length * k = ${length} * ${k}, and so must be logprobs`,
      `${ids.length} and ${logprobs.length}`,
    );
  if (k === 0) return undefined;
  return Array.from({ length }, (_, i) => {
    let count = k;
    while (count > 0 && ids[i * k + count - 1] === 0 && logprobs[i * k + count - 1] === NO_LOGPROB) count--;
    if (count === 0) return null;
    return Array.from(
      { length: count },
      (_unused, j) => [ids[i * k + j] as number, logprobs[i * k + j] as number] as const,
    );
  });
}
