// The image processor against both of Transformers: equal to the one on PIL, close to the one on torchvision.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { imageStd, preprocess, viewImage } from "../../../models/qwen2_5_vl/imageProcessor.ts";
import { readSafetensors } from "../../../models/qwen2_5_vl/safetensors.ts";
import { jobFolder, runReference } from "./harness.ts";
import { pictures, processorJob, type ProcessedPicture } from "./pictures.ts";

/** One step of a byte in the unit of `pixel_values`, for the channel with the largest step. */
const BYTE = 1 / 255 / Math.min(...imageStd);

test("pictures become the patches that Transformers makes of them", async (t) => {
  const dir = await jobFolder(t);
  const all = pictures();
  const described = (await runReference(dir, await processorJob(dir, all))) as ProcessedPicture[];
  const { tensors } = await readSafetensors(join(dir, "pixels.safetensors"));
  const worst = { swapped: 0, swappedMean: 0, torchvision: 0, torchvisionMean: 0 };
  for (const [i, { name, image, limits }] of all.entries()) {
    const { pil, torchvision } = described[i] as ProcessedPicture;
    const view = viewImage(image, limits);
    assert.deepEqual([...view.grid], pil, `${name}: grid of the PIL processor`);
    assert.deepEqual([...view.grid], torchvision, `${name}: grid of the torchvision processor`);
    const got = preprocess(view);
    const wanted = (of: string): Float32Array => tensors.get(`${of}.${i}`)?.data as Float32Array;
    assert.deepEqual(got, wanted("horizontalFirst"), `${name}: Pillow, width first`);
    if (view.pixels.width > image.width && view.pixels.height < image.height) {
      const { largest, mean } = distance(got, wanted("pil"));
      worst.swapped = Math.max(worst.swapped, largest);
      worst.swappedMean = Math.max(worst.swappedMean, mean);
    } else assert.deepEqual(got, wanted("pil"), `${name}: the PIL processor`);
    const { largest, mean } = distance(got, wanted("torchvision"));
    worst.torchvision = Math.max(worst.torchvision, largest);
    worst.torchvisionMean = Math.max(worst.torchvisionMean, mean);
    assert.ok(
      mean <= 0.05 && largest <= 2.01,
      `${name}: torchvision is ${largest} byte steps off, ${mean} on average`,
    );
  }
  const steps = (largest: number, mean: number): string =>
    `${largest.toFixed(2)} byte steps at most, ${mean.toFixed(4)} on average in the worst picture`;
  t.diagnostic(
    `${all.length} pictures, bit for bit the PIL processor's but for those that grow in width and shrink in height`,
  );
  t.diagnostic(`those, where Pillow may swap its passes: ${steps(worst.swapped, worst.swappedMean)}`);
  t.diagnostic(`from the torchvision processor: ${steps(worst.torchvision, worst.torchvisionMean)}`);
});

/** Differences in steps of a byte. */
function distance(a: Float32Array, b: Float32Array): { largest: number; mean: number } {
  assert.equal(a.length, b.length);
  let largest = 0;
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs((a[i] as number) - (b[i] as number)) / BYTE;
    total += d;
    if (!(d <= largest)) largest = d;
  }
  return { largest, mean: total / a.length };
}
