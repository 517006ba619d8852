// What sampling requests give: seeds, stops, prompts, pictures, and weights that stay as they were saved.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encode } from "fast-png";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { decodeSampleOutputProto } from "../../engines/tinker/protocol/protobuf.ts";
import { hashImage } from "../../models/qwen2_5_vl/testFixtures.ts";
import {
  type Json,
  sampling,
  serveSmall,
  type Serving,
  smallCheckpoint,
  type SmallCheckpoint,
  type TestClient,
  textDatum,
  tokensOf,
  training,
} from "./testClient.ts";

let checkpoint: SmallCheckpoint;
let serving: Serving;
let client: TestClient;
let local: EmbeddedEngine;
let modelId: string;
let sampler: string;
let seq = 0;
before(async () => {
  checkpoint = await smallCheckpoint();
  serving = await serveSmall(checkpoint, { maxModels: 100, maxSamplerEngines: 3 });
  client = serving.client;
  local = await EmbeddedEngine.load(checkpoint.dir, { threads: 1 });
  modelId = await client.model("small");
  sampler = await client.sampler(modelId, 0);
});
after(async () => {
  await serving.server.close();
  await local.dispose();
  checkpoint.remove();
  assert.deepEqual(serving.failures, []);
});

const PROMPT = [1, 2, 3, 4];
const sample = (params: Json = {}, more: Json = {}, id = sampler): Promise<Json> =>
  client.done("asample", {
    ...sampling(id, seq++, PROMPT),
    sampling_params: { max_tokens: 8, seed: 1, temperature: 1, ...params },
    ...more,
  });
const only = (sampled: Json): { tokens: number[]; logprobs: number[]; stop_reason: string } =>
  (sampled["sequences"] as { tokens: number[]; logprobs: number[]; stop_reason: string }[])[0] ??
  assert.fail(JSON.stringify(sampled));

