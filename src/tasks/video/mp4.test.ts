// The structure, read by a parser of this file's own; that FFmpeg reads it is shown with the real tool.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { printed, runtimeForTests } from "../../sandbox/testRuntime.ts";
import { encodeJpeg } from "./jpeg.ts";
import { mp4File } from "./mp4.ts";
import type { Mp4Video } from "./mp4.ts";

const dir = mkdtempSync(join(tmpdir(), "mp4-"));
after(() => rmSync(dir, { recursive: true }));
const runtime = await runtimeForTests();

/** A picture of one level. */
function flat(width: number, height: number, level: number): Buffer {
  return encodeJpeg({ width, height, data: new Uint8Array(width * height * 3).fill(level) }, 95);
}

interface Box {
  readonly type: string;
  /** Where its content begins and ends in the file. */
  readonly start: number;
  readonly end: number;
}

function boxes(file: Buffer, start = 0, end = file.length): Box[] {
  const found: Box[] = [];
  for (let at = start; at < end;) {
    const length = file.readUInt32BE(at);
    assert.ok(length >= 8 && at + length <= end, `a box of ${length} bytes at ${at} ends behind ${end}`);
    found.push({ type: file.toString("latin1", at + 4, at + 8), start: at + 8, end: at + length });
    at += length;
  }
  return found;
}

function inside(file: Buffer, ...path: readonly string[]): Box {
  let box: Box = { type: "", start: 0, end: file.length };
  for (const type of path) {
    const child = boxes(file, box.start, box.end).find((candidate) => candidate.type === type);
    assert.ok(child, `no ${type} in ${box.type}`);
    box = child;
  }
  return box;
}

const STBL = ["moov", "trak", "mdia", "minf", "stbl"] as const;
const words = (file: Buffer, box: Box, from = 0): number[] =>
  Array.from({ length: (box.end - box.start - from) / 4 }, (_, i) =>
    file.readUInt32BE(box.start + from + i * 4),
  );

const three: Mp4Video = {
  width: 20,
  height: 12,
  rate: [4, 1],
  pictures: [flat(20, 12, 40), flat(20, 12, 120), flat(20, 12, 200)],
  frames: [0, 0, 1, 0, 2, 0, 0],
};

test("boxes nest and fill the file; tables give every frame its picture's bytes once stored", () => {
  const file = mp4File(three);
  assert.deepEqual(boxes(file).map((box) => box.type), ["ftyp", "moov", "mdat"]); // prettier-ignore
  const stbl = inside(file, ...STBL);
  assert.deepEqual(boxes(file, stbl.start, stbl.end).map((box) => box.type), ["stsd", "stts", "stsc", "stsz", "stco"]); // prettier-ignore
  assert.deepEqual(words(file, inside(file, ...STBL, "stts")), [0, 1, 7, 1]);
  assert.deepEqual(words(file, inside(file, ...STBL, "stsc")), [0, 1, 1, 1, 1]);
  const sizes = words(file, inside(file, ...STBL, "stsz"), 12);
  const offsets = words(file, inside(file, ...STBL, "stco"), 8);
  assert.equal(new Set(offsets).size, 3);
  three.frames.forEach((picture, i) => {
    const at = offsets[i] as number;
    assert.ok(file.subarray(at, at + (sizes[i] as number)).equals(three.pictures[picture] as Buffer));
  });
  const mdat = inside(file, "mdat");
  const stored = three.pictures.reduce((sum, picture) => sum + picture.length, 0);
  assert.equal(mdat.end - mdat.start, stored);
});

