// Whole trajectories, token by token, with the mask below every line of tokens.
// « » are <|im_start|> and <|im_end|>, ‹ › the vision marks, # one image placeholder, ¶ a line end; every other
// character is one byte token; ^ below a token means trained on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { datumFromSegments } from "../core/datum.ts";
import { SandboxError } from "../core/errors.ts";
import type { RgbImage } from "../core/image.ts";
import { runEpisode } from "./episode.ts";
import { ANSWER, assertDrawn, episodeOptions, errorResult, play } from "./episodeHarness.ts";
import { draw, fakeImage, ScriptedSampler, toolResult } from "./scriptedFakes.ts";

test("plain answer: ids, mask and log-probabilities, written out", async () => {
  const { trajectory, runtime } = await play({ says: ["<answer>\\boxed{4}</answer>"] });
  const datum = datumFromSegments(trajectory.segments, 0.5, 304);
  // prettier-ignore
  assert.deepEqual([...datum.tokens], [
    300, 115, 121, 115, 116, 101, 109, 10, 83, 301, 10,                    // <|im_start|>system\nS<|im_end|>\n
    300, 117, 115, 101, 114, 10, 81, 301, 10,                              // <|im_start|>user\nQ<|im_end|>\n
    300, 97, 115, 115, 105, 115, 116, 97, 110, 116, 10,                    // <|im_start|>assistant\n
    60, 97, 110, 115, 119, 101, 114, 62, 92, 98, 111, 120, 101, 100, 123,  // <answer>\boxed{
    52, 125, 60, 47, 97, 110, 115, 119, 101, 114, 62,                      // 4}</answer>
  ]);
  // prettier-ignore
  assert.deepEqual([...datum.mask], [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  ]);
  assert.deepEqual([...datum.logprobs.slice(30, 33)], [0, -1 / 1024, -2 / 1024]);
  assert.deepEqual(
    { ...trajectory, segments: [] },
    {
      taskId: "t",
      taskKind: "k",
      question: "Q",
      groundTruth: "4",
      member: 3,
      segments: [],
      turns: [
        {
          text: "<answer>\\boxed{4}</answer>",
          tokenCount: 26,
          stop: "stop",
          action: { type: "answer", answer: "4" },
        },
      ],
      endReason: { type: "answered" },
      answer: "4",
      toolCalls: 0,
      effectiveToolCalls: 0,
    },
  );
  assert.equal(runtime.opened.length, 0, "an episode without calls opens no session");
});

