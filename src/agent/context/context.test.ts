// What each way of showing media puts into the prompt and into Python, drawn token by token (see ../episode.test.ts).
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, DataError, SandboxError } from "../../core/errors.ts";
import type { Task } from "../../core/task.ts";
import { runEpisode } from "../episode.ts";
import { ANSWER, assertDrawn, episodeOptions, template as plain } from "../episodeHarness.ts";
import { imageKey } from "../novelty.ts";
import { byteCodec, draw, fakeImage, ScriptedRuntime, toolResult } from "../scriptedFakes.ts";
import { formatTrajectory } from "../printTrajectory.ts";
import type { PromptTemplate } from "../template.ts";
import { type ContextOptions, strategyFor } from "./choose.ts";

const template: PromptTemplate = {
  ...plain,
  videoLabel: "v{i}",
  contexts: {
    imageInRuntime: { user: "{images}{question}", image: "{label}({width}x{height})" },
    videoInRuntime: {
      user: "{videos}{question}",
      video: "{label}({frames},{fps},{seconds},{width}x{height})",
    },
    videoFrames: { system: "F", user: "{frames}{question}", video: "", frame: "{seconds}s{index}:{image}" },
    videoFramesInBoth: {
      user: "{videos}|{frames}{question}",
      video: "{label}",
      frame: "{label}/{video}/{image}",
    },
  },
};
const images = [fakeImage(1, 10), fakeImage(2, 20)];
const imageTask: Task = { id: "t", kind: "k", question: "Q", answer: "4", images };
const videoTask: Task = { ...imageTask, images: [], videos: ["/clips/a.mp4"] };

const FACTS = toolResult({
  stdout: '{"frames": 301, "fps": 29.97003, "seconds": 10.0433, "width": 1280, "height": 720}\n',
});
/** Answers of the tool: the facts, which frames, then the frames. */
const FRAMES = [
  FACTS,
  toolResult({ stdout: "[[0, 150, 300], [0.0, 5.005, 10.01], 921600]\n" }),
  ...[1, 2, 3].map((tokens) => toolResult({ figures: [fakeImage(tokens, tokens)] })),
];

async function prepared(task: Task, options: ContextOptions | undefined, gives: (typeof FACTS | Error)[]) {
  const runtime = new ScriptedRuntime(gives);
  const context = await strategyFor(task, options).prepare(task, { template, codec: byteCodec, runtime });
  assert.equal(runtime.closed, runtime.opened.length, "every session is closed");
  return { ...context, tokens: draw(context.prompt).tokens, runtime };
}
const prompt = (user: string, system = "S"): string => `«system¶${system}»¶«user¶${user}»¶«assistant¶`;

test("imageInBoth: the images are in the context and in Python, and count as seen", async () => {
  const made = await prepared(imageTask, { type: "imageInBoth" }, []);
  assert.equal(made.tokens, prompt("i0:‹#›i1:‹##›Q"));
  assert.deepEqual(made.session, { images });
  assert.deepEqual([made.firstLabel, made.seen], [0, images.map(imageKey)]);
});

