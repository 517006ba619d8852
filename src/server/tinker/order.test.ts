// Requests of a model: executed in the order of their numbers, each once, whatever order they come in and how often.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type Json,
  sampling,
  serveSmall,
  type Serving,
  smallCheckpoint,
  type SmallCheckpoint,
  textDatum,
  training,
} from "./testClient.ts";

let checkpoint: SmallCheckpoint;
let serving: Serving;
before(async () => {
  checkpoint = await smallCheckpoint();
  serving = await serveSmall(checkpoint, { holdMs: 100, maxModels: 100 });
});
after(async () => {
  await serving.server.close();
  checkpoint.remove();
});

const adam = (learningRate: number): Json => ({ adam_params: { learning_rate: learningRate, eps: 1e-8 } });

/** ln p of the twelve targets under the model's weights. */
async function logprobs(modelId: string, seq: number): Promise<number[]> {
  const body = { forward_input: training([textDatum()])["forward_backward_input"] };
  const { loss_fn_outputs: outputs } = await serving.client.done("forward", {
    model_id: modelId,
    seq_id: seq,
    ...body,
  });
  return (outputs as { logprobs: { data: number[] } }[])[0]?.logprobs.data ?? [];
}

/** What a model comes to by two steps on one datum and one on another, asked for one after the other. */
async function inOrder(): Promise<number[]> {
  const { client } = serving;
  const modelId = await client.model("small");
  await client.do("forward_backward", modelId, training([textDatum(1)]));
  await client.step(modelId, 0.01);
  await client.do("forward_backward", modelId, training([textDatum(40)]));
  await client.step(modelId, 0.02);
  return logprobs(modelId, 5);
}

describe("the order of a model's requests", () => {
  test("is that of their numbers, not of their arrival", async () => {
    const { client } = serving;
    const expected = await inOrder();
    const modelId = await client.model("small");
    const bodies: [string, Json][] = [
      ["forward_backward", training([textDatum(1)])],
      ["optim_step", adam(0.01)],
      ["forward_backward", training([textDatum(40)])],
      ["optim_step", adam(0.02)],
    ];
    const ids: unknown[] = [];
    for (const seq of [4, 2, 3, 1]) {
      const [path, body] = bodies[seq - 1] as [string, Json];
      if (seq === 1) {
        // Nothing of it is done before the first is there.
        const waiting = await client.post("retrieve_future", { request_id: ids[0] });
        assert.deepEqual(waiting.json, {
          type: "try_again",
          request_id: ids[0],
          queue_state: "active",
          queue_state_reason: "the request with seq_id 1 has not come",
        });
      }
      ids.push((await client.ask(path, { model_id: modelId, seq_id: seq, ...body }))["request_id"]);
    }
    for (const id of ids) assert.equal((await client.result(id)).json["error"], undefined);
    assert.deepEqual(await logprobs(modelId, 5), expected);
  });

  test("holds when all come at once, and each twice", async () => {
    const { client } = serving;
    const expected = await inOrder();
    const modelId = await client.model("small");
    const all: [string, Json][] = [
      ["optim_step", { seq_id: 4, ...adam(0.02) }],
      ["forward_backward", { seq_id: 3, ...training([textDatum(40)]) }],
      ["optim_step", { seq_id: 2, ...adam(0.01) }],
      ["forward_backward", { seq_id: 1, ...training([textDatum(1)]) }],
    ];
    const twice = await Promise.all(
      [...all, ...all].map(([path, body]) => client.ask(path, { model_id: modelId, ...body })),
    );
    const ids = twice.map(({ request_id: id }) => id);
    assert.deepEqual(ids.slice(4), ids.slice(0, 4));
    assert.equal(new Set(ids).size, 4);
    assert.deepEqual(await logprobs(modelId, 5), expected);
  });

  test("a request that comes again after its result was fetched has the same result and is not done again", async () => {
    const { client } = serving;
    const modelId = await client.model("small");
    const body = { model_id: modelId, seq_id: 1, ...training([textDatum()]) };
    const first = await client.done("forward_backward", body);
    assert.deepEqual(await client.done("forward_backward", body), first);
    const once = await client.done("optim_step", { model_id: modelId, seq_id: 2, ...adam(0.01) });
    const other = await client.model("small");
    await client.do("forward_backward", other, training([textDatum()]));
    assert.deepEqual(await client.step(other, 0.01), once, "the gradient was added once");
  });

  test("a number that another request had is refused, and tried no more", async () => {
    const { client } = serving;
    const modelId = await client.model("small");
    await client.done("optim_step", { model_id: modelId, seq_id: 1, ...adam(0.01) });
    for (const [path, body] of [
      ["optim_step", adam(0.02)],
      ["forward_backward", training([textDatum()])],
      ["save_weights", { path: "a" }],
    ] as const) {
      const { status, json, headers } = await client.post(path, { model_id: modelId, seq_id: 1, ...body });
      assert.equal(status, 409);
      assert.match(
        json["detail"] as string,
        /^seq_id 1 was used by another request; the next one to be executed is 2/,
      );
      assert.equal(headers.get("x-should-retry"), "false");
      assert.ok(Number(headers.get("content-length")) > 0);
    }
    const far = await client.post("optim_step", { model_id: modelId, seq_id: 1_000_000, ...adam(0.02) });
    assert.equal(far.status, 400);
    assert.match(
      far.json["detail"] as string,
      /^seq_id: must be less than \d+, as the next one to be executed is 2; got 1000000/,
    );
  });

  test("a request that is refused at once uses up its number: those after it go on", async () => {
    const { client } = serving;
    const modelId = await client.model("small");
    const bad = await client.post("optim_step", {
      model_id: modelId,
      seq_id: 1,
      adam_params: { learning_rate: "x" },
    });
    assert.equal(bad.status, 422);
    assert.deepEqual(bad.json["detail"], [
      {
        type: "value_error",
        loc: ["body", "adam_params.learning_rate"],
        msg: "must be a finite number",
        input: 'adam_params.learning_rate: must be a finite number, received "x"',
      },
    ]);
    // model_id, seq_id 2, and a datum that is cut off.
    const id = Buffer.from(modelId);
    const broken = Buffer.concat([Buffer.from([0x0a, id.length]), id, Buffer.from([0x10, 2, 0x1a, 99, 1])]);
    assert.equal((await client.post("forward_backward", broken)).status, 422);
    const done = await client.done("optim_step", { model_id: modelId, seq_id: 3, ...adam(0.01) });
    assert.deepEqual(done, { metrics: { grad_norm: 0 }, type: "optim_step" });
    const again = await client.post("optim_step", { model_id: modelId, seq_id: 1, ...adam(0.01) });
    assert.match(again.json["detail"] as string, /^seq_id 1 belongs to a request that was refused/);
  });

  test("requests may follow before the model is loaded", async () => {
    const { client } = serving;
    const session = await client.session();
    const create = { session_id: session, model_seq_id: 0, base_model: "small", lora_config: { rank: 4 } };
    const { request_id: created } = await client.ask("create_model", create);
    const { request_id: trained } = await client.ask("forward_backward", {
      model_id: `${session}:train:0`,
      seq_id: 1,
      ...training([textDatum()]),
    });
    const { loss_fn_outputs: outputs } = (await client.result(trained)).json;
    assert.equal((outputs as unknown[]).length, 1);
    assert.equal((await client.result(created)).json["model_id"], `${session}:train:0`);
    // Asked for again it is the same model; another one does not take its number.
    assert.equal((await client.ask("create_model", create))["request_id"], created);
    const other = await client.post("create_model", { ...create, lora_config: { rank: 5 } });
    assert.equal(other.status, 409);
  });

  test("several models at once do not disturb one another", async () => {
    const { client } = serving;
    const expected = await inOrder();
    const train = async (): Promise<number[]> => {
      const modelId = await client.model("small");
      const ids = await Promise.all([
        client.ask("forward_backward", { model_id: modelId, seq_id: 1, ...training([textDatum(1)]) }),
        client.ask("optim_step", { model_id: modelId, seq_id: 2, ...adam(0.01) }),
        client.ask("forward_backward", { model_id: modelId, seq_id: 3, ...training([textDatum(40)]) }),
        client.ask("optim_step", { model_id: modelId, seq_id: 4, ...adam(0.02) }),
      ]);
      for (const { request_id: id } of ids) await client.result(id);
      return logprobs(modelId, 5);
    };
    // One of them goes wrong all the time.
    const failing = async (): Promise<void> => {
      const modelId = await client.model("small");
      for (let i = 0; i < 4; i++) {
        const { error } = await client.do("forward_backward", modelId, training([textDatum()], "dro"));
        assert.match(error as string, /^loss_fn: must be one of/);
        await client.step(modelId);
      }
    };
    const [a, b] = await Promise.all([train(), train(), failing()]);
    assert.deepEqual([a, b], [expected, expected]);
  });
});

