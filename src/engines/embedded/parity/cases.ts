// The random models and batches of the comparison, as the reference program takes them and as datums of the engine.
import type { Datum } from "../../../core/datum.ts";
import { datumFromSegments } from "../../../core/datum.ts";
import type { RgbImage } from "../../../core/image.ts";
import { randomStream } from "../../../core/random.ts";
import type { Segment } from "../../../core/trajectory.ts";
import { hashImage } from "../../../models/qwen2_5_vl/testFixtures.ts";
import type { Codec } from "../../engine.ts";
import { writePicture, type Job, type PictureFile } from "./harness.ts";

/** Ids of smallTokenizer() below this one are text. */
export const TEXT_IDS = 276;
export const VISION_START = 285;
export const VISION_END = 286;
export const LIMITS = { minPixels: 784, maxPixels: 20_000 };

export interface ModelCase {
  readonly name: string;
  readonly seed: number;
  /** What Qwen2_5_VLConfig of Transformers is made of. */
  readonly config: Record<string, unknown>;
  readonly maxShardSize?: string;
  /** Sizes [width, height] of each sequence's images. */
  readonly images: readonly (readonly (readonly [width: number, height: number])[])[];
}

export type Part =
  | { readonly text: readonly number[] }
  | { readonly sampled: readonly number[]; readonly logprobs: readonly number[]; readonly advantage: number }
  | { readonly image: PictureFile };

interface TextShape {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly intermediate: number;
  readonly section: readonly [number, number, number];
  readonly tied: boolean;
  readonly theta?: number;
  readonly epsilon?: number;
}

interface VisionShape {
  readonly depth: number;
  readonly hidden: number;
  readonly heads: number;
  readonly intermediate: number;
  readonly window: number;
  readonly full: readonly number[];
}

function hfConfig(text: TextShape, vision: VisionShape): Record<string, unknown> {
  return {
    text_config: {
      vocab_size: 301,
      hidden_size: text.hidden,
      intermediate_size: text.intermediate,
      num_hidden_layers: text.layers,
      num_attention_heads: text.heads,
      num_key_value_heads: text.keyValueHeads,
      rms_norm_eps: text.epsilon ?? 1e-6,
      max_position_embeddings: 4096,
      rope_parameters: {
        rope_type: "default",
        rope_theta: text.theta ?? 10_000,
        mrope_section: text.section,
      },
      bos_token_id: 276,
      eos_token_id: 278,
      pad_token_id: 276,
      tie_word_embeddings: text.tied,
    },
    vision_config: {
      depth: vision.depth,
      hidden_size: vision.hidden,
      intermediate_size: vision.intermediate,
      num_heads: vision.heads,
      window_size: vision.window,
      fullatt_block_indexes: vision.full,
      out_hidden_size: text.hidden,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      in_channels: 3,
    },
    tie_word_embeddings: text.tied,
    image_token_id: 288,
    video_token_id: 289,
    vision_start_token_id: VISION_START,
    vision_end_token_id: VISION_END,
  };
}

/** Every kind of attention, window, head sharing and batch that the engine claims to do, spread over five models. */
export const MODEL_CASES: readonly ModelCase[] = [
  {
    name: "tied, two query heads a key head, windows of 2x2 cells",
    seed: 1,
    config: hfConfig(
      {
        hidden: 64,
        layers: 2,
        heads: 4,
        keyValueHeads: 2,
        intermediate: 128,
        section: [2, 3, 3],
        tied: true,
      },
      { depth: 2, hidden: 32, heads: 2, intermediate: 64, window: 56, full: [1] },
    ),
    images: [[[112, 84]], [[140, 56], [28, 28], [84, 112]], [[100, 131]]], // prettier-ignore
  },
  {
    name: "untied, no sharing, in shards, windows of 3x3 cells",
    seed: 2,
    maxShardSize: "150KB",
    config: hfConfig(
      { hidden: 48, layers: 3, heads: 4, keyValueHeads: 4, intermediate: 80, section: [2, 2, 2], tied: false, epsilon: 1e-5 },
      { depth: 3, hidden: 24, heads: 3, intermediate: 40, window: 84, full: [0] },
    ), // prettier-ignore
    images: [[[56, 140], [140, 140]], [], [[28, 196], [196, 28], [112, 112]]], // prettier-ignore
  },
  {
    name: "untied, six query heads on one key head, four vision blocks",
    seed: 3,
    config: hfConfig(
      {
        hidden: 96,
        layers: 2,
        heads: 6,
        keyValueHeads: 1,
        intermediate: 112,
        section: [4, 2, 2],
        tied: false,
      },
      { depth: 4, hidden: 48, heads: 4, intermediate: 72, window: 112, full: [1, 3] },
    ),
    images: [[[140, 140], [168, 112]], [[60, 300]]], // prettier-ignore
  },
  {
    name: "tied, large heads, one vision block, windows of one cell only",
    seed: 4,
    maxShardSize: "100KB",
    config: hfConfig(
      { hidden: 64, layers: 1, heads: 2, keyValueHeads: 1, intermediate: 96, section: [6, 5, 5], tied: true, theta: 1e6 },
      { depth: 1, hidden: 32, heads: 2, intermediate: 48, window: 28, full: [] },
    ), // prettier-ignore
    images: [[[84, 84]], [[56, 56], [140, 84]]], // prettier-ignore
  },
  {
    name: "batch of text only",
    seed: 5,
    config: hfConfig(
      { hidden: 32, layers: 2, heads: 4, keyValueHeads: 2, intermediate: 64, section: [1, 2, 1], tied: true },
      { depth: 1, hidden: 16, heads: 2, intermediate: 32, window: 56, full: [0] },
    ),
    images: [[], [], []],
  },
];

