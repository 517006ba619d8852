// What comes out of `sample`: whose tokens, drawn from what, ended by what, with which log-probabilities.
import assert from "node:assert/strict";
import { randomStream, type Random } from "../../core/random.ts";
import {
  type Case,
  CROSS_ENTROPY,
  near,
  observation,
  one,
  prompt,
  request,
  same,
  toDatum,
  trained,
} from "./case.ts";

/** Counts what is taken from a stream. */
function counting(seed: number): { random: Random; taken: () => number } {
  const inner = randomStream("draw", seed);
  let count = 0;
  const next = (): number => {
    count++;
    return inner.next();
  };
  return { random: { ...inner, next }, taken: () => count };
}

export const SAMPLING: readonly Case[] = [
  {
    name: "results come in the order of the requests and are those of each request alone",
    async check(world) {
      const { engine } = world;
      const lengths = [3, 14, 1, 8];
      const ask = (i: number): ReturnType<typeof request> =>
        request(prompt(engine, i), i, { maxNewTokens: lengths[i] as number });
      const together = await engine.sample([0, 1, 2, 3].map(ask));
      const backwards = await engine.sample([3, 2, 1, 0].map(ask));
      assert.equal(together.length, 4);
      for (const [i, result] of together.entries()) {
        same(result, await one(engine, ask(i)), world, `request ${i} alone`);
        same(backwards[3 - i]!, result, world, `request ${i} in the other order`);
      }
    },
  },
  {
    name: "one list of requests gives the same bits twice",
    async check({ engine }) {
      const run = (): ReturnType<typeof engine.sample> =>
        engine.sample([0, 1, 2].map((i) => request(prompt(engine, i), i, { maxNewTokens: 4 + 9 * i })));
      assert.deepEqual(await run(), await run());
    },
  },
  {
    name: "each sequence draws from its own stream, one number a token",
    async check({ engine }) {
      const [a, b, again] = [counting(1), counting(2), counting(1)];
      const results = await engine.sample(
        [a, b, again].map(({ random }) => request(prompt(engine, 5), 0, {}, { random })),
      );
      assert.deepEqual(results[0]!.tokens, results[2]!.tokens);
      assert.notDeepEqual(results[0]!.tokens, results[1]!.tokens);
      [a, b, again].forEach(({ taken }, i) => assert.equal(taken(), results[i]!.tokens.length));
    },
  },
  {
    name: "greedy takes the likeliest token and nothing from the stream; top-1 and a tiny top-p do the same",
    async check({ engine }) {
      const { random, taken } = counting(1);
      const greedy = await one(engine, request(prompt(engine, 6), 0, { temperature: 0 }, { random }));
      assert.equal(taken(), 0);
      for (const params of [{ topK: 1 }, { topP: 1e-9 }, { temperature: 1e-6 }])
        assert.deepEqual(
          (await one(engine, request(prompt(engine, 6), 2, params))).tokens,
          greedy.tokens,
          JSON.stringify(params),
        );
    },
  },
  {
    name: "log-probabilities are those of temperature 1 without truncation, and those of training",
    async check(world) {
      const { engine, tolerance } = world;
      const kinds = [
        {},
        { temperature: 0 },
        { temperature: 0.5 },
        { temperature: 3 },
        { topK: 5 },
        { topP: 0.3 },
      ];
      const asked = kinds.map((params, i) => request(prompt(engine, 10 + i), i, params));
      const sequences = asked.map(({ sequenceId, segments }) => ({ sequenceId, segments: [...segments] }));
      for (let turn = 0; turn < 3; turn++) {
        const results = await engine.sample(
          sequences.map(({ sequenceId, segments }, i) => {
            const maxNewTokens = 2 + ((5 * (i + turn)) % 13);
            return request(segments, 10 * turn + i, { ...kinds[i], maxNewTokens }, { sequenceId });
          }),
        );
        sequences.forEach(({ segments }, i) =>
          segments.push({ type: "sampled", ...results[i]! }, ...observation(engine, 7 * turn + i)),
        );
      }
      const data = sequences.map(({ segments }) => toDatum(engine, segments));
      const own = await world.make();
      const { logprobs } = await own.forwardBackward(data, CROSS_ENTROPY);
      data.forEach((datum, i) => {
        const at = trained(datum);
        assert.ok(at.length >= 6);
        near(
          at.map((t) => datum.logprobs[t] as number),
          at.map((t) => logprobs[i]![t] as number),
          tolerance,
          JSON.stringify(kinds[i]),
        );
      });
    },
  },
  {
    name: "a stop string ends a turn right after the token that completes it",
    async check({ engine }) {
      const { codec } = engine;
      const full = await one(engine, request(prompt(engine, 20), 9, { maxNewTokens: 24 }));
      const stopString = codec.decode(full.tokens.slice(8, 11));
      assert.ok(stopString.length > 0);
      const stopStrings = ["never said at all", stopString];
      const cut = await one(engine, request(prompt(engine, 20), 9, { maxNewTokens: 24, stopStrings }));
      assert.equal(cut.stop, "stop");
      assert.deepEqual(cut.tokens, full.tokens.slice(0, cut.tokens.length));
      assert.ok(codec.decode(cut.tokens).includes(stopString));
      assert.ok(!codec.decode(cut.tokens.slice(0, -1)).includes(stopString));
    },
  },
  {
    name: "the end of a turn is the last token drawn, and maxNewTokens ends as length",
    async check({ engine }) {
      const params = { temperature: 10, maxNewTokens: 60 };
      const results = await engine.sample(
        Array.from({ length: 32 }, (_, i) => request(prompt(engine, i), i, params)),
      );
      const ends = results.filter(({ stop }) => stop === "stop");
      assert.ok(ends.length > 0 && ends.length < 32, `${ends.length} of 32 turns ended by themselves`);
      for (const { tokens, logprobs, stop } of results) {
        assert.equal(logprobs.length, tokens.length);
        assert.ok(!tokens.slice(0, -1).includes(engine.codec.endOfTurnId));
        if (stop === "stop") assert.equal(tokens.at(-1), engine.codec.endOfTurnId);
        else assert.equal(tokens.length, 60);
      }
    },
  },
];
