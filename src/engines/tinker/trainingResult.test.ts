// What is made of a server's results for a batch, and of results that cannot be.
import assert from "node:assert/strict";
import test from "node:test";
import { NonFiniteError } from "../nonFinite.ts";
import { ADAMW, CROSS_ENTROPY, datum, fbResult, open, picture, PPO } from "./engineHarness.ts";
import { decodeForwardBackwardCallProto, encodeForwardBackwardOutputProto } from "./protocol/protobuf.ts";

test("fewer log-probabilities than positions stop the run; with an image that is said to be the reason", async () => {
  const short = fbResult([-1]);
  const { engine } = await open({ "result:forward_backward": short }, { dialect: "hosted" });
  const seen = datum();
  const image = picture(7);
  const withImage = {
    ...seen,
    tokens: Int32Array.of(97, 0, 99, 100),
    images: [image],
  };
  await assert.rejects(
    engine.forwardBackward([withImage], PPO),
    /datum 0: it gave 1 log-probabilities for 3 positions; a server that drops images/,
  );
  await assert.rejects(engine.optimStep(ADAMW), /load the last saved state/);
});

test("numbers that are not finite are refused on both sides of the wire", async () => {
  const { engine, named } = await open();
  const spoilt = { ...datum(), advantages: Float32Array.of(0, 0, NaN, 1) };
  await assert.rejects(
    engine.forwardBackward([datum(), spoilt], PPO),
    (error) =>
      error instanceof NonFiniteError && /advantages/.test(error.message) && error.details.datums?.[0] === 1,
  );
  assert.equal(named("forward_backward").length, 0);
  const nothing = await open(
    { "result:forward_backward": () => protobuf([NaN, NaN, -1]) },
    { wire: "protobuf" },
  );
  await assert.rejects(
    nothing.engine.forwardBackward([datum()], CROSS_ENTROPY),
    (error) =>
      error instanceof NonFiniteError && /on the server, a log-probability is not finite/.test(error.message),
  );
  await assert.rejects(nothing.engine.optimStep(ADAMW), /load the last saved state/);
});

test("protobuf goes both ways where the connection speaks it", async () => {
  const { engine, named } = await open(
    { "result:forward_backward": () => protobuf([-9, -1, -2]) },
    { wire: "protobuf" },
  );
  assert.deepEqual(await engine.forward([datum()]), [Float32Array.of(0, 0, -1, -2)]);
  const [sent] = named("forward_backward");
  assert.equal(sent?.headers.get("content-type"), "application/x-protobuf");
  const call = decodeForwardBackwardCallProto(sent!.bytes!);
  assert.deepEqual(
    [call.modelId, call.seqId, call.forwardOnly, call.lossFn],
    ["s:train:0", 1, true, "cross_entropy"],
  );
  assert.deepEqual(call.data[0]?.inputs["target_tokens"]?.data, Int32Array.of(98, 99, 100));
  assert.equal(
    named("retrieve_future").at(-1)?.headers.get("accept"),
    "application/x-protobuf, application/json",
  );
});

test("a result that cannot be read is told with the server, and no update is made of it", async () => {
  const { engine } = await open({ "result:forward_backward": () => ({ loss_fn_outputs: 7 }) });
  await assert.rejects(
    engine.forwardBackward([datum()], CROSS_ENTROPY),
    /http:\/\/tinker\.test, forward_backward of model s:train:0: its result cannot be read \(loss_fn_outputs.*nothing was saved/,
  );
  await assert.rejects(engine.optimStep(ADAMW), /load the last saved state/);
});

function protobuf(logprobs: readonly number[]): Response {
  const data = Float32Array.from(logprobs);
  const bytes = encodeForwardBackwardOutputProto({
    outputType: "x",
    outputs: [{ logprobs: { dtype: "float32", data, shape: [data.length] } }],
    metrics: {},
  });
  return new Response(Buffer.from(bytes), { headers: { "content-type": "application/x-protobuf" } });
}
