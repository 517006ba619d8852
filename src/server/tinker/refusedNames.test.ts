// Names and notes that no folder or file can have: the request's fault, and told so.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type Json,
  sampling,
  serveSmall,
  type Serving,
  smallCheckpoint,
  type SmallCheckpoint,
  type TestClient,
} from "./testClient.ts";

let checkpoint: SmallCheckpoint;
let serving: Serving;
let client: TestClient;
before(async () => {
  checkpoint = await smallCheckpoint();
  serving = await serveSmall(checkpoint);
  client = serving.client;
});
after(async () => {
  await serving.server.close();
  checkpoint.remove();
});

const LONG = "x".repeat(300);
/** Half of a character. */
const HALF = "\ud800";

describe("a path", () => {
  for (const path of [
    `tinker://m/weights/${LONG}`,
    `tinker://${LONG}/weights/a`,
    `tinker://m/weights/${HALF}`,
    `tinker://${HALF}/weights/a`,
    "tinker://m/weights/..",
  ])
    test(`${JSON.stringify(path.slice(0, 30))} is refused at once`, async () => {
      const session = await client.session();
      const { sampling_session_id: _, ...sample } = sampling("", 0, [1]);
      for (const [operation, body] of [
        ["weights_info", { tinker_path: path }],
        ["asample", { ...sample, model_path: path }],
        ["create_sampling_session", { session_id: session, sampling_session_seq_id: 0, model_path: path }],
        ["load_weights", { session_id: session, model_seq_id: 0, path, optimizer: false }],
      ] as const) {
        const { status, json } = await client.post(operation, body);
        assert.equal(status, 400, operation);
        assert.match(json["detail"] as string, /the name of a checkpoint must be|must name a model by/);
      }
      assert.deepEqual(serving.failures, []);
    });
});

test("an address with such a name is not there", async () => {
  for (const address of [
    `training_runs/${LONG}`,
    `training_runs/${LONG}/checkpoints`,
    `training_runs/m/checkpoints/weights/${LONG}/archive`,
    `training_runs/${LONG}/checkpoints/weights/a/archive`,
    `training_runs/m/checkpoints/${LONG}/archive`,
    `training_runs/m/checkpoints/weights/${LONG}/external_weights_urls`,
  ])
    assert.equal((await client.get(address)).status, 404, address);
  const deleted = await client.request("DELETE", `training_runs/m/checkpoints/weights/${LONG}`);
  assert.equal(deleted.status, 404);
  assert.deepEqual(serving.failures, []);
});

test("metadata that could not be written is refused at once; the model goes on", async () => {
  const notes = `{"a":${"[".repeat(20_000)}1${"]".repeat(20_000)}}`;
  const post = async (operation: string, body: Json): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${client.baseUrl}/api/v1/${operation}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, user_metadata: "NOTES" }).replace('"NOTES"', notes),
    });
    return { status: response.status, text: await response.text() };
  };
  const session = await client.session();
  const id = await client.model("small");
  for (const [operation, body] of [
    ["create_session", { tags: [], sdk_version: "test" }],
    ["create_model", { session_id: session, model_seq_id: 0, base_model: "small", lora_config: { rank: 4 } }],
    [
      "load_weights",
      { session_id: session, model_seq_id: 1, path: "tinker://m/weights/a", optimizer: false },
    ],
    ["save_weights", { model_id: id, seq_id: 1, path: "a" }],
    ["save_weights_for_sampler", { model_id: id, seq_id: 2, path: "a" }],
  ] as const) {
    const { status, text } = await post(operation, body);
    assert.equal(status, 400, `${operation}: ${text}`);
    assert.match(text, /user_metadata: must be nested at most 16 deep/);
  }
  const saved = await client.done("save_weights", { model_id: id, seq_id: 3, path: "a" });
  assert.equal(saved["path"], `tinker://${id}/weights/a`);
  assert.deepEqual(serving.failures, []);
});
