// Checkpoints: what is saved is loaded to the bit, outlives the server, can be listed, fetched and deleted, and is never half
// there.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { type IncomingMessage, request as startRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { unpackTar } from "modern-tar/fs";
import { CheckpointStore } from "./store.ts";
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
before(async () => {
  checkpoint = await smallCheckpoint();
  serving = await serveSmall(checkpoint, { maxModels: 100 });
  client = serving.client;
});
after(async () => {
  await serving.server.close();
  checkpoint.remove();
});

async function train(id: string, first: number, by = client): Promise<Json> {
  await by.do("forward_backward", id, training([textDatum(first)]));
  return by.step(id, 0.02);
}

async function logprobs(id: string, by = client): Promise<unknown> {
  const body = { forward_input: training([textDatum()])["forward_backward_input"] };
  return (await by.do("forward", id, body))["loss_fn_outputs"];
}

async function loaded(path: unknown, optimizer: boolean, by = client): Promise<string> {
  const result = await by.done("load_weights", {
    session_id: await by.session(),
    model_seq_id: 3,
    path,
    optimizer,
  });
  assert.deepEqual([result["path"], result["type"]], [path, "load_weights"], JSON.stringify(result));
  return result["model_id"] as string;
}

describe("a state that is loaded", () => {
  test("goes on exactly, with its optimiser; without, from the same weights", async () => {
    const id = await client.model("small");
    await train(id, 1);
    const { path } = await client.do("save_weights", id, { path: "one" });
    assert.equal(path, `tinker://${id}/weights/one`);
    const saved = await logprobs(id);
    await train(id, 40);
    const next = await logprobs(id);
    const whole = await loaded(path, true);
    assert.match(whole, /^[0-9a-f]{16}:train:3$/);
    assert.deepEqual(await logprobs(whole), saved);
    await train(whole, 40);
    assert.deepEqual(await logprobs(whole), next);
    const weightsOnly = await loaded(path, false);
    assert.deepEqual(await logprobs(weightsOnly), saved);
    await train(weightsOnly, 40);
    assert.notDeepEqual(await logprobs(weightsOnly), next, "the moments are new");
  });

  test("may be loaded into a model that is there, as its first request only", async () => {
    const id = await client.model("small");
    await train(id, 1);
    const { path } = await client.do("save_weights", id, { path: "two" });
    const other = await client.model("small");
    assert.equal((await client.do("load_weights", other, { path, optimizer: true }))["model_id"], other);
    assert.deepEqual(await logprobs(other), await logprobs(id));
    const late = await client.do("load_weights", other, { path, optimizer: true });
    assert.equal(late["category"], "user");
    assert.match(late["error"] as string, /^load_weights: must be a model's first request \(seq_id 1\)/);
  });

  test("is refused when it is not there, not one of training, or nowhere to be found", async () => {
    const id = await client.model("small");
    const { path } = await client.do("save_weights_for_sampler", id, { path: "sampler" });
    const session = await client.session();
    const load = (modelSeq: number, from: unknown): Promise<Json> =>
      client.done("load_weights", {
        session_id: session,
        model_seq_id: modelSeq,
        path: from,
        optimizer: true,
      });
    assert.match((await load(0, path))["error"] as string, /has no optimiser state/);
    assert.match(
      (await load(1, `tinker://${id}/weights/gone`))["error"] as string,
      /^there is no checkpoint tinker:/,
    );
    // The number is free again.
    assert.equal((await client.model("small", session, 1)).endsWith(":train:1"), true);
    const broken = { session_id: session, model_seq_id: 2, path: "weights/one", optimizer: true };
    assert.equal((await client.post("load_weights", broken)).status, 400);
  });
});

describe("names", () => {
  test("are taken once, and overwritten where that is asked for", async () => {
    const id = await client.model("small");
    await client.do("save_weights", id, { path: "a" });
    const before = await logprobs(await loaded(`tinker://${id}/weights/a`, false));
    await train(id, 1);
    const taken = await client.do("save_weights", id, { path: "a" });
    assert.equal(taken["category"], "user");
    assert.match(
      taken["error"] as string,
      /\/weights\/a is there already; take another name, or overwrite it/,
    );
    assert.deepEqual(await logprobs(await loaded(`tinker://${id}/weights/a`, false)), before);
    await client.do("save_weights", id, { path: "a", overwrite: true });
    assert.deepEqual(await logprobs(await loaded(`tinker://${id}/weights/a`, false)), await logprobs(id));
    // The other kind has names of its own.
    const sampler = await client.do("save_weights_for_sampler", id, { path: "a" });
    assert.equal(sampler["path"], `tinker://${id}/sampler_weights/a`);
  });

  for (const name of ["../x", "a/b", ".hidden", "", "a\0b", "x".repeat(300)])
    test(`${JSON.stringify(name.slice(0, 10))} is none`, async () => {
      const id = await client.model("small");
      const { status } = await client.post("save_weights", { model_id: id, seq_id: 1, path: name });
      assert.ok(status === 400 || status === 422, `${status}`);
    });
});

describe("lists", () => {
  test("of runs and their checkpoints, in the protocol's words", async () => {
    const session = await client.session();
    const create = { session_id: session, model_seq_id: 0, base_model: "small", lora_config: { rank: 4 } };
    await client.done("create_model", { ...create, user_metadata: { renderer_name: "r" } });
    const id = `${session}:train:0`;
    await client.do("save_weights", id, { path: "a", user_metadata: { step: 3 } });
    await client.do("save_weights_for_sampler", id, { path: "b", ttl_seconds: 3600 });
    const { json: run } = await client.get(`training_runs/${id}?access_scope=owned`);
    const { last_request_time: time, last_checkpoint: last, last_sampler_checkpoint: sampler, ...rest } = run;
    assert.deepEqual(rest, {
      training_run_id: id,
      base_model: "small",
      model_owner: "local",
      is_lora: false,
      lora_rank: 4,
      corrupted: false,
      user_metadata: { renderer_name: "r" },
    });
    assert.ok(!Number.isNaN(Date.parse(time as string)));
    const { time: savedAt, size_bytes: size, ...state } = last as Json;
    assert.deepEqual(state, {
      checkpoint_id: "weights/a",
      checkpoint_type: "training",
      tinker_path: `tinker://${id}/weights/a`,
      public: false,
      user_metadata: { step: "3" },
    });
    assert.ok(!Number.isNaN(Date.parse(savedAt as string)) && (size as number) > 10_000);
    assert.equal((sampler as Json)["checkpoint_id"], "sampler_weights/b");
    const lives =
      Date.parse((sampler as Json)["expires_at"] as string) - Date.parse((sampler as Json)["time"] as string);
    assert.equal(lives, 3_600_000);
    const { json: own } = await client.get(`training_runs/${id}/checkpoints`);
    assert.deepEqual(new Set((own["checkpoints"] as Json[]).map((one) => one["checkpoint_id"])), new Set(["weights/a", "sampler_weights/b"])); // prettier-ignore
    const { json: all } = await client.get("checkpoints?limit=1&offset=0");
    assert.equal((all["checkpoints"] as Json[]).length, 1);
    const { total_count: total } = all["cursor"] as { total_count: number };
    assert.ok(total >= 2);
    const { json: runs } = await client.get("training_runs?limit=2&offset=0");
    assert.equal((runs["training_runs"] as Json[])[0]?.["training_run_id"], id, "the newest first");
    assert.deepEqual(await client.ask("weights_info", { tinker_path: `tinker://${id}/weights/a` }), {
      base_model: "small",
      is_lora: false,
      lora_rank: 4,
    });
    assert.equal((await client.get("training_runs/gone")).status, 404);
    assert.equal((await client.post("weights_info", { tinker_path: "tinker://x/weights/y" })).status, 404);
  });

  test("lose what is deleted; a sampler of it is told so", async () => {
    const id = await client.model("small");
    const { path } = await client.do("save_weights_for_sampler", id, { path: "a" });
    await train(id, 1);
    const made = { session_id: await client.session(), sampling_session_seq_id: 0, model_path: path };
    const { sampling_session_id: sampler } = await client.ask("create_sampling_session", made);
    const address = `training_runs/${id}/checkpoints/sampler_weights/a`;
    assert.equal((await client.request("DELETE", address)).status, 204);
    assert.equal((await client.request("DELETE", address)).status, 404);
    assert.equal(
      (await client.post("create_sampling_session", { ...made, sampling_session_seq_id: 1 })).status,
      404,
    );
    const { error } = await client.done("asample", sampling(sampler as string, 0, [1, 2]));
    assert.match(error as string, /sampler_weights\/a was deleted/);
  });
});

describe("downloads", () => {
  test("an archive, by an address that is good without the key", async (t) => {
    const keyed = await serveSmall(checkpoint, { key: "tml-secret" });
    t.after(() => keyed.server.close());
    const id = await keyed.client.model("small");
    await keyed.client.do("save_weights_for_sampler", id, { path: "b" });
    const asked = await keyed.client.get(`training_runs/${id}/checkpoints/sampler_weights/b/archive`);
    assert.equal(asked.status, 302);
    const location = asked.headers.get("location") ?? "";
    assert.ok(Date.parse(asked.headers.get("expires") ?? "") > Date.now());
    const bare = await keyed.client.get(`training_runs/${id}/checkpoints/b/archive`);
    assert.equal(bare.status, 302);
    const response = await fetch(location);
    assert.equal(response.status, 200);
    const into = mkdtempSync(join(tmpdir(), "tinker-archive-"));
    t.after(() => rmSync(into, { recursive: true }));
    await pipeline(Readable.from([Buffer.from(await response.arrayBuffer())]), unpackTar(into));
    const weights = readFileSync(join(into, "model.safetensors"));
    assert.deepEqual(weights, readFileSync(join(checkpoint.dir, "model.safetensors")));
    assert.ok(readdirSync(into).includes("tokenizer.json"));
    for (const [from, to] of [
      ["what=archive", "what=file%2Fmodel.safetensors"],
      ["name=b", "name=c"],
      [/expires=\d+/, "expires=9999999999999"],
      [/token=.*/, "token="],
    ] as const)
      assert.equal((await fetch(location.replace(from, to))).status, 403, to);
    const gone = await keyed.client.get(`training_runs/${id}/checkpoints/sampler_weights/c/archive`);
    assert.equal(gone.status, 404);
  });

  test("single files of weights for other programs", async () => {
    const id = await client.model("small");
    const saved = await client.do("save_weights_external", id, { path: "x" });
    assert.equal(saved["path"], `tinker://${id}/external_weights/x`);
    const { json } = await client.get(
      `training_runs/${id}/checkpoints/external_weights/x/external_weights_urls`,
    );
    const urls = json["urls"] as Record<string, string>;
    assert.deepEqual(Object.keys(urls).sort(), ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"]); // prettier-ignore
    const response = await fetch(urls["model.safetensors"] as string);
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.deepEqual(bytes, readFileSync(join(checkpoint.dir, "model.safetensors")));
    assert.ok(Date.parse(json["expires"] as string) > Date.now());
  });
});

for (const whole of [true, false])
  test(`a server ends though a client has stopped to take its ${whole ? "archive" : "file"}`, async (t) => {
    const ending = await serveSmall(checkpoint);
    const id = await ending.client.model("small");
    await ending.client.do("save_weights_external", id, { path: "x" });
    // More than the sockets in between hold.
    const dir = join(checkpoint.storeDir, encodeURIComponent(id), "external_weights", "x");
    writeFileSync(join(dir, "large.bin"), "");
    truncateSync(join(dir, "large.bin"), 2 ** 26);
    const at = `training_runs/${id}/checkpoints/external_weights/x`;
    const { json } = await ending.client.get(`${at}/external_weights_urls`);
    const file = (json["urls"] as Record<string, string>)["large.bin"] ?? "";
    const archive = (await ending.client.get(`${at}/archive`)).headers.get("location") ?? "";
    const asked = startRequest(whole ? archive : file).end();
    asked.on("error", () => undefined);
    t.after(() => asked.destroy());
    const response = await new Promise<IncomingMessage>((resolve) => asked.on("response", resolve));
    response.on("error", () => undefined);
    await sleep(100);
    const closed = ending.server.close().then(() => true);
    assert.equal(await Promise.race([closed, sleep(60_000, false, { ref: false })]), true);
    asked.destroy();
    await closed;
    assert.deepEqual(ending.failures, []);
  });

test("another run of the server has the checkpoints, and none of the models, sessions and results", async (t) => {
  const first = await serveSmall(checkpoint);
  const id = await first.client.model("small");
  await train(id, 1, first.client);
  const { path } = await first.client.do("save_weights", id, { path: "kept" });
  const named = await first.client.do("save_weights_for_sampler", id, { path: "kept" });
  const expected = await logprobs(id, first.client);
  const direct = { sampling_session_id: null, seq_id: null, model_path: named["path"] };
  const tokens = tokensOf(await first.client.done("asample", { ...sampling("", 0, [1, 2, 3]), ...direct }));
  const { request_id: result } = await first.client.ask("asample", { ...sampling("", 0, [1]), ...direct });
  await first.client.result(result);
  await first.server.close();

  const second = await serveSmall(checkpoint);
  t.after(() => second.server.close());
  const { client: again } = second;
  assert.equal((await again.post("retrieve_future", { request_id: result })).status, 410);
  const lost = await again.post("optim_step", { model_id: id, seq_id: 9, adam_params: {} });
  assert.deepEqual([lost.status, /models end with the server; checkpoints outlive them/.test(lost.json["detail"] as string)], [404, true]); // prettier-ignore
  assert.equal((await again.post("session_heartbeat", { session_id: id.split(":")[0] })).status, 404);
  assert.deepEqual(await logprobs(await loaded(path, true, again), again), expected);
  assert.deepEqual(
    tokensOf(await again.done("asample", { ...sampling("", 0, [1, 2, 3]), ...direct })),
    tokens,
  );
  const { json } = await again.get(`training_runs/${id}/checkpoints`);
  assert.equal((json["checkpoints"] as Json[]).length, 2);
});

describe("a store that cannot be written", () => {
  test("fails the save and nothing else; what was saved before is there", async (t) => {
    const storeDir = mkdtempSync(join(tmpdir(), "tinker-store-"));
    t.after(() => rmSync(storeDir, { recursive: true, force: true }));
    const full = await serveSmall({ ...checkpoint, storeDir });
    t.after(() => full.server.close());
    const id = await full.client.model("small");
    await full.client.do("save_weights", id, { path: "a" });
    // A file where the folder of samplers should be: no folder can be made.
    const runDir = join(storeDir, encodeURIComponent(id));
    writeFileSync(join(runDir, "sampler_weights"), "");
    const failed = await full.client.do("save_weights_for_sampler", id, { path: "b" });
    assert.equal(failed["category"], "server");
    assert.match(
      failed["error"] as string,
      /sampler_weights\/b: cannot be written in .* what was there before is unchanged$/,
    );
    assert.equal(full.failures.length, 1);
    assert.deepEqual(
      readdirSync(runDir).sort(),
      ["run.json", "sampler_weights", "weights"],
      "nothing is left behind",
    );
    await train(id, 1, full.client);
    await loaded(`tinker://${id}/weights/a`, true, full.client);
  });

  test("an overwrite that fails in the middle leaves the old one", async (t) => {
    const root = mkdtempSync(join(tmpdir(), "tinker-store-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    let now = Date.parse("2026-01-01T00:00:00Z");
    const store = new CheckpointStore(root, () => now);
    const run = { modelId: "s:train:0", baseModel: "b", rank: null, createdAt: "2026", userMetadata: null };
    await store.writeRun(run);
    const place = { modelId: run.modelId, kind: "weights", name: "a" } as const;
    const options = { overwrite: true, hasOptimizer: true, ttlSeconds: 60, userMetadata: undefined };
    const write = (text: string) => async (dir: string) => writeFileSync(join(dir, "w"), text);
    const { dir, sizeBytes } = await store.save(place, options, write("old"));
    assert.equal(sizeBytes, 3);
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const failing = async (to: string): Promise<void> => {
      writeFileSync(join(to, "w"), "half");
      throw full;
    };
    await assert.rejects(store.save(place, options, failing), /tinker:\/\/s:train:0\/weights\/a: cannot be written in .* \(the disk is full\); what was there before is unchanged/); // prettier-ignore
    assert.equal(readFileSync(join(dir, "w"), "utf8"), "old");
    await store.save(place, options, write("new"));
    assert.equal(readFileSync(join(dir, "w"), "utf8"), "new");
    assert.deepEqual(readdirSync(join(root, encodeURIComponent(run.modelId))).sort(), [
      "run.json",
      "weights",
    ]);
    now += 59_000;
    assert.ok(await store.find(place));
    await store.setExpiry(place, 120);
    now += 119_000;
    assert.ok(await store.find(place));
    now += 2000;
    assert.equal(await store.find(place), undefined, "expired");
    assert.equal(existsSync(dir), false);
    mkdirSync(join(root, "x"));
    writeFileSync(join(root, "x", "run.json"), "{");
    await assert.rejects(store.findRun("x"), /run\.json: is damaged .*; delete it/);
    assert.deepEqual(
      (await store.runs()).map(({ modelId }) => modelId),
      ["s:train:0"],
      "the others are still listed",
    );
  });
});
