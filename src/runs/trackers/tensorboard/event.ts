// TensorBoard's Event message, the few of its fields that are written here. Field numbers are those of event.proto,
// summary.proto, tensor.proto and hparams' plugin_data.proto in tensorboard 2.21.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { PlainValue } from "../flatten.ts";
import type { Histogram } from "../histogram.ts";

const { LengthDelimited, Varint, Bit32, Bit64 } = WireType;
const DT_STRING = 7;
const RGB = 3;
const SESSION_START = 1;

/** One tag's value at one step. */
export type SummaryValue =
  | { readonly type: "scalar"; readonly tag: string; readonly value: number }
  | {
      readonly type: "image";
      readonly tag: string;
      readonly png: Uint8Array;
      readonly width: number;
      readonly height: number;
      /** Shown beside it. */
      readonly description: string;
    }
  | { readonly type: "histogram"; readonly tag: string; readonly histogram: Histogram }
  | { readonly type: "text"; readonly tag: string; readonly markdown: string }
  | {
      readonly type: "hparams";
      readonly values: Readonly<Record<string, PlainValue>>;
      readonly group: string;
      readonly startMs: number;
    }
  | { readonly type: "hparamsEnd"; readonly success: boolean; readonly endMs: number };

/** The first event of every file. */
export function versionEvent(timeMs: number): Uint8Array {
  return eventAt(timeMs, 0).tag(3, LengthDelimited).string("brain.Event:2").finish();
}

/** Tells a TensorBoard that has read further that the run goes on at this step: it forgets this step and all later ones. */
export function restartEvent(timeMs: number, step: number): Uint8Array {
  const writer = eventAt(timeMs, step);
  return writer.tag(7, LengthDelimited).fork().tag(1, Varint).int32(SESSION_START).join().finish();
}

export function summaryEvent(timeMs: number, step: number, values: readonly SummaryValue[]): Uint8Array {
  const writer = eventAt(timeMs, step);
  writer.tag(5, LengthDelimited).fork();
  for (const value of values) {
    writer.tag(1, LengthDelimited).fork();
    writeValue(writer, value);
    writer.join();
  }
  return writer.join().finish();
}

export interface EventHead {
  readonly step: number;
  /** Of the first value; undefined for an event without values. */
  readonly tag: string | undefined;
}

export const sessionEndTag = "_hparams_/session_end_info";

/** @throws Error when it is no protobuf message */
export function readEventHead(payload: Uint8Array): EventHead {
  const reader = new BinaryReader(payload);
  let step = 0;
  let tag: string | undefined;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 2 && wire === Varint) step = Number(reader.int64());
    else if (field === 5 && wire === LengthDelimited) tag ??= firstTag(reader.bytes());
    else reader.skip(wire, field);
  }
  return { step, tag };
}

function firstTag(summary: Uint8Array): string | undefined {
  const value = firstField(summary);
  const tag = value === undefined ? undefined : firstField(value);
  return tag === undefined ? undefined : Buffer.from(tag).toString("utf8");
}

/** Bytes of field 1, which is what this module writes first. */
function firstField(message: Uint8Array): Uint8Array | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1 && wire === LengthDelimited) return reader.bytes();
    reader.skip(wire, field);
  }
  return undefined;
}

function eventAt(timeMs: number, step: number): BinaryWriter {
  const writer = new BinaryWriter();
  writer.tag(1, Bit64).double(timeMs / 1000);
  if (step !== 0) writer.tag(2, Varint).int64(step);
  return writer;
}

function writeValue(writer: BinaryWriter, value: SummaryValue): void {
  switch (value.type) {
    case "scalar":
      writer.tag(1, LengthDelimited).string(value.tag);
      // Beyond the range of 32 bits it is infinite.
      writer.tag(2, Bit32).float(Math.fround(value.value));
      return;
    case "image":
      writer.tag(1, LengthDelimited).string(value.tag);
      writer.tag(9, LengthDelimited).fork().tag(3, LengthDelimited).string(value.description).join();
      writer.tag(4, LengthDelimited).fork();
      writer.tag(1, Varint).int32(value.height).tag(2, Varint).int32(value.width).tag(3, Varint).int32(RGB);
      writer.tag(4, LengthDelimited).bytes(value.png).join();
      return;
    case "histogram":
      writer.tag(1, LengthDelimited).string(value.tag);
      writer.tag(5, LengthDelimited).fork();
      writeHistogram(writer, value.histogram);
      writer.join();
      return;
    case "text":
      writer.tag(1, LengthDelimited).string(value.tag);
      writePlugin(writer, "text");
      writer.tag(8, LengthDelimited).fork().tag(1, Varint).int32(DT_STRING);
      // The shape [1].
      writer.tag(2, LengthDelimited).fork();
      writer.tag(2, LengthDelimited).fork().tag(1, Varint).int64(1).join().join();
      writer.tag(8, LengthDelimited).string(value.markdown).join();
      return;
    case "hparams":
      writer.tag(1, LengthDelimited).string("_hparams_/session_start_info");
      writePlugin(writer, "hparams", (content) => {
        content.tag(3, LengthDelimited).fork();
        for (const [key, setting] of Object.entries(value.values)) writeSetting(content, key, setting);
        content.tag(4, LengthDelimited).string(value.group);
        content
          .tag(5, Bit64)
          .double(value.startMs / 1000)
          .join();
      });
      return;
    case "hparamsEnd":
      writer.tag(1, LengthDelimited).string(sessionEndTag);
      writePlugin(writer, "hparams", (content) => {
        content.tag(4, LengthDelimited).fork();
        content.tag(1, Varint).int32(value.success ? 1 : 2);
        content
          .tag(2, Bit64)
          .double(value.endMs / 1000)
          .join();
      });
      return;
    default:
      value satisfies never;
  }
}

function writeHistogram(
  writer: BinaryWriter,
  { min, max, count, sum, sumOfSquares, edges, counts }: Histogram,
): void {
  [min, max, count, sum, sumOfSquares].forEach((number, i) => writer.tag(i + 1, Bit64).double(number));
  // Of a bin only its upper border is written; the lowest one is `min`.
  [edges.slice(1), counts].forEach((list, i) => {
    writer.tag(6 + i, LengthDelimited).fork();
    for (const number of list) writer.double(number);
    writer.join();
  });
}

function writePlugin(writer: BinaryWriter, name: string, content?: (writer: BinaryWriter) => void): void {
  writer.tag(9, LengthDelimited).fork().tag(1, LengthDelimited).fork();
  writer.tag(1, LengthDelimited).string(name);
  if (content !== undefined) {
    writer.tag(2, LengthDelimited).fork();
    content(writer);
    writer.join();
  }
  writer.join().join();
}

/** An entry of a map from names to google.protobuf.Value. */
function writeSetting(writer: BinaryWriter, key: string, setting: PlainValue): void {
  writer.tag(1, LengthDelimited).fork().tag(1, LengthDelimited).string(key).tag(2, LengthDelimited).fork();
  if (typeof setting === "number") writer.tag(2, Bit64).double(setting);
  else if (typeof setting === "string") writer.tag(3, LengthDelimited).string(setting);
  else writer.tag(4, Varint).bool(setting);
  writer.join().join();
}
