// Values and gradients of the loss terms at one token each, where they bend and where numbers end.
import assert from "node:assert/strict";
import test from "node:test";
import { Graph, type Tensor } from "../../onnx/graph.ts";
import { gradients } from "../../onnx/gradients.ts";
import { sum } from "../../onnx/layers.ts";
import { exp, mul, scale, sub } from "../../onnx/ops.ts";
import { GraphSession } from "../../onnx/session.ts";
import { lossTerms, UNCLIPPED, type TrainingLoss } from "./graphLosses.ts";

interface Token {
  readonly logprob: number;
  readonly sampled: number;
  readonly advantage: number;
}

/** Terms of the tokens and their slopes by ln p. */
async function termsOf(
  build: (graph: Graph, logprobs: Tensor) => Tensor,
  tokens: readonly Token[],
  bounds: { readonly low: number; readonly high: number } | undefined,
): Promise<{ terms: number[]; slopes: number[] }> {
  const graph = new Graph();
  const logprobs = graph.input("logprobs", "float32", ["trained"]);
  const terms = build(graph, logprobs);
  graph.output("terms", terms);
  graph.output("slopes", gradients(sum(terms), [logprobs])[0]!);
  const session = await GraphSession.create(graph, 1);
  const along = (name: keyof Token): { data: Float32Array; dims: number[] } => ({
    data: Float32Array.from(tokens, (token) => token[name]),
    dims: [tokens.length],
  });
  const scalar = (value: number): { data: Float32Array; dims: number[] } => ({
    data: Float32Array.of(value),
    dims: [],
  });
  const results = await session.run({
    logprobs: along("logprob"),
    sampledLogprobs: along("sampled"),
    advantages: along("advantage"),
    ...(bounds === undefined ? {} : { ratioLow: scalar(bounds.low), ratioHigh: scalar(bounds.high) }),
  });
  await session.dispose();
  const numbers = (name: string): number[] => Array.from(results[name]!.data as Float32Array);
  return { terms: numbers("terms"), slopes: numbers("slopes") };
}

const CLIP = { low: 0.75, high: 1.25 };
const LN2 = Math.log(2);

test("PPO and CISPO by hand: within the clip, beyond either edge, with either sign", async () => {
  // Ratios 1, 2 and 1/2, each with A = 1 and A = -1; ln p = -3.
  const tokens = [0, LN2, -LN2].flatMap((ratio) =>
    [1, -1].map((advantage) => ({ logprob: -3, sampled: -3 - ratio, advantage })),
  );
  const expected: Record<Exclude<TrainingLoss, "crossEntropy">, [terms: number[], slopes: number[]]> = {
    // -min(r A, clip(r) A); where the clipped one is less there is no slope.
    ppo: [
      [-1, 1, -1.25, 2, -0.5, 0.75],
      [-1, 1, 0, 2, -0.5, 0],
    ],
    // -clip(r) A ln p; the slope is -clip(r) A everywhere.
    cispo: [
      [3, -3, 3.75, -3.75, 2.25, -2.25],
      [-1, 1, -1.25, 1.25, -0.75, 0.75],
    ],
  };
  for (const loss of ["ppo", "cispo"] as const) {
    const got = await termsOf((graph, logprobs) => lossTerms(graph, loss, logprobs), tokens, CLIP);
    for (const [name, wanted] of [
      ["terms", expected[loss][0]],
      ["slopes", expected[loss][1]],
    ] as const)
      wanted.forEach((value, i) =>
        assert.ok(Math.abs(got[name][i]! - value) < 1e-6, `${loss}, ${name}: ${got[name].join(" ")}`),
      );
  }
});

test("PPO without bounds is importance sampling bit for bit, to the ends of single precision", async () => {
  const tokens = [-200, -120, -90, -40, -1, -0.1, 0, 0.1, 1, 40, 88.7].flatMap((difference) =>
    [2, 1, 0.3, 0, -0.3, -1].map((advantage) => ({ logprob: -0.25, sampled: -0.25 - difference, advantage })),
  );
  const unclipped = await termsOf((graph, logprobs) => lossTerms(graph, "ppo", logprobs), tokens, UNCLIPPED);
  const plain = await termsOf(
    (graph, logprobs) => {
      const ratio = exp(sub(logprobs, graph.input("sampledLogprobs", "float32", ["trained"])));
      return scale(mul(ratio, graph.input("advantages", "float32", ["trained"])), -1);
    },
    tokens,
    undefined,
  );
  const withoutSign = (values: number[]): number[] => values.map((value) => (value === 0 ? 0 : value));
  assert.deepEqual(withoutSign(unclipped.terms), withoutSign(plain.terms));
  assert.deepEqual(withoutSign(unclipped.slopes), withoutSign(plain.slopes));
  assert.equal(plain.terms[2 * 6], -2 * Math.fround(Math.exp(-90)), "subnormal numbers are compared, too");
});

test("a ratio that is too large for single precision is a clipped one to CISPO, and no number to PPO", async () => {
  const tokens = [{ logprob: -1, sampled: -101, advantage: 1 }];
  const terms = async (loss: TrainingLoss): Promise<number[]> => {
    const all = await termsOf((graph, logprobs) => lossTerms(graph, loss, logprobs), tokens, CLIP);
    return [...all.terms, ...all.slopes];
  };
  assert.deepEqual(await terms("cispo"), [1.25, -1.25]);
  // 0 times infinity: the engine refuses such a batch.
  assert.deepEqual(await terms("ppo"), [-1.25, NaN]);
});
