// Films as they come: containers and codecs, frames at uneven times, damage, and the rest of decord's interface.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { printed, runtimeForTests } from "./testRuntime.ts";

const dir = mkdtempSync(join(tmpdir(), "video-formats-"));
after(() => rmSync(dir, { recursive: true }));
const at = (name: string): string => join(dir, name);

// 30 frames of 64x48, a keyframe at least every 10. Frame n: the left half has level 8n, the right half 255 - 8n. At 10 per
// second; in the uneven ones frame n is shown at n * n * 10 ms.
const MAKE = `
import av, numpy as np
from fractions import Fraction
def video(path, codec, pix_fmt="yuv420p", uneven=False, muxer={}, **options):
    with av.open(path, "w", options=muxer) as out:
        stream = out.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size, stream.thread_count = 64, 48, pix_fmt, 10, 1
        stream.bit_rate = 400_000
        if uneven:
            stream.codec_context.time_base = Fraction(1, 1000)
        for n in range(30):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[:, :32], pixels[:, 32:] = 8 * n, 255 - 8 * n
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if uneven:
                frame.pts, frame.time_base = n * n * 10, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
h264 = {"bf": "2", "sc_threshold": "0"}
video("h264.mkv", "libx264", **h264)
video("h264.mov", "libx264", **h264)
video("hevc.mp4", "libx265", **{"x265-params": "log-level=none:pools=1"})
video("vp8.webm", "libvpx")
video("vp9.mkv", "libvpx-vp9", **{"cpu-used": "8"})
video("mpeg4.mp4", "mpeg4", bf="2")
video("mpeg4.mkv", "mpeg4")
video("mjpeg.avi", "mjpeg", "yuvj420p")
video("mjpeg.mkv", "mjpeg", "yuvj420p")
video("mpeg2.mpg", "mpeg2video")
video("flv.flv", "flv")
video("gif.gif", "gif", "rgb8")
video("uneven.mp4", "libx264", uneven=True, **h264)
video("uneven.mkv", "libvpx", uneven=True)
video("tail.mp4", "libx264", **h264)
video("head.mp4", "libx264", muxer={"movflags": "faststart"}, **h264)
`;
execFileSync(fileURLToPath(new URL("../../.venv/bin/python", import.meta.url)), ["-c", MAKE], { cwd: dir });
const runtime = await runtimeForTests();

/** `shown(frame)`: the number it shows, or its two levels when they name none. */
const NAMED = `
def shown(frame):
    a = frame.asnumpy().astype(int)
    left, right = a[4:44, 4:28].mean(), a[4:44, 36:60].mean()
    n = left / 8
    return round(n) if abs(left + right - 255) < 6 and abs(n - round(n)) < 0.4 else (left, right)
v = video_clue_0
`;

const FILES = [
  ...["h264.mkv", "h264.mov", "hevc.mp4", "vp8.webm", "vp9.mkv", "mpeg4.mp4", "mpeg4.mkv", "mjpeg.avi"],
  ...["mjpeg.mkv", "mpeg2.mpg", "flv.flv", "gif.gif", "uneven.mp4", "uneven.mkv"],
];
for (const file of FILES)
  test(`${file}: every index gives its own frame, in any order`, async () => {
    const session = await runtime.open({ images: [], videos: [at(file)] });
    const order = "[*range(29, -1, -1), *[(7 * n) % 30 for n in range(30)]]";
    assert.equal(
      await printed(session, `${NAMED}len(v), [n for n in ${order} if shown(v[n]) != n]`),
      "(30, [])\n",
    );
    await session.close();
  });

for (const file of ["uneven.mp4", "uneven.mkv"])
  test(`${file}: frames keep their own times, and the average rate is that of the frames`, async () => {
    const session = await runtime.open({ images: [], videos: [at(file)] });
    const look = `${NAMED}[round(float(t), 3) for t in v.get_frame_timestamp([0, 1, 2, 28, 29])[:, 0]]`;
    assert.equal(await printed(session, look), "[0.0, 0.01, 0.04, 7.84, 8.41]\n");
    assert.equal(await printed(session, "v.get_frame_timestamp(28).round(3).tolist()"), "[7.84, 8.41]\n");
    assert.equal(await printed(session, "round(v.get_avg_fps(), 3)"), "3.448\n"); // 29 / 8.41 s
    await session.close();
  });

