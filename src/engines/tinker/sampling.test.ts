// Sampling over the wire: what is asked for, of which weights, and what is done when the server hesitates.
import assert from "node:assert/strict";
import test from "node:test";
import { randomStream, restoreRandom } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import { ADAMW, open, picture, request, sampled, step, text } from "./engineHarness.ts";

const paramsOf = (json: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  json["sampling_params"] as Readonly<Record<string, unknown>>;

test("our own server gets the stream's state, and the stream moves on by what was drawn", async () => {
  const { engine, named } = await open({ "result:asample": sampled([97, 98, 1]) });
  const random = randomStream("mine");
  const expected = restoreRandom(random.state());
  const before = random.state();
  const [result] = await engine.sample([request({ random }, { topK: 5, topP: 0.9 })]);
  assert.deepEqual(result, { tokens: [97, 98, 1], logprobs: [-1, -1, -1], stop: "stop" });
  for (let i = 0; i < 3; i++) expected.next();
  assert.deepEqual(random.state(), expected.state());
  assert.deepEqual(named("asample")[0]?.json, {
    sampling_session_id: "s:sample:0",
    seq_id: 0,
    num_samples: 1,
    prompt: { chunks: [{ type: "encoded_text", tokens: [97, 98] }] },
    sampling_params: {
      max_tokens: 4,
      temperature: 1,
      top_p: 0.9,
      top_k: 5,
      stop: [1],
      random_state: [...before],
    },
    sequence: "s/one",
    together: { call: "s/0", count: 1 },
    type: "sample",
  });
});

test("other servers get a seed, one number of the stream; greedy takes none", async () => {
  for (const dialect of ["hosted", "skyrl"] as const) {
    const { engine, named } = await open({ "result:asample": sampled([97, 1]) }, { dialect });
    const random = randomStream("mine");
    const expected = restoreRandom(random.state());
    await engine.sample([request({ random })]);
    const seed = Math.floor(expected.next() * 2 ** 31);
    assert.equal(paramsOf(named("asample")[0]!.json)["seed"], seed);
    assert.deepEqual(random.state(), expected.state());
    await engine.sample([request({ random, sequenceId: "greedy" }, { temperature: 0 })]);
    assert.equal("seed" in paramsOf(named("asample")[1]!.json), false);
    assert.deepEqual(random.state(), expected.state());
  }
  const ours = await open({ "result:asample": sampled([97, 1]) });
  const random = randomStream("mine");
  const before = random.state();
  await ours.engine.sample([request({ random }, { temperature: 0 })]);
  assert.equal("random_state" in paramsOf(ours.named("asample")[0]!.json), false);
  assert.deepEqual(random.state(), before);
});

test("stops are of one kind: the end of a turn by its id alone, by its text beside strings", async () => {
  const stops = async (dialect: "pyvision" | "hosted" | "skyrl", stopStrings: string[]): Promise<unknown> => {
    const { engine, named } = await open({ "result:asample": sampled([1]) }, { dialect });
    await engine.sample([request({}, { stopStrings })]);
    return paramsOf(named("asample")[0]!.json)["stop"];
  };
  assert.deepEqual(await stops("skyrl", []), [1]);
  assert.deepEqual(await stops("skyrl", ["</code>"]), ["</code>", "<end>"]);
  assert.deepEqual(await stops("hosted", ["<end>", "x"]), ["<end>", "x"]);
  assert.deepEqual(await stops("pyvision", ["</code>"]), ["</code>"]);
});

test("requests of a call go out together, in their order, and are answered each by its own result", async () => {
  let open_ = 0;
  let most = 0;
  const { engine, named } = await open({
    asample: async () => {
      most = Math.max(most, ++open_);
      await new Promise((resolve) => setImmediate(resolve));
      open_--;
      return undefined;
    },
    "result:asample": ({ json }) => sampled([97 + (json["seq_id"] as number), 1])({} as never),
  });
  const results = await engine.sample([0, 1, 2].map((i) => request({ sequenceId: `${i}` })));
  assert.deepEqual(
    results.map(({ tokens }) => tokens[0]),
    [97, 98, 99],
  );
  assert.equal(most, 3);
  assert.deepEqual(
    named("asample").map(({ json }) => json["seq_id"]),
    [0, 1, 2],
  );
  assert.equal(named("save_weights_for_sampler").length, 1);
});

test("at most maxConcurrent are out at once", async () => {
  let open_ = 0;
  let most = 0;
  const { engine } = await open(
    {
      asample: () => void (most = Math.max(most, ++open_)),
      "result:asample": async (asked) => {
        await new Promise((resolve) => setImmediate(resolve));
        open_--;
        return sampled([1])(asked);
      },
    },
    { maxConcurrent: 3 },
  );
  await engine.sample(Array.from({ length: 10 }, (_, i) => request({ sequenceId: `${i}` })));
  assert.equal(most, 3);
});

test("'too many' is waited out, a second for a small request, and then few run at once", async () => {
  const { engine, named, pauses } = await open({
    asample: ({ index }) =>
      index === 0 ? Response.json({ detail: "slow down" }, { status: 429 }) : undefined,
    "result:asample": sampled([1]),
  });
  await engine.sample([request()]);
  assert.deepEqual(pauses, [1000]);
  const [first, second] = named("asample");
  assert.equal(first!.headers.get("x-tinker-sampling-backpressure"), "1");
  assert.deepEqual(first!.json, second!.json);
});

test("a result that the server lost is asked for anew, with a number of its own and the same seed", async () => {
  const { engine, named } = await open(
    {
      retrieve_future: ({ json }) =>
        json["request_id"] === "2" ? Response.json({}, { status: 410 }) : undefined,
      "result:asample": sampled([97, 1]),
    },
    { dialect: "hosted" },
  );
  const [result] = await engine.sample([request()]);
  assert.deepEqual(result?.tokens, [97, 1]);
  const [lost, again] = named("asample");
  assert.deepEqual([lost!.json["seq_id"], again!.json["seq_id"]], [0, 1]);
  assert.deepEqual(paramsOf(lost!.json), paramsOf(again!.json));
  assert.notEqual(lost!.headers.get("x-idempotency-key"), again!.headers.get("x-idempotency-key"));
});

test("a snapshot serves all calls until the weights change", async () => {
  const { engine, named } = await open({ "result:asample": sampled([1]) });
  const ask = (): Promise<unknown> => engine.sample([request()]);
  await ask();
  engine.release("one");
  await ask();
  await engine.optimStep(ADAMW);
  await ask();
  assert.deepEqual(
    named("asample").map(({ json }) => json["sampling_session_id"]),
    ["s:sample:0", "s:sample:0", "s:sample:1"],
  );
});

test("where a snapshot shares the place of the weights, an update waits for those who sample", async () => {
  const order: string[] = [];
  const routes = {
    "result:asample": async () => {
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
      order.push("sampled");
      return { sequences: [{ stop_reason: "stop", tokens: [1], logprobs: [-1] }] };
    },
    optim_step: () => void order.push("update"),
  };
  const skyrl = await open(routes, { dialect: "skyrl" });
  await Promise.all([skyrl.engine.sample([request()]), step(skyrl.engine)]);
  assert.deepEqual(order.splice(0), ["sampled", "update"]);
  const ours = await open(routes);
  await Promise.all([ours.engine.sample([request()]), step(ours.engine)]);
  assert.deepEqual(order, ["update", "sampled"]);
});

const seen: Segment[] = [text("a"), { type: "image", source: "prompt", image: picture(9) }, text("b")];
const withImage = { segments: seen };

test("an image goes as a picture with its tokens counted", async () => {
  const { engine, named } = await open({ "result:asample": sampled([1]) });
  await engine.sample([request(withImage)]);
  const { chunks } = named("asample")[0]!.json["prompt"] as {
    readonly chunks: readonly Record<string, unknown>[];
  };
  assert.deepEqual(
    chunks.map(({ data: _, ...chunk }) => chunk),
    [
      { type: "encoded_text", tokens: [97] },
      { type: "image", format: "png", expected_tokens: 1 },
      { type: "encoded_text", tokens: [98] },
    ],
  );
  assert.equal(
    Buffer.from(chunks[1]!["data"] as string, "base64")
      .subarray(1, 4)
      .toString(),
    "PNG",
  );
});

test("a server that may drop images is asked once how long it takes the prompt to be", async () => {
  const of = (logprobs: (number | null)[]) => (asked: Parameters<ReturnType<typeof sampled>>[0]) => ({
    ...(sampled([1])(asked) as object),
    ...(asked.json["prompt_logprobs"] === true && { prompt_logprobs: logprobs }),
  });
  const good = await open({ "result:asample": of([null, -1, -2]) }, { dialect: "hosted" });
  await good.engine.sample([request(), request({ ...withImage, sequenceId: "two" })]);
  await good.engine.sample([request({ ...withImage, sequenceId: "three" })]);
  assert.deepEqual(
    good.named("asample").map(({ json }) => json["prompt_logprobs"] ?? false),
    [true, false, false, false],
  );
  const dropping = await open({ "result:asample": of([null, -2]) }, { dialect: "hosted" });
  for (let i = 0; i < 2; i++)
    await assert.rejects(
      dropping.engine.sample([request({ ...withImage, sequenceId: `${i}` })]),
      /our prompt with an image has 3 tokens, and the server gave 2 log-probabilities for it, not 3: it drops images/,
    );
  assert.equal(dropping.named("asample").length, 2);
  const capabilities = { imagesOnSample: true };
  const skyrl = await open({ "result:asample": of([-1, -2]) }, { dialect: "skyrl", capabilities });
  await skyrl.engine.sample([request(withImage)]);
  const blind = await open({}, { dialect: "skyrl" });
  await assert.rejects(
    blind.engine.sample([request(withImage)]),
    /"one": it has images, and .* drops images/,
  );
});

test("one request that fails fails the call, when all have ended, by its name", async () => {
  const { engine } = await open({
    "result:asample": (asked) =>
      asked.json["seq_id"] === 1 ? { error: "token 99 is unknown", category: "user" } : sampled([1])(asked),
  });
  const ids = ["a", "b", "c"];
  await assert.rejects(
    engine.sample(ids.map((sequenceId) => request({ sequenceId }))),
    /asample of "b": token 99 is unknown/,
  );
  // None of them is taken for pending any more.
  engine.release("a");
  engine.release("c");
  await engine.sample(ids.map((sequenceId) => request({ sequenceId })));
});

test("sequences are asked for once at a time, and with something new", async () => {
  const { engine } = await open({ "result:asample": sampled([97, 1]) });
  const first = engine.sample([request()]);
  await assert.rejects(engine.sample([request()]), /"one": it is being sampled already/);
  await first;
  await assert.rejects(engine.sample([request()]), /"one": its 2 tokens were there before/);
  await engine.sample([request({ segments: [text("ab"), text("c")] })]);
  await assert.rejects(engine.sample([request(), request()]), /"one"/);
});

test("replies that make no sense are told by the sequence's name", async () => {
  const { engine } = await open({
    "result:asample": ({ json }) =>
      json["seq_id"] === 0
        ? { sequences: [] }
        : { sequences: [{ stop_reason: "tired", tokens: [1], logprobs: [-1] }] },
  });
  await assert.rejects(engine.sample([request()]), /sampling "one": its reply has 0 sequences/);
  await assert.rejects(
    engine.sample([request()]),
    /asample of "one": its result cannot be read \(sequences\[0\]/,
  );
});

test("a sequence that is let go while it is sampled may begin anew", async () => {
  const { engine } = await open({ "result:asample": sampled([97, 1]) });
  const first = engine.sample([request()]);
  engine.release("one");
  await first;
  await engine.sample([request()]);
});

test("a turn is never longer than the model's context has room for", async () => {
  const { engine, named } = await open({
    get_server_capabilities: () => ({ supported_models: [{ model_name: "base", max_context_length: 4 }] }),
    "result:asample": sampled([97, 98], [-1, -1], "length"),
  });
  const [short, none] = await engine.sample([
    request(),
    request({ sequenceId: "full", segments: [text("abcd")] }),
  ]);
  assert.deepEqual(short, { tokens: [97, 98], logprobs: [-1, -1], stop: "length", contextFull: true });
  assert.deepEqual(none, { tokens: [], logprobs: [], stop: "length", contextFull: true });
  assert.deepEqual(
    named("asample").map(({ json }) => paramsOf(json)["max_tokens"]),
    [2],
  );
});
