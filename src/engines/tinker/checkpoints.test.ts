// Saving, loading and giving up: what stays on the server, what comes into folders, and what is said when it is gone.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import {
  ADAMW,
  CROSS_ENTROPY,
  datum,
  fbResult,
  folder,
  open,
  request,
  sampled,
  step,
} from "./engineHarness.ts";
import { brokenConnection, refusedConnection } from "./stubServer.ts";
import { readTinkerFolder } from "./tinkerFolder.ts";

const archive = (): Promise<Uint8Array> =>
  packTar([{ header: { name: "config.json", size: 2, type: "file" }, body: "{}" }]);

test("a model is made with its rank, or from a checkpoint by one request; SkyRL needs two", async () => {
  const plain = await open();
  assert.deepEqual(plain.named("create_session")[0]?.json["type"], "create_session");
  assert.deepEqual(plain.named("create_model")[0]?.json, {
    session_id: "s",
    model_seq_id: 0,
    base_model: "base",
    lora_config: { rank: 8, train_unembed: true, train_mlp: true, train_attn: true },
    type: "create_model",
  });
  const init = { path: "tinker://old/weights/a", optimizer: false };
  const loaded = await open({}, {}, { init });
  assert.deepEqual(loaded.named("load_weights")[0]?.json, {
    session_id: "s",
    model_seq_id: 0,
    base_model: "base",
    path: "tinker://old/weights/a",
    optimizer: false,
    type: "load_weights",
  });
  assert.equal(loaded.named("create_model").length, 0);
  await step(loaded.engine);
  assert.equal(loaded.named("forward_backward")[0]?.json["seq_id"], 1);
  const skyrl = await open({}, { dialect: "skyrl" }, { init });
  assert.equal(skyrl.named("create_model").length, 1);
  assert.deepEqual(skyrl.named("load_weights")[0]?.json, {
    model_id: "s:train:0",
    seq_id: 1,
    path: "tinker://old/weights/a",
    optimizer: false,
    type: "load_weights",
  });
});

test("where a checkpoint brings the optimiser's state along, it is taken back, or that is said", async () => {
  const init = { path: "tinker://old/weights/a", optimizer: false };
  const jax = await open({}, { dialect: "skyrl" }, { init });
  assert.deepEqual(
    jax.named("optim_step").map(({ json }) => [json["seq_id"], json["adam_params"]]),
    [[2, { learning_rate: 0, beta1: 0, beta2: 0, eps: 1e-8, weight_decay: 0, grad_clip_norm: 0 }]],
  );
  const whole = await open({}, { dialect: "skyrl" }, { init: { ...init, optimizer: true } });
  assert.equal(whole.named("optim_step").length, 0);
  const fsdp = await open({}, { dialect: "skyrl", backend: "fsdp" }, { init });
  assert.equal(fsdp.named("optim_step").length, 0);
  assert.match(fsdp.warnings.join(), /goes on with the moments of the stage before/);
  const ours = await open({}, {}, { init });
  assert.equal(ours.named("optim_step").length, 0);
});

test("that the first updates are too large after moments were taken back is said once, where it matters", async () => {
  const init = { path: "tinker://old/weights/a", optimizer: false };
  const said = async (
    beta2: number,
    dialect: "skyrl" | "pyvision",
    begin: typeof init | undefined,
  ): Promise<number> => {
    const { engine, warnings } = await open({}, { dialect }, { init: begin });
    for (let i = 0; i < 2; i++) {
      await engine.forwardBackward([datum()], CROSS_ENTROPY);
      await engine.optimStep({ ...ADAMW, beta2 });
    }
    return warnings.filter((text) => text.includes(`with beta2 ${beta2} the first updates are several times`))
      .length;
  };
  assert.equal(await said(0.999, "skyrl", init), 1);
  assert.equal(await said(0.95, "skyrl", init), 0);
  assert.equal(await said(0.999, "skyrl", { ...init, optimizer: true }), 0);
  assert.equal(await said(0.999, "skyrl", undefined), 0);
  assert.equal(await said(0.999, "pyvision", init), 0);
});

test("a model that the server does not have is refused with those it has", async () => {
  await assert.rejects(
    open({}, { baseModel: "basis" }),
    /engine\.baseModel: the server has no model named "basis"; it has "base"/,
  );
  // A server that does not say is believed.
  await open({ get_server_capabilities: () => new Response("", { status: 404 }) }, { baseModel: "basis" });
});