test("the rest of decord's interface: slices, arrays of indices, times, keyframes, reading on", async () => {
  const session = await runtime.open({ images: [], videos: [at("h264.mkv")] });
  const say = (code: string): Promise<string> => printed(session, code);
  assert.equal(
    await say(`${NAMED}[shown(f) for f in v[2:9:3]], [shown(f) for f in v[-2:]]`),
    "([2, 5, 8], [28, 29])\n",
  );
  assert.equal(await say("v[4:6].asnumpy().shape"), "(2, 48, 64, 3)\n");
  for (const indices of [
    "[3, 17]",
    "(3, 17)",
    "range(3, 18, 14)",
    "np.array([3, 17])",
    "np.array([3, 17], np.uint8)",
  ])
    assert.equal(await say(`[shown(f) for f in v.get_batch(${indices})]`), "[3, 17]\n", indices);
  // decord cuts fractions off: linspace(0, 29, 4) = 0, 9.67, 19.33, 29
  assert.equal(await say("[shown(f) for f in v.get_batch(np.linspace(0, 29, 4))]"), "[0, 9, 19, 29]\n");
  assert.equal(await say("v.get_frame_timestamp([0, -1]).round(3).tolist()"), "[[0.0, 0.1], [2.9, 3.0]]\n");
  assert.equal(await say("v.get_frame_timestamp(7).round(3).tolist(), v.get_frame_timestamp(slice(1, 3)).shape"), "([0.7, 0.8], (2, 2))\n"); // prettier-ignore
  assert.equal(await say("v.get_key_indices()"), "[0, 10, 20]\n");
  assert.equal(await say("v[5]; [shown(v.next()) for _ in range(3)]"), "[6, 7, 8]\n");
  assert.equal(await say("v.seek_accurate(17); v.skip_frames(2); shown(v.next())"), "19\n");
  assert.equal(await say("v.seek(17); shown(v.next())"), "10\n"); // the keyframe before it
  const errors = [
    ["v[29]; v.next()", "StopIteration", ""],
    ["v.get_batch(5)", "TypeError", "video_clue_0: get_batch takes a list of indices, got int"],
    [
      "v.get_batch([[0, 1]])",
      "TypeError",
      "video_clue_0: get_batch takes a list of indices, got list of 2 dimensions",
    ],
    ["v.get_batch([float('nan')])", "TypeError", "video_clue_0: an index must be a whole number, got float; get_batch takes a list of them"], // prettier-ignore
    ["v[40:]", "ValueError", "video_clue_0: get_batch needs at least one index"],
    [
      "v.get_frame_timestamp(30)",
      "IndexError",
      "video_clue_0: there is no frame 30; it has 30 frames, 0 to 29",
    ],
    ["v.seek(99)", "IndexError", "video_clue_0: there is no frame 99; it has 30 frames, 0 to 29"],
  ] as const;
  for (const [cell, errorType, message] of errors) {
    const { outcome } = await session.run(cell);
    assert.equal(outcome.type, "pythonError", cell);
    assert.deepEqual([outcome.errorType, outcome.message], [errorType, message]);
  }
  await session.close();
});

test("import decord: a program written for it goes on with the open video", async () => {
  const session = await runtime.open({ images: [], videos: [at("h264.mkv")] });
  const begin = "import decord\nfrom decord import VideoReader, cpu\ndecord.bridge.set_bridge('native')\n";
  assert.equal(
    await printed(session, `${begin}VideoReader(video_clue_0, ctx=cpu(0), num_threads=1) is video_clue_0`),
    "True\n",
  );
  const missing = await session.run("VideoReader('video_clue_0.mp4')");
  assert.equal(missing.outcome.type, "pythonError");
  assert.match(
    missing.outcome.message,
    /no file 'video_clue_0\.mp4'; .* use the variable video_clue_0 itself/,
  );
  const torch = await session.run("decord.bridge.set_bridge('torch')");
  assert.equal(torch.outcome.type, "pythonError");
  assert.match(torch.outcome.message, /only the native bridge/);
  await session.close();
});

test("a film cut off: with its index at the end it is refused, with its index in front the rest is there", async () => {
  const cut = (name: string, share: number): void =>
    truncateSync(at(name), Math.floor(statSync(at(name)).size * share));
  cut("tail.mp4", 0.6);
  cut("head.mp4", 0.85);
  await assert.rejects(
    runtime.open({ images: [], videos: [at("tail.mp4")] }),
    /^DataError: video tail\.mp4: holds no stream at all: it is cut off or damaged$/,
  );
  const session = await runtime.open({ images: [], videos: [at("head.mp4")] });
  const look = `${NAMED}
good = []
for n in range(len(v)):
    try: good.append(shown(v[n]) == n)
    except RuntimeError as error: lost = str(error)
0 < len(good) <= len(v) <= 30, all(good)`;
  assert.equal(await printed(session, look), "(True, True)\n");
  const beyond = await session.run("v[29]");
  assert.equal(beyond.outcome.type, "pythonError");
  assert.match(beyond.outcome.message, /^video_clue_0: (there is no frame 29|frame 29 cannot be decoded)/);
  await session.close();
});

test("damage in the middle is read past or named, and what lies before it is right", async () => {
  copyFileSync(at("vp8.webm"), at("damaged.webm"));
  const bytes = readFileSync(at("damaged.webm"));
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 40);
  writeFileSync(at("damaged.webm"), bytes);
  const session = await runtime.open({ images: [], videos: [at("damaged.webm")] });
  const look = `${NAMED}
reports = set()
for n in [0, len(v) - 1, *range(len(v))]:
    try: v[n]
    except RuntimeError as error: reports.add(str(error).replace(str(n), "N"))
len(v) > 10, shown(v[0]), reports <= {"video_clue_0: frame N cannot be decoded; the file is damaged there"}`;
  assert.equal(await printed(session, look), "(True, 0, True)\n");
  await session.close();
});

test("a batch too large for the session's memory ends the call, not the session", async () => {
  const small = await runtime.open({ images: [], videos: [at("h264.mkv")] });
  const { outcome } = await small.run("video_clue_0.get_batch(np.zeros(2_000_000, int))"); // 18 GB
  assert.equal(outcome.type, "outOfMemory");
  assert.equal(await printed(small, `${NAMED}shown(v[12])`), "12\n");
  await small.close();
});