describe("samples", () => {
  test("are the same for one seed, others for another, and others among themselves", async () => {
    const first = await sample({ seed: 3 }, { num_samples: 4 });
    assert.deepEqual(await sample({ seed: 3 }, { num_samples: 4 }), first);
    assert.notDeepEqual(await sample({ seed: 4 }, { num_samples: 4 }), first);
    assert.equal(new Set(tokensOf(first).map(String)).size, 4);
    assert.deepEqual(tokensOf(await sample({ seed: 3 }))[0], tokensOf(first)[0]);
    const unseeded = await Promise.all(Array.from({ length: 4 }, () => sample({ seed: null })));
    assert.equal(new Set(unseeded.map((one) => String(tokensOf(one)))).size, 4);
  });

  test("have the log-probabilities of the untouched distribution at every temperature", async () => {
    for (const params of [{}, { temperature: 0.5 }, { top_k: 5 }, { top_p: 0.5 }, { temperature: 0 }]) {
      const { tokens, logprobs } = only(await sample(params));
      const all = [...PROMPT, ...tokens];
      const [expected = new Float32Array()] = await local.forward([
        {
          tokens: Int32Array.from(all),
          images: [],
          mask: new Float32Array(all.length).fill(1, PROMPT.length),
          logprobs: new Float32Array(all.length),
          advantages: new Float32Array(all.length),
        },
      ]);
      logprobs.forEach((value, i) => {
        assert.ok(Math.abs(value - (expected[PROMPT.length + i] as number)) < 1e-4, `${value}, token ${i}`);
      });
    }
  });

  test("top_k 1 is greedy, and so is temperature 0, whatever the seed", async () => {
    const greedy = tokensOf(await sample({ temperature: 0 }));
    assert.deepEqual(tokensOf(await sample({ top_k: 1, seed: 9 })), greedy);
    assert.deepEqual(tokensOf(await sample({ temperature: 0, seed: 10 })), greedy);
  });

  test("end behind the stop token or the text that was asked for, which belongs to them", async () => {
    const long = only(await sample({ max_tokens: 40, seed: 2 }));
    assert.equal(long.tokens.length, 40);
    assert.equal(long.stop_reason, "length");
    // Beyond the pieces in which tokens are looked at.
    const at = 25;
    const stop = long.tokens[at] as number;
    const end = long.tokens.indexOf(stop) + 1;
    const stopped = only(await sample({ max_tokens: 40, seed: 2, stop: [stop, 275] }));
    const cut = Math.min(end, ...(long.tokens.includes(275) ? [long.tokens.indexOf(275) + 1] : []));
    assert.deepEqual([stopped.tokens, stopped.stop_reason], [long.tokens.slice(0, cut), "stop"]);
    assert.deepEqual(
      stopped.logprobs.map((p) => p.toFixed(4)),
      long.logprobs.slice(0, cut).map((p) => p.toFixed(4)),
    );
    const text = local.codec.decode(long.tokens.slice(3, 5));
    const byText = only(await sample({ max_tokens: 40, seed: 2, stop: text }));
    assert.equal(byText.stop_reason, "stop");
    assert.ok(local.codec.decode(byText.tokens).includes(text));
    assert.ok(byText.tokens.length <= 5);
  });

  test("end with the turn, unless the list of stops is empty", async () => {
    // Trained until the turn ends at once.
    const { endOfTurnId } = local.codec;
    const trained = await client.model("small");
    const tokens = [...PROMPT, 5, 6, 7, 8, 9, 10];
    const datum = {
      model_input: { chunks: [{ type: "encoded_text", tokens }] },
      loss_fn_inputs: {
        target_tokens: {
          data: tokens.map((token, i) => (i === 3 ? endOfTurnId : token + 1)),
          dtype: "int64",
        },
        weights: { data: tokens.map((_, i) => (i === 3 ? 1 : 0)), dtype: "float32" },
      },
    };
    for (let i = 0; i < 12; i++) {
      await client.do("forward_backward", trained, training([datum, datum, datum, datum]));
      await client.step(trained, 0.05);
    }
    const ended = await client.sampler(trained, 7);
    const usual = only(await sample({ temperature: 0 }, {}, ended));
    assert.deepEqual([usual.tokens, usual.stop_reason], [[endOfTurnId], "stop"]);
    const explicit = only(await sample({ temperature: 0, stop: [endOfTurnId] }, {}, ended));
    assert.deepEqual([explicit.tokens, explicit.stop_reason], [[endOfTurnId], "stop"]);
    const endless = only(await sample({ temperature: 0, stop: [] }, {}, ended));
    assert.deepEqual(
      [endless.tokens.length, endless.tokens[0], endless.stop_reason],
      [8, endOfTurnId, "length"],
    );
  });

  test("tell the log-probabilities of the prompt, one a position, over pictures too", async () => {
    const picture = hashImage(56, 56, 3);
    const png = Buffer.from(encode({ ...picture, channels: 3, depth: 8 })).toString("base64");
    const chunks = [
      { type: "encoded_text", tokens: [1, 2] },
      { type: "image", format: "png", data: png, expected_tokens: 4 },
      { type: "encoded_text", tokens: [3, 4] },
    ];
    const pad = local.codec.imagePadId;
    const [expected = new Float32Array()] = await local.forward([
      {
        tokens: Int32Array.from([1, 2, pad, pad, pad, pad, 3, 4]),
        images: [local.codec.viewImage(picture)],
        mask: new Float32Array(8).fill(1, 1),
        logprobs: new Float32Array(8),
        advantages: new Float32Array(8),
      },
    ]);
    const whole = await sample({}, { prompt: { chunks }, prompt_logprobs: true });
    assert.deepEqual(whole["prompt_logprobs"], [null, ...expected.subarray(1)]);
    const last = await sample({}, { prompt: { chunks }, prompt_logprobs: true, prompt_logprobs_last_n: 2 });
    assert.deepEqual(
      (last["prompt_logprobs"] as (number | null)[]).map((value) => value === null),
      [true, true, true, true, true, true, false, false],
    );
    const { request_id: id } = await client.ask("asample", {
      ...sampling(sampler, seq++, [5]),
      prompt_logprobs: true,
    });
    const { bytes } = await client.result(id, "application/x-protobuf");
    assert.deepEqual(
      decodeSampleOutputProto(bytes).promptLogprobs,
      [null],
      "nothing predicts the only token",
    );
    assert.equal((await sample())["prompt_logprobs"] ?? null, null);
  });
});

