// For tests of training requests: a server with the small checkpoint, the same weights in this process, and the parts that
// requests are made of.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { encode } from "fast-png";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { hashImage } from "../../models/qwen2_5_vl/testFixtures.ts";
import {
  type Json,
  serveSmall,
  type Serving,
  smallCheckpoint,
  type SmallCheckpoint,
  type TestClient,
  training,
} from "./testClient.ts";

export let checkpoint: SmallCheckpoint;
let serving: Serving;
/** Of the server that runs while the file's tests do. */
export let client: TestClient;
/** The same weights in this process. */
export let local: EmbeddedEngine;
before(async () => {
  checkpoint = await smallCheckpoint();
  serving = await serveSmall(checkpoint, { maxModels: 100 });
  client = serving.client;
  local = await EmbeddedEngine.load(checkpoint.dir, { threads: 1 });
});
after(async () => {
  await serving.server.close();
  await local.dispose();
  checkpoint.remove();
});

export const picture = hashImage(112, 84, 5);
const png = Buffer.from(encode({ ...picture, channels: 3, depth: 8 })).toString("base64");
/** 112 × 84 pixels are 4 × 3 cells. */
export const image = { type: "image", format: "png", data: png, expected_tokens: 12 };
export const text = (...tokens: number[]): Json => ({ type: "encoded_text", tokens });
export const floats = (data: readonly number[]): Json => ({ data, dtype: "float32", shape: [data.length] });
export const ints = (data: readonly number[]): Json => ({ data, dtype: "int64", shape: [data.length] });

export function outputsOf(result: Json): number[][] {
  assert.equal(result["error"], undefined, JSON.stringify(result));
  return (
    result["loss_fn_outputs"] as { logprobs: { data: number[]; dtype: string; shape: number[] } }[]
  ).map(({ logprobs }) => {
    assert.deepEqual([logprobs.dtype, logprobs.shape], ["float32", [logprobs.data.length]]);
    return logprobs.data;
  });
}

export const metricsOf = (result: Json): Record<string, number> =>
  result["metrics"] as Record<string, number>;
export const forward = (data: readonly Json[], lossFn?: string, config?: Json): Json => ({
  forward_input: training(data, lossFn, config)["forward_backward_input"],
});