test("headers state length, rate and size", () => {
  const file = mp4File(three);
  // version, made, changed, timescale, duration: 7 frames at 4 a second are 1750 ms.
  assert.deepEqual(words(file, inside(file, "moov", "mvhd")).slice(0, 5), [0, 0, 0, 1000, 1750]);
  assert.deepEqual(words(file, inside(file, "moov", "trak", "mdia", "mdhd")).slice(3, 5), [4, 7]);
  assert.deepEqual(words(file, inside(file, "moov", "trak", "tkhd")).slice(-2), [20 * 65536, 12 * 65536]);
  const stsd = inside(file, ...STBL, "stsd");
  const [entry] = boxes(file, stsd.start + 8, stsd.end);
  assert.equal(entry?.type, "mp4v");
  const [esds] = boxes(file, (entry?.start ?? 0) + 78, entry?.end);
  assert.equal(esds?.type, "esds");
  assert.equal(file[file.indexOf(0x04, (esds?.start ?? 0) + 4) + 2], 0x6c); // object type: JPEG
});

test("PyAV reads every frame, forwards, backwards and by leaps", async () => {
  const path = join(dir, "three.mp4");
  writeFileSync(path, mp4File(three));
  const session = await runtime.open({ images: [], videos: [path] });
  const cell = `v=video_clue_0
level=lambda f: [40,120,200].index(min([40,120,200], key=lambda l: abs(f.astype(int)-l).max()))
print(len(v), v.get_avg_fps(), v[0].shape, [level(f) for f in v], [level(v[i]) for i in (6,4,2,0,4,-3,-5)])`;
  assert.equal(
    await printed(session, cell),
    "7 4.0 (12, 20, 3) [0, 0, 1, 0, 2, 0, 0] [0, 2, 1, 0, 2, 2, 1]\n",
  );
  await session.close();
});

test("any size, rate, number of frames and order of pictures", async () => {
  const random = randomStream("mp4 test");
  for (let i = 0; i < 25; i++) {
    const [width, height] = i === 0 ? [1, 1] : [1 + random.below(90), 1 + random.below(90)];
    const levels = random.shuffle([20, 70, 120, 170, 220]).slice(0, 1 + random.below(5));
    const frames = Array.from({ length: 1 + random.below(i === 1 ? 1 : 600) }, () =>
      random.below(levels.length),
    );
    const rate = random.pick([[1, 1], [4, 1], [30, 1], [30000, 1001], [1, 2]] as const); // prettier-ignore
    const path = join(dir, `${i}.mp4`);
    writeFileSync(
      path,
      mp4File({ width, height, rate, frames, pictures: levels.map((l) => flat(width, height, l)) }),
    );
    const session = await runtime.open({ images: [], videos: [path] });
    const cell = `v=video_clue_0; f=v.get_batch(range(len(v))).astype(int)
print(len(v), v.get_avg_fps(), f.shape[1:3], np.ptp(f, axis=(1,2,3)).max() <= 6, (f.mean((1,2,3))//50).astype(int).tolist())`;
    const shown = frames.map((number) => Math.floor((levels[number] as number) / 50));
    const [printedText, rest] = splitAt(await printed(session, cell));
    assert.equal(rest, `(${height}, ${width}) True [${shown.join(", ")}]\n`);
    const [count, fps] = printedText.split(" ").map(Number);
    assert.equal(count, frames.length);
    assert.ok(Math.abs((fps ?? 0) - rate[0] / rate[1]) < 1e-6, `${fps} for ${rate.join("/")}`);
    await session.close();
  }
});

function splitAt(text: string): [string, string] {
  const at = text.indexOf("(");
  return [text.slice(0, at - 1), text.slice(at)];
}

test("what the format cannot say is refused by name", () => {
  for (const [more, message] of [
    [{ width: 0 }, /width and height must be integers from 1 to 65535, got 0 x 12/],
    [{ rate: [4, 0] as const }, /rate must be two integers above 0.*got \[4, 0\]/],
    [{ frames: [] }, /at least one frame/],
    [{ frames: [0, 3] }, /numbers of the 3 pictures, got 3/],
    [{ pictures: [Buffer.from("GIF89a")], frames: [0] }, /picture 0 must be a JPEG file/],
    [{ rate: [1, 0x7fffffff] as const, frames: [0, 0, 0] }, /last too long/],
  ] as const)
    assert.throws(() => mp4File({ ...three, ...more }), message);
});
