// TFRecord framing: length (64 bits, little-endian), its masked CRC-32C, the payload, its masked CRC-32C.
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
import { maskedCrc32c } from "./crc32c.ts";

const HEAD = 12;
const FOOT = 4;

export function frameRecord(payload: Uint8Array): Buffer {
  const record = Buffer.alloc(HEAD + payload.length + FOOT);
  record.writeBigUInt64LE(BigInt(payload.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(payload, HEAD);
  record.writeUInt32LE(maskedCrc32c(payload), HEAD + payload.length);
  return record;
}

export interface RecordsRead {
  readonly payloads: readonly Uint8Array[];
  /** Bytes behind the last whole record: cut, damaged, or behind such a one; 0 of a sound file. */
  readonly lostBytes: number;
}

/** Records up to the first that is cut or damaged; behind it nothing can be found, since nothing marks a beginning. */
export function readRecords(file: Buffer): RecordsRead {
  const payloads: Uint8Array[] = [];
  let at = 0;
  while (at + HEAD <= file.length) {
    if (file.readUInt32LE(at + 8) !== maskedCrc32c(file.subarray(at, at + 8))) break;
    const length = file.readBigUInt64LE(at);
    if (length > BigInt(file.length - at - HEAD - FOOT)) break;
    const payload = file.subarray(at + HEAD, at + HEAD + Number(length));
    if (file.readUInt32LE(at + HEAD + payload.length) !== maskedCrc32c(payload)) break;
    payloads.push(payload);
    at += HEAD + payload.length + FOOT;
  }
  return { payloads, lostBytes: file.length - at };
}
