// What is written to disk and read again.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Engine } from "../engine.ts";
import { ADAMW, type Case, CROSS_ENTROPY, one, prompt, request, same, sequence } from "./case.ts";

async function step(engine: Engine): Promise<number> {
  const { loss } = await engine.forwardBackward(
    [1, 2].map((seed) => sequence(engine, seed)),
    CROSS_ENTROPY,
  );
  await engine.optimStep(ADAMW);
  return loss;
}

export const STATE: readonly Case[] = [
  {
    name: "a saved state continues exactly, also in an engine that has gone on or holds a gradient",
    async check({ make, dir }) {
      const engine = await make();
      const first = await step(engine);
      for (let i = 0; i < 3; i++) await step(engine);
      await engine.saveState(dir);
      const expected = [await step(engine), await step(engine), await step(engine)];
      assert.ok(expected[2]! < first, `the loss went from ${first} to ${expected[2]}`);
      await engine.forwardBackward([sequence(engine, 9)], CROSS_ENTROPY);
      const stale = request(prompt(engine, 1), 1);
      await one(engine, stale);
      await engine.loadState(dir);
      assert.deepEqual([await step(engine), await step(engine), await step(engine)], expected);
      const other = await make(dir);
      await other.loadState(dir);
      assert.deepEqual([await step(other), await step(other), await step(other)], expected);
    },
  },
  {
    name: "saved weights load and compute the same",
    async check(world) {
      const engine = await world.make();
      await step(engine);
      const dir = join(world.dir, "weights");
      await engine.saveWeights(dir);
      const loaded = await world.make(dir);
      assert.equal(loaded.parameterCount, engine.parameterCount);
      assert.equal(loaded.codec.imagePadId, engine.codec.imagePadId);
      assert.deepEqual(
        loaded.codec.encodeText("the cat <|im_end|>"),
        engine.codec.encodeText("the cat <|im_end|>"),
      );
      const ask = (): ReturnType<typeof request> => request(prompt(engine, 3), 3);
      same(await one(loaded, ask()), await one(engine, ask()), world, "loaded");
    },
  },
  {
    name: "a state that is not there is refused and changes nothing",
    async check({ make, dir }) {
      const engine = await make();
      const before = await engine.forwardBackward([sequence(engine, 1)], CROSS_ENTROPY);
      await assert.rejects(engine.loadState(join(dir, "nothing")));
      assert.equal((await engine.forwardBackward([sequence(engine, 1)], CROSS_ENTROPY)).loss, before.loss);
    },
  },
];
