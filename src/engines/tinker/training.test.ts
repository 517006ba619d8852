// Training over the wire: what is sent, in which order, and what is made of the answers.
import assert from "node:assert/strict";
import test from "node:test";
import { brokenConnection } from "./stubServer.ts";
import { ADAMW, CROSS_ENTROPY, datum, fbResult, open, picture, PPO, step, text } from "./engineHarness.ts";

test("a batch goes out shifted by one, and log-probabilities come back to their positions", async () => {
  const { engine, named } = await open({
    "result:forward_backward": fbResult([-9, -1.5, -2.5], { "loss:sum": 4, "entropy:sum": 3 }),
  });
  const result = await engine.forwardBackward([datum()], CROSS_ENTROPY);
  assert.deepEqual(result, { loss: 4, logprobs: [Float32Array.of(0, 0, -1.5, -2.5)], entropySum: 3 });
  const [sent] = named("forward_backward");
  assert.deepEqual(sent?.json, {
    model_id: "s:train:0",
    seq_id: 1,
    forward_backward_input: {
      data: [
        {
          model_input: { chunks: [{ type: "encoded_text", tokens: [97, 98, 99] }] },
          loss_fn_inputs: {
            target_tokens: { data: [98, 99, 100], dtype: "int64", shape: [3] },
            weights: { data: [0, 1, 1], dtype: "float32", shape: [3] },
          },
        },
      ],
      loss_fn: "cross_entropy",
      loss_fn_config: { trained_only: 1 },
    },
  });
});

test("forward asks for log-probabilities alone, by JSON on a route of its own", async () => {
  const { engine, named } = await open({ "result:forward": fbResult([-9, -1.5, -2.5]) });
  assert.deepEqual(await engine.forward([datum()]), [Float32Array.of(0, 0, -1.5, -2.5)]);
  assert.deepEqual(
    named("forward").map(({ json }) => [json["seq_id"], Object.keys(json)]),
    [[1, ["model_id", "seq_id", "forward_input"]]],
  );
});

test("the loss is computed from the log-probabilities where the server does not tell it", async () => {
  const { engine } = await open(
    { "result:forward_backward": fbResult([-9, -1.25, -1.5]) },
    { dialect: "hosted" },
  );
  const { loss, entropySum } = await engine.forwardBackward([datum(2)], CROSS_ENTROPY);
  assert.equal(loss, 2 * 1.25 + 2 * 1.5);
  assert.equal(entropySum, undefined);
  // Ratios e^-0.25 = 0.7788 (below 0.8, so min(0.7788, 0.8) A) and e^0.5 = 1.6487 (cut to 1.3); A = 0.5.
  const clipped = await engine.forwardBackward([datum()], PPO);
  assert.ok(Math.abs(clipped.loss - -(0.5 * Math.exp(-0.25) + 0.5 * 1.3)) < 1e-12, `${clipped.loss}`);
});

test("bounds of the ratio are sent, weights go where the dialect has them", async () => {
  const sent = async (dialect: "pyvision" | "hosted" | "skyrl"): Promise<unknown> => {
    const { engine, named } = await open(
      { "result:forward_backward": fbResult([-1, -1, -1]) },
      { dialect, wire: "json" },
    );
    await engine.forwardBackward([datum(0.5)], PPO);
    const input = named("forward_backward")[0]?.json["forward_backward_input"] as {
      readonly loss_fn_config: object;
      readonly data: readonly {
        readonly loss_fn_inputs: Readonly<Record<string, { readonly data: number[] }>>;
      }[];
    };
    const { weights, advantages } = input.data[0]!.loss_fn_inputs;
    return { config: input.loss_fn_config, weights: weights?.data, advantages: advantages?.data };
  };
  const bounds = { clip_low_threshold: 0.8, clip_high_threshold: 1.3 };
  assert.deepEqual(await sent("pyvision"), {
    config: { ...bounds, trained_only: 1 },
    weights: [0, 0.5, 0.5],
    advantages: [0, 0.5, 0.5],
  });
  assert.deepEqual(await sent("hosted"), { config: bounds, weights: undefined, advantages: [0, 0.25, 0.25] });
  // SkyRL divides a datum's loss by the sum of its weights, here 1; so the advantages are multiplied by it.
  assert.deepEqual(await sent("skyrl"), {
    config: bounds,
    weights: [0, 0.5, 0.5],
    advantages: [0, 0.5, 0.5],
  });
});