test("imageInRuntime: names and sizes only; figures are named after the images that Python has", async () => {
  const made = await prepared(imageTask, { type: "imageInRuntime" }, []);
  assert.equal(made.tokens, prompt("i0(28x28)i1(56x28)Q"));
  assert.deepEqual(made.session, { images });
  const runtime = new ScriptedRuntime([toolResult({ figures: [fakeImage(3)] })]);
  const options = episodeOptions({ says: ["<code>a</code>", ANSWER] });
  const trajectory = await runEpisode({ ...options, template, task: imageTask, runtime, context: made });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶i0(28x28)i1(56x28)Q»¶«assistant¶
.................................................
<code>a</code>
^^^^^^^^^^^^^^
»¶«user¶[i2:‹###›]»¶«assistant¶
...............................
<answer>\\boxed{4}</answer>
^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(runtime.opened, [{ images }]);
  assert.equal(trajectory.firstLabel, 2);
  assert.match(formatTrajectory(trajectory, { color: false }), /image_clue_2: 84 x 28 px, 3 tokens/);
});

test("videoInRuntime: not one frame in the context; its facts are read in a session of their own", async () => {
  const made = await prepared(videoTask, undefined, [FACTS]);
  assert.equal(made.tokens, prompt("v0(301,29.97,10,1280x720)Q"));
  assert.ok(made.prompt.every((segment) => segment.type === "text"));
  assert.deepEqual(made.session, { images: [], videos: ["/clips/a.mp4"] });
  assert.deepEqual(made.runtime.opened, [{ images: [], videos: ["/clips/a.mp4"] }]);
  assert.deepEqual([made.firstLabel, made.seen], [0, []]);
});

test("videoInRuntime: a template that says nothing of the video opens no session for the prompt", async () => {
  const silent = {
    ...template,
    contexts: { videoInRuntime: { user: "{videos}{question}", video: "{label};" } },
  };
  const runtime = new ScriptedRuntime([]);
  const task = { ...videoTask, videos: ["a.mp4", "b.mp4"] };
  const made = await strategyFor(task).prepare(task, { template: silent, codec: byteCodec, runtime });
  assert.equal(draw(made.prompt).tokens, prompt("v0;v1;Q"));
  assert.deepEqual(runtime.opened, []);
});

test("videoFrames: frames with their times in the context, nothing in Python", async () => {
  const made = await prepared(videoTask, { type: "videoFrames", frames: 3, inRuntime: false }, FRAMES);
  assert.equal(made.tokens, prompt("0.0s0:‹#›5.0s150:‹##›10.0s300:‹###›Q", "F"));
  assert.deepEqual(made.session, { images: [] });
  assert.deepEqual(
    made.seen,
    [1, 2, 3].map((tokens) => imageKey(fakeImage(tokens, tokens))),
  );
  assert.deepEqual(made.runtime.opened, [{ images: [], videos: ["/clips/a.mp4"] }]);
  assert.deepEqual(made.runtime.codes.slice(2), [
    "for i in [0]: Image.fromarray(v[i].asnumpy()).show()",
    "for i in [150]: Image.fromarray(v[i].asnumpy()).show()",
    "for i in [300]: Image.fromarray(v[i].asnumpy()).show()",
  ]);
});

test("videoFrames: small frames come many in a call, and what the limit on figures held back in the next", async () => {
  const figures = [1, 2, 3].map((tokens) => fakeImage(tokens, tokens));
  const made = await prepared(videoTask, { type: "videoFrames", frames: 3, inRuntime: false }, [
    FACTS,
    toolResult({ stdout: "[[0, 150, 300], [0.0, 5.005, 10.01], 7056]\n" }),
    toolResult({ figures: figures.slice(0, 2) }),
    toolResult({ figures: figures.slice(2) }),
  ]);
  assert.equal(made.tokens, prompt("0.0s0:‹#›5.0s150:‹##›10.0s300:‹###›Q", "F"));
  assert.deepEqual(made.runtime.codes.slice(2), [
    "for i in [0,150,300]: Image.fromarray(v[i].asnumpy()).show()",
    "for i in [300]: Image.fromarray(v[i].asnumpy()).show()",
  ]);
});

test("videoFrames: frames of equal pixels are one view, and each stands in the prompt", async () => {
  const [still, other] = [fakeImage(1, 1), fakeImage(2, 2)];
  const made = await prepared(videoTask, { type: "videoFrames", frames: 3, inRuntime: false }, [
    FACTS,
    toolResult({ stdout: "[[0, 150, 300], [0.0, 5.005, 10.01], 7056]\n" }),
    toolResult({ figures: [still, other, { ...still, data: still.data.slice() }] }),
  ]);
  assert.equal(made.tokens, prompt("0.0s0:‹#›5.0s150:‹##›10.0s300:‹#›Q", "F"));
  const views = made.prompt.flatMap((segment) => (segment.type === "image" ? [segment.image] : []));
  assert.deepEqual([views.length, views[0] === views[2], views[0] === views[1]], [3, true, false]);
  assert.deepEqual(made.seen, [imageKey(still), imageKey(other)]);
});

test("videoFrames with inRuntime: the video is in Python as well", async () => {
  const made = await prepared(videoTask, { type: "videoFrames", frames: 3, inRuntime: true }, FRAMES);
  assert.equal(made.tokens, prompt("v0|i0/v0/‹#›i1/v0/‹##›i2/v0/‹###›Q"));
  assert.deepEqual(made.session, { images: [], videos: ["/clips/a.mp4"] });
});

test("a strategy is for its own medium; tasks of the other begin as the method has it", async () => {
  const frames = { type: "videoFrames", frames: 3, inRuntime: false } as const;
  assert.equal((await prepared(imageTask, frames, [])).tokens, prompt("i0:‹#›i1:‹##›Q"));
  const hidden = await prepared(videoTask, { type: "imageInRuntime" }, [FACTS]);
  assert.equal(hidden.tokens, prompt("v0(301,29.97,10,1280x720)Q"));
  assert.equal((await prepared({ ...imageTask, images: [] }, undefined, [])).tokens, prompt("Q"));
});

test("what cannot be shown is told with its cause", async () => {
  const both = { ...videoTask, images };
  await assert.rejects(prepared(both, undefined, []), (error) => {
    assert.ok(error instanceof DataError);
    assert.equal(error.message, "task t: has 2 images and 1 videos; give it one kind of media");
    return true;
  });
  const damaged = toolResult({
    outcome: { type: "pythonError", errorType: "RuntimeError", message: "video_clue_0: frame 0 cannot be decoded", traceback: "" }, // prettier-ignore
  });
  await assert.rejects(
    prepared(videoTask, undefined, [damaged]),
    /^DataError: video a\.mp4: frame 0 cannot be/,
  );
  const stopped = toolResult({ outcome: { type: "timeout", limitMs: 5 } });
  await assert.rejects(prepared(videoTask, undefined, [stopped]), (error) => error instanceof SandboxError);
  const without = { ...template, contexts: {} };
  const runtime = new ScriptedRuntime([]);
  await assert.rejects(
    strategyFor(videoTask).prepare(videoTask, { template: without, codec: byteCodec, runtime }),
    (error) => error instanceof ConfigError && /contexts\.videoInRuntime is missing/.test(error.message),
  );
});

test("a sandbox that fails before the prompt is made is data: an empty sequence with that end", async () => {
  const options = episodeOptions({ says: [], gives: [new SandboxError("no session")] });
  const trajectory = await runEpisode({ ...options, template, task: videoTask });
  assert.deepEqual(trajectory.endReason, { type: "sandboxFailure", message: "no session" });
  assert.deepEqual([trajectory.segments, trajectory.turns], [[], []]);
  assert.deepEqual(options.sampler.released, ["s"]);
  assert.equal(options.runtime.closed, 1);
});
