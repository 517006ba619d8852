// Everything around training and sampling: configuration, sessions, keys, limits, and how what is wrong is answered.
import assert from "node:assert/strict";
import { request as startRequest } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, watchedClock } from "../../core/testTime.ts";
import {
  type Json,
  sampling,
  serveSmall,
  type Serving,
  smallCheckpoint,
  type SmallCheckpoint,
  TestClient,
  textDatum,
  training,
} from "./testClient.ts";

let checkpoint: SmallCheckpoint;
let serving: Serving;
let client: TestClient;
before(async () => {
  checkpoint = await smallCheckpoint();
  serving = await serveSmall(checkpoint, {
    models: [
      { name: "small", dir: checkpoint.dir },
      { name: "org/other", dir: checkpoint.dir },
    ],
    maxBodyBytes: 20_000,
  });
  client = serving.client;
});
after(async () => {
  await serving.server.close();
  checkpoint.remove();
});

describe("what the server says of itself", () => {
  test("configuration that keeps the official SDK to plain HTTP and uncompressed bodies", async () => {
    const config = await client.ask("client/config", { sdk_version: "0.38.0" });
    assert.equal(config["use_pyqwest_transport"], false);
    assert.equal(config["proto_compress_fwdbwd"], false);
    assert.equal(config["pjwt_auth_enabled"], false);
    assert.equal(config["sample_use_retrieve_futures"], false);
    assert.equal(config["custom_loss_server_side"], false);
    const dynamic = await client.ask("client/dynamic_config", { sdk_version: "0.38.0" });
    assert.deepEqual(dynamic, { refresh_interval_sec: 300, sample_cancel_enabled: false });
    assert.deepEqual(await client.ask("telemetry", { events: [] }), { status: "accepted" });
  });

  test("its configuration comes on a connection of its own, which ends with it", async () => {
    const { headers } = await client.post("client/config", { sdk_version: "0.38.0" });
    assert.equal(headers.get("connection"), "close");
    assert.notEqual((await client.get("healthz")).headers.get("connection"), "close");
  });

  test("health and what it can do", async () => {
    assert.deepEqual((await client.get("healthz")).json, { status: "ok" });
    const model = { max_context_length: 128_000, trainable: true, sampleable: true };
    const { json } = await client.get("get_server_capabilities");
    const [{ max_context_length: context } = { max_context_length: 0 }] = json["supported_models"] as { max_context_length: number }[]; // prettier-ignore
    assert.ok(context > 0);
    assert.deepEqual(json, {
      supported_models: ["small", "org/other"].map((name) => ({ model_name: name, ...model, max_context_length: context })), // prettier-ignore
      extensions: ["random_state", "sequence", "together", "trained_only", "weights"],
    });
  });

  test("a model, whose name may also be its folder", async () => {
    const id = await client.model(checkpoint.dir);
    assert.deepEqual(await client.ask("get_info", { model_id: id }), {
      type: "get_info",
      model_id: id,
      model_data: { arch: "qwen2_5_vl", model_name: "small", tokenizer_id: checkpoint.dir },
      model_name: "small",
      is_lora: false,
      lora_rank: 8,
    });
    const unknown = { session_id: id.split(":")[0], model_seq_id: 7, base_model: "x" };
    const { status, json } = await client.post("create_model", unknown);
    assert.deepEqual(
      [status, json["detail"]],
      [400, 'base_model: this server has "small", "org/other"; got "x"'],
    );
  });
});

