import assert from "node:assert/strict";
import test from "node:test";
import { randomStream, type Random } from "../../core/random.ts";
import { distributionOf, drawToken as drawFrom } from "./drawToken.ts";

const NONE: ReadonlySet<number> = new Set();
const FULL = { temperature: 1, topK: 0, topP: 1 };

const drawToken = (logits: Float32Array, ...rest: Tail<Parameters<typeof drawFrom>>) =>
  drawFrom(distributionOf(logits), ...rest);
type Tail<T extends unknown[]> = T extends [unknown, ...infer R] ? R : never;

/** A stream that always says the same. */
function fixed(value: number): Random {
  return { ...randomStream(0), next: () => value };
}

test("the log-probability is that of the untouched distribution", () => {
  // exp(0) + exp(ln 2) + exp(ln 5) = 8: probabilities 1/8, 2/8, 5/8.
  const logits = Float32Array.of(0, Math.log(2), Math.log(5));
  const drawn = [0.1, 0.2, 0.5].map((u) => drawToken(logits, FULL, NONE, fixed(u)));
  assert.deepEqual(
    drawn.map((d) => d.token),
    [0, 1, 2],
  ); // thresholds 0.125 and 0.375
  [1 / 8, 2 / 8, 5 / 8].forEach((p, i) => assert.ok(Math.abs(drawn[i]!.logprob - Math.log(p)) < 1e-6));
  // Top-1 and temperature change what is drawn, not what is reported.
  const top = drawToken(logits, { temperature: 0.5, topK: 1, topP: 1 }, NONE, fixed(0.01));
  assert.equal(top.token, 2);
  assert.ok(Math.abs(top.logprob - Math.log(5 / 8)) < 1e-6);
});

test("top-p keeps the smallest set that reaches p, temperature sharpens", () => {
  const logits = Float32Array.of(Math.log(5), Math.log(3), Math.log(2));
  // p = 0.75 needs 5/10 and 3/10; a draw of 0.99 of their mass is the second.
  assert.equal(drawToken(logits, { ...FULL, topP: 0.75 }, NONE, fixed(0.99)).token, 1);
  assert.equal(drawToken(logits, { ...FULL, topP: 0.5 }, NONE, fixed(0.99)).token, 0);
  // At temperature 0.5 weights are squared: 25, 9, 4 of 38; 0.7 * 38 = 26.6 is past the first.
  assert.equal(drawToken(logits, { ...FULL, temperature: 0.5 }, NONE, fixed(0.64)).token, 0);
  assert.equal(drawToken(logits, { ...FULL, temperature: 0.5 }, NONE, fixed(0.7)).token, 1);
});

test("a banned token that leads is not drawn, also when it dwarfs the others", () => {
  const logits = Float32Array.of(9, 1, 0);
  for (const temperature of [0, 0.01, 1])
    assert.equal(drawToken(logits, { ...FULL, temperature }, new Set([0]), fixed(0)).token, 1);
});

test("extreme logits: what is drawn and its log-probability are exact where they can be", () => {
  // ln(e^10000 + e^-10000) = 10000: the likelier token has ln p = 0, the other -20000.
  const logits = Float32Array.of(1e4, -1e4, -Infinity);
  assert.deepEqual(drawToken(logits, FULL, NONE, fixed(0.999)), { token: 0, logprob: 0 });
  assert.deepEqual(drawToken(logits, FULL, new Set([0]), fixed(0.999)), { token: 1, logprob: -20000 });
  assert.deepEqual(drawToken(logits, { ...FULL, temperature: 0 }, new Set([0]), fixed(0)), {
    token: 1,
    logprob: -20000,
  });
  // Two equal giants share the mass; ln 2 apart from 1e4 needs more digits than single precision keeps of the sum.
  const even = drawToken(Float32Array.of(1e4, 1e4), FULL, NONE, fixed(0.6));
  assert.equal(even.token, 1);
  assert.ok(Math.abs(even.logprob + Math.LN2) < 1e-7);
});

test("banned tokens with infinite logits below, and temperatures from tiny to huge", () => {
  const logits = Float32Array.of(-Infinity, 0, Math.log(3));
  // p = 0, 1/4, 3/4
  const drawn = drawToken(logits, FULL, new Set([0]), fixed(0.2));
  assert.equal(drawn.token, 1);
  assert.ok(Math.abs(drawn.logprob - Math.log(1 / 4)) < 1e-6);
  for (const temperature of [1e-300, 5e-324])
    // the likeliest wins; 5e-324 is the smallest double
    assert.equal(drawToken(logits, { ...FULL, temperature }, NONE, fixed(0.999999)).token, 2);
  for (const [u, token] of [
    [0.49, 1],
    [0.51, 2],
  ] as const)
    // all that is possible is equally likely, and what is impossible stays so
    assert.equal(drawToken(logits, { ...FULL, temperature: 1e300 }, NONE, fixed(u)).token, token);
});

test("logits that are not numbers give a log-probability that is not one, which the sampler refuses", () => {
  for (const bad of [NaN, Infinity])
    assert.ok(!Number.isFinite(drawToken(Float32Array.of(0, bad, 1), FULL, NONE, fixed(0.5)).logprob));
});
