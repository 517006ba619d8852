// The official Python client of the OpenAI protocol asks `pyvision serve`, and Transformers makes a prompt of the same
// messages: the replies are the engine's, the errors are the client's own classes, and the tokens are those of the
// checkpoint's chat template.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { encode } from "fast-png";
import { randomStream } from "../../core/random.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { jobFolder } from "../../engines/embedded/parity/harness.ts";
import { exportToTransformers } from "../../models/qwen2_5_vl/export.ts";
import { createWorld } from "../../tasks/world/world.ts";
import { Conversations } from "./conversations.ts";
import { ImageReader } from "./images.ts";
import { promptOf } from "./prompt.ts";
import { parseChatCall } from "./requestBody.ts";
import { startTestServer } from "./testServer.ts";

const CARRIED = fileURLToPath(new URL("../../../checkpoints/image-mini/sft", import.meta.url));
const PROGRAM = fileURLToPath(new URL("officialClient.py", import.meta.url));
const KEY = "sk-of-the-parity-suite";
const REPLY = "Look top left.<code>\n```python\nplt.show()\n```\n</code>";

interface Result {
  readonly models: readonly string[];
  readonly retrieved: string;
  readonly text: string;
  readonly finish: string;
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly joined: string;
  readonly usage: Readonly<Record<string, unknown>>;
  readonly object: string;
  readonly streamed: string;
  readonly streamedFinish: readonly string[];
  readonly streamedUsage: number;
  readonly accumulated: string;
  readonly atOnce: readonly string[];
  readonly failures: readonly unknown[];
  readonly theirPrompt: readonly number[];
}

test("the official Python client gets what the engine says, on the tokens that Transformers makes", async (t) => {
  const python = process.env["PYVISION_PARITY_PYTHON"] ?? "";
  assert.notEqual(
    python,
    "",
    "PYVISION_PARITY_PYTHON names no Python: run `npm run test:parity`, which makes one",
  );
  const dir = await jobFolder(t);
  const task = createWorld({ seed: 0, split: "test" }).at(0);
  const [scene] = task.images;
  assert.ok(scene !== undefined);
  const png = Buffer.from(encode({ ...scene, channels: 3, depth: 8 }));
  await writeFile(join(dir, "scene.png"), png);
  const checkpoint = join(dir, "exported");
  await exportToTransformers(CARRIED, checkpoint);
  const server = await startTestServer({
    args: ["--key-variable", "SERVER_KEY"],
    env: { SERVER_KEY: KEY },
  });
  t.after(() => server.stop());
  const { baseUrl, model } = server;
  const job = { baseUrl, model, checkpoint, picture: "scene.png", question: task.question };
  await writeFile(join(dir, "job.json"), JSON.stringify(job));
  await promisify(execFile)(python, ["-E", "-s", PROGRAM, dir], {
    env: { ...process.env, OPENAI_API_KEY: KEY },
  });
  const theirs = JSON.parse(await readFile(join(dir, "result.json"), "utf8")) as Result;

  const engine = await EmbeddedEngine.load(CARRIED, { threads: 1 });
  const { codec } = engine;
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${png.toString("base64")}` } };
  const text = (words: string) => ({ type: "text", text: words });
  const call = parseChatCall({
    model,
    messages: [
      { role: "system", content: "Look with Python." },
      { role: "user", content: [image, text(task.question)] },
      { role: "assistant", content: REPLY },
      { role: "user", content: [text("<tool_response>"), image, text("</tool_response>")] },
    ],
  });
  const prompt = promptOf(
    call.messages,
    codec,
    new ImageReader(codec),
    new Conversations(() => undefined, 1),
  );
  const params = {
    maxNewTokens: 48,
    temperature: 0,
    topP: 1,
    topK: 0,
    stopStrings: ["</code>", "</answer>"],
  };
  const request = { sequenceId: "a", segments: prompt.segments, params, random: randomStream("unused") };
  const [ours] = await engine.sample([request]);
  await engine.dispose();
  assert.ok(ours !== undefined);

  assert.deepEqual(theirs.theirPrompt, prompt.tokens, "the processor's own tokens");
  assert.deepEqual(theirs.prompt, prompt.tokens);
  assert.deepEqual(theirs.tokens, ours.tokens);
  theirs.logprobs.forEach((value, i) => assert.ok(Math.abs(value - (ours.logprobs[i] ?? NaN)) < 1e-4));
  assert.deepEqual([theirs.object, theirs.finish], ["chat.completion", ours.stop]);
  assert.equal(theirs.joined, codec.decode(ours.tokens), "bytes of the tokens");
  assert.ok(theirs.joined.startsWith(theirs.text));
  const counts = { prompt_tokens: prompt.tokens.length, completion_tokens: ours.tokens.length };
  for (const [name, count] of Object.entries(counts)) assert.equal(theirs.usage[name], count);

  const withoutStop = theirs.text.replace(/<\/(code|answer)>$/, "");
  assert.deepEqual([theirs.streamed, theirs.accumulated], [withoutStop, withoutStop]);
  assert.deepEqual([theirs.streamedFinish, theirs.streamedUsage], [["stop"], ours.tokens.length]);
  assert.deepEqual(theirs.atOnce, Array(8).fill(withoutStop));
  assert.deepEqual([theirs.models, theirs.retrieved], [["policy"], "policy"]);
  assert.deepEqual(theirs.failures, [
    { type: "NotFoundError", status: 404, code: "model_not_found", param: "model" },
    { type: "BadRequestError", status: 400, code: "context_length_exceeded", param: "messages" },
    { type: "BadRequestError", status: 400, code: null, param: "n" },
    { type: "AuthenticationError", status: 401, code: "invalid_api_key", param: null },
  ]);
  t.diagnostic(`reply: ${JSON.stringify(theirs.text)}`);
});
