// Training requests that are refused: at once or by their result, and without harm to the model.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Json, textDatum, training } from "./testClient.ts";
import {
  client,
  floats,
  forward,
  image,
  ints,
  local,
  metricsOf,
  outputsOf,
  text,
} from "./trainingHarness.ts";

describe("what is refused", () => {
  const datum = (inputs: Json, chunks: Json[] = [text(1, 2, 3)]): Json => ({
    model_input: { chunks },
    loss_fn_inputs: inputs,
  });
  const targets = ints([2, 3, 4]);
  const weights = floats([1, 1, 1]);
  for (const [name, data, lossFn, message, config] of [
    [
      "a loss that is not known",
      datum({ target_tokens: targets }),
      "dro",
      /^loss_fn: must be one of cross_entropy/,
    ],
    [
      "targets that are too few",
      datum({ target_tokens: ints([2, 3]), weights }),
      "cross_entropy",
      /^data\[0\]\.loss_fn_inputs\.target_tokens\.shape: must be \[3\]/,
    ],
    [
      "weights that are too many",
      datum({ target_tokens: targets, weights: floats([1, 1, 1, 1]) }),
      "cross_entropy",
      /weights\.shape: must be \[3\]/,
    ],
    [
      "a mask",
      datum({ target_tokens: targets, mask: weights }),
      "cross_entropy",
      /loss_fn_inputs\.mask: this loss takes only/,
    ],
    [
      "weights of a loss with advantages",
      datum({ target_tokens: targets, logprobs: weights, advantages: weights, weights }),
      "ppo",
      /loss_fn_inputs\.weights: this loss takes only target_tokens, logprobs, advantages/,
    ],
    ["no advantages", datum({ target_tokens: targets, logprobs: weights }), "ppo", /advantages: must be set/],
    [
      "a setting that is not known",
      datum({ target_tokens: targets, logprobs: weights, advantages: weights }),
      "ppo",
      /^loss_fn_config\.beta: ppo takes only/,
      { beta: 1 },
    ],
    [
      "another number of image tokens",
      datum({ target_tokens: ints(Array<number>(14).fill(1)) }, [
        text(1),
        { ...image, expected_tokens: 9 },
        text(2),
      ]),
      "cross_entropy",
      /^expected_tokens: Expected 9 tokens, got 12 from image/,
    ],
    [
      "what is no picture",
      datum({ target_tokens: ints([1, 2, 3]) }, [
        text(1),
        { ...image, data: "AAAA", expected_tokens: 1 },
        text(2),
      ]),
      "cross_entropy",
      /must be PNG or JPEG/,
    ],
    [
      "a placeholder in text",
      datum({ target_tokens: targets }, [text(1, 2, 282)]),
      "cross_entropy",
      /placeholder/,
    ],
    [
      "a token beyond the vocabulary",
      datum({ target_tokens: ints([2, 3, 100_000]) }),
      "cross_entropy",
      /100000/,
    ],
    [
      "a ratio that is not finite",
      datum({
        target_tokens: targets,
        logprobs: floats([-1000, -1000, -1000]),
        advantages: floats([-1, -1, -1]),
      }),
      "importance_sampling",
      /not finite|is Infinity|is NaN/,
    ],
  ] as const)
    test(`${name}, by the request's result; the model goes on`, async () => {
      const pad = local.codec.imagePadId;
      const fixed = JSON.parse(JSON.stringify(data).replace("282", String(pad))) as Json;
      const modelId = await client.model("small");
      const before = outputsOf(await client.do("forward", modelId, forward([textDatum()])));
      const failed = await client.do("forward_backward", modelId, training([fixed], lossFn, config));
      assert.deepEqual(Object.keys(failed).sort(), ["category", "error"]);
      assert.equal(failed["category"], "user");
      assert.match(failed["error"] as string, message);
      const step = await client.step(modelId, 1);
      assert.match(step["error"] as string, /^a forward_backward before this step has failed/);
      assert.deepEqual(outputsOf(await client.do("forward", modelId, forward([textDatum()]))), before);
      assert.deepEqual(metricsOf(await client.step(modelId, 1)), { grad_norm: 0 });
    });

  for (const [name, body, status, message] of [
    ["no data", { forward_backward_input: { loss_fn: "cross_entropy" } }, 422, /must be/],
    [
      "an empty text chunk",
      training([datum({ target_tokens: targets }, [text(1, 2, 3), text()])]),
      422,
      /empty|at least/,
    ],
    [
      "a tensor whose shape is another",
      training([datum({ target_tokens: { ...targets, shape: [4] } })]),
      422,
      /shape|must be/,
    ],
    [
      "a number that is none",
      training([datum({ target_tokens: targets, weights: { ...weights, data: [1, "x", 1] } })]),
      422,
      /must be/,
    ],
    ["neither input", {}, 422, /must have one of forward_backward_input, forward_input/],
  ] as const)
    test(`${name}, at once`, async () => {
      const modelId = await client.model("small");
      const reply = await client.post("forward_backward", { model_id: modelId, seq_id: 1, ...body });
      if (reply.status === 200) {
        // What the codec lets pass is refused by the result.
        const { error, category } = (await client.result(reply.json["request_id"])).json;
        assert.equal(category, "user");
        assert.match(error as string, message);
      } else {
        assert.equal(reply.status, status);
        assert.match(JSON.stringify(reply.json["detail"]), message);
      }
    });

  test("what comes after a failure was seen makes it good", async () => {
    const modelId = await client.model("small");
    const other = await client.model("small");
    for (const id of [modelId, other]) await client.do("forward_backward", id, training([textDatum()]));
    assert.equal(
      (await client.do("forward_backward", modelId, training([textDatum()], "dro")))["category"],
      "user",
    );
    for (const id of [modelId, other]) await client.do("forward_backward", id, training([textDatum(40)]));
    assert.deepEqual(await client.step(modelId), await client.step(other));
  });

  test("a step that was sent before its gradient failed is not taken, and the gradient is discarded", async () => {
    const modelId = await client.model("small");
    const before = outputsOf(await client.do("forward", modelId, forward([textDatum()])));
    const ask = (path: string, body: Json): Promise<Json> =>
      client.ask(path, { model_id: modelId, seq_id: client.seq(modelId), ...body });
    const sent = [
      await ask("forward_backward", training([textDatum(40)])),
      await ask("forward_backward", training([textDatum()], "dro")),
      await ask("optim_step", { adam_params: { learning_rate: 0.1 } }),
    ];
    const results = [];
    for (const { request_id: id } of sent) results.push((await client.result(id)).json);
    assert.equal(results[0]?.["error"], undefined);
    assert.equal(results[1]?.["category"], "user");
    assert.deepEqual(results[2], {
      error:
        "a forward_backward before this step has failed: the gradient was discarded, and the weights are as they were",
      category: "user",
    });
    assert.deepEqual(outputsOf(await client.do("forward", modelId, forward([textDatum()]))), before);
    assert.deepEqual(metricsOf(await client.step(modelId)), { grad_norm: 0 });
    await client.do("forward_backward", modelId, training([textDatum()]));
    assert.ok((metricsOf(await client.step(modelId))["grad_norm"] as number) > 0, "the next one is");
  });
});