describe("weights of a sampler", () => {
  /** A step far enough to change every sample. */
  const move = async (id: string): Promise<void> => {
    await client.do("forward_backward", id, training([textDatum()]));
    await client.step(id, 0.3);
  };

  test("stay as they were when the model goes on, unnamed and named", async () => {
    const id = await client.model("small");
    const unnamed = await client.sampler(id, 100);
    const { path } = await client.do("save_weights_for_sampler", id, { path: "before" });
    const session = id.split(":")[0];
    const made = { session_id: session, sampling_session_seq_id: 101, model_path: path };
    const { sampling_session_id: named } = await client.ask("create_sampling_session", made);
    const before = tokensOf(await sample({}, { num_samples: 3 }, unnamed));
    assert.deepEqual(tokensOf(await sample({}, { num_samples: 3 }, named as string)), before);
    await move(id);
    const later = await client.sampler(id, 102);
    assert.notDeepEqual(tokensOf(await sample({}, { num_samples: 3 }, later)), before);
    assert.deepEqual(tokensOf(await sample({}, { num_samples: 3 }, unnamed)), before);
    assert.deepEqual(tokensOf(await sample({}, { num_samples: 3 }, named as string)), before);
    const direct = { sampling_session_id: null, seq_id: null, num_samples: 3 };
    assert.deepEqual(tokensOf(await sample({}, { ...direct, model_path: path })), before);
    assert.deepEqual(
      tokensOf(await sample({}, { ...direct, base_model: "small" })),
      before,
      "of the base, too",
    );
  });

  test("are those of the moment also for samples that are under way when the model changes", async () => {
    const id = await client.model("small");
    const first = await client.sampler(id, 103);
    const params = { max_tokens: 60, seed: 5, temperature: 1, stop: [275] };
    const body = { ...sampling(first, 0, PROMPT), num_samples: 4, sampling_params: params };
    const expected = tokensOf(await client.done("asample", { ...body, seq_id: 1 }));
    const { request_id: asked } = await client.ask("asample", { ...body, seq_id: 2 });
    const moved = move(id);
    const { request_id: late } = await client.ask("asample", { ...body, seq_id: 3 });
    await moved;
    assert.deepEqual(tokensOf((await client.result(asked)).json), expected);
    assert.deepEqual(tokensOf((await client.result(late)).json), expected);
  });

  test("of unnamed ones that were not asked for longest are given up, and named ones come back from disk", async () => {
    const id = await client.model("small");
    const { path } = await client.do("save_weights_for_sampler", id, { path: "kept" });
    const samplers: string[] = [];
    for (let i = 0; i < 5; i++) {
      samplers.push(await client.sampler(id, 110 + i));
      await move(id);
    }
    const direct = { sampling_session_id: null, seq_id: null };
    assert.equal(only(await sample({}, { ...direct, model_path: path })).tokens.length > 0, true);
    const gone = await sample({}, {}, samplers[0]);
    assert.equal(gone["category"], "user");
    assert.match(
      gone["error"] as string,
      /^the weights of this sampler are no longer kept: .*give the save a name/,
    );
    assert.ok(only(await sample({}, {}, samplers[4])).tokens.length > 0);
  });

  test("go with the session, and an ended model's samplers stay until then", async () => {
    const session = await client.session();
    const id = await client.model("small", session);
    const own = await client.sampler(id, 0);
    const before = tokensOf(await sample({}, {}, own));
    assert.equal((await client.done("unload_model", { model_id: id }))["status"], "unloaded");
    assert.deepEqual(tokensOf(await sample({}, {}, own)), before);
    const info = await client.post("get_info", { model_id: id });
    assert.deepEqual([info.status, /it was unloaded/.test(info.json["detail"] as string)], [404, true]);
    await client.ask(`sessions/${session}/finish`, { reason: { type: "success" }, detail: null });
    assert.equal((await client.post("asample", sampling(own, 99, PROMPT))).status, 404);
  });
});