describe("sessions", () => {
  test("tell that all weights are trained, live by heartbeats, and are finished once", async () => {
    const created = await client.ask("create_session", {
      tags: [],
      sdk_version: "x",
      user_metadata: { a: 1 },
    });
    assert.match(created["info_message"] as string, /trains all weights/);
    const id = created["session_id"] as string;
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.deepEqual(await client.ask("session_heartbeat", { session_id: id }), {
      type: "session_heartbeat",
    });
    const model = await client.model("small", id);
    const sampler = await client.sampler(model, 4);
    assert.deepEqual((await client.get(`sessions/${id}`)).json, {
      training_run_ids: [model],
      sampler_ids: [sampler],
    });
    assert.deepEqual((await client.get(`samplers/${sampler}`)).json, {
      sampler_id: `${id}:sample:4`,
      base_model: "small",
      model_path: null,
    });
    assert.ok(((await client.get("sessions")).json["sessions"] as string[]).includes(id));
    const finish = { reason: { type: "success" }, detail: null };
    assert.deepEqual(await client.ask(`sessions/${id}/finish`, finish), {});
    assert.deepEqual(await client.ask(`sessions/${id}/finish`, { reason: { type: "errored" } }), {});
    const beat = await client.post("session_heartbeat", { session_id: id });
    assert.deepEqual(
      [beat.status, beat.json["detail"]],
      [410, `session ${id} has ended: it was finished (success)`],
    );
    const gone = await client.post("optim_step", { model_id: model, seq_id: 9, adam_params: {} });
    assert.deepEqual([gone.status, /its session has ended/.test(gone.json["detail"] as string)], [404, true]);
    assert.equal((await client.post("session_heartbeat", { session_id: "x" })).status, 404);
  });

  test("end when nothing is heard of them", async (t) => {
    const clock = watchedClock();
    const short = await serveSmall(checkpoint, { sessionTimeoutSeconds: 0.3, ageNow: clock.now });
    t.after(() => short.server.close());
    const [silent, alive] = [await short.client.session(), await short.client.session()];
    const model = await short.client.model("small", silent);
    const { sessions } = short.server.service;
    for (const ms of [100, 100, 100, 1]) {
      assert.ok(sessions.find(silent) !== undefined);
      clock.ms += ms;
      await short.client.ask("session_heartbeat", { session_id: alive });
      // While nothing is asked only the server's own timer looks.
      await clock.looked();
    }
    assert.equal(sessions.find(silent), undefined);
    await short.client.ask("session_heartbeat", { session_id: alive });
    const { status, json } = await short.client.post("get_info", { model_id: model });
    assert.equal(status, 404);
    assert.match(json["detail"] as string, /its session has ended \(nothing was heard of it for 0\.3 s\)/);
  });

  test("live by their requests too, and by asking for results", async (t) => {
    const clock = watchedClock();
    const options = { sessionTimeoutSeconds: 0.6, holdMs: 50, ageNow: clock.now };
    const short = await serveSmall(checkpoint, options);
    t.after(() => short.server.close());
    const at = short.client;
    const [trains, waits, samples] = [await at.model("small"), await at.model("small"), await at.session()];
    const made = { session_id: samples, sampling_session_seq_id: 0, base_model: "small" };
    const { sampling_session_id: sampler } = await at.ask("create_sampling_session", made);
    // It waits for the request before it, which never comes.
    const { request_id: waiting } = await at.ask("optim_step", {
      model_id: waits,
      seq_id: 2,
      adam_params: {},
    });
    for (let i = 0; i < 8; i++) {
      await at.ask("optim_step", { model_id: trains, seq_id: i + 1, adam_params: {} });
      await at.ask("asample", sampling(sampler as string, i, [1, 2, 3]));
      assert.equal((await at.ask("retrieve_future", { request_id: waiting }))["type"], "try_again");
      clock.ms += 150;
      await clock.looked();
    }
    for (const model of [trains, waits]) await at.ask("get_info", { model_id: model });
    await at.ask("session_heartbeat", { session_id: samples });
  });

  test("a sampling session asked for twice is one, and its number is taken by no other", async () => {
    const body = { session_id: await client.session(), sampling_session_seq_id: 0, base_model: "small" };
    const first = await client.ask("create_sampling_session", body);
    assert.deepEqual(await client.ask("create_sampling_session", body), first);
    assert.equal(
      (await client.post("create_sampling_session", { ...body, base_model: "org/other" })).status,
      409,
    );
  });
});

