// A real ten-minute 720p film of 18,000 frames: any frame costs at most the frames since its keyframe. Made by encoding one
// ten-second stretch and repeating its packets at later times, so it takes two seconds to make.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { printed, runtimeForTests } from "./testRuntime.ts";

const dir = mkdtempSync(join(tmpdir(), "video-seek-"));
after(() => rmSync(dir, { recursive: true }));

// 300 frames a stretch, one keyframe at its beginning. Frame n of a stretch says n in two digits to base 20: the left
// half has luma 16 + 10 * (n // 20), the right half 16 + 10 * (n % 20).
const MAKE = `
import av, numpy as np
with av.open("stretch.mp4", "w") as out:
    stream = out.add_stream("libx264", rate=30, options={"preset": "ultrafast", "sc_threshold": "0"})
    stream.width, stream.height, stream.pix_fmt, stream.gop_size, stream.thread_count = 1280, 720, "yuv420p", 300, 1
    planes = np.full((1080, 1280), 128, np.uint8)
    for n in range(300):
        planes[:720, :640], planes[:720, 640:] = 16 + 10 * (n // 20), 16 + 10 * (n % 20)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
    out.mux(stream.encode(None))
for name in ("ten.mp4", "ten.mkv"):
    with av.open(name, "w") as out:
        stream = None
        for k in range(60):
            with av.open("stretch.mp4") as stretch:
                source = stretch.streams.video[0]
                stream = stream or out.add_stream_from_template(source)
                for packet in stretch.demux(source):
                    if packet.dts is None:
                        continue
                    packet.pts += int(10 * k / source.time_base)
                    packet.dts += int(10 * k / source.time_base)
                    packet.stream = stream
                    out.mux(packet)
`;
execFileSync(fileURLToPath(new URL("../../.venv/bin/python", import.meta.url)), ["-c", MAKE], { cwd: dir });
const runtime = await runtimeForTests();

/** `number(frame)`: its place in the stretch. `cost(*indices)`: frames decoded for them. */
const COUNTING = `
v, decoded = video_clue_0, 0
plain = type(v)._decode
def counting(self, packets):
    global decoded
    for item in plain(self, packets):
        decoded += 1
        yield item
type(v)._decode = counting
def number(frame):
    digits = [frame[300, x].asnumpy().astype(int).mean() * 219 / 255 / 10 for x in (300, 900)]
    return round(digits[0]) * 20 + round(digits[1])
def cost(*indices):
    global decoded
    decoded = 0
    for index in indices: v[index]
    return decoded
`;

for (const file of ["ten.mp4", "ten.mkv"])
  test(`${file}: any frame of ten minutes is right, and never decoded from the beginning`, async () => {
    const session = await runtime.open({ images: [], videos: [join(dir, file)] });
    assert.equal(
      await printed(
        session,
        `${COUNTING}print(len(v), round(v.get_avg_fps(), 3), v.get_key_indices()[::20])`,
      ),
      "18000 30.0 [0, 6000, 12000]\n",
    );
    // In an order that jumps to and fro, the last frame and the first after a keyframe among them.
    const order = "[17999, 0, 9000, 8999, 123, 17700, 6001, 12345]";
    assert.equal(await printed(session, `print([n for n in ${order} if number(v[n]) != n % 300])`), "[]\n");
    assert.equal(await printed(session, "print(v.get_frame_timestamp(12345).tolist()[0])"), "411.5\n");
    // 600 is a keyframe; 12,345 is the 46th frame from keyframe 12,300; 17,999 the 300th from 17,700.
    assert.equal(
      await printed(session, "cost(600), cost(12345), cost(12346), cost(17999), cost(17999)"),
      "(1, 46, 1, 300, 0)\n",
    );
    const uniform = await session.run(
      "b = v.get_batch(np.linspace(0, len(v) - 1, 8).round().astype(int)); b.shape, [number(f) for f in b]",
    );
    assert.deepEqual(uniform.outcome, { type: "ok" });
    // linspace(0, 17999, 8).round() = 0, 2571, 5143, 7714, 10285, 12856, 15428, 17999
    assert.equal(uniform.stdout, "((8, 720, 1280, 3), [0, 171, 43, 214, 85, 256, 128, 299])\n");
    await session.close();
  });
