import assert from "node:assert/strict";
import test from "node:test";
import { frameRecord, readRecords } from "./records.ts";

const texts = (file: Buffer): { texts: string[]; lostBytes: number } => {
  const { payloads, lostBytes } = readRecords(file);
  return { texts: payloads.map((payload) => Buffer.from(payload).toString()), lostBytes };
};
const frame = (text: string): Buffer => frameRecord(Buffer.from(text));
const three = Buffer.concat([frame("one"), frame(""), frame("three")]);

test("an empty record is the sixteen bytes that every TFRecord writer makes of it", () => {
  assert.equal(frame("").toString("hex"), "0000000000000000" + "29039807" + "d8ea82a2");
});

test("what was framed is read back", () => {
  assert.deepEqual(texts(three), { texts: ["one", "", "three"], lostBytes: 0 });
  assert.deepEqual(texts(Buffer.alloc(0)), { texts: [], lostBytes: 0 });
});

test("a file cut at any byte gives the records before the cut and never another", () => {
  // 12 + 3 + 4, 12 + 0 + 4 and 12 + 5 + 4 bytes.
  const ends = [0, 19, 35, 56];
  assert.equal(three.length, 56);
  for (let cut = 0; cut <= three.length; cut++) {
    const whole = ends.filter((end) => end <= cut).length - 1;
    assert.deepEqual(
      texts(three.subarray(0, cut)),
      { texts: ["one", "", "three"].slice(0, whole), lostBytes: cut - (ends[whole] as number) },
      `cut after ${cut} bytes`,
    );
  }
});

test("one wrong bit anywhere loses its record and those behind it, and no more", () => {
  for (let at = 19; at < 35; at++) {
    const damaged = Buffer.from(three);
    damaged[at] = (damaged[at] as number) ^ 0x10;
    assert.deepEqual(texts(damaged), { texts: ["one"], lostBytes: 37 }, `bit in byte ${at}`);
  }
});

test("a length beyond the file, with a right checksum, is no record", () => {
  const huge = frame("x");
  const head = frameRecord(Buffer.alloc(300)).subarray(0, 12);
  assert.deepEqual(texts(Buffer.concat([huge, head, Buffer.alloc(20)])), { texts: ["x"], lostBytes: 32 });
});
