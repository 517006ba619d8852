// What a conversation reports, with scripted models and programs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { imageInBoth } from "../../agent/context/imageInBoth.ts";
import { imageInRuntime } from "../../agent/context/imageInRuntime.ts";
import { ANSWER, episodeOptions, errorResult, type Play, template } from "../../agent/episodeHarness.ts";
import { fakeImage, toolResult } from "../../agent/scriptedFakes.ts";
import type { ServedTurn } from "../../core/trajectory.ts";
import type { Sampler } from "../../engines/engine.ts";
import { AskConversation } from "./conversation.ts";
import type { AskReport } from "./reports.ts";
import type { AskView } from "./view.ts";

/** A model that says each line in two pieces, and takes 40 ms for it. */
async function converse(
  p: Play & { readonly served?: readonly ServedTurn[]; readonly inRuntime?: true },
  use: (conversation: AskConversation) => Promise<void>,
) {
  const options = episodeOptions(p);
  let clock = 0;
  let turn = 0;
  const sampler: Sampler = {
    sample: async (requests) => {
      const [result] = await options.sampler.sample(requests);
      assert.ok(result);
      const text = options.codec.decode(result.tokens);
      for (const piece of [text.slice(0, 2), text.slice(2)]) requests[0]?.onText?.(piece);
      clock += 40;
      const served = p.served?.[turn++];
      return [{ ...result, ...(served && { served }) }];
    },
    release: (id) => options.sampler.release(id),
  };
  const told: (AskReport | string)[] = [];
  const tell = (report: AskReport): unknown => told.push(report);
  const view: AskView = {
    ...{ question: tell, turn: tell, tool: tell, ended: tell },
    turnStarts: (number) => told.push(`turn ${number}`),
    text: (piece) => told.push(piece),
    again: (reason) => told.push(`again: ${reason}`),
  };
  const strategy = p.inRuntime ? imageInRuntime : imageInBoth;
  const saved: string[] = [];
  const { runtime, codec } = options;
  const conversation = await AskConversation.open({
    ...options,
    context: await strategy.prepare(options.task, { template, runtime, codec }),
    model: { name: "fake", codec, sampler, close: async () => undefined },
    ...{ view, media: { images: [{ path: "a.png", width: 56, height: 28 }] }, now: () => clock },
    saveFigure: (image, inTurn, figure) => {
      saved.push(`${image.width}`);
      return `t${inTurn}f${figure}`;
    },
  });
  await use(conversation);
  await conversation.close();
  assert.equal(runtime.closed, runtime.opened.length);
  return { told, saved, asked: options.sampler.requests };
}

test("everything that happens, in order, with its numbers", async () => {
  const { told, saved } = await converse(
    {
      images: [fakeImage(2)],
      says: ["<code>a</code>", ANSWER, "hm<|im_end|>"],
      gives: [toolResult({ stdout: "hi", figures: [fakeImage(1), fakeImage(3)], elapsedMs: 12.4 })],
    },
    async (conversation) => {
      await conversation.play();
      conversation.ask("And?");
      await conversation.play();
    },
  );
  // The prompt, «system¶S»¶«user¶i0:‹##›Q»¶«assistant¶, is 38 tokens.
  assert.deepEqual(told, [
    {
      ...{ type: "question", question: 1, text: "Q", model: "fake" },
      images: [{ path: "a.png", width: 56, height: 28 }],
    },
    "turn 1",
    "<c",
    "ode>a</code>",
    {
      ...{ type: "turn", question: 1, turn: 1, text: "<code>a</code>", stop: "stop", seconds: 0.04 },
      ...{ action: { type: "code", code: "a" }, tokens: { sampled: 14, context: 38, visual: 2 } },
    },
    {
      ...{ type: "tool", question: 1, turn: 1, outcome: { type: "ok" }, alive: true, stdout: "hi" },
      figures: [
        { path: "t1f1", width: 28, height: 28, label: "i1", tokens: 1 },
        { path: "t1f2", width: 84, height: 28, label: "i2", tokens: 3 },
      ],
      ...{ observed: true, seconds: 0.012 },
    },
    "turn 2",
    "<a",
    "nswer>\\boxed{4}</answer>",
    {
      ...{ type: "turn", question: 1, turn: 2, text: ANSWER, stop: "stop", seconds: 0.04 },
      // »¶«user¶[hii1:‹#›i2:‹###›]»¶«assistant¶ is 39
      ...{ action: { type: "answer", answer: "4" }, tokens: { sampled: 26, context: 91, visual: 6 } },
    },
    {
      ...{ type: "end", question: 1, end: { type: "answered" }, answer: "4", turns: 2, toolCalls: 1 },
      ...{ tokens: { sampled: 40, context: 117, visual: 6 }, seconds: 0.092 },
    },
    { type: "question", question: 2, text: "And?", model: "fake" },
    "turn 3",
    "hm",
    "<|im_end|>",
    {
      ...{ type: "turn", question: 2, turn: 3, text: "hm<|im_end|>", stop: "stop", seconds: 0.04 },
      // »¶«user¶And?»¶«assistant¶ is 25
      action: { type: "none", reason: "neither code nor answer" },
      tokens: { sampled: 3, context: 142, visual: 6 },
    },
    {
      ...{ type: "end", question: 2, end: { type: "noAction" }, turns: 1, toolCalls: 0 },
      ...{ tokens: { sampled: 3, context: 145, visual: 6 }, seconds: 0.04 },
    },
  ]);
  assert.deepEqual(saved, ["28", "84"]);
});

test("behind a server its own counts are told, and none where it does not say", async () => {
  const served = { model: "m", visualTokens: 2, seconds: 9, attempts: 3 };
  const { told } = await converse(
    {
      images: [fakeImage(2)],
      says: ["<code>a</code>", ANSWER],
      gives: [errorResult("E: x")],
      served: [
        { ...served, promptTokens: 700, replyTokens: 9 },
        { ...served, attempts: 1 },
      ],
    },
    async (conversation) => void (await conversation.play()),
  );
  const reports = told.flatMap((report) =>
    typeof report === "object" && "tokens" in report ? [report] : [],
  );
  assert.deepEqual(
    reports.map((report) => [report.tokens, report.type === "turn" && report.requests]),
    [
      [{ sampled: 9, context: 700, visual: 2 }, 3],
      [{ visual: 2 }, 1],
      [{ visual: 2 }, false],
    ],
  );
});

test("figures that the model does not get to see have no name, and names count pictures that only Python has", async () => {
  const figureOf = async (p: Partial<Parameters<typeof converse>[0]>) => {
    const play = { images: [fakeImage(1)], says: ["<code>a</code>", ANSWER], ...p };
    const { told } = await converse(
      { ...play, gives: [toolResult({ figures: [fakeImage(1)] })] },
      async (conversation) => void (await conversation.play()),
    );
    const report = told.find((one) => typeof one === "object" && one.type === "tool");
    assert.ok(typeof report === "object" && report.type === "tool");
    return [report.observed, report.figures[0]?.label];
  };
  assert.deepEqual(await figureOf({ limits: { maxImages: 1 } }), [false, undefined]);
  assert.deepEqual(await figureOf({ says: ["<code>a</code>", ANSWER], inRuntime: true }), [true, "i1"]);
});
