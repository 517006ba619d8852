// ForwardBackwardOutput as protobuf: the tensors of all datums laid end to end, a record for each run of datums whose
// tensors have the same names, types and trailing dimensions.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { readEntry, sortedEntries, writePacked } from "./protobufCall.ts";
import { readMessage } from "./protoMessage.ts";
import { bytesPerElement, DTYPE, elementBytes, int64Bytes, readElements, readInt64s } from "./rawArrays.ts";
import { checkShape } from "./tensorShape.ts";
import { type ForwardBackwardOutput, ProtocolError, type WireTensor } from "./wire.ts";

const { LengthDelimited, Varint, Bit64 } = WireType;
const MAX_SHAPE = 64;
/** Datums of one reply; a record without tensors names a number that no bytes stand behind. */
const MAX_DATUMS = 1 << 20;

type Tensors = Readonly<Record<string, WireTensor>>;

export function encodeForwardBackwardOutputProto(output: ForwardBackwardOutput): Uint8Array {
  const writer = new BinaryWriter();
  if (output.outputType !== "") writer.tag(1, LengthDelimited).string(output.outputType);
  for (const run of runsOfOneLayout(output.outputs)) {
    writer.tag(2, LengthDelimited).fork();
    writeRecord(writer, output.outputType, run);
    writer.join();
  }
  for (const [key, value] of sortedEntries(output.metrics)) {
    writer.tag(3, LengthDelimited).fork().tag(1, LengthDelimited).string(key);
    writer.tag(2, Bit64).double(value).join();
  }
  return writer.finish();
}

/** @throws ProtocolError for malformed bytes, and for tensors whose datums are not as many as the record says */
export function decodeForwardBackwardOutputProto(bytes: Uint8Array): ForwardBackwardOutput {
  let outputType = "";
  const outputs: Tensors[] = [];
  const metrics = new Map<string, number>();
  let records = 0;
  readMessage(bytes, "", (field) => {
    if (field.number === 1)
      // A server may write the class with its module, `module:Class`.
      outputType = field.text("loss_fn_output_type").split(":").at(-1) ?? "";
    if (field.number === 2) {
      const path = `loss_fn_outputs[${records++}]`;
      for (const tensors of readRecord(field.bytes(path), path, MAX_DATUMS - outputs.length))
        outputs.push(tensors);
    }
    if (field.number === 3) readMetric(field.bytes("metrics"), metrics);
  });
  return { outputType, outputs, metrics: Object.fromEntries(metrics) };
}

function runsOfOneLayout(outputs: readonly Tensors[]): Tensors[][] {
  const runs: Tensors[][] = [];
  let last: string | undefined;
  for (const tensors of outputs) {
    const layout = JSON.stringify(
      sortedEntries(tensors).map(([name, tensor]) => [name, tensor.dtype, tensor.shape.slice(1)]),
    );
    if (layout !== last) runs.push([]);
    last = layout;
    runs.at(-1)?.push(tensors);
  }
  return runs;
}

function writeRecord(writer: BinaryWriter, type: string, run: readonly Tensors[]): void {
  if (type !== "") writer.tag(1, LengthDelimited).string(type);
  for (const [name, first] of sortedEntries(run[0] ?? {})) {
    const parts = run.map((tensors) => {
      const tensor = tensors[name] as WireTensor;
      checkShape(tensor.shape, tensor.data.length, `${name}.shape`);
      return elementBytes(tensor);
    });
    const offsets = [0];
    for (const part of parts) offsets.push((offsets.at(-1) as number) + part.length);
    writer.tag(2, LengthDelimited).fork().tag(1, LengthDelimited).string(name);
    writer.tag(2, LengthDelimited).fork();
    if (offsets.at(-1) !== 0) writer.tag(1, LengthDelimited).bytes(Buffer.concat(parts));
    writer.tag(2, LengthDelimited).bytes(int64Bytes(offsets));
    writer.tag(3, Varint).int32(DTYPE[first.dtype]);
    writePacked(writer, 4, first.shape.slice(1));
    writer.join().join();
  }
  writer.tag(3, Varint).int64(run.length);
}

function readRecord(bytes: Uint8Array, path: string, most: number): Tensors[] {
  const columns = new Map<string, WireTensor[]>();
  let declared = 0;
  readMessage(bytes, path, (field) => {
    if (field.number === 2) {
      const { key, value } = readEntry(field.bytes("fields"), `${path}.fields`);
      columns.set(key, readColumn(value, `${path}.${key}`));
    }
    if (field.number === 3) declared = field.whole("num_datums");
  });
  // Servers before 0.25 wrote no number.
  const count = declared === 0 ? ([...columns.values()][0]?.length ?? 0) : declared;
  if (count > most)
    throw new ProtocolError(`${path}.num_datums`, `a reply must hold at most ${MAX_DATUMS} datums`, count);
  for (const [name, tensors] of columns)
    if (tensors.length !== count)
      throw new ProtocolError(
        `${path}.${name}.offsets`,
        `must be one more than the ${count} datums`,
        tensors.length + 1,
      );
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries([...columns].map(([name, tensors]) => [name, tensors[i] as WireTensor])),
  );
}

/** One tensor per datum. */
function readColumn(bytes: Uint8Array, path: string): WireTensor[] {
  let data: Uint8Array = new Uint8Array();
  let offsets: Int32Array = new Int32Array();
  let dtype = 0;
  const trailing: number[] = [];
  readMessage(bytes, path, (field) => {
    if (field.number === 1) data = field.bytes("data");
    if (field.number === 2) offsets = readInt64s(field.bytes("offsets"), `${path}.offsets`);
    if (field.number === 3) dtype = field.whole("dtype");
    if (field.number === 4) field.wholes("trailing_shape", trailing, MAX_SHAPE);
  });
  const size = bytesPerElement(dtype, `${path}.dtype`);
  const perRow = trailing.reduce((n, length) => n * length, 1);
  if (offsets.length === 0 || offsets[0] !== 0 || offsets.at(-1) !== data.length)
    throw new ProtocolError(`${path}.offsets`, `must go from 0 to the end of the data, ${data.length}`, [
      ...offsets.subarray(0, 21),
    ]);
  const tensors: WireTensor[] = [];
  for (let i = 0; i + 1 < offsets.length; i++) {
    const start = offsets[i] as number;
    const end = offsets[i + 1] as number;
    const field = `${path}.offsets[${i + 1}]`;
    if (end < start) throw new ProtocolError(field, `must not be below the one before, ${start}`, end);
    const count = (end - start) / size;
    if (!Number.isInteger(count) || (perRow === 0 ? count !== 0 : count % perRow !== 0))
      throw new ProtocolError(field, `must end a row of ${perRow} elements of ${size} bytes`, end);
    const elements = readElements(data.subarray(start, end), dtype, `${path}.data`);
    tensors.push({ ...elements, shape: [perRow === 0 ? 0 : count / perRow, ...trailing] });
  }
  return tensors;
}

function readMetric(bytes: Uint8Array, into: Map<string, number>): void {
  let key = "";
  let value = 0;
  readMessage(bytes, "metrics", (field) => {
    if (field.number === 1) key = field.text("key");
    if (field.number === 2) value = field.double(key);
  });
  into.set(key, value);
}
