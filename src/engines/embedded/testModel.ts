// A model small enough to test with: random weights, a few hundred tokens, images of a few patches.
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import { parseConfig } from "../../models/qwen2_5_vl/config.ts";
import type { ProcessorFiles } from "../../models/qwen2_5_vl/processor.ts";
import { hashImage, smallConfigJson, smallTokenizer } from "../../models/qwen2_5_vl/testFixtures.ts";
import { EmbeddedEngine } from "./embeddedEngine.ts";

export function smallFiles(): ProcessorFiles {
  return {
    config: parseConfig(smallConfigJson()),
    tokenizer: smallTokenizer(),
    limits: { minPixels: 784, maxPixels: 12_544 },
  };
}

export function smallEngine(seed = 1): Promise<EmbeddedEngine> {
  return EmbeddedEngine.initialise(smallFiles(), randomStream("test weights", seed), { threads: 1 });
}

/** Prompt, image of two windows, text: a different one for each seed. */
export function prompt(engine: EmbeddedEngine, seed: number): Segment[] {
  const random = randomStream("prompt", seed);
  const text = (n: number): number[] => Array.from({ length: n }, () => random.below(276));
  return [
    { type: "text", source: "prompt", tokens: text(3 + random.below(4)) },
    { type: "image", source: "prompt", image: engine.codec.viewImage(hashImage(112, 84, seed)) },
    { type: "text", source: "prompt", tokens: text(2 + random.below(3)) },
  ];
}

export function observation(engine: EmbeddedEngine, seed: number): Segment[] {
  const random = randomStream("observation", seed);
  const text = Array.from({ length: 2 + random.below(4) }, () => random.below(276));
  return [
    { type: "text", source: "observation", tokens: text },
    { type: "image", source: "observation", image: engine.codec.viewImage(hashImage(56, 56, seed + 100)) },
    { type: "text", source: "observation", tokens: text.slice(0, 2) },
  ];
}

export function datum(engine: EmbeddedEngine, segments: readonly Segment[], advantage = 1): Datum {
  return datumFromSegments(segments, advantage, engine.codec.imagePadId);
}
