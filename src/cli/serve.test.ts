// `pyvision serve` as a user meets it: what it says, what it refuses, and how it ends.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventually } from "../core/testTime.ts";
import { startTestServer } from "../server/openai/testServer.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const carried = path("../../checkpoints/image-mini/sft");
const config = path("../../configs/image-mini.yaml");
const root = mkdtempSync(join(tmpdir(), "serve-"));
after(() => rmSync(root, { recursive: true, force: true }));
writeFileSync(join(root, "nothing.yaml"), "");
writeFileSync(
  join(root, "served.yaml"),
  "engine: {type: openai, baseUrl: 'http://127.0.0.1:1/v1', model: m}\n",
);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function serve(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  const all = ["--import", import.meta.resolve("tsx"), path("./main.ts"), "serve", ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { cwd: root, env, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

interface Serving {
  readonly child: ChildProcess;
  /** Its first lines. */
  readonly said: string;
  /** All of it, once it has ended. */
  stderr(): string;
  readonly ended: Promise<number | null>;
}

/** Then a server that was not told to end is killed, and whatever waits for it fails. */
const SERVING_MS = 300_000;

/** Killed at the latest when the test is over. @param lines that it is waited for */
async function startServing(t: TestContext, args: readonly string[], lines = 1): Promise<Serving> {
  const all = ["--import", import.meta.resolve("tsx"), path("./main.ts"), "serve", ...args];
  const child = spawn(process.execPath, all, {
    stdio: ["ignore", "pipe", "pipe"],
    ...{ timeout: SERVING_MS, killSignal: "SIGKILL" },
  });
  t.after(() => child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const said = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (stdout.split("\n").length > lines) resolve(stdout);
    });
    void ended.then(() => reject(new Error(`the server ended: ${stderr}`)));
  });
  return { child, said, stderr: () => stderr, ended };
}

