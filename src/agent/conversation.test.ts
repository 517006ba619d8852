// A conversation: further questions in one token sequence and one Python session. Drawn as in episode.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError, EngineError, SandboxError } from "../core/errors.ts";
import type { Trajectory } from "../core/trajectory.ts";
import type { Sampler } from "../engines/engine.ts";
import { openConversation } from "./episode.ts";
import type { Conversation, EpisodeHooks } from "./episode.ts";
import { ANSWER, assertDrawn, episodeOptions, type Play } from "./episodeHarness.ts";
import { draw, fakeImage, ScriptedSampler, toolResult } from "./scriptedFakes.ts";

type Options = ReturnType<typeof episodeOptions>;

async function converse(
  p: Play & { readonly hooks?: EpisodeHooks },
  use: (conversation: Conversation, options: Options) => Promise<void>,
): Promise<Options> {
  const options = episodeOptions(p);
  const conversation = await openConversation({ ...options, ...(p.hooks && { hooks: p.hooks }) });
  await use(conversation, options);
  await conversation.close();
  await conversation.close();
  assert.deepEqual(options.sampler.released, ["s"], "released once, at the end");
  assert.equal(options.runtime.closed, options.runtime.opened.length);
  return options;
}

test("a further question follows the answer, in the same sequence and the same Python session", async () => {
  let last: Trajectory | undefined;
  const options = await converse(
    {
      says: ["<code>x = 1</code>", ANSWER, "<code>x</code>", "<answer>\\boxed{1}</answer>"],
      gives: [toolResult({ stdout: "a" }), toolResult({ stdout: "1", figures: [fakeImage(1)] })],
      images: [fakeImage(2)],
    },
    async (conversation, { runtime }) => {
      const first = await conversation.play();
      assert.deepEqual([first.question, first.answer, first.turns.length], ["Q", "4", 2]);
      conversation.ask("And x? <|im_end|>");
      last = await conversation.play();
      assert.equal(first.turns.length, 2, "what was returned before stays as it was");
      assert.equal(runtime.opened.length, 1);
    },
  );
  assert.ok(last);
  assertDrawn(
    last,
    `
«system¶S»¶«user¶i0:‹##›Q»¶«assistant¶
......................................
<code>x = 1</code>
^^^^^^^^^^^^^^^^^^
»¶«user¶[a]»¶«assistant¶
........................
<answer>\\boxed{4}</answer>
^^^^^^^^^^^^^^^^^^^^^^^^^^
»¶«user¶And x? <|im_end|>»¶«assistant¶
......................................
<code>x</code>
^^^^^^^^^^^^^^
»¶«user¶[1i1:‹#›]»¶«assistant¶
..............................
<answer>\\boxed{1}</answer>
^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  );
  assert.deepEqual(
    [last.question, last.answer, last.turns.length, last.toolCalls, last.effectiveToolCalls],
    ["Q\n\nAnd x? <|im_end|>", "1", 4, 2, 2],
  );
  assert.deepEqual(options.runtime.codes, ["x = 1", "x"]);
});

test("an end of turn that the model wrote is not written again before the next question", async () => {
  await converse({ says: [`${ANSWER}<|im_end|>`, ANSWER] }, async (conversation) => {
    await conversation.play();
    conversation.ask("2?");
    const { segments } = await conversation.play();
    assert.ok(draw(segments).tokens.includes("</answer>»¶«user¶2?»¶«assistant¶<answer>"));
  });
});

test("each question has the turns of the limit, whatever the one before came to", async () => {
  const code = "<code>a</code>";
  await converse(
    {
      says: [code, code, code, ANSWER, "hm<|im_end|>", ANSWER],
      gives: [toolResult({}), toolResult({ stdout: "b" })],
      limits: { maxTurns: 2 },
    },
    async (conversation) => {
      const ends: string[] = [(await conversation.play()).endReason.type];
      for (const question of ["2", "3", "4"]) {
        conversation.ask(question);
        ends.push((await conversation.play()).endReason.type);
      }
      assert.deepEqual(ends, ["turnLimit", "answered", "noAction", "answered"]);
    },
  );
});

test("a question that does not fit is left out of the sequence; a shorter one may follow", async () => {
  const limits = { maxContextTokens: 100, maxTurnTokens: 26 }; // 31 of the prompt, 26 of the answer, 43 left
  await converse({ says: [ANSWER, "<answer>\\boxed{5}"], limits }, async (conversation) => {
    await conversation.play();
    conversation.ask("x".repeat(24)); // with 20 of scaffold: 101
    const refused = await conversation.play();
    assert.deepEqual([refused.endReason, refused.answer], [{ type: "contextLimit" }, undefined]);
    assert.deepEqual([refused.question, draw(refused.segments).tokens.length], ["Q", 57]);
    conversation.ask("y?");
    const { endReason, question } = await conversation.play();
    assert.deepEqual([endReason.type, question], ["noAction", "Q\n\ny?"]);
  });
});

test("an empty question is refused, and playing without one is a fault", async () => {
  await converse({ says: [ANSWER] }, async (conversation) => {
    await conversation.play();
    assert.throws(() => conversation.ask(" \n"), DataError);
    await assert.rejects(conversation.play(), /^Error: internal: play without an open question/);
  });
});

test("after an error of the sampler the same turn is asked for again", async () => {
  const options = episodeOptions({ says: [] });
  const scripted = new ScriptedSampler(["<code>a</code>", ANSWER]);
  let call = 0;
  const sampler: Sampler = {
    sample: (requests) =>
      ++call === 2 ? Promise.reject(new EngineError("server gone")) : scripted.sample(requests),
    release: (id) => scripted.release(id),
  };
  const runtime = episodeOptions({ says: [], gives: [toolResult({ stdout: "1" })] }).runtime;
  const asked: number[] = [];
  const hooks = { onQuestion: (segments: readonly unknown[]) => void asked.push(segments.length) };
  const conversation = await openConversation({ ...options, sampler, runtime, hooks });
  await assert.rejects(conversation.play(), new EngineError("server gone"));
  const { answer, turns } = await conversation.play();
  assert.deepEqual([answer, turns.length, runtime.codes, asked], ["4", 2, ["a"], [1]]);
  await conversation.close();
});

test("a broken sandbox ends the conversation: its variables are lost, so no question can build on them", async () => {
  const options = { says: ["<code>a</code>", ANSWER], gives: [new SandboxError("worker gone")] };
  await converse(options, async (conversation) => {
    const failure = { type: "sandboxFailure", message: "worker gone" };
    assert.deepEqual((await conversation.play()).endReason, failure);
    conversation.ask("still there?");
    const again = await conversation.play();
    assert.deepEqual([again.endReason, again.turns.length], [failure, 1]);
  });
});

test("hooks see what enters the sequence, when it does", async () => {
  const seen: string[] = [];
  const hooks: EpisodeHooks = {
    onQuestion: (segments) => void seen.push(`question ${draw(segments).tokens}`),
    onTurn: ({ text, action, tool }) => void seen.push(`turn ${text} ${action.type} ${tool === undefined}`),
    onTool: ({ tool }, observation) =>
      void seen.push(`tool ${tool?.stdout} ${observation && draw(observation).tokens}`),
  };
  await converse(
    {
      says: ["<code>a</code>", ANSWER, "<code>b</code>"],
      gives: [toolResult({ stdout: "1" }), toolResult({ figures: [fakeImage(1), fakeImage(1)] })],
      limits: { maxImages: 1 },
      hooks,
    },
    async (conversation) => {
      await conversation.play();
      conversation.ask("2");
      assert.deepEqual((await conversation.play()).endReason, { type: "imageLimit" });
    },
  );
  assert.deepEqual(seen, [
    "question «system¶S»¶«user¶Q»¶«assistant¶",
    "turn <code>a</code> code true",
    "tool 1 »¶«user¶[1]»¶«assistant¶",
    `turn ${ANSWER} answer true`,
    "question »¶«user¶2»¶«assistant¶",
    "turn <code>b</code> code true",
    "tool  undefined",
  ]);
});
