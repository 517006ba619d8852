// Requests that make no sense are refused with an EngineError, and the engine goes on as if they had not been made.
import assert from "node:assert/strict";
import type { Datum } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import type { Engine } from "../engine.ts";
import {
  ADAMW,
  type Case,
  CROSS_ENTROPY,
  noGradient,
  one,
  prompt,
  request,
  same,
  sequence,
  trained,
} from "./case.ts";

async function refused(what: string, run: () => Promise<unknown>, names: RegExp): Promise<void> {
  await assert.rejects(
    run,
    (error) => error instanceof EngineError && names.test(error.message),
    `${what}: not refused with an EngineError that matches ${names}`,
  );
}

const text = (...tokens: number[]): Segment => ({ type: "text", source: "prompt", tokens });

/** A picture whose pixels do not fit its grid. */
function wrongImage(engine: Engine): ViewImage {
  const image = (prompt(engine, 1)[1] as Extract<Segment, { type: "image" }>).image;
  return { ...image, pixels: { ...image.pixels, data: image.pixels.data.subarray(3) } };
}

export const ERRORS: readonly Case[] = [
  {
    name: "requests without tokens, with unknown ones or with a wrong image are refused by the sequence's name",
    async check(world) {
      const { engine } = world;
      const ask = (segments: readonly Segment[]): Promise<unknown> =>
        engine.sample([request(prompt(engine, 1), 1), request(segments, 1, {}, { sequenceId: "wrong one" })]);
      await refused("no segments", () => ask([]), /"wrong one"/);
      await refused("an empty segment", () => ask([text()]), /"wrong one"/);
      for (const token of [-1, 1.5, 1e9, engine.codec.imagePadId])
        await refused(`token ${token}`, () => ask([text(5, token)]), new RegExp(`"wrong one".*${token}`));
      const image: Segment = { type: "image", source: "prompt", image: wrongImage(engine) };
      await refused("a wrong image", () => ask([text(5), image, text(6)]), /"wrong one".*grid/);
      const ok = (): ReturnType<typeof request> => request(prompt(engine, 1), 1);
      same(await one(engine, ok()), await one(engine, ok()), world, "afterwards");
    },
  },
  {
    name: "sampling settings out of range are refused by name",
    async check({ engine }) {
      for (const params of [
        { maxNewTokens: 0 },
        { maxNewTokens: 1.5 },
        { temperature: -1 },
        { temperature: Infinity },
        { topP: 0 },
        { topP: 1.1 },
        { topK: -1 },
      ]) {
        const [name] = Object.keys(params) as [string];
        const run = (): Promise<unknown> => one(engine, request(prompt(engine, 1), 1, params));
        await refused(JSON.stringify(params), run, new RegExp(name));
      }
    },
  },
  {
    name: "a sequence without a new token, and one that is being sampled already, are refused by name",
    async check({ engine }) {
      const id = { sequenceId: "busy" };
      const begin = engine.sample([request(prompt(engine, 1), 1, { maxNewTokens: 20 }, id)]);
      await refused("twice", () => engine.sample([request(prompt(engine, 1), 1, {}, id)]), /"busy"/);
      await begin;
      await refused("nothing new", () => engine.sample([request(prompt(engine, 1), 1, {}, id)]), /"busy"/);
      engine.release("busy");
    },
  },
  {
    name: "datums that do not fit together are refused by their position",
    async check({ make }) {
      const engine = await make();
      const good = sequence(engine, 1);
      const with_ = (changed: Partial<Datum>): readonly Datum[] => [good, { ...good, ...changed }];
      const tokens = good.tokens.slice();
      tokens[2] = 1e9;
      const mask = good.mask.slice();
      mask[0] = 1;
      const image = wrongImage(engine);
      const wrong: readonly (readonly [string, readonly Datum[], RegExp])[] = [
        ["no datum", [], /empty/],
        ["an unknown token", with_({ tokens }), /datum 1.*1000000000/],
        ["a short mask", with_({ mask: mask.slice(1) }), /datum 1.*mask/],
        ["a loss on the first token", with_({ mask }), /datum 1.*mask\[0\]/],
        ["images left out", with_({ images: [] }), /datum 1.*placeholder/],
        ["a wrong image", with_({ images: [image, image] }), /datum 1.*grid/],
        ["nothing to train on", [{ ...good, mask: new Float32Array(good.mask.length) }], /mask/],
      ];
      for (const [what, batch, names] of wrong) {
        await refused(what, () => engine.forwardBackward(batch, CROSS_ENTROPY), names);
        await refused(`${what}, forward`, () => engine.forward(batch), names);
      }
      noGradient(await engine.optimStep(ADAMW));
    },
  },
  {
    name: "targets that do not fit are refused by their position",
    async check({ engine }) {
      const good = sequence(engine, 1);
      const unknown = good.tokens.slice();
      unknown[trained(good)[0]!] = -1;
      for (const targets of [good.tokens.slice(1), unknown]) {
        const batch = [good, { ...good, targets }];
        const what = targets === unknown ? "an unknown target" : "a target too few";
        await refused(what, () => engine.forward(batch), /datum 1.*targets/);
        await refused(what, () => engine.forwardBackward(batch, CROSS_ENTROPY), /datum 1.*targets/);
      }
    },
  },
  {
    name: "optimiser settings out of range are refused by name",
    async check({ make }) {
      const engine = await make();
      await engine.forwardBackward([sequence(engine, 1)], CROSS_ENTROPY);
      for (const params of [
        { learningRate: NaN },
        { learningRate: -1 },
        { beta1: 1 },
        { epsilon: 0 },
        { maxGradNorm: NaN },
      ]) {
        const [name] = Object.keys(params) as [string];
        await refused(name, () => engine.optimStep({ ...ADAMW, ...params }), new RegExp(name));
      }
      const { gradNorm } = await engine.optimStep(ADAMW);
      assert.ok(gradNorm === undefined || gradNorm > 0, "the gradient is still there");
    },
  },
  {
    name: "after dispose every call rejects, and what was asked for before it is answered",
    async check({ make, dir }) {
      const engine = await make();
      const pending = engine.sample([request(prompt(engine, 1), 1)]);
      const disposed = engine.dispose();
      assert.ok((await pending)[0]!.tokens.length > 0);
      await disposed;
      await engine.dispose();
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        sample: () => engine.sample([request(prompt(engine, 1), 1)]),
        forwardBackward: () => engine.forwardBackward([sequence(engine, 1)], CROSS_ENTROPY),
        forward: () => engine.forward([sequence(engine, 1)]),
        optimStep: () => engine.optimStep(ADAMW),
        saveWeights: () => engine.saveWeights(dir),
        saveState: () => engine.saveState(dir),
        loadState: () => engine.loadState(dir),
      };
      for (const [name, call] of Object.entries(calls)) await refused(name, call, /disposed/);
    },
  },
];