describe("pyvision serve", { concurrency: 2 }, () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    test(`says where it serves, and ends at ${signal} with exit code 0`, async () => {
      const server = await startTestServer();
      assert.match(server.baseUrl, /^http:\/\/127\.0\.0\.1:\d+\/v1$/);
      const { data } = (await (await fetch(`${server.baseUrl}/models`)).json()) as { data: { id: string }[] };
      assert.deepEqual(
        data.map(({ id }) => id),
        ["policy"],
      );
      assert.equal(await server.stop(signal), 0);
      assert.equal(server.stderr(), `loading ${carried}\n`);
      // Nobody is there, or somebody else who was given the port.
      const again = await fetch(`${server.baseUrl}/models`).then((response) => response.text(), () => ""); // prettier-ignore
      assert.doesNotMatch(again, /"policy"/);
    });

  test("a request under way does not keep it from ending", async (t) => {
    const server = await startServing(t, [carried, "--openai", "--port", "0", "--threads", "1", "--model-name", "policy"]); // prettier-ignore
    const url = / at (http:\S+)\n$/.exec(server.said)?.[1] ?? "";
    // At such a temperature a reply ends by chance, after some hundred tokens.
    const body = {
      model: "policy",
      messages: [{ role: "user", content: "Hi" }],
      temperature: 5,
      stream: true,
    };
    const headers = { "content-type": "application/json" };
    const send = { method: "POST", headers, body: JSON.stringify(body) };
    const texts: string[] = [];
    let underWay = 0;
    let stopping = false;
    // Each asks again when its reply has ended.
    const askOn = async (): Promise<void> => {
      for (;;) {
        const response = await fetch(`${url}/chat/completions`, send).catch(() => undefined);
        if (response === undefined) return; // nobody serves any more
        // One that has no token yet when the server is stopped is told by its status.
        assert.ok(response.status === 200 || (stopping && response.status === 503), String(response.status));
        underWay++;
        texts.push(await response.text());
        underWay--;
      }
    };
    let failure: unknown;
    const asking = Array.from({ length: 4 }, () =>
      askOn().catch((error: unknown) => {
        failure ??= error;
      }),
    );
    // The server stands still while it is looked whether replies are under way, until it has been told to end.
    for (;;) {
      await eventually(() => underWay >= 3 || failure !== undefined);
      assert.ifError(failure);
      server.child.kill("SIGSTOP");
      for (let i = 0; i < 10; i++) await sleep(20); // what has left it is read
      if (underWay >= 3) break;
      server.child.kill("SIGCONT");
    }
    stopping = true;
    server.child.kill("SIGTERM");
    server.child.kill("SIGCONT");
    assert.equal(await server.ended, 0);
    await Promise.all(asking);
    assert.ifError(failure);
    const stopped = /(^|\n\ndata: )\{"error":\{"message":"the server is being stopped"[^\n]*\}\s*$/;
    for (const text of texts)
      assert.ok(stopped.test(text) || text.endsWith("data: [DONE]\n\n"), text.slice(-300));
    assert.ok(texts.some((text) => stopped.test(text)));
  });

  test("--config: its checkpoint and pixel limits under its name; --host beyond this machine asks for a key", async (t) => {
    const port = "0";
    const all = ["--config", config, "--openai", "--port", port, "--host", "0.0.0.0", "--threads", "1"];
    const server = await startServing(t, all);
    const url = /^serving image-mini at (http:\/\/0\.0\.0\.0:\d+\/v1)\n$/.exec(server.said)?.[1] ?? "";
    const { data } = (await (await fetch(`${url.replace("0.0.0.0", "127.0.0.1")}/models`)).json()) as { data: { id: string }[] }; // prettier-ignore
    assert.equal(data[0]?.id, "image-mini");
    server.child.kill("SIGTERM");
    assert.equal(await server.ended, 0);
    assert.match(server.stderr(), /^warning: anybody who reaches 0\.0\.0\.0 can use this server; --key-variable asks for a key\n/); // prettier-ignore
  });

  test("a port that is taken is said, not waited for", async (t) => {
    const other = createServer().listen(0, "127.0.0.1");
    t.after(() => other.close());
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await serve([carried, "--openai", "--port", String(port)]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`error: cannot serve on 127.0.0.1 port ${port}: the port is taken; choose another, or 0 for any\n$`)); // prettier-ignore
  });

  test("--tinker: says how to use it, trains, keeps what was saved, and ends at SIGTERM with exit code 0", async (t) => {
    const store = join(root, "store");
    const words = [carried, "--tinker", "--port", "0", "--threads", "1", "--model-name", "mini", "--store", store]; // prettier-ignore
    const server = await startServing(t, words, 7);
    const { said } = server;
    const [, url = ""] = /^serving mini at (http:\/\/127\.0\.0\.1:\d+), checkpoints in /.exec(said) ?? [];
    const lines = said.split("\n");
    assert.deepEqual(lines.slice(1), [
      "to train on it, in a config:",
      `  engine: { type: tinker, baseUrl: "${url}", baseModel: "mini" }`,
      `  model: { init: "${carried}" }`,
      "or with the official SDK (pip install tinker), whose keys begin with tml-:",
      `  client = tinker.ServiceClient(base_url="${url}", api_key="tml-any")`,
      '  client.create_lora_training_client(base_model="mini")',
      "",
    ]);
    const ask = async (name: string, body: object): Promise<Record<string, string>> => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/api/v1/${name}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return (await response.json()) as Record<string, string>;
    };
    const { session_id: session } = await ask("create_session", { tags: [] });
    const model = `${session}:train:0`;
    await ask("create_model", { session_id: session, model_seq_id: 0, base_model: "mini" });
    const { request_id: saving } = await ask("save_weights", { model_id: model, seq_id: 1, path: "a" });
    let saved = await ask("retrieve_future", { request_id: saving });
    while (saved["type"] === "try_again") saved = await ask("retrieve_future", { request_id: saving });
    assert.equal(saved["path"], `tinker://${model}/weights/a`);
    server.child.kill("SIGTERM");
    assert.equal(await server.ended, 0);
    assert.equal(
      server.stderr(),
      `loading ${carried}\n${model} created from mini\ntinker://${model}/weights/a saved\n` +
        `${model} ended: the server is being stopped\n`,
    );
    assert.ok(existsSync(join(store, encodeURIComponent(model), "weights", "a", "optimizer.safetensors")));
  });

  for (const [name, args, message] of [
    [
      "nothing to serve",
      ["--openai"],
      /^error: serve: needs the folder of a checkpoint or --config FILE, got neither/,
    ],
    ["two things to serve", [carried, "--openai", "--config", config], /^error: serve: needs .*, not both/],
    [
      "no protocol",
      [carried],
      /^error: serve: needs --openai or --tinker, the protocol to speak, got neither/,
    ],
    [
      "both protocols",
      [carried, "--openai", "--tinker"],
      /^error: serve: needs --openai or --tinker.*, got both/,
    ],
    [
      "--set without --config",
      [carried, "--openai", "--set", "seed=1"],
      /^error: --set seed=1: needs --config FILE/,
    ],
    ["a config without a checkpoint", ["--openai", "--config", "nothing.yaml"], /^error: model\.init: must name the checkpoint/], // prettier-ignore
    ["a config of another server", ["--openai", "--config", "served.yaml", "--set", `model.init=${carried}`], /^error: engine\.type: must be embedded to be served, got openai/], // prettier-ignore
    ["a checkpoint that is not there", ["gone", "--openai"], /^error: serve: "gone" does not exist/],
    ["a key that is not set", [carried, "--openai", "--key-variable", "NO_SUCH_KEY"], /^error: --key-variable NO_SUCH_KEY: the environment has no such variable/], // prettier-ignore
    [
      "two checkpoints for one protocol",
      [carried, carried, "--openai"],
      /^error: serve: --openai serves one checkpoint, got 2/,
    ],
    [
      "a store without --tinker",
      [carried, "--openai", "--store", "x"],
      /^error: serve: --store is for --tinker/,
    ],
    ["nothing to train", ["--tinker"], /^error: serve: needs the folder of a checkpoint, or several/],
    [
      "a config to train",
      ["--tinker", "--config", config],
      /^error: serve: --config and --set are for --openai/,
    ],
    [
      "one name for two",
      [carried, `${carried}/`, "--tinker", "--model-name", "m"],
      /^error: serve: --model-name names one checkpoint, got 2/,
    ],
    ["one checkpoint twice", [carried, carried, "--tinker"], /^error: serve: .* is named twice/],
    ["no port", [carried, "--openai", "--port", "70000"], /Must be a whole number from 0 to 65535/],
  ] as const)
    test(`refused before anything is loaded: ${name}`, async () => {
      const { code, stdout, stderr } = await serve(args);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /loading/);
    });
});