test("a saved state is a name on the server; loading it makes a new model with the optimiser's state", async (t) => {
  const dir = join(await folder(t), "step 7!");
  const { engine, named } = await open({ "result:forward_backward": fbResult([-1, -1, -1]) });
  await step(engine);
  await engine.saveState(dir);
  assert.deepEqual(JSON.parse(await readFile(join(dir, "tinker.json"), "utf8")), {
    path: "tinker://s:train:0/weights/step-7-3",
    baseUrl: "http://tinker.test",
    baseModel: "base",
    dialect: "pyvision",
    rank: 8,
    step: 1,
  });
  await engine.loadState(dir);
  assert.deepEqual(named("load_weights")[0]?.json, {
    session_id: "s",
    model_seq_id: 1,
    base_model: "base",
    path: "tinker://s:train:0/weights/step-7-3",
    optimizer: true,
    type: "load_weights",
  });
  assert.deepEqual(named("unload_model")[0]?.json, { model_id: "s:train:0", type: "unload_model" });
  await engine.forwardBackward([datum()], CROSS_ENTROPY);
  assert.deepEqual(
    [named("forward_backward")[1]?.json["model_id"], named("forward_backward")[1]?.json["seq_id"]],
    ["s:train:1", 1],
  );
});

test("what is not there is refused, and the old model goes on", async (t) => {
  const dir = await folder(t);
  const { engine, named } = await open({
    "result:load_weights": () => ({ error: "no such checkpoint", category: "user" }),
  });
  await assert.rejects(
    engine.loadState(join(dir, "none")),
    /none\/tinker\.json: there is no state of a Tinker server/,
  );
  await engine.saveState(dir);
  await assert.rejects(engine.loadState(dir), /load_weights of tinker:.*: no such checkpoint/);
  await step(engine);
  assert.equal(named("optim_step")[0]?.json["model_id"], "s:train:0");
  assert.equal(named("unload_model").length, 0);
});

test("tinker.json is read strictly", async (t) => {
  const dir = await folder(t);
  const { writeFile } = await import("node:fs/promises");
  const of = async (content: string): Promise<unknown> => {
    await writeFile(join(dir, "tinker.json"), content);
    return readTinkerFolder(dir);
  };
  await assert.rejects(of("{"), /tinker\.json: it is not JSON/);
  await assert.rejects(of('{"path":"http://x"}'), /tinker\.json: path/);
});

test("calls after loadState are of the new model, also when nobody waits", async (t) => {
  const dir = await folder(t);
  const { engine, named } = await open({ "result:asample": sampled([1]) });
  await engine.saveState(dir);
  await Promise.all([
    engine.forwardBackward([datum()], CROSS_ENTROPY),
    engine.optimStep(ADAMW),
    engine.loadState(dir),
    engine.forwardBackward([datum()], CROSS_ENTROPY),
    engine.optimStep(ADAMW),
    engine.sample([request()]),
  ]);
  assert.deepEqual(
    named("optim_step").map(({ json }) => json["model_id"]),
    ["s:train:0", "s:train:1"],
  );
  assert.deepEqual(
    named("save_weights_for_sampler").map(({ json }) => json["model_id"]),
    ["s:train:1"],
  );
});

test("weights come as an archive, when it is packed, from where the server says", async (t) => {
  const dir = join(await folder(t), "weights");
  const path = "training_runs/s:train:0/checkpoints/sampler_weights/weights-2/archive";
  const { engine, requests, pauses } = await open(
    {
      [path]: ({ index }) =>
        index < 2
          ? new Response("", { status: 503 })
          : new Response("", { status: 302, headers: { location: "/api/v1/elsewhere" } }),
      elsewhere: async () => new Response(gzipSync(await archive())),
    },
    { apiKey: "tml-1" },
  );
  await engine.saveWeights(dir);
  assert.deepEqual((await readdir(dir)).sort(), ["config.json", "tinker.json"]);
  const said = await readTinkerFolder(dir);
  assert.deepEqual(
    [said.path, said.samplerPath],
    ["tinker://s:train:0/weights/weights-1", "tinker://s:train:0/sampler_weights/weights-2"],
  );
  assert.deepEqual(pauses, [30_000, 30_000]);
  assert.equal(requests.at(-1)?.headers.get("x-api-key"), "tml-1");
});

