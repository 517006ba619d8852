// `pyvision export` as a user meets it: what it writes, and what it refuses. That Transformers loads the folder is shown
// by export.parity.ts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const carried = fileURLToPath(new URL("../../checkpoints/image-mini/sft", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "export-"));
after(() => rmSync(root, { recursive: true, force: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--import", "tsx", main, "export", ...args], { encoding: "utf8" });
}

test("an empty folder is filled with what Transformers asks for", () => {
  const out = join(root, "out");
  mkdirSync(out);
  const { status, stdout, stderr } = run("--hf", out, "--checkpoint", carried);
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(out).sort(), [
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  assert.match(stdout, /1,338,656 parameters/);
  assert.deepEqual(readdirSync(root), ["out"], "nothing half made is left beside it");
  const generation = JSON.parse(readFileSync(join(out, "generation_config.json"), "utf8")) as Record<
    string,
    unknown
  >;
  // The tokenizer's last 14 ids are control tokens; <|im_end|> (500) may be sampled.
  const control = [498, 499, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511];
  assert.deepEqual(generation["suppress_tokens"], control);
  assert.equal(generation["eos_token_id"], 500);
  const carriedModel = readFileSync(join(carried, "model.safetensors"));
  assert.ok(
    carriedModel.equals(readFileSync(join(out, "model.safetensors"))),
    "the same weights, bit for bit",
  );
});

test("a folder that holds something is left alone", () => {
  const out = join(root, "taken");
  mkdirSync(out);
  writeFileSync(join(out, "thesis.txt"), "years of work");
  const { status, stderr } = run("--hf", out, "--checkpoint", carried);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /taken is not empty \(it holds thesis\.txt\): name a folder that is empty or does not exist/,
  );
  assert.deepEqual(readdirSync(out), ["thesis.txt"]);
});

test("a file in the way, a missing checkpoint and a missing option are named", () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  assert.match(run("--hf", file, "--checkpoint", carried).stderr, /file is a file: name a folder/);
  const missing = run("--hf", join(root, "new"), "--checkpoint", join(root, "none"));
  assert.match(missing.stderr, /--checkpoint: ".*\/none" does not exist/);
  assert.equal(missing.status, 2);
  assert.ok(!existsSync(join(root, "new")));
  const bare = run();
  assert.equal(bare.status, 2);
  assert.match(bare.stderr, /required option '--hf <dir>' not specified/);
});
