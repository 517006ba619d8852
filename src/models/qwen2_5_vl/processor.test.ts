import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { qwenChatTemplate } from "./chatTemplate.ts";
import { parseConfig } from "./config.ts";
import { loadProcessor, saveProcessor } from "./processor.ts";
import { smallConfigJson, smallTokenizer } from "./testFixtures.ts";

const config = parseConfig(smallConfigJson());
const limits = { minPixels: 3136, maxPixels: 9408 };
let dir = "";
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "processor-"));
  await saveProcessor(dir, { config, tokenizer: smallTokenizer(), limits });
});
after(() => rm(dir, { recursive: true }));

async function edit(
  name: string,
  change: (json: Record<string, unknown>) => void,
): Promise<() => Promise<void>> {
  const old = await readFile(join(dir, name), "utf8");
  const json = JSON.parse(old) as Record<string, unknown>;
  change(json);
  await writeFile(join(dir, name), JSON.stringify(json));
  return () => writeFile(join(dir, name), old);
}

test("the folder holds Hugging Face's files and loads as the same processor", async () => {
  const names = ["config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"];
  assert.deepEqual((await readdir(dir)).sort(), names);
  const loaded = await loadProcessor(dir);
  assert.deepEqual(loaded.config, config);
  assert.deepEqual(loaded.limits, limits);
  assert.deepEqual(loaded.tokenizer.toJson(), smallTokenizer().toJson());
  assert.equal(loaded.codec.endOfTurnId, 278);
  assert.equal(loaded.codec.imagePadId, 288);
  const big = { width: 400, height: 300, data: new Uint8Array(400 * 300 * 3) };
  assert.deepEqual(loaded.codec.viewImage(big).grid, [1, 6, 8]); // 84x112, the budget of 9,408 pixels
});

test("the tokenizer's config carries the template and the end token", async () => {
  const json = JSON.parse(await readFile(join(dir, "tokenizer_config.json"), "utf8")) as Record<
    string,
    unknown
  >;
  assert.equal(json["chat_template"], qwenChatTemplate);
  assert.equal(json["eos_token"], "<|im_end|>");
  assert.equal(
    (json["added_tokens_decoder"] as Record<string, { content: string }>)["288"]?.content,
    "<|image_pad|>",
  );
});

test("limits are read from processor_config.json when Transformers saved no file for the image processor", async () => {
  const alone = join(dir, "preprocessor_config.json");
  const text = await readFile(alone, "utf8");
  const whole = join(dir, "processor_config.json");
  const size = { shortest_edge: 784, longest_edge: 20_000 };
  await writeFile(whole, JSON.stringify({ image_processor: { size, patch_size: 14 }, video_processor: {} }));
  assert.deepEqual((await loadProcessor(dir)).limits, limits, "the older file counts where both are");
  await rm(alone);
  assert.deepEqual((await loadProcessor(dir)).limits, { minPixels: 784, maxPixels: 20_000 });
  await writeFile(whole, JSON.stringify({ image_processor: { size, patch_size: 16 } }));
  await assert.rejects(loadProcessor(dir), /processor_config\.json: patch_size must be 14, got 16/);
  await rm(whole);
  await assert.rejects(loadProcessor(dir), /preprocessor_config\.json: cannot be read as JSON/);
  await writeFile(alone, text);
});

test("limits are read from size when the old fields are missing", async () => {
  const restore = await edit("preprocessor_config.json", (json) => {
    delete json["min_pixels"];
    delete json["max_pixels"];
    json["size"] = { shortest_edge: 4000, longest_edge: 8000 };
  });
  assert.deepEqual((await loadProcessor(dir)).limits, { minPixels: 4000, maxPixels: 8000 });
  await restore();
});

const refused: readonly [string, string, (json: Record<string, unknown>) => void, RegExp][] = [
  [
    "another patch size",
    "preprocessor_config.json",
    (j) => (j["patch_size"] = 16),
    /patch_size must be 14, got 16/,
  ],
  [
    "another mean",
    "preprocessor_config.json",
    (j) => (j["image_mean"] = [0.5, 0.5, 0.5]),
    /image_mean must be/,
  ],
  ["limits upside down", "preprocessor_config.json", (j) => (j["min_pixels"] = 10000), /got 10000 and 9408/],
  [
    "another image token",
    "config.json",
    (j) => (j["image_token_id"] = 287),
    /image_token_id is 287, but the tokenizer's .* is 288/,
  ],
  [
    "a small vocabulary",
    "config.json",
    (j) => (j["vocab_size"] = 289),
    /video_token_id \(289\) must be smaller than vocab_size/,
  ],
];
for (const [what, name, change, message] of refused)
  test(`files that do not fit are refused: ${what}`, async () => {
    const restore = await edit(name, change);
    await assert.rejects(loadProcessor(dir), (e) => e instanceof DataError && message.test(e.message));
    await restore();
  });
