// What Transformers computed for two tiny models and sixty pictures, as committed files (golden/).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { preprocess, viewImage } from "../../../models/qwen2_5_vl/imageProcessor.ts";
import { GOLDEN_CASES } from "./cases.ts";
import { checkCase } from "./checkCase.ts";
import { Agreement } from "./compare.ts";
import { goldenCase, goldenSummary } from "./golden.ts";
import { pictures } from "./pictures.ts";

for (const modelCase of GOLDEN_CASES)
  test(`${modelCase.name} model: positions, logits, log-probabilities, gradients and AdamW are Transformers'`, async () => {
    const { engine, results, summary } = await goldenCase(modelCase);
    await checkCase(engine, modelCase, results, summary, new Agreement());
    await engine.dispose();
  });

test("patches of pictures are those of the PIL processor, bit for bit", async () => {
  const wanted = (await goldenSummary()).pictures;
  const all = pictures();
  assert.equal(wanted.length, all.length);
  let compared = 0;
  all.forEach(({ name, image, limits }, i) => {
    const view = viewImage(image, limits);
    assert.deepEqual([...view.grid], wanted[i]?.pil, `${name}: grid`);
    // There Pillow 12.3 may swap its passes (see resize.ts).
    if (view.pixels.width > image.width && view.pixels.height < image.height) return;
    const patches = preprocess(view);
    const digest = createHash("sha256").update(new Uint8Array(patches.buffer)).digest("hex");
    assert.equal(digest, wanted[i]?.sha256.pil, name);
    compared++;
  });
  assert.equal(compared, 54);
});
