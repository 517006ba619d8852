// What training requests compute, with the semantics of the hosted service; the log-probabilities are compared with those of
// the same engine in this process, the losses with their formulas written out here.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Datum } from "../../core/datum.ts";
import { decodeForwardBackwardOutputProto } from "../../engines/tinker/protocol/protobuf.ts";
import { type Json, serveSmall, textDatum, training } from "./testClient.ts";
import {
  checkpoint,
  client,
  floats,
  forward,
  image,
  ints,
  local,
  metricsOf,
  outputsOf,
  picture,
  text,
} from "./trainingHarness.ts";

const near = (actual: number | undefined, expected: number, tolerance = 1e-4): void =>
  assert.ok(Math.abs((actual ?? NaN) - expected) <= tolerance, `${actual} is not ${expected}`);

/** ln p of every target of a datum in this process. */
async function reference(tokens: number[], images: Datum["images"], targets: number[]): Promise<number[]> {
  const length = tokens.length;
  const datum: Datum = {
    tokens: Int32Array.from(tokens),
    images,
    mask: new Float32Array(length).fill(1, 1),
    logprobs: new Float32Array(length),
    advantages: new Float32Array(length),
    targets: Int32Array.from([0, ...targets]),
  };
  const [logprobs] = await local.forward([datum]);
  return [...(logprobs as Float32Array).subarray(1)];
}

describe("per-token results", () => {
  const inputs = [5, 6, 7];
  const after = [8, 9, 10, 11];
  const targets = [6, 7, 0, ...Array<number>(12).fill(0), 30, 31, 32, 33].slice(0, 19);
  targets[14] = 8;
  const weights = targets.map((_, i) => (i >= 15 ? 0.5 : 0));
  const datum: Json = {
    model_input: { chunks: [text(5), text(6, 7), image, text(...after)] },
    loss_fn_inputs: { target_tokens: ints(targets), weights: floats(weights) },
  };

  test("one for each input, over images too, of the target whatever its weight", async () => {
    const { imagePadId: pad } = local.codec;
    const tokens = [...inputs, ...Array<number>(12).fill(pad), ...after, 33];
    const expected = await reference(tokens, [local.codec.viewImage(picture)], targets);
    const modelId = await client.model("small");
    const forwarded = await client.do("forward", modelId, forward([datum]));
    assert.deepEqual(outputsOf(forwarded), [expected]);
    const trained = await client.do("forward_backward", modelId, training([datum]));
    const [logprobs = []] = outputsOf(trained);
    logprobs.forEach((value, i) => near(value, expected[i] as number, 1e-5));
    const loss = -0.5 * expected.slice(15).reduce((sum, value) => sum + value, 0);
    near(metricsOf(trained)["loss:sum"], loss);
    near(metricsOf(forwarded)["loss:sum"], loss);
  });

  test("the same by protobuf", async () => {
    const modelId = await client.model("small");
    const { request_id: id } = await client.ask("forward_backward", {
      model_id: modelId,
      seq_id: 1,
      ...training([datum, textDatum()]),
    });
    const { json } = await client.result(id);
    const { bytes, headers } = await client.result(id, "application/x-protobuf, application/json");
    assert.equal(headers.get("content-type"), "application/x-protobuf");
    const { outputs, metrics } = decodeForwardBackwardOutputProto(bytes);
    assert.deepEqual(
      outputs.map(({ logprobs }) => [...((logprobs?.data ?? []) as Float32Array)]),
      outputsOf(json),
    );
    assert.deepEqual(metrics, metricsOf(json));
    assert.deepEqual(
      outputs.map(({ logprobs }) => logprobs?.shape),
      [[19], [12]],
    );
  });

  test("only of trained tokens when that is asked for", async () => {
    const modelId = await client.model("small");
    const config = { trained_only: 1 };
    const trained = await client.do("forward_backward", modelId, training([datum], "cross_entropy", config));
    const forwarded = await client.do("forward", modelId, forward([datum], "cross_entropy", config));
    for (const result of [trained, forwarded]) {
      const [logprobs = []] = outputsOf(result);
      assert.deepEqual(
        logprobs.map((value) => value !== 0),
        weights.map((weight) => weight !== 0),
      );
    }
  });
});