test("one image turn: placeholders equal the figure's token count, nothing of the observation is trained on", async () => {
  const image = fakeImage(2);
  const { trajectory, runtime, sampler } = await play({
    images: [image],
    says: ["a<code>\n```python\nshow()\n```\n</code>", ANSWER],
    gives: [toolResult({ stdout: "hi\n", figures: [fakeImage(3)] })],
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶i0:‹##›Q»¶«assistant¶
......................................
a<code>¶` +
      "```python¶show()¶```" +
      `¶</code>
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
»¶«user¶[hii1:‹###›]»¶«assistant¶
.................................
<answer>\\boxed{4}</answer>
^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(
    trajectory.segments.map((s) => (s.type === "sampled" ? s.type : `${s.source} ${s.type}`)),
    [
      ...["prompt text", "prompt image", "prompt text", "sampled"],
      ...["observation text", "observation image", "observation text", "sampled"],
    ],
  );
  assert.deepEqual(runtime.opened, [{ images: [image] }]);
  assert.deepEqual(runtime.codes, ["show()"]);
  assert.deepEqual([trajectory.toolCalls, trajectory.effectiveToolCalls], [1, 1]);
  assert.deepEqual(sampler.requests[0]?.params, {
    maxNewTokens: 100,
    temperature: 1,
    topP: 1,
    topK: 0,
    stopStrings: ["</code>", "</answer>"],
  });
  assert.deepEqual(sampler.requests[1]?.segments, trajectory.segments.slice(0, 7));
});

test("a Python error is shown, and the episode goes on", async () => {
  const { trajectory } = await play({
    says: ["<code>a</code>", ANSWER],
    gives: [errorResult("NameError: a", { stdout: "x\n" })],
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶Q»¶«assistant¶
...............................
<code>a</code>
^^^^^^^^^^^^^^
»¶«user¶[x¶NameError: a]»¶«assistant¶
.....................................
<answer>\\boxed{4}</answer>
^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(trajectory.endReason, { type: "answered" });
  assert.deepEqual([trajectory.toolCalls, trajectory.effectiveToolCalls], [0, 0]);
});

test("errorPolicy end: a Python error ends the episode after the sampled turn", async () => {
  const { trajectory } = await play({
    says: ["<code>a</code>"],
    gives: [errorResult("NameError: a")],
    errorPolicy: "end",
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶Q»¶«assistant¶
...............................
<code>a</code>
^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(trajectory.endReason, { type: "pythonError" });
  assert.equal(trajectory.turns[0]?.tool?.outcome.type, "pythonError");
});

test("a timeout that kills the session says so once, and the next call is an ordinary one", async () => {
  const { trajectory, runtime } = await play({
    says: ["<code>a</code>", "<code>b</code>", ANSWER],
    gives: [
      toolResult({ outcome: { type: "timeout", limitMs: 5000 }, alive: false }),
      toolResult({ stdout: "1" }),
    ],
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶Q»¶«assistant¶
...............................
<code>a</code>
^^^^^^^^^^^^^^
»¶«user¶[timeout¶lost]»¶«assistant¶
...................................
<code>b</code>
^^^^^^^^^^^^^^
»¶«user¶[1]»¶«assistant¶
........................
<answer>\\boxed{4}</answer>
^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  );
  assert.equal(runtime.opened.length, 1, "the session restarts by itself");
  assert.deepEqual([trajectory.toolCalls, trajectory.effectiveToolCalls], [1, 1]);
});

test("special tokens in the question and in tool output are ordinary text", async () => {
  const { trajectory } = await play({
    question: "<|im_end|>",
    says: ["<code>a</code>", "<code>b</code>", ANSWER],
    gives: [toolResult({ stdout: "<|image_pad|>" }), errorResult("E: <|im_start|>")],
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶<|im_end|>»¶«assistant¶
........................................
<code>a</code>
^^^^^^^^^^^^^^
»¶«user¶[<|image_pad|>]»¶«assistant¶
....................................
<code>b</code>
^^^^^^^^^^^^^^
»¶«user¶[E: <|im_start|>]»¶«assistant¶
......................................
<answer>\\boxed{4}</answer>
^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  );
  assert.equal(trajectory.segments.filter((s) => s.type === "image").length, 0);
});

test("an end-of-turn token that the model sampled is trained on and not written twice", async () => {
  const { trajectory, runtime } = await play({
    says: ["<code>a</code><|im_end|>", `${ANSWER}<|im_end|>`],
    gives: [toolResult({ stdout: "1" })],
  });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶Q»¶«assistant¶
...............................
<code>a</code>»
^^^^^^^^^^^^^^^
¶«user¶[1]»¶«assistant¶
.......................
<answer>\\boxed{4}</answer>»
^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(runtime.codes, ["a"]);
  assert.equal(trajectory.turns[0]?.text, "<code>a</code><|im_end|>");
  assert.equal(trajectory.answer, "4");
});

test("an image placeholder sampled by the model ends the episode and stays out of the sequence", async () => {
  const { trajectory } = await play({ says: ["ab<|image_pad|><answer>\\boxed{4}</answer>"] });
  assertDrawn(
    trajectory,
    `
«system¶S»¶«user¶Q»¶«assistant¶
...............................
ab
^^
`,
  );
  assert.deepEqual(trajectory.endReason, { type: "noAction" });
  assert.equal(trajectory.answer, undefined);
  const first = await play({ says: ["<|image_pad|>"] });
  assert.equal(first.trajectory.segments.length, 1, "no empty sampled segment");
});

test("neither code nor answer ends the episode", async () => {
  const { trajectory } = await play({ says: ["hm<|im_end|>"] });
  assert.deepEqual(trajectory.endReason, { type: "noAction" });
  assert.deepEqual(trajectory.turns[0]?.action, { type: "none", reason: "neither code nor answer" });
});

test("a figure that the image processor refuses is told in words", async () => {
  const narrow: RgbImage = { width: 1, height: 300, data: new Uint8Array(900) };
  const { trajectory } = await play({
    says: ["<code>a</code>", ANSWER],
    gives: [toolResult({ figures: [narrow, fakeImage(1, 9)] })],
  });
  assert.ok(draw(trajectory.segments).tokens.includes("«user¶[figure too narrowi0:‹#›]»"));
  assert.deepEqual(trajectory.endReason, { type: "answered" });
});

test("a broken sandbox is data, at open and at run; any other error rejects, and the session is closed", async () => {
  const broken = await play({ says: ["<code>a</code>"], gives: [new SandboxError("worker gone")] });
  assert.deepEqual(broken.trajectory.endReason, { type: "sandboxFailure", message: "worker gone" });
  assert.equal(broken.trajectory.turns.length, 1);

  const options = episodeOptions({ says: ["<code>a</code>"], gives: [new TypeError("bug")] });
  const { runtime, sampler } = options;
  await assert.rejects(runEpisode(options), new TypeError("bug"));
  assert.deepEqual([runtime.opened.length, runtime.closed, sampler.released], [1, 1, ["s"]]);

  const unopenable = {
    isolation: { level: "process", by: "none", shortfalls: [] } as const,
    open: () => Promise.reject(new SandboxError("no python3")),
    close: async () => undefined,
  };
  const trajectory = await runEpisode({
    ...options,
    sampler: new ScriptedSampler(["<code>a</code>"]),
    runtime: unopenable,
  });
  assert.deepEqual(trajectory.endReason, { type: "sandboxFailure", message: "no python3" });
});

test("effective calls: repeated programs, repeated output, silence and the task's own picture do not count", async () => {
  const own = fakeImage(1, 1);
  const other = fakeImage(1, 2);
  const code = (source: string) => `<code>${source}</code>`;
  const { trajectory } = await play({
    images: [own],
    says: [code("a"), code("b"), code("c"), code("d"), code(" a "), code("f"), code("g"), ANSWER],
    gives: [
      toolResult({ stdout: "1\n" }), // new text
      toolResult({ stdout: "1" }), // the same text
      toolResult({}), // nothing
      toolResult({ figures: [own] }), // the task's own picture
      toolResult({ stdout: "2" }), // new text, but the program was run before
      toolResult({ stdout: "1", figures: [other] }), // new figure
      errorResult("E: x", { stdout: "3" }), // failed
    ],
    limits: { maxTurns: 8 },
  });
  assert.deepEqual([trajectory.toolCalls, trajectory.effectiveToolCalls], [6, 2]);
});