describe("requests that name themselves", () => {
  test("get the same reply when they come again, and are refused with another body", async () => {
    const { client } = serving;
    const key = { "x-idempotency-key": "key-1" };
    const body = { tags: ["a"], sdk_version: "test" };
    const first = await client.post("create_session", body, key);
    const again = await client.post("create_session", body, key);
    assert.deepEqual(again.json, first.json);
    assert.notDeepEqual((await client.post("create_session", body)).json, first.json, "without the key");
    const other = await client.post("create_session", { ...body, tags: [] }, key);
    assert.equal(other.status, 409);
    assert.match(
      other.json["detail"] as string,
      /^X-Idempotency-Key: this key was sent with another request/,
    );
    // What was refused may be sent again with its key.
    const sampleKey = { "x-idempotency-key": "key-2" };
    const missing = await client.post("asample", sampling("gone", 0, [1]), sampleKey);
    assert.equal(missing.status, 404);
    assert.equal((await client.post("asample", sampling("gone", 0, [1]), sampleKey)).status, 404);
  });

  test("samples of one number are sampled once, and another body is refused", async () => {
    const { client } = serving;
    const modelId = await client.model("small");
    const sampler = await client.sampler(modelId, 0);
    const first = await client.ask("asample", sampling(sampler, 10 ** 12, [1, 2, 3]));
    assert.deepEqual(first["sample_sequence_ids"], [`${first["request_id"] as string}-0`]);
    assert.deepEqual(await client.ask("asample", sampling(sampler, 10 ** 12, [1, 2, 3])), first);
    const other = await client.post("asample", sampling(sampler, 10 ** 12, [1, 2, 4]));
    assert.equal(other.status, 409);
  });
});