test("the key goes to the server alone, not where it points to", async (t) => {
  const dir = join(await folder(t), "weights");
  const path = "training_runs/s:train:0/checkpoints/sampler_weights/weights-2/archive";
  const elsewhere = "http://storage.test/api/v1/packed?signature=1";
  const { engine, named } = await open(
    {
      [path]: () => new Response("", { status: 302, headers: { location: elsewhere } }),
      packed: async () => new Response(Buffer.from(await archive())),
    },
    { apiKey: "tml-1" },
  );
  await engine.saveWeights(dir);
  assert.equal(named(path)[0]?.headers.get("x-api-key"), "tml-1");
  assert.equal(named("packed")[0]?.headers.get("x-api-key"), null);
});

test("a download that breaks begins anew; the hosted service gives a file at a time", async (t) => {
  const dir = join(await folder(t), "weights");
  const base = "http://files.test/api/v1";
  const list = "training_runs/s:train:0/checkpoints/external_weights/x/external_weights_urls";
  const { engine, named } = await open(
    {
      "result:save_weights_external": () => ({ path: "tinker://s:train:0/external_weights/x" }),
      [list]: () => ({ urls: { "a.json": `${base}/a`, "b.bin": `${base}/b` } }),
      a: ({ index }) => (index === 0 ? brokenConnection() : new Response("{}")),
      b: ({ index }) => new Response("bytes", { headers: { "content-length": index === 0 ? "9" : "5" } }),
    },
    { dialect: "hosted" },
  );
  await engine.saveWeights(dir);
  assert.deepEqual((await readdir(dir)).sort(), ["a.json", "b.bin", "tinker.json"]);
  assert.equal((await readTinkerFolder(dir)).samplerPath, undefined);
  assert.equal(await readFile(join(dir, "b.bin"), "utf8"), "bytes");
  assert.deepEqual([named("a").length, named("b").length], [2, 2]);
  const evil = await open(
    {
      "result:save_weights_external": () => ({ path: "tinker://s:train:0/external_weights/x" }),
      [list]: () => ({ urls: { "../a.json": `${base}/a` } }),
    },
    { dialect: "hosted" },
  );
  await assert.rejects(
    evil.engine.saveWeights(dir),
    /a file is named "\.\.\/a\.json"; only plain names are taken/,
  );
});

test("a server that lost the model is told with the last saved state", async (t) => {
  const dir = await folder(t);
  const gone = (): Response => Response.json({ detail: "Model not found" }, { status: 404 });
  let restarted = false;
  const lost = (): Response | undefined => (restarted ? gone() : undefined);
  const { engine } = await open({ optim_step: lost });
  await engine.saveState(dir);
  restarted = true;
  const told = new RegExp(
    `404 Model not found; .*the server was restarted, or gave this session up; the last saved state is ${dir} \\(tinker:.*\\): go on`,
  );
  await assert.rejects(step(engine), told);
  const other = await open({ asample: gone });
  await assert.rejects(
    other.engine.sample([request()]),
    /asample of "one": 404 Model not found.*nothing was saved so far/,
  );
  await assert.rejects(
    other.engine.optimStep(ADAMW),
    /optimStep: the server does not know the model any more/,
  );
  const fresh = await open(
    { optim_step: gone },
    {},
    { init: { path: "tinker://old/weights/a", optimizer: true } },
  );
  await assert.rejects(
    step(fresh.engine),
    /the last saved state is the checkpoint it began with \(tinker:\/\/old\/weights\/a\)/,
  );
});

test("disposing waits for what was asked, gives model and session up, and minds no dead server", async () => {
  const { engine, requests, named } = await open({ "result:asample": sampled([97, 1]) });
  const pending = engine.sample([request()]);
  const disposed = engine.dispose();
  await assert.rejects(engine.sample([request({ sequenceId: "late" })]), /the engine is disposed/);
  assert.deepEqual((await pending)[0]?.tokens, [97, 1]);
  await disposed;
  await engine.dispose();
  assert.deepEqual(
    requests.slice(-2).map(({ name, json }) => [name, json]),
    [
      ["unload_model", { model_id: "s:train:0", type: "unload_model" }],
      ["sessions/s/finish", { reason: { type: "success" }, detail: null }],
    ],
  );
  assert.equal(named("unload_model").length, 1);
  const dead = await open({ unload_model: refusedConnection, "sessions/s/finish": brokenConnection });
  await dead.engine.dispose();
});
