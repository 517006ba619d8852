// What an engine may remember, and what it must not: caches change the work and never the result. Calls at one time.
import assert from "node:assert/strict";
import type { Segment } from "../../core/trajectory.ts";
import {
  ADAMW,
  type Case,
  CROSS_ENTROPY,
  near,
  observation,
  one,
  prompt,
  request,
  same,
  sequence,
  toDatum,
  trained,
} from "./case.ts";

export const CACHING: readonly Case[] = [
  {
    name: "a sequence that is continued draws what it draws when computed from its beginning",
    async check(world) {
      const { engine } = world;
      const begin = request(prompt(engine, 1), 1);
      const first = await one(engine, begin);
      const grown: Segment[] = [...begin.segments, { type: "sampled", ...first }, ...observation(engine, 3)];
      const { sequenceId } = begin;
      const continued = await one(engine, request(grown, 2, {}, { sequenceId }));
      same(continued, await one(engine, request(grown, 2)), world, "continued");
    },
  },
  {
    name: "members of a group draw what they draw alone, whether they begin together or later",
    async check(world) {
      const { engine } = world;
      const segments = prompt(engine, 2);
      const member = (i: number): ReturnType<typeof request> =>
        request(segments, i, {}, { promptKey: "a group of the suite" });
      const results = [
        ...(await engine.sample([0, 1].map(member))),
        ...(await engine.sample([2, 3].map(member))),
      ];
      for (const [i, result] of results.entries())
        same(result, await one(engine, request(segments, i)), world, `member ${i}`);
      assert.equal(new Set(results.map(({ tokens }) => tokens.join())).size, 4);
    },
  },
  {
    name: "a released sequence is forgotten: its id may begin anew",
    async check(world) {
      const { engine } = world;
      const id = { sequenceId: "used twice" };
      await one(engine, request([...prompt(engine, 3), ...observation(engine, 3)], 1, {}, id));
      engine.release("used twice");
      engine.release("never known");
      const anew = await one(engine, request(prompt(engine, 4), 2, {}, id));
      same(anew, await one(engine, request(prompt(engine, 4), 2)), world, "anew");
    },
  },
  {
    name: "an update makes every cache stale",
    async check({ make, tolerance }) {
      const engine = await make();
      const ask = (): ReturnType<typeof request> =>
        request(prompt(engine, 5), 1, {}, { sequenceId: "stale", promptKey: "stale prompt" });
      const old = await one(engine, ask());
      await engine.forwardBackward([sequence(engine, 1)], CROSS_ENTROPY);
      await engine.optimStep({ ...ADAMW, learningRate: 0.01 });
      const fresh = await one(engine, ask());
      assert.notDeepEqual(fresh.logprobs, old.logprobs);
      const datum = toDatum(engine, [...prompt(engine, 5), { type: "sampled", ...fresh }]);
      const { logprobs } = await engine.forwardBackward([datum], CROSS_ENTROPY);
      const at = trained(datum);
      near(
        fresh.logprobs,
        at.map((t) => logprobs[0]![t] as number),
        tolerance,
        "after the update",
      );
    },
  },
  {
    name: "calls of sample at one time are not mixed up",
    async check(world) {
      const { engine } = world;
      const ask = (i: number): ReturnType<typeof request> =>
        request(prompt(engine, i), i, { maxNewTokens: 1 + ((7 * i) % 20) });
      const calls = [[0], [1, 2], [3], [4, 5, 6], [7]];
      const together = await Promise.all(calls.map((call) => engine.sample(call.map(ask))));
      for (const [c, call] of calls.entries())
        for (const [k, i] of call.entries())
          same(together[c]![k]!, await one(engine, ask(i)), world, `request ${i}`);
    },
  },
  {
    name: "calls that are not waited for take effect in the order in which they are made",
    async check(world) {
      const [free, waited] = [await world.make(), await world.make()];
      const data = [1, 2].map((seed) => sequence(free, seed));
      const ask = (seed: number): ReturnType<typeof request> => request(prompt(free, seed), seed);
      const [before, first, , after, second] = await Promise.all([
        free.sample([ask(1)]),
        free.forwardBackward(data, CROSS_ENTROPY),
        free.optimStep(ADAMW),
        free.sample([ask(1)]),
        free.forwardBackward(data, CROSS_ENTROPY),
      ]);
      same(before[0]!, await one(waited, ask(1)), world, "before");
      assert.equal(first.loss, (await waited.forwardBackward(data, CROSS_ENTROPY)).loss);
      await waited.optimStep(ADAMW);
      same(after[0]!, await one(waited, ask(1)), world, "after");
      assert.notDeepEqual(after[0]!.logprobs, before[0]!.logprobs);
      assert.equal(second.loss, (await waited.forwardBackward(data, CROSS_ENTROPY)).loss);
      assert.ok(second.loss < first.loss);
    },
  },
];
