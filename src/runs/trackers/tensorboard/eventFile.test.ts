import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { afterEach, beforeEach } from "node:test";
import { readEventHead, summaryEvent, versionEvent, type SummaryValue } from "./event.ts";
import {
  EventFile,
  eventFiles,
  newEventFileName,
  repairEventFiles,
  type EventFileHandle,
  type Repair,
} from "./eventFile.ts";
import { frameRecord, readRecords } from "./records.ts";

let dir = "";
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "pyvision-events-"))));
afterEach(() => rmSync(dir, { recursive: true }));

const loss = (value: number): SummaryValue => ({ type: "scalar", tag: "train/loss", value });
const at = (step: number): Buffer => frameRecord(summaryEvent(0, step, [loss(step)]));
const path = (): string => join(dir, "events.out.tfevents.100.host.1.0");
const steps = (file: string): number[] =>
  readRecords(readFileSync(file)).payloads.map((payload) => readEventHead(payload).step);

const figures = ({ lastStep, removed, lostBytes }: Repair): unknown => ({ lastStep, removed, lostBytes });

test("a scalar event is the protobuf message of its fields, byte for byte", () => {
  // wall_time 1.5 s; step 7; summary { value { tag "a", simple_value 0.5 } }
  assert.equal(
    Buffer.from(summaryEvent(1500, 7, [{ type: "scalar", tag: "a", value: 0.5 }])).toString("hex"),
    "09000000000000f83f" + "1007" + "2a0a" + "0a08" + "0a0161" + "150000003f",
  );
  assert.equal(
    Buffer.from(versionEvent(0)).toString("hex"),
    `090000000000000000${"1a0d"}${Buffer.from("brain.Event:2").toString("hex")}`,
  );
});

test("repairing takes out later steps and what is behind a cut, and says what is left", () => {
  writeFileSync(path(), Buffer.concat([at(1), at(2), at(3), at(4), at(5).subarray(0, 20)]));
  assert.deepEqual(figures(repairEventFiles(dir, 3)), { lastStep: 3, removed: 1, lostBytes: 20 });
  assert.deepEqual(steps(path()), [1, 2, 3]);
  // Again: nothing more to do, and other steps remain reachable.
  assert.deepEqual(figures(repairEventFiles(dir, 3)), { lastStep: 3, removed: 0, lostBytes: 0 });
});

test("the word that a session ended goes when the run goes on", () => {
  const end: SummaryValue = { type: "hparamsEnd", success: false, endMs: 0 };
  writeFileSync(path(), Buffer.concat([at(1), frameRecord(summaryEvent(0, 0, [end]))]));
  assert.deepEqual(figures(repairEventFiles(dir, 9)), { lastStep: 1, removed: 1, lostBytes: 0 });
  assert.deepEqual(steps(path()), [1]);
});

test("a sound file of earlier steps is not touched, and other files are none of ours", () => {
  writeFileSync(path(), at(2));
  appendFileSync(join(dir, "notes.txt"), "mine");
  const before = readFileSync(path());
  assert.deepEqual(figures(repairEventFiles(dir, 2)), { lastStep: 2, removed: 0, lostBytes: 0 });
  assert.deepEqual(readFileSync(path()), before);
  assert.equal(readFileSync(join(dir, "notes.txt"), "utf8"), "mine");
});

test("a new file sorts behind those there are, even when the clock went back", () => {
  writeFileSync(path(), "");
  const name = newEventFileName(dir, 5_000);
  assert.match(name, /^events\.out\.tfevents\.101\./);
  assert.match(newEventFileName(dir, 7_200_000), /^events\.out\.tfevents\.7200\./);
  writeFileSync(join(dir, name), "");
  assert.deepEqual(eventFiles(dir), ["events.out.tfevents.100.host.1.0", name]);
});

/** A disk that takes `room` bytes, in writes of at most `most`. */
function disk(
  room: number,
  most = Infinity,
): EventFileHandle & { readonly bytes: () => Buffer; free(more: number): void } {
  let content = Buffer.alloc(0);
  let left = room;
  return {
    write: (async (buffer: Buffer, offset: number, length: number, position: number) => {
      const fits = Math.min(length, left, most);
      if (fits === 0)
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      const grown = Buffer.alloc(Math.max(content.length, position + fits));
      content.copy(grown);
      buffer.copy(grown, position, offset, offset + fits);
      left -= fits;
      content = grown;
      return { bytesWritten: fits, buffer };
    }) as EventFileHandle["write"],
    truncate: async (length = 0) => {
      left += content.length - length;
      content = content.subarray(0, length);
    },
    datasync: async () => {},
    close: async () => {},
    bytes: () => content,
    free: (more) => void (left += more),
  };
}

test("a disk that is full in the middle of an event leaves no half of it behind", async () => {
  const full = disk(60, 7);
  const file = new EventFile(full);
  await file.append(summaryEvent(0, 1, [loss(1)]));
  const whole = full.bytes().length;
  await assert.rejects(file.append(summaryEvent(0, 2, [loss(2)])), /ENOSPC/);
  assert.ok(full.bytes().length > whole, "the failed write left bytes");
  full.free(1000);
  await file.append(summaryEvent(0, 3, [loss(3)]));
  const { payloads, lostBytes } = readRecords(full.bytes());
  assert.deepEqual([payloads.map((payload) => readEventHead(payload).step), lostBytes], [[1, 3], 0]);
});

test("closing after a failed write cuts off what it left", async () => {
  const full = disk(60, 7);
  const file = new EventFile(full);
  await file.append(summaryEvent(0, 1, [loss(1)]));
  await assert.rejects(file.append(summaryEvent(0, 2, [loss(2)])), /ENOSPC/);
  await file.close();
  assert.equal(readRecords(full.bytes()).lostBytes, 0);
});
