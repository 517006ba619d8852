// Work of one training step, by matrix products alone: 2 * rows * inputs * outputs forward, and twice that again backward
// (towards the input and towards the weight; pixels need no gradient). Norms, softmax, rotary positions, the gradient of
// the embedding and AdamW are left out, and so is whatever a side computes on top: padding, or logits that nobody asks
// for. Attention counts all pairs of positions, masked ones too, as both sides compute them.
import { headDim, type Qwen25VLConfig } from "../../src/models/qwen2_5_vl/config.ts";
import type { BatchFile } from "./batchFile.ts";

export function trainingFlops(config: Qwen25VLConfig, { rows, grids }: BatchFile): number {
  const { hiddenSize: width, intermediateSize, numHiddenLayers, vocabSize, vision } = config;
  const keys = config.numKeyValueHeads * headDim(config);
  const layer = 2 * width * width + 2 * width * keys + 3 * width * intermediateSize;
  let forward = 0;
  for (const { tokens, mask } of rows) {
    const trained = mask.reduce((n, weight) => n + (weight === 0 ? 0 : 1), 0);
    forward += 2 * tokens.length * numHiddenLayers * (layer + 2 * tokens.length * width);
    forward += 2 * trained * width * vocabSize;
  }
  const cells = vision.spatialMergeSize ** 2;
  const block = 4 * vision.hiddenSize ** 2 + 3 * vision.hiddenSize * vision.intermediateSize;
  const merged = vision.hiddenSize * cells;
  let pixels = 0;
  for (const [t, h, w] of grids) {
    const patches = t * h * w;
    forward += 2 * patches * vision.depth * (block + 2 * patches * vision.hiddenSize);
    forward += 2 * (patches / cells) * (merged * merged + merged * width);
    pixels +=
      2 * patches * vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2 * vision.hiddenSize;
  }
  return 3 * forward + 2 * pixels;
}