describe("losses are sums over tokens", () => {
  const tokens = Array.from({ length: 12 }, (_, i) => 1 + i);
  const sampled = tokens.map((_, i) => -4 - 0.3 * i);
  const advantages = tokens.map((_, i) => (i < 3 ? 0 : i % 2 === 0 ? 1.5 : -0.5));
  const rl: Json = {
    model_input: { chunks: [text(...tokens)] },
    loss_fn_inputs: {
      target_tokens: ints(tokens.map((token) => token + 1)),
      logprobs: floats(sampled),
      advantages: floats(advantages),
    },
  };

  for (const [lossFn, config, term] of [
    ["importance_sampling", undefined, (r: number, a: number) => r * a],
    ["ppo", undefined, (r: number, a: number) => Math.min(r * a, Math.min(Math.max(r, 0.8), 1.2) * a)],
    [
      "ppo",
      { clip_low_threshold: 0.5, clip_high_threshold: 3 },
      (r: number, a: number) => Math.min(r * a, Math.min(Math.max(r, 0.5), 3) * a),
    ],
    ["cispo", undefined, (r: number, a: number, p: number) => Math.min(Math.max(r, 0), 4) * a * p],
  ] as const)
    test(`${lossFn} ${JSON.stringify(config ?? {})}`, async () => {
      const modelId = await client.model("small");
      const result = await client.do("forward_backward", modelId, training([rl], lossFn, config));
      const [logprobs = []] = outputsOf(result);
      assert.ok(
        logprobs.every((value) => value < 0),
        "at every position",
      );
      const loss = -logprobs.reduce(
        (sum, p, i) => sum + term(Math.exp(p - (sampled[i] as number)), advantages[i] as number, p),
        0,
      );
      near(metricsOf(result)["loss:sum"], loss, 1e-3);
      near(
        metricsOf(await client.do("forward", modelId, forward([rl], lossFn, config)))["loss:sum"],
        loss,
        1e-3,
      );
    });

  test("twice a datum is twice the loss and twice the gradient; forward adds none", async () => {
    const [one, two] = [await client.model("small"), await client.model("small")];
    const single = await client.do("forward_backward", one, training([textDatum()]));
    const double = await client.do("forward_backward", two, training([textDatum(), textDatum()]));
    near(metricsOf(double)["loss:sum"], 2 * (metricsOf(single)["loss:sum"] as number), 1e-3);
    await client.do("forward", one, forward([textDatum(40)]));
    const [a, b] = [metricsOf(await client.step(one)), metricsOf(await client.step(two))];
    near(b["grad_norm"], 2 * (a["grad_norm"] as number), 1e-3 * (a["grad_norm"] as number));
    assert.ok((a["grad_norm"] as number) > 0.1);
  });

  test("gradients add up over requests and over parts of one, whatever the parts", async () => {
    const data = [1, 20, 40, 60].map((first) => textDatum(first));
    const small = await serveSmall(checkpoint, { microBatchTokens: 13 });
    const once = await client.model("small");
    const inTwo = await client.model("small");
    const inParts = await small.client.model("small");
    const a = await client.do("forward_backward", once, training(data));
    await client.do("forward_backward", inTwo, training(data.slice(0, 1)));
    await client.do("forward_backward", inTwo, training(data.slice(1)));
    const c = await small.client.do("forward_backward", inParts, training(data));
    near(metricsOf(c)["loss:sum"], metricsOf(a)["loss:sum"] as number, 1e-3);
    const norms = [
      metricsOf(await client.step(once)),
      metricsOf(await client.step(inTwo)),
      metricsOf(await small.client.step(inParts)),
    ].map(({ grad_norm: norm }) => norm as number);
    for (const norm of norms) near(norm, norms[0] as number, 1e-3);
    await small.server.close();
  });

  test("weights may be negative, all 0, or left out (then they are 1)", async () => {
    const modelId = await client.model("small");
    const weights = [0, 0, -1, 2, ...Array<number>(8).fill(0)];
    const negative = await client.do("forward_backward", modelId, training([textDatum(1, weights)]));
    const [p = []] = outputsOf(negative);
    near(metricsOf(negative)["loss:sum"], (p[2] as number) - 2 * (p[3] as number));
    await client.step(modelId, 0);
    const zero = await client.do(
      "forward_backward",
      modelId,
      training([textDatum(1, Array<number>(12).fill(0))]),
    );
    assert.equal(metricsOf(zero)["loss:sum"], 0);
    assert.ok(outputsOf(zero)[0]?.every((value) => value < 0));
    assert.deepEqual(metricsOf(await client.step(modelId, 0.1)), { grad_norm: 0 }, "no gradient");
    const { weights: _, ...inputs } = textDatum()["loss_fn_inputs"] as Json;
    const bare = await client.do("forward", modelId, forward([{ ...textDatum(), loss_fn_inputs: inputs }]));
    const sum = (outputsOf(bare)[0] ?? []).reduce((total, value) => total + value, 0);
    near(metricsOf(bare)["loss:sum"], -sum, 1e-3);
  });

  test("a step heeds rate, decay and clipping as the engine does", async () => {
    const datum: Datum = {
      tokens: Int32Array.from([...tokens, 13]),
      images: [],
      mask: Float32Array.from([0, 0, ...Array<number>(11).fill(1)]),
      logprobs: new Float32Array(13),
      advantages: new Float32Array(13),
    };
    const engine = await local.fork();
    const modelId = await client.model("small");
    for (const more of [{ weight_decay: 0.1 }, { grad_clip_norm: 0.5, beta1: 0.8 }, { grad_clip_norm: -1 }]) {
      await engine.forwardBackward([datum], { type: "crossEntropy" });
      const { gradNorm } = await engine.optimStep({
        learningRate: 0.02,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weightDecay: 0,
        maxGradNorm: 0,
        ...("weight_decay" in more && { weightDecay: 0.1 }),
        ...("beta1" in more && { maxGradNorm: 0.5, beta1: 0.8 }),
      });
      await client.do("forward_backward", modelId, training([textDatum()]));
      assert.deepEqual(await client.step(modelId, 0.02, more), {
        metrics: { grad_norm: gradNorm },
        type: "optim_step",
      });
    }
    await engine.dispose();
  });
});