/** Small enough to be committed with all their numbers; the plain test suite holds the engine against them. */
export const GOLDEN_CASES: readonly ModelCase[] = [
  {
    name: "tied",
    seed: 11,
    config: hfConfig(
      { hidden: 16, layers: 2, heads: 2, keyValueHeads: 1, intermediate: 24, section: [2, 1, 1], tied: true },
      { depth: 2, hidden: 8, heads: 2, intermediate: 12, window: 56, full: [1] },
    ),
    images: [[[84, 84]], [[28, 56], [112, 56]]], // prettier-ignore
  },
  {
    name: "untied",
    seed: 12,
    config: hfConfig(
      {
        hidden: 16,
        layers: 1,
        heads: 4,
        keyValueHeads: 2,
        intermediate: 20,
        section: [0, 1, 1],
        tied: false,
      },
      { depth: 2, hidden: 8, heads: 1, intermediate: 12, window: 28, full: [0] },
    ),
    maxShardSize: "60KB",
    images: [[[56, 84]], []], // prettier-ignore
  },
];

export const LOSS = { clipLow: 0.2, clipHigh: 0.28 };
export const ADAMW = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 0.5,
};

/** An epsilon of AdamW above the rounding noise of a clipped gradient. */
export const ROBUST_EPSILON = 1e-6;

/** One sequence with its pictures still as pixels. */
type Draft = Exclude<Part, { image: unknown }> | { readonly picture: RgbImage; readonly name: string };

/** Prompt, then for each image: text, image, text, sampled tokens. Lengths differ between sequences. */
function drafts(modelCase: ModelCase): Draft[][] {
  return modelCase.images.map((sizes, s) => {
    const random = randomStream("parity", modelCase.seed, s);
    const text = (n: number): number[] => Array.from({ length: n }, () => random.below(TEXT_IDS));
    const sampled = (n: number): Draft => ({
      sampled: text(n),
      // Around -ln of the vocabulary, so that ratios lie on both sides of the clipping bounds.
      logprobs: Array.from({ length: n }, () => Math.fround(-5.7 + 1.5 * random.normal())),
      advantage: s % 2 === 0 ? 0.75 : -0.5,
    });
    const parts: Draft[] = [{ text: text(3 + random.below(5)) }];
    sizes.forEach(([width, height], i) => {
      parts.push({ text: [...text(1 + random.below(3)), VISION_START] });
      parts.push({ picture: hashImage(width, height, 97 * modelCase.seed + 7 * s + i), name: `${modelCase.seed}-${s}-${i}` });
      parts.push({ text: [VISION_END, ...text(1 + random.below(3))] });
      parts.push(sampled(4 + random.below(6)));
    }); // prettier-ignore
    parts.push({ text: text(2) }, sampled(5 + 3 * s));
    return parts;
  });
}

/** Writes the pictures of all cases into `dir` and returns the job for reference/training.py. */
export async function trainingJob(dir: string, cases: readonly ModelCase[]): Promise<Job> {
  const described = [];
  for (const modelCase of cases) {
    const sequences: Part[][] = [];
    for (const draft of drafts(modelCase)) {
      const parts: Part[] = [];
      for (const part of draft)
        parts.push("picture" in part ? { image: await writePicture(dir, part.name, part.picture) } : part);
      sequences.push(parts);
    }
    const { name, seed, config, maxShardSize } = modelCase;
    described.push({ name, seed, config, maxShardSize, sequences });
  }
  const settings = { limits: LIMITS, loss: LOSS, adamw: ADAMW, robustEpsilon: ROBUST_EPSILON };
  return { task: "train", cases: described, ...settings } as Job;
}

/** The same sequences as datums; the mask makes the engine's sum the mean over the batch's sampled tokens. */
export function caseDatums(modelCase: ModelCase, codec: Codec): Datum[] {
  const datums = drafts(modelCase).map((parts) => {
    const advantage = parts.flatMap((p) => ("sampled" in p ? [p.advantage] : []))[0] ?? 0;
    const segments = parts.map((part): Segment => {
      if ("picture" in part) return { type: "image", source: "prompt", image: codec.viewImage(part.picture) };
      if ("text" in part) return { type: "text", source: "prompt", tokens: part.text };
      return { type: "sampled", tokens: part.sampled, logprobs: part.logprobs };
    });
    return datumFromSegments(segments, advantage, codec.imagePadId);
  });
  const total = datums.reduce((n, d) => n + d.mask.reduce((a, b) => a + b, 0), 0);
  return datums.map((d) => ({ ...d, mask: d.mask.map((w) => w / total) }));
}
