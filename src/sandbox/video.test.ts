// Videos as a session sees them: which frame an index gives, in files whose frames name themselves by their grey levels.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { DataError } from "../core/errors.ts";
import { printed, runtimeForTests } from "./testRuntime.ts";

const dir = mkdtempSync(join(tmpdir(), "video-"));
after(() => rmSync(dir, { recursive: true }));
const at = (name: string): string => join(dir, name);

// 30 frames of 64x48 at 10 per second, a keyframe every 10. Frame n: the upper left quarter has level 8n, the upper right
// 255 - 8n, the lower half is red.
const MAKE = `
import sys, av, numpy as np
def video(path, codec, **options):
    with av.open(path, "w") as out:
        stream = out.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size, stream.thread_count = 64, 48, "yuv420p", 10, 1
        stream.bit_rate = 400_000
        for n in range(30):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[:24, :32], pixels[:24, 32:], pixels[24:] = 8 * n, 255 - 8 * n, (220, 20, 20)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode(None))
h264 = {"bf": "2", "sc_threshold": "0"}
video("h264.mp4", "libx264", **h264)
video("h264.ts", "libx264", **h264)
video("bare.h264", "libx264", **h264)
video("mpeg4.avi", "mpeg4", bf="2")
video("vp9.webm", "libvpx-vp9", **{"cpu-used": "8"})
# The same, to be shown a quarter turned clockwise: the matrix of the track header.
data = bytearray(open("h264.mp4", "rb").read())
matrix = data.index(b"tkhd") + 44
data[matrix:matrix + 36] = np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
open("turned.mp4", "wb").write(data)
with av.open("sound.m4a", "w") as out:
    stream = out.add_stream("aac", rate=8000, layout="mono")
    sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
    sound.sample_rate = 8000
    out.mux(stream.encode(sound))
    out.mux(stream.encode(None))
`;
const python = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
execFileSync(python, ["-c", MAKE], { cwd: dir });
const runtime = await runtimeForTests();

/** The number a frame shows, or text that says what else it shows. */
const NAMED = `
def shown(frame):
    a = frame.asnumpy().astype(int)
    left, right, below = a[4:20, 4:28].mean(), a[4:20, 36:60].mean(), a[28:44, 4:60].mean((0, 1))
    ok = abs(left + right - 255) < 6 and abs(below - (220, 20, 20)).max() < 20
    n = left / 8
    return round(n) if ok and abs(n - round(n)) < 0.4 else (left, right, below)
v = video_clue_0
`;

for (const file of ["h264.mp4", "vp9.webm", "mpeg4.avi", "h264.ts"])
  test(`${file}: every index gives its own frame, in any order`, async () => {
    const session = await runtime.open({ images: [], videos: [at(file)] });
    assert.equal(await printed(session, `${NAMED}print(len(v), v.get_avg_fps())`), "30 10.0\n");
    const look = "print([n for n in order if shown(v[n]) != n % 30])";
    assert.equal(await printed(session, `order = [(7 * n) % 30 for n in range(60)]; ${look}`), "[]\n");
    assert.equal(
      await printed(session, `order = [*range(30), *range(29, -1, -1), -1, -30]; ${look}`),
      "[]\n",
    );
    await session.close();
  });

test("a bare stream has no times: its frames are counted", async () => {
  const session = await runtime.open({ images: [], videos: [at("bare.h264")] });
  assert.equal(await printed(session, `${NAMED}[len(v), *map(shown, [v[29], v[3], v[4], v[-30]])]`), "[30, 29, 3, 4, 0]\n"); // prettier-ignore
  await session.close();
});