test("where a server divides by the weights, advantages make up for it, and the norm is that of the sum", async () => {
  const { engine, named } = await open(
    {
      "result:forward_backward": fbResult([-1, -1, -2]),
      "result:optim_step": () => ({ metrics: { "skyrl.ai/grad_norm": 0.25 } }),
    },
    { dialect: "skyrl" },
  );
  await engine.forwardBackward([datum(3, 0.5), datum(0.25, 2)], PPO);
  const input = named("forward_backward")[0]?.json["forward_backward_input"] as {
    readonly data: readonly {
      readonly loss_fn_inputs: { readonly advantages: { readonly data: number[] } };
    }[];
  };
  assert.deepEqual(
    input.data.map(({ loss_fn_inputs }) => loss_fn_inputs.advantages.data),
    [
      [0, 0.5 * 6, 0.5 * 6],
      [0, 2 * 0.5, 2 * 0.5],
    ],
  );
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 0.5 });
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 0 });
  const [, pipelined] = await Promise.all([engine.forwardBackward([datum()], PPO), engine.optimStep(ADAMW)]);
  assert.deepEqual(pipelined, { gradNorm: 0.25 });
});

test("an update carries the settings, and says what the server does not do once", async () => {
  const { engine, named, warnings } = await open({}, { dialect: "skyrl" });
  await step(engine);
  await step(engine);
  assert.deepEqual(named("optim_step")[1]?.json, {
    model_id: "s:train:0",
    seq_id: 4,
    adam_params: {
      learning_rate: 0.001,
      beta1: 0.9,
      beta2: 0.95,
      eps: 1e-8,
      weight_decay: 0.01,
      grad_clip_norm: 1,
    },
    type: "optim_step",
  });
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /divides the loss of each datum by the sum of its weights/);
  assert.match(warnings[1]!, /does not clip gradients: maxGradNorm 1 has no effect/);
});

test("without a gradient nothing is asked, as servers would decay weights or follow old moments", async () => {
  const { engine, named } = await open();
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 0 });
  await step(engine);
  assert.deepEqual(await engine.optimStep(ADAMW), { gradNorm: 0 });
  assert.equal(named("optim_step").length, 1);
  assert.equal(engine.stepsMade, 1);
});

test("requests are handed in one at a time in the order of the calls, results are waited for beside", async () => {
  const order: string[] = [];
  let open_ = 0;
  const submit = async ({ name }: { readonly name: string }): Promise<undefined> => {
    assert.equal(open_++, 0, "two at once");
    order.push(name);
    await new Promise((resolve) => setImmediate(resolve));
    open_--;
    return undefined;
  };
  const { engine, requests } = await open({
    forward_backward: submit,
    optim_step: submit,
    save_weights_for_sampler: submit,
    "result:forward_backward": fbResult([-1, -1, -1]),
    "result:asample": () => ({ sequences: [{ stop_reason: "stop", tokens: [1], logprobs: [-1] }] }),
  });
  const ask = (id: string): Parameters<typeof engine.sample>[0] => [
    { ...sampleOf(id), random: { next: () => 0, state: () => [0, 0, 0, 0] } as never },
  ];
  await Promise.all([
    engine.sample(ask("a")),
    engine.forwardBackward([datum()], CROSS_ENTROPY),
    engine.optimStep(ADAMW),
    engine.sample(ask("b")),
    engine.sample(ask("c")),
    engine.forwardBackward([datum()], CROSS_ENTROPY),
  ]);
  assert.deepEqual(order, [
    "save_weights_for_sampler",
    "forward_backward",
    "optim_step",
    "save_weights_for_sampler",
    "forward_backward",
  ]);
  assert.deepEqual(requests.flatMap(({ json }) => json["seq_id"] ?? []).length, 5 + 3);
  assert.deepEqual(
    requests
      .filter(({ name }) => name === "asample")
      .map(({ json }) => [json["sampling_session_id"], json["seq_id"]]),
    [
      ["s:sample:0", 0],
      ["s:sample:1", 0],
      ["s:sample:1", 1],
    ],
  );
});

function sampleOf(
  sequenceId: string,
): Omit<Parameters<Awaited<ReturnType<typeof open>>["engine"]["sample"]>[0][number], "random"> {
  return {
    sequenceId,
    segments: [text("ab")],
    params: { maxNewTokens: 4, temperature: 1, topP: 1, topK: 0, stopStrings: [] },
  };
}

test("a large batch goes out in parts, and comes back as one", async () => {
  const { engine, named } = await open({
    "client/config": () => ({ fwdbwd_max_chunk_len: 2 }),
    "result:forward_backward": ({ json }) => {
      const { data } = json["forward_backward_input"] as { readonly data: readonly unknown[] };
      const first = (json["seq_id"] as number) * 10;
      return {
        loss_fn_output_type: "x",
        loss_fn_outputs: data.map((_, i) => ({ logprobs: { data: [0, -first - i, -1], dtype: "float32" } })),
        metrics: { "loss:sum": first, "entropy:sum": 1 },
      };
    },
  });
  const { loss, logprobs, entropySum } = await engine.forwardBackward(
    [1, 2, 3].map(() => datum()),
    CROSS_ENTROPY,
  );
  assert.deepEqual(
    named("forward_backward").map(({ json }) => json["seq_id"]),
    [1, 2],
  );
  assert.equal(loss, 30);
  assert.equal(entropySum, 2);
  assert.deepEqual(
    logprobs.map((one) => one[2]),
    [-10, -11, -20],
  );
});