describe("what is refused", () => {
  for (const [name, change, message] of [
    [
      "a prompt that is too long",
      { sampling_params: { max_tokens: 100_000 } },
      /^prompt: this model's context is \d+ tokens: 4 in the prompt and 100000 to be sampled/,
    ],
    [
      "another number of image tokens",
      {
        prompt: {
          chunks: [
            { type: "encoded_text", tokens: [1] },
            {
              type: "image",
              format: "png",
              data: Buffer.from(encode({ ...hashImage(56, 56, 3), channels: 3, depth: 8 })).toString(
                "base64",
              ),
              expected_tokens: 5,
            },
          ],
        },
      },
      /^expected_tokens: Expected 5 tokens, got 4 from image/,
    ],
    [
      "likeliest tokens of the prompt",
      { prompt_logprobs: true, topk_prompt_logprobs: 2 },
      /^topk_prompt_logprobs: must be 0/,
    ],
    [
      "one stream for several samples",
      { num_samples: 2, sampling_params: { max_tokens: 2, random_state: [1, 2, 3, 4] } },
      /^num_samples: must be 1 with random_state/,
    ],
    [
      "a token beyond the vocabulary",
      { prompt: { chunks: [{ type: "encoded_text", tokens: [99_999] }] } },
      /99999/,
    ],
  ] as const)
    test(`${name}, by the result`, async () => {
      const result = await sample({}, change as Json);
      assert.equal(result["category"], "user", JSON.stringify(result));
      assert.match(result["error"] as string, message);
    });

  for (const [name, change, loc] of [
    ["stops of two kinds", { sampling_params: { max_tokens: 2, stop: [1, "a"] } }, "sampling_params.stop"],
    ["no prompt", { prompt: { chunks: [] } }, "prompt"],
    [
      "an empty text",
      { prompt: { chunks: [{ type: "encoded_text", tokens: [] }] } },
      "prompt.chunks[0].tokens",
    ],
    ["what this server does not have", { prompt_alt_tokens_k: 2 }, "prompt_alt_tokens_k"],
    [
      "a parameter that is not known",
      { sampling_params: { max_tokens: 2, min_p: 0.1 } },
      "sampling_params.min_p",
    ],
    ["no sampler", { sampling_session_id: null }, "sampling_session_id"],
    [
      "a random state that is none",
      { sampling_params: { max_tokens: 2, random_state: [1, 2, 3] } },
      "sampling_params.random_state",
    ],
  ] as const)
    test(`${name}, at once or by the result`, async () => {
      const { status, json } = await client.post("asample", {
        ...sampling(sampler, seq++, PROMPT),
        ...change,
      });
      if (status === 200) {
        const { error, category } = (await client.result(json["request_id"])).json;
        assert.equal(category, "user");
        assert.ok((error as string).startsWith(loc), error as string);
        return;
      }
      assert.equal(status, 422);
      const [{ loc: where = [] } = {}] = json["detail"] as { loc?: string[] }[];
      assert.ok(where[1]?.startsWith(loc), where.join(" "));
    });

  test("samplers and paths that are not there", async () => {
    for (const [body, status] of [
      [sampling("gone", 0, PROMPT), 404],
      [
        {
          ...sampling(sampler, 0, PROMPT),
          sampling_session_id: null,
          model_path: "tinker://x/sampler_weights/y",
        },
        404,
      ],
      [{ ...sampling(sampler, 0, PROMPT), sampling_session_id: null, model_path: "x" }, 400],
      [{ ...sampling(sampler, 0, PROMPT), sampling_session_id: null, base_model: "other" }, 400],
    ] as const)
      assert.equal((await client.post("asample", body)).status, status, JSON.stringify(body));
  });
});
