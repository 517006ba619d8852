import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureFault, type Readable, videoFault } from "./inspectMedia.ts";
import { jpegOf, png } from "./testFiles.ts";

const readable = (bytes: Uint8Array | string): Readable => {
  const buffer = Buffer.from(bytes);
  return { size: buffer.length, read: (start, length) => buffer.subarray(start, start + length) };
};
const picture = (bytes: Uint8Array | string): string | undefined => pictureFault(readable(bytes));
const video = (bytes: Uint8Array | string): string | undefined => videoFault(readable(bytes));

const aPng = png(20, 10, [1, 2, 3]);
const aJpeg = jpegOf(20, 10);

test("whole pictures, also with something behind their end", () => {
  for (const bytes of [
    aPng,
    aJpeg,
    Buffer.concat([aPng, Buffer.alloc(99)]),
    Buffer.concat([aJpeg, Buffer.alloc(200_000)]),
  ])
    assert.equal(picture(bytes), undefined);
});

test("pictures cut off at every byte", () => {
  for (const whole of [aPng, aJpeg])
    for (let length = 16; length < whole.length; length++)
      assert.match(
        picture(whole.subarray(0, length)) ?? "whole",
        /^is cut off: it ends after \d+ bytes/,
        `${length}`,
      );
});

test("what is no picture", () => {
  const noPixels = Buffer.from(aPng);
  noPixels.writeUInt32BE(0, 20); // the height
  assert.equal(picture(noPixels), "has no pixels");
  for (const [bytes, fault] of [
    ["", "is empty"],
    ["<!DOCTYPE html><p>404", "must be PNG or JPEG or WebP, but its content is a web page or SVG"],
    ["RIFF0000WEBPVP8 ", "is cut off: it ends after 16 bytes, before its end marker"],
    ["GIF89a", "must be PNG or JPEG or WebP, but its content is GIF: convert it first"],
    [
      "version https://git-lfs.github.com/spec/v1",
      "must be PNG or JPEG or WebP, but its content is a Git LFS pointer: fetch the file itself",
    ],
  ] as const)
    assert.equal(picture(bytes), fault);
});

test("WebP: a still one, whole", () => {
  const webp = (flags: number, length = 22): Buffer => {
    const bytes = Buffer.alloc(30);
    bytes.write("RIFF", 0, "latin1");
    bytes.writeUInt32LE(length, 4);
    bytes.write("WEBPVP8X", 8, "latin1");
    bytes.writeUInt8(flags, 20);
    return bytes;
  };
  assert.equal(picture(webp(0x10)), undefined);
  assert.equal(picture(webp(2)), "is a WebP that moves: save one of its pictures");
  assert.match(picture(webp(0, 23)) ?? "", /^is cut off: it ends after 30 bytes/);
});

const box = (type: string, length: number): Buffer => {
  const buffer = Buffer.alloc(length);
  buffer.writeUInt32BE(length, 0);
  buffer.write(type, 4, "latin1");
  return buffer;
};
const film = Buffer.concat([box("ftyp", 24), box("moov", 100), box("mdat", 50)]);

test("videos by their container; MP4 by its boxes", () => {
  assert.equal(video(film), undefined);
  assert.equal(video(Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 1])), undefined);
  assert.equal(video("RIFF0000AVI LIST"), undefined);
  assert.match(video(film.subarray(0, 160)) ?? "", /^is cut off: it ends after 160 bytes/);
  assert.equal(
    video(Buffer.concat([box("ftyp", 24), box("mdat", 50)])),
    "has no index (moov): recorded or downloaded in part",
  );
  assert.equal(video(""), "is empty");
  assert.match(video("<html>") ?? "", /must be a video, but its content is a web page/);
  assert.match(video(aPng) ?? "", /must be a video, but its content is PNG/);
});