describe("keys and limits", () => {
  test("a missing or wrong key is refused everywhere but at healthz", async (t) => {
    const keyed = await serveSmall(checkpoint, { key: "tml-k3y" });
    t.after(() => keyed.server.close());
    const { baseUrl } = keyed.server;
    for (const [headers, message] of [
      [{}, /no key was sent: send the server's key as X-API-Key/],
      [{ "x-api-key": "tml-other" }, /the key is not the server's/],
    ] as const) {
      const stranger = new TestClient(baseUrl, headers as Record<string, string>);
      assert.equal((await stranger.get("healthz")).status, 200);
      for (const reply of [
        await stranger.post("create_session", {}),
        await stranger.post("client/config", {}),
        await stranger.post("retrieve_future", { request_id: "x" }),
        await stranger.get("training_runs"),
      ]) {
        assert.equal(reply.status, 401);
        assert.match(reply.json["detail"] as string, message);
      }
    }
    assert.ok(await keyed.client.session());
  });

  test("more models than the server takes are refused, and there is room again when one is gone", async (t) => {
    const few = await serveSmall(checkpoint, { maxModels: 2 });
    t.after(() => few.server.close());
    const session = await few.client.session();
    const first = await few.client.model("small", session, 0);
    await few.client.model("small", session, 1);
    const body = { session_id: session, model_seq_id: 2, base_model: "small" };
    const { status, json } = await few.client.post("create_model", body);
    assert.equal(status, 400);
    assert.match(
      json["detail"] as string,
      /^there are 2 models in training, as many as this server takes: unload one/,
    );
    await few.client.done("unload_model", { model_id: first });
    await few.client.model("small", session, 2);
  });

  test("whoever comes by another name or from another page is refused", async () => {
    const origin = { origin: "http://page.example" };
    const { status, json } = await client.post("create_session", { tags: [], sdk_version: "test" }, origin);
    assert.equal(status, 403);
    assert.match(json["detail"] as string, /no requests from pages of another origin/);
    const rebound = await new Promise<number | undefined>((resolve, reject) => {
      const address = `${client.baseUrl}/api/v1/sessions`;
      startRequest(address, { headers: { host: "page.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    assert.equal(rebound, 403);
  });

  test("bodies that are too long, of another kind, compressed, or broken", async () => {
    const long = await client.post("create_session", { tags: ["x".repeat(20_000)] });
    assert.equal(long.status, 413);
    const post = (body: string, headers: Record<string, string>): Promise<Response> =>
      fetch(`${client.baseUrl}/api/v1/create_session`, { method: "POST", body, headers });
    assert.equal((await post("{}", { "content-type": "text/plain" })).status, 415);
    assert.equal(
      (await post("{}", { "content-type": "application/json", "content-encoding": "zstd" })).status,
      415,
    );
    assert.equal((await post("{}", { "content-type": "application/x-protobuf" })).status, 415);
    const broken = await post("{", { "content-type": "application/json" });
    assert.equal(broken.status, 400);
    assert.match(((await broken.json()) as { detail: string }).detail, /^the body is not JSON/);
    const list = await post("[]", { "content-type": "application/json" });
    assert.equal(list.status, 422);
  });

  test("addresses that are not there, and methods that are not possible", async () => {
    for (const [method, path, status] of [
      ["GET", "nothing", 404],
      ["POST", "constructor", 404],
      ["GET", "create_session", 405],
      ["POST", "training_runs", 405],
      ["DELETE", "training_runs/x/checkpoints/other_weights/y", 404],
      ["GET", "download?token=x", 403],
      ["POST", "auth/token", 404],
    ] as const) {
      const { status: got, json } = await client.request(method, path, method === "POST" ? {} : undefined);
      assert.equal(got, status, `${method} ${path}`);
      assert.equal(typeof json["detail"], "string");
    }
    assert.equal((await fetch(`${client.baseUrl}/v1/models`)).status, 404);
  });
});

describe("results", () => {
  test("are held for, told to be tried again, kept a while, and gone then", async (t) => {
    const clock = watchedClock();
    const options = { holdMs: 60, keepMs: 400, keepFetchedMs: 100, ageNow: clock.now };
    const brief = await serveSmall(checkpoint, options);
    t.after(() => brief.server.close());
    const id = await brief.client.model("small");
    const { request_id: waiting } = await brief.client.ask("optim_step", {
      model_id: id,
      seq_id: 2,
      adam_params: {},
    });
    const before = performance.now();
    const poll = await brief.client.post("retrieve_future", { request_id: waiting });
    assert.equal(poll.json["type"], "try_again");
    assert.ok(performance.now() - before >= 50, "held");
    await brief.client.ask("optim_step", { model_id: id, seq_id: 1, adam_params: {} });
    const first = await brief.client.result(waiting);
    clock.ms += 99;
    assert.deepEqual((await brief.client.result(waiting)).json, first.json, "a reply may be lost");
    clock.ms += 1;
    const gone = await brief.client.post("retrieve_future", { request_id: waiting });
    assert.equal(gone.status, 410);
    assert.match(
      gone.json["detail"] as string,
      /its result was kept for a while and is gone; send the request again/,
    );
    for (const [unknown, status] of [
      ["abc", 404],
      [`${(waiting as string).split("-")[0]}-999`, 404],
      ["00000000-3", 410],
    ] as const)
      assert.equal(
        (await brief.client.post("retrieve_future", { request_id: unknown })).status,
        status,
        unknown,
      );
  });

  test("of a sample that are gone are sampled anew by the same request; those of training are not computed again", async (t) => {
    const clock = watchedClock();
    const brief = await serveSmall(checkpoint, { keepMs: 50, keepFetchedMs: 50, ageNow: clock.now });
    t.after(() => brief.server.close());
    const id = await brief.client.model("small");
    const sampler = await brief.client.sampler(id, 0);
    const ask = { ...sampling(sampler, 0, [1, 2]), sampling_params: { max_tokens: 3, seed: 1 } };
    const first = await brief.client.ask("asample", ask);
    const { json } = await brief.client.result(first["request_id"]);
    clock.ms += 50;
    const second = await brief.client.ask("asample", ask);
    assert.notEqual(second["request_id"], first["request_id"]);
    assert.deepEqual((await brief.client.result(second["request_id"])).json, json);
    const train = { model_id: id, seq_id: 2, ...training([textDatum()]) };
    const { request_id: trained } = await brief.client.ask("forward_backward", train);
    await brief.client.result(trained);
    clock.ms += 50;
    assert.equal((await brief.client.ask("forward_backward", train))["request_id"], trained);
  });

  test("that nobody waits for any more, and clients that go while they send, are no failures", async () => {
    const id = await client.model("small");
    const { request_id: waiting } = await client.ask("optim_step", {
      model_id: id,
      seq_id: 2,
      adam_params: {},
    });
    const controller = new AbortController();
    const poll = fetch(`${client.baseUrl}/api/v1/retrieve_future`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ request_id: waiting }),
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(poll);
    const headers = { "content-type": "application/json", "content-length": "1000" };
    const half = startRequest(`${client.baseUrl}/api/v1/asample`, { method: "POST", headers });
    half.on("error", () => undefined);
    await new Promise((resolve) => half.write("{", resolve));
    half.destroy();
    await sleep(30);
    await client.ask("optim_step", { model_id: id, seq_id: 1, adam_params: {} });
    assert.equal((await client.result(waiting)).json["type"], "optim_step");
    assert.deepEqual(serving.failures, []);
  });
});

test("the server ends: polls are let go, and what is under way is done first", async () => {
  const clock = watchedClock();
  const ending = await serveSmall(checkpoint, { ageNow: clock.now });
  const id = await ending.client.model("small");
  const { request_id: waiting } = await ending.client.ask("optim_step", {
    model_id: id,
    seq_id: 2,
    adam_params: {},
  });
  const { sessions } = ending.server.service;
  clock.ms = 1;
  const poll = ending.client.post("retrieve_future", { request_id: waiting });
  // Who asks for a result lives; then it is held.
  await eventually(() => sessions.all[0]?.lastSeen === 1, "the poll has come");
  await ending.client.ask("save_weights", { model_id: id, seq_id: 1, path: "last" });
  const closed = ending.server.close();
  const { status, json } = await poll;
  assert.ok(status === 503 || json["type"] === "optim_step", `${status}`);
  await closed;
  assert.deepEqual(ending.failures, []);
  await assert.rejects(ending.client.get("healthz"));
});

test("one line about each model, step and save", () => {
  const lines: Json = {};
  for (const line of serving.lines)
    lines[line.replaceAll(/[0-9a-f]{16}/g, "S").replace(/norm .*/, "norm N")] = true;
  assert.ok("S:train:0 created from small" in lines, JSON.stringify(lines));
});