test("a lost reply to a training request is never sent again to a server that would do it twice", async () => {
  const routes = {
    forward_backward: ({ index }: { readonly index: number }) =>
      index === 0 ? brokenConnection() : undefined,
    "result:forward_backward": fbResult([-1, -1, -1]),
  };
  const skyrl = await open(routes, { dialect: "skyrl" });
  await assert.rejects(
    skyrl.engine.forwardBackward([datum()], PPO),
    /forward_backward of model s:train:0: other side closed; whether the server took it is not known.*nothing was saved so far/,
  );
  assert.equal(skyrl.named("forward_backward").length, 1);
  await assert.rejects(skyrl.engine.optimStep(ADAMW), /load the last saved state/);
  const ours = await open(routes);
  await ours.engine.forwardBackward([datum()], PPO);
  const twice = ours.named("forward_backward");
  assert.equal(twice.length, 2);
  assert.deepEqual(twice[0]!.json, twice[1]!.json);
  const keys = twice.map(({ headers }) => headers.get("x-idempotency-key"));
  assert.ok(keys[0] !== null && keys[0] === keys[1], `${keys.join()}`);
});

test("what a server cannot do is refused before it is asked", async () => {
  const { engine, named } = await open({}, { dialect: "skyrl", capabilities: { losses: ["crossEntropy"] } });
  await assert.rejects(
    engine.forwardBackward([datum()], PPO),
    /has no loss ppo; it has crossEntropy: change train\.loss/,
  );
  const withImage = { ...datum(), tokens: Int32Array.of(97, 0, 99, 100), images: [picture(7)] };
  await assert.rejects(
    engine.forwardBackward([withImage], CROSS_ENTROPY),
    /datum 0: it has images, and .* drops images/,
  );
  assert.equal(named("forward_backward").length, 0);
});

test("of SkyRL's other backends nothing is made up for, and what they take from their own settings is said", async () => {
  const { engine, named, warnings } = await open(
    { "result:forward_backward": fbResult([-1, -1, -2]) },
    { dialect: "skyrl", backend: "fsdp" },
  );
  await engine.forwardBackward([datum(3, 0.5)], PPO);
  const input = named("forward_backward")[0]?.json["forward_backward_input"] as {
    readonly data: readonly {
      readonly loss_fn_inputs: { readonly advantages: { readonly data: number[] } };
    }[];
  };
  assert.deepEqual(input.data[0]?.loss_fn_inputs.advantages.data, [0, 0.5, 0.5]);
  await engine.optimStep(ADAMW);
  assert.deepEqual(
    warnings.map((text) => /takes the learning rate alone/.test(text)),
    [true],
  );
  await assert.rejects(engine.forwardBackward([datum()], { ...PPO, type: "cispo" }), /has no loss cispo/);
});

test("a number that the server may wait for stops the model; one that it refused itself does not", async () => {
  const refusing = (code: number): Promise<Awaited<ReturnType<typeof open>>> =>
    open({
      forward_backward: ({ index }) =>
        index === 0 ? Response.json({ detail: "no" }, { status: code }) : undefined,
    });
  const gateway = await refusing(413);
  await assert.rejects(gateway.engine.forwardBackward([datum()], PPO), /413 no; the request is too large/);
  await assert.rejects(gateway.engine.optimStep(ADAMW), /request 1 of the model did not get through/);
  await assert.rejects(gateway.engine.saveState("/nowhere"), /request 1 of the model did not get through/);
  const server = await refusing(422);
  await assert.rejects(server.engine.forwardBackward([datum()], PPO), /422 no/);
  assert.deepEqual(await step(server.engine), { gradNorm: 1 });
  assert.equal(server.named("forward_backward")[1]?.json["seq_id"], 2);
});

test("what was taken without a word of acceptance, or refused while it was waited for, may be done", async () => {
  for (const routes of [
    { forward_backward: () => ({ unexpected: true }) },
    {
      retrieve_future: ({ json }: { readonly json: object }) =>
        (json as { readonly request_id: string }).request_id === "0"
          ? undefined
          : Response.json({}, { status: 403 }),
    },
  ]) {
    const { engine, named } = await open(routes);
    await assert.rejects(engine.forwardBackward([datum()], PPO), /nothing was saved so far: begin anew/);
    await assert.rejects(engine.optimStep(ADAMW), /load the last saved state/);
    assert.equal(named("optim_step").length, 0);
  }
});
