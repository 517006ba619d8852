// What an export refuses: checkpoints whose weights are not those of their config.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { parseConfig } from "./config.ts";
import { exportToTransformers } from "./export.ts";
import { drawParameters, parameterSpecs } from "./parameters.ts";
import { saveProcessor } from "./processor.ts";
import { readSafetensors, writeSafetensors, type StoredTensor } from "./safetensors.ts";
import { smallConfigJson, smallTokenizer } from "./testFixtures.ts";

const root = mkdtempSync(join(tmpdir(), "export-"));
after(() => rmSync(root, { recursive: true, force: true }));
const config = parseConfig(smallConfigJson());

/** A checkpoint of the small model, changed. */
async function checkpoint(
  name: string,
  change: (tensors: Map<string, StoredTensor>) => void,
): Promise<string> {
  const dir = join(root, name);
  await saveProcessor(dir, {
    config,
    tokenizer: smallTokenizer(),
    limits: { minPixels: 784, maxPixels: 9408 },
  });
  const specs = parameterSpecs(config);
  const drawn = drawParameters(specs, randomStream("export"));
  const tensors = new Map(
    specs.map(({ name, shape }): [string, StoredTensor] => [
      name,
      { shape, data: drawn.get(name) as Float32Array },
    ]),
  );
  change(tensors);
  await writeSafetensors(join(dir, "model.safetensors"), tensors);
  return dir;
}

async function refuses(dir: string, message: RegExp): Promise<void> {
  const target = `${dir}-out`;
  await assert.rejects(
    exportToTransformers(dir, target),
    (error) => error instanceof DataError && message.test(error.message),
  );
  assert.ok(!existsSync(target), "nothing is left behind");
}

test("a second copy of a tied head is left out, everything else is kept", async () => {
  const dir = await checkpoint("tied", (tensors) => {
    tensors.set("lm_head.weight", tensors.get("model.embed_tokens.weight") as StoredTensor);
  });
  const { parameters } = await exportToTransformers(dir, join(root, "deep", "folder"));
  const { tensors } = await readSafetensors(join(root, "deep", "folder", "model.safetensors"));
  assert.deepEqual([...tensors.keys()].sort(), parameterSpecs(config).map(({ name }) => name).sort()); // prettier-ignore
  assert.equal(parameters, [...tensors.values()].reduce((n, { data }) => n + data.length, 0)); // prettier-ignore
});

test("a missing weight, one of another shape and one that no such model has are named", async () => {
  await refuses(
    await checkpoint("missing", (tensors) => tensors.delete("model.norm.weight")),
    /has no weight "model\.norm\.weight"/,
  );
  await refuses(
    await checkpoint("shape", (tensors) =>
      tensors.set("model.norm.weight", { shape: [32], data: new Float32Array(32) }),
    ),
    /"model\.norm\.weight" must have the shape \[64\], got \[32\]/,
  );
  await refuses(
    await checkpoint("extra", (tensors) =>
      tensors.set("value_head.weight", { shape: [1], data: new Float32Array(1) }),
    ),
    /holds "value_head\.weight", which no model of its config\.json has/,
  );
});
