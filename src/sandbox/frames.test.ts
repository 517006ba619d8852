import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, FrameReader, ProtocolViolation } from "./frames.ts";

const LIMITS = { headerBytes: 64, payloadBytes: 16 };

function frame(header: string, payload: number[]): Buffer {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(Buffer.byteLength(header), 0);
  lengths.writeUInt32LE(payload.length, 4);
  return Buffer.concat([lengths, Buffer.from(header), Buffer.from(payload)]);
}

test("a frame's bytes: two little-endian lengths, then JSON", () => {
  assert.deepEqual([...encodeFrame({ a: "é" })], [10, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('{"a":"é"}')]);
});

test("frames come out whole wherever the stream is cut", () => {
  const stream = Buffer.concat([frame('{"n":1}', [9, 8, 7]), frame("[]", []), frame('{"n":2}', [1])]);
  for (let size = 1; size <= stream.length; size++) {
    const reader = new FrameReader(LIMITS);
    const got: [unknown, number[]][] = [];
    for (let at = 0; at < stream.length; at += size)
      for (const { header, payload } of reader.push(stream.subarray(at, at + size)))
        got.push([header, [...payload]]);
    assert.deepEqual(got, [[{ n: 1 }, [9, 8, 7]], [[], []], [{ n: 2 }, [1]]], `pieces of ${size}`); // prettier-ignore
    assert.equal(reader.midFrame, false);
  }
});

test("lengths over the limits are refused before their bytes are waited for", () => {
  const lengths = (header: number, payload: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(header, 0);
    bytes.writeUInt32LE(payload, 4);
    return bytes;
  };
  assert.deepEqual(new FrameReader(LIMITS).push(lengths(64, 16)), []);
  assert.throws(() => new FrameReader(LIMITS).push(lengths(65, 0)), ProtocolViolation);
  assert.throws(() => new FrameReader(LIMITS).push(lengths(1, 17)), ProtocolViolation);
  assert.throws(() => new FrameReader(LIMITS).push(Buffer.alloc(8, 0xff)), ProtocolViolation);
});

test("a header that is not JSON is a violation", () => {
  assert.throws(() => new FrameReader(LIMITS).push(frame("{oops", [])), ProtocolViolation);
});
