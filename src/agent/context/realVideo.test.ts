// The strategies for videos on a real file and the real tool: which frames, at which times, pixel for pixel, and an
// episode in which no frame is in the context until the program shows one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Task } from "../../core/task.ts";
import type { Segment } from "../../core/trajectory.ts";
import { runtimeForTests } from "../../sandbox/testRuntime.ts";
import { runEpisode } from "../episode.ts";
import { ANSWER, episodeOptions } from "../episodeHarness.ts";
import { byteCodec, draw, ScriptedSampler } from "../scriptedFakes.ts";
import { loadTemplate } from "../template.ts";
import { visualTokens } from "../tokenCounts.ts";
import { strategyFor } from "./choose.ts";

const dir = mkdtempSync(join(tmpdir(), "context-"));
after(() => rmSync(dir, { recursive: true }));

// 30 frames of 84x56 at 10 per second, each another grey with a diagonal; \`frames.rgb\` is what a plain decoder makes of them.
const MAKE = `
import av, numpy as np
with av.open("clip.mp4", "w") as out:
    stream = out.add_stream("libx264", rate=10, options={"bf": "2", "sc_threshold": "0"})
    stream.width, stream.height, stream.pix_fmt, stream.gop_size, stream.thread_count = 84, 56, "yuv420p", 10, 1
    for n in range(30):
        pixels = np.full((56, 84, 3), 8 * n, np.uint8)
        pixels[range(56), range(56)] = 255 - 8 * n
        out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
    out.mux(stream.encode(None))
with av.open("clip.mp4") as clip, open("frames.rgb", "wb") as raw:
    for frame in clip.decode(video=0):
        raw.write(frame.to_ndarray(format="rgb24").tobytes())
`;
execFileSync(fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url)), ["-c", MAKE], {
  cwd: dir,
});
const FRAME_BYTES = 84 * 56 * 3;
const decoded = readFileSync(join(dir, "frames.rgb"));
/** Numbers of the frames whose pixels the images hold. */
const numbersOf = (segments: readonly Segment[]): number[] =>
  segments.flatMap((segment) => {
    if (segment.type !== "image") return [];
    const at = decoded.indexOf(segment.image.pixels.data);
    return [at / FRAME_BYTES];
  });

const runtime = await runtimeForTests();
const template = loadTemplate("standard");
const tools = { template, codec: byteCodec, runtime };
const task: Task = {
  id: "t",
  kind: "k",
  question: "Q?",
  answer: "4",
  images: [],
  videos: [join(dir, "clip.mp4")],
};

test("uniform frames: linspace from the first to the last, rounded, with their times and exact pixels", async () => {
  const { prompt, session, seen } = await strategyFor(task, {
    type: "videoFrames",
    frames: 4,
    inRuntime: false,
  }).prepare(task, tools);
  // linspace(0, 29, 4) = 0, 9.67, 19.33, 29
  assert.deepEqual(numbersOf(prompt), [0, 10, 19, 29]);
  const pads = "‹######›";
  assert.match(
    draw(prompt).tokens,
    new RegExp(`«user¶0\\.0 s: ${pads}¶1\\.0 s: ${pads}¶1\\.9 s: ${pads}¶2\\.9 s: ${pads}¶¶Q\\?»`),
  );
  assert.deepEqual([session, seen.length], [{ images: [] }, 4]);
});

test("a video of fewer frames gives all of them, and one frame is the first", async () => {
  for (const [frames, numbers] of [
    [64, Array.from({ length: 30 }, (_, i) => i)],
    [1, [0]],
  ] as const) {
    const strategy = strategyFor(task, { type: "videoFrames", frames, inRuntime: false });
    assert.deepEqual(numbersOf((await strategy.prepare(task, tools)).prompt), numbers);
  }
});

test("the method: facts in words, no visual token in the prompt, then the frames that the code shows", async () => {
  const sampler = new ScriptedSampler([
    "<code>for i in (3, -1):\n    Image.fromarray(video_clue_0[i].asnumpy()).show()</code>",
    ANSWER,
  ]);
  const options = {
    ...episodeOptions({ says: [], limits: { maxContextTokens: 10_000, maxTurnTokens: 500 } }),
    ...{ task, template, runtime, sampler },
  };
  const trajectory = await runEpisode(options);
  assert.deepEqual(trajectory.endReason, { type: "answered" });
  assert.match(
    draw(trajectory.segments).tokens,
    /«user¶video_clue_0: 3 s, 30 frames of 84 x 56 pixels at 10 per second¶/,
  );
  assert.deepEqual(numbersOf(trajectory.segments), [3, 29]);
  assert.deepEqual(visualTokens(trajectory), { prompt: 0, observation: 12, all: 12 });
});

test("frames with the video in Python too: what the prompt shows counts as seen", async () => {
  const context = strategyFor(task, { type: "videoFrames", frames: 2, inRuntime: true }).prepare(task, tools);
  const show = (i: number): string => `<code>Image.fromarray(video_clue_0[${i}].asnumpy()).show()</code>`;
  const options = {
    ...episodeOptions({ says: [], limits: { maxContextTokens: 10_000, maxTurnTokens: 500 } }),
    ...{ task, template, runtime, context, sampler: new ScriptedSampler([show(29), show(28), ANSWER]) },
  };
  const trajectory = await runEpisode(options);
  assert.deepEqual(numbersOf(trajectory.segments), [0, 29, 29, 28]);
  assert.deepEqual([trajectory.toolCalls, trajectory.effectiveToolCalls], [2, 1]);
});

test("a file that is no video is refused by its name", async () => {
  writeFileSync(join(dir, "text.mp4"), "no film");
  const broken = { ...task, videos: [join(dir, "text.mp4")] };
  await assert.rejects(
    strategyFor(broken).prepare(broken, tools),
    /^DataError: video text\.mp4: is not a video that can be read/,
  );
});