test("batches, arrays and messages are decord's and numpy's; a reader lasts from cell to cell", async () => {
  const session = await runtime.open({ images: [], videos: [at("h264.mp4"), at("vp9.webm")] });
  assert.equal(
    await printed(session, `${NAMED}b = v.get_batch([20, -1, 3, 3]).asnumpy(); print(type(b) is np.ndarray, b.dtype, b.shape)
print([shown(x) for x in v.get_batch([20, -1, 3, 3])])`),
    "True uint8 (4, 48, 64, 3)\n[20, 29, 3, 3]\n",
  ); // prettier-ignore
  assert.equal(await printed(session, "v"), "<video_clue_0: 30 frames at 10 fps>\n");
  assert.equal(await printed(session, "[shown(f) for f in video_clue_1][-3:]"), "[27, 28, 29]\n");
  assert.equal(await printed(session, "x = v[5]; x[:] = 0; shown(v[np.int64(5)])"), "5\n");
  assert.equal(await printed(session, "Image.fromarray(v[5].asnumpy()).size"), "(64, 48)\n");
  for (const [cell, errorType, message] of [
    ["v[30]", "IndexError", "video_clue_0: there is no frame 30; it has 30 frames, 0 to 29"],
    ["video_clue_1.get_batch([0, -31])", "IndexError", "video_clue_1: there is no frame -31; it has 30 frames, 0 to 29"], // prettier-ignore
    ["v.get_batch([])", "ValueError", "video_clue_0: get_batch needs at least one index"],
    ["v[1.5]", "TypeError", "video_clue_0: an index must be a whole number, got float; get_batch takes a list of them"], // prettier-ignore
  ] as const) {
    const { outcome } = await session.run(cell);
    assert.equal(outcome.type, "pythonError");
    assert.deepEqual([outcome.errorType, outcome.message], [errorType, message]);
  }
  const { outcome, figures } = await session.run("plt.imshow(v[3]); plt.axis('off'); plt.show()");
  assert.deepEqual([outcome, figures.length], [{ type: "ok" }, 1]);
  const [picture] = figures;
  assert.ok(picture);
  const middle = 3 * ((picture.height >> 2) * picture.width + (picture.width >> 2)); // in the upper left quarter
  assert.ok(Math.abs((picture.data[middle] ?? 0) - 24) < 6, String(picture.data[middle]));
  await session.close();
});

test("a frame decodes from the keyframe before it, and the next one only itself", async () => {
  const session = await runtime.open({ images: [], videos: [at("h264.mp4")] });
  const count = `
reader, decoded = type(video_clue_0), 0
plain = reader._decode
def counting(self, packets):
    global decoded
    for item in plain(self, packets):
        decoded += 1
        yield item
reader._decode = counting
def cost(*indices):
    global decoded
    decoded = 0
    for index in indices: video_clue_0[index]
    return decoded
cost(0), cost(25), cost(26, 27), cost(27), cost(12), cost(20)`;
  assert.equal(await printed(session, count), "(1, 6, 2, 0, 3, 1)\n");
  await session.close();
});

test("a film held sideways is shown upright", async () => {
  const session = await runtime.open({ images: [], videos: [at("turned.mp4")] });
  const cell = `a = video_clue_0[3].asnumpy().astype(int)
print(a.shape, a[32, 12].round(-1), a[16, 36].mean() // 10, a[48, 36].mean() // 10)`;
  assert.equal(await printed(session, cell), "(64, 48, 3) [220  20  20] 2.0 23.0\n");
  await session.close();
});

test("what is no video is refused with its name before any cell, and the runtime goes on", async () => {
  writeFileSync(at("noise.mp4"), Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i * 31 + (i >> 3)) % 256))); // prettier-ignore
  writeFileSync(at("empty.mp4"), "");
  writeFileSync(at("list.m3u8"), `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${at("h264.ts")}\n#EXT-X-ENDLIST\n`); // prettier-ignore
  const invalid = "is not a video that can be read (Invalid data found when processing input)";
  for (const [name, message] of [
    ["noise.mp4", invalid],
    ["list.m3u8", invalid],
    ["empty.mp4", "is empty"],
    ["none.mp4", "cannot be read (No such file or directory)"],
    ["sound.m4a", "has no video stream (only audio)"],
  ] as const)
    await assert.rejects(runtime.open({ images: [], videos: [at("h264.mp4"), at(name)] }), (error) => {
      assert.ok(error instanceof DataError, String(error));
      assert.equal(error.message, `video ${name}: ${message}`);
      return true;
    });
  await assert.rejects(
    runtime.open({ images: [], videos: [dir] }),
    /^DataError: video video-\w+: is not a file$/,
  );
  const session = await runtime.open({ images: [] });
  assert.equal(await printed(session, "'video_clue_0' in dir()"), "False\n");
  await session.close();
});

test("a film that is cut off gives what is there and says what is not", async () => {
  const session = await runtime.open({ images: [], videos: [at("vp9.webm")] });
  truncateSync(at("vp9.webm"), 700);
  const { outcome } = await session.run("video_clue_0[0]; video_clue_0[29]");
  assert.equal(outcome.type, "pythonError");
  assert.equal(outcome.message, "video_clue_0: frame 29 cannot be decoded; the file is damaged there");
  assert.equal(await printed(session, "video_clue_0[0].shape"), "(48, 64, 3)\n");
  await session.close();
});
