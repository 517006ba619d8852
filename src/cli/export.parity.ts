// `pyvision export --hf` as a user meets it: the carried policy as a folder that the Auto classes of Transformers load,
// which then look at a real picture and answer like the engine.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promptSegments } from "../agent/prompt.ts";
import { loadTemplate } from "../agent/template.ts";
import { randomStream } from "../core/random.ts";
import { EmbeddedEngine } from "../engines/embedded/embeddedEngine.ts";
import { jobFolder, runReference, writePicture, type Job } from "../engines/embedded/parity/harness.ts";
import { readCheckpoint } from "../models/qwen2_5_vl/checkpoint.ts";
import { neverSampled } from "../models/qwen2_5_vl/codec.ts";
import { createWorld } from "../tasks/world/world.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const CARRIED = fileURLToPath(new URL("../../checkpoints/image-mini/sft", import.meta.url));
const MAX_NEW_TOKENS = 40;

interface Exported {
  readonly loading: Readonly<Record<string, readonly string[]>>;
  readonly model: string;
  readonly processor: string;
  readonly prompt: readonly number[];
  readonly greedy: readonly number[];
  readonly sampled: readonly number[];
  readonly text: string;
}

test("the exported policy answers a question about a picture in Transformers as it does here", async (t) => {
  const dir = await jobFolder(t);
  const out = join(dir, "exported");
  const command = spawnSync(
    process.execPath,
    ["--import", "tsx", MAIN, "export", "--hf", out, "--checkpoint", CARRIED],
    { encoding: "utf8" },
  );
  assert.equal(command.status, 0, command.stderr);

  const engine = await EmbeddedEngine.load(CARRIED);
  const { codec } = engine;
  const task = createWorld({ seed: 0, split: "test" }).at(0);
  const [image] = task.images;
  assert.ok(image !== undefined);
  const template = loadTemplate("mini");
  const segments = promptSegments(task, template, codec);
  const random = randomStream("unused");
  const params = { maxNewTokens: MAX_NEW_TOKENS, temperature: 0, topP: 1, topK: 0, stopStrings: [] };
  const [ours] = await engine.sample([{ sequenceId: "a", segments, params, random }]);
  const banned = neverSampled(engine.files.config, engine.files.tokenizer);
  const { endOfTurnId } = codec;
  await engine.dispose();

  const job = {
    task: "export",
    exported: "exported",
    resaved: "resaved",
    system: template.system,
    question: task.question,
    picture: await writePicture(dir, "scene", image),
    maxNewTokens: MAX_NEW_TOKENS,
  };
  const theirs = (await runReference(dir, job as Job)) as Exported;
  for (const [kind, names] of Object.entries(theirs.loading)) assert.deepEqual(names, [], kind);
  assert.equal(theirs.model, "Qwen2_5_VLForConditionalGeneration");
  assert.equal(theirs.processor, "Qwen2_5_VLProcessor");
  const prompt = segments.flatMap((segment) =>
    segment.type === "image"
      ? Array<number>(segment.image.tokenCount).fill(codec.imagePadId)
      : [...segment.tokens],
  );
  assert.deepEqual(theirs.prompt, prompt, "the prompt by the processor's chat template");
  assert.deepEqual(theirs.greedy, ours?.tokens, `greedy answer: ${theirs.text}`);
  assert.ok(theirs.greedy.length >= 5);
  // Sampled with the folder's own generation_config.json: no scaffolding, and it ends its turn or is cut.
  assert.ok(theirs.sampled.length > 0 && theirs.sampled.every((token) => !banned.has(token)));
  assert.ok(theirs.sampled.length === MAX_NEW_TOKENS || theirs.sampled.at(-1) === endOfTurnId);
  t.diagnostic(`answer of both: ${JSON.stringify(theirs.text)}`);

  // What Transformers saves of it loads here again, with the same weights.
  const again = await EmbeddedEngine.load(join(dir, "resaved"));
  const first = await readCheckpoint(CARRIED);
  const second = await readCheckpoint(join(dir, "resaved"));
  assert.deepEqual([...second.keys()].sort(), [...first.keys()].sort());
  for (const [name, { data }] of first)
    assert.deepEqual(second.get(name)?.data, data, `${name} after two journeys`);
  const [repeated] = await again.sample([{ sequenceId: "a", segments, params, random }]);
  assert.deepEqual(repeated?.tokens, ours?.tokens);
  await again.dispose();
});
