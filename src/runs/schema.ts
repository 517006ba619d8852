// Every key a recipe may hold, with its bounds and its default. Defaults are the settings of the paper (arXiv
// 2602.20739, 7B policy); a miniature recipe overrides the sizes. Where several things are possible the section is a
// union on `type`. Prose about a key stands beside it, because this file is what a user reads to learn the keys.
import { z } from "zod";
import { endReasonTypes } from "../learning/filters.ts";
import { groupings } from "../learning/microBatches.ts";
import { DEFAULT_BEHAVIOUR } from "../tasks/world/teacherScript.ts";
import { engine } from "./engineSchema.ts";
import { logging } from "./loggingSchema.ts";
import { python } from "./pythonSchema.ts";
import { reward } from "./rewardSchema.ts";
import { synth } from "./synthSchema.ts";
import { someWeight, tasks, weight } from "./tasksSchema.ts";

const count = z.int().min(1);
const countOrNone = z.int().min(0);
const fraction = z.number().min(0).max(1);
const size = z.int().min(1).max(1_000_000);

/** Shape of a new Qwen2.5-VL; only `pretrain` reads it, the other stages take the shape of the checkpoint. */
const architecture = z
  .strictObject({
    hiddenSize: size,
    layers: count,
    heads: count,
    kvHeads: count,
    intermediateSize: size,
    vocabSize: z.int().min(300),
    ropeTheta: z.number().gt(1).default(1_000_000),
    /**
     * Rotary frequencies for time, height and width; they sum to half the head's channels. In the
     * proportions of Qwen2.5-VL (2:3:3) if left out.
     */
    mropeSection: z.tuple([countOrNone, countOrNone, countOrNone]).exactOptional(),
    vision: z.strictObject({
      depth: count,
      hiddenSize: size,
      heads: count,
      intermediateSize: size,
      /** Side of an attention window in pixels. */
      windowSize: z.int().min(28).default(112),
      /** Numbers of the layers that attend over the whole image instead of windows. */
      fullAttentionBlocks: z.array(z.int().min(0)).default([]),
    }),
  })
  .superRefine((a, context) => {
    const divides = (path: string[], whole: number, parts: number, rule: string): void => {
      if (whole % parts !== 0) context.addIssue({ code: "custom", path, input: parts, message: rule });
    };
    divides(["heads"], a.hiddenSize, a.heads, `must divide hiddenSize (${a.hiddenSize})`);
    divides(["kvHeads"], a.heads, a.kvHeads, `must divide heads (${a.heads})`);
    const { vision, mropeSection } = a;
    const half = a.hiddenSize / a.heads / 2;
    if (mropeSection !== undefined && mropeSection.reduce((sum, n) => sum + n, 0) !== half)
      context.addIssue({
        code: "custom",
        path: ["mropeSection"],
        input: mropeSection,
        message: `must sum to hiddenSize / heads / 2 (${half})`,
      });
    divides(
      ["vision", "heads"],
      vision.hiddenSize,
      vision.heads,
      `must divide vision.hiddenSize (${vision.hiddenSize})`,
    );
    const rule = (holds: boolean, path: string[], input: unknown, message: string): void => {
      if (!holds) context.addIssue({ code: "custom", path, input, message });
    };
    rule(
      a.hiddenSize % (2 * a.heads) === 0,
      ["heads"],
      a.heads,
      "must leave an even number of channels a head",
    );
    const turned = vision.hiddenSize % (4 * vision.heads) === 0;
    rule(
      turned,
      ["vision", "heads"],
      vision.heads,
      "must leave a multiple of 4 channels a head (2-D rotary positions)",
    );
    const last = vision.depth - 1;
    rule(
      vision.fullAttentionBlocks.every((block) => block <= last),
      ["vision", "fullAttentionBlocks"],
      vision.fullAttentionBlocks,
      `must name blocks from 0 to ${last}`,
    );
  });

const model = z.strictObject({
  /** Directory of the checkpoint that `train` and `rollout` start from. */
  init: z.string().min(1).exactOptional(),
  architecture: architecture.exactOptional(),
  /** Pixel limits of an image after the smart resize; those of the checkpoint when left out. */
  processor: z
    .strictObject({
      minPixels: z.int().min(784).default(3136),
      maxPixels: z.int().min(784).default(2_000_000),
    })
    .superRefine((p, context) => {
      if (p.minPixels > p.maxPixels)
        context.addIssue({
          code: "custom",
          path: ["minPixels"],
          input: p.minPixels,
          message: `must not exceed maxPixels (${p.maxPixels})`,
        });
    })
    .exactOptional(),
});

const context = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("imageInBoth") }),
  z.strictObject({ type: z.literal("imageInRuntime") }),
  z.strictObject({ type: z.literal("videoInRuntime") }),
  z.strictObject({
    type: z.literal("videoFrames"),
    /** Frames of each video, at uniform distances. */
    frames: z.int().min(1).max(10_000).default(16),
    /** Whether programs have the video as well. */
    inRuntime: z.boolean().default(false),
  }),
]);

const agent = z
  .strictObject({
    /** A built-in prompt template's name, or a path to a template file. */
    template: z.string().min(1).default("mini"),
    /**
     * What the model sees of a task's media from the start, for tasks of that medium. Left out, and for the other medium:
     * images in the context and in Python (`imageInBoth`), videos in Python only (`videoInRuntime`).
     */
    context: context.exactOptional(),
    /** Turns of the model, the answer's own included. */
    maxTurns: z.int().min(1).max(1000).default(5),
    maxTurnTokens: count.default(10_240),
    /** Prompt, turns, observations and image tokens together. */
    maxContextTokens: z.int().min(16).default(32_768),
    /** The task's own images and figures together. */
    maxImages: z.int().min(0).max(10_000).default(32),
    /** Episodes alive at once in training; all of a prompt batch when left out. */
    concurrent: count.exactOptional(),
    onPythonError: z.enum(["show", "end"]).default("show"),
    /**
     * `lockstep` samples in a fixed order and is deterministic; with `eager` an episode goes on as soon as its tool call is
     * back, and the run cannot be reproduced bit for bit.
     */
    schedule: z.enum(["lockstep", "eager"]).default("lockstep"),
  })
  .superRefine(({ context: chosen, maxImages }, context) => {
    if (chosen?.type === "videoFrames" && chosen.frames > maxImages)
      context.addIssue({
        code: "custom",
        path: ["context", "frames"],
        input: chosen.frames,
        message: `must be at most agent.maxImages (${maxImages}), since frames in the context count as its images; raise that, or take fewer`,
      });
  });

const notTruncated =
  "must be off (topP 1, topK 0) in training: sampled tokens carry the log-probabilities of the whole distribution, " +
  "and the clipped ratio is wrong for a truncated one; to sample so in evaluation set evaluation.topP or evaluation.topK";

const sampling = z.strictObject({
  temperature: z
    .number()
    .min(0)
    .max(10)
    .refine(
      (t) => t === 1,
      "must be 1 in training: sampled tokens carry log-probabilities at temperature 1, and the clipped ratio is wrong " +
        "for any other; to sample otherwise in evaluation set evaluation.temperature",
    )
    .default(1),
  topP: z
    .number()
    .gt(0)
    .max(1)
    .refine((p) => p === 1, notTruncated)
    .default(1),
  topK: countOrNone.refine((k) => k === 0, notTruncated).default(0),
});

const selection = z
  .strictObject({
    /** Prompts drawn at once, prompts trained on, rollouts of each prompt. */
    genBatch: count.default(32),
    trainBatch: count.default(16),
    rolloutsPerPrompt: z.int().min(2).default(8),
    /** Draws at most per step; a step that reaches this trains on fewer prompts, with a warning. */
    maxGenBatches: count.default(4),
    dropBroken: z.boolean().default(true),
    /** End reasons that are not broken. */
    keepEndReasons: z.array(z.enum(endReasonTypes)).min(1).default(["answered", "turnLimit", "pythonError"]),
    /** Which rewards of a group must vary, and by how much, for the group to be kept. */
    zeroVariance: z
      .strictObject({
        accuracy: z.boolean().default(true),
        total: z.boolean().default(true),
        tolerance: z.number().min(0).default(1e-6),
      })
      .prefault({}),
    ranking: z.enum(["group", "sample", "off"]).default("group"),
  })
  .superRefine((s, context) => {
    if (s.trainBatch > s.genBatch * s.maxGenBatches)
      context.addIssue({
        code: "custom",
        path: ["trainBatch"],
        input: s.trainBatch,
        message: `must not exceed genBatch * maxGenBatches (${s.genBatch * s.maxGenBatches}), or no step can fill it`,
      });
  });

const advantage = z.strictObject({
  baseline: z.enum(["totalReward", "accuracy"]).default("totalReward"),
  normalizeByStd: z.boolean().default(false),
});

const optimizer = z.strictObject({
  learningRate: z.number().gt(0).max(1).default(1e-6),
  warmupSteps: countOrNone.default(0),
  /** After the warm-up; `cosine` and `linear` fall to finalFraction of learningRate at the last step. */
  schedule: z.enum(["constant", "cosine", "linear"]).default("constant"),
  finalFraction: fraction.default(0),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().gt(0).default(1e-8),
  weightDecay: z.number().min(0).max(1).default(0.01),
  /** Global norm the gradient is clipped to; 0 is off. */
  maxGradNorm: z.number().min(0).default(1),
});

/** What a run can be continued from. */
const checkpointing = (everySteps: number) => ({
  /** Steps between checkpoints; 0: none but at the end, and when the run is stopped. */
  saveEvery: countOrNone.default(everySteps),
  /** Checkpoints that stay beside the result, the newest; 0 keeps all. */
  keepCheckpoints: countOrNone.default(2),
});

const train = z.strictObject({
  steps: countOrNone.default(700),
  /** Optimiser steps the trained prompts are split into. */
  minibatches: count.default(1),
  /** Tokens (with padding) of one forward and backward pass. */
  microBatchTokens: count.default(16_384),
  /** Cut of a minibatch: `leastPadding` computes the fewest tokens, `fewest` makes the fewest passes. */
  grouping: z.enum(groupings).default("leastPadding"),
  /**
   * What is minimised, with r = p / p_sampled and A the advantage. `ppo`: -min(r A, clip(r) A), as the paper has it.
   * `importanceSampling`: -r A, without a clip. `cispo`: -stop(clip(r)) A ln p, where every token keeps its gradient
   * (arXiv 2506.13585).
   */
  loss: z.enum(["ppo", "importanceSampling", "cispo"]).default("ppo"),
  clipLow: fraction.default(0.2),
  clipHigh: z.number().min(0).max(10).default(0.2),
  /**
   * Truncated importance sampling, for sampling and training that disagree: r is then p / p_before, with p_before of the
   * training engine just before the step, and each token's advantage is multiplied by min(p_before / p_sampled, importanceCap).
   * It costs one more forward pass. 0 is off.
   */
  importanceCap: z.number().min(0).max(1000).default(0),
  /**
   * 0: a step samples what it trains on, then updates. k of 1 and more: groups are collected in the background while the
   * trainer works, and a step trains on the first that have ended; none began more than k updates before. Steps are then not
   * made of genBatch prompts, and agent.schedule counts for evaluations only.
   */
  maxStaleness: z.int().min(0).max(1000).default(0),
  /** A token's log-probability may differ by this many nats between sampling and training before a step warns. */
  maxLogprobGap: z.number().gt(0).default(0.01),
  ...checkpointing(5),
  /** Steps between evaluations; 0 is only before and after. */
  evaluateEvery: countOrNone.default(0),
});

const evaluation = z.strictObject({
  tasks: count.default(400),
  split: z.enum(["train", "validation", "test"]).default("test"),
  temperature: z.number().min(0).max(10).default(0),
  topP: z.number().gt(0).max(1).default(1),
  topK: countOrNone.default(0),
  /** Turns allowed in evaluation; agent.maxTurns when left out (the paper: 30). */
  maxTurns: z.int().min(1).max(1000).exactOptional(),
  /** Episodes run together. */
  concurrent: count.default(64),
});

const sft = z.strictObject({
  /** Directory of the base checkpoint to start from. */
  init: z.string().min(1).exactOptional(),
  /**
   * Dialogues to train on instead of the scripted teacher's demonstrations: a folder of `synth` or of LLaMA-Factory (with a
   * dataset_info.json), or a .json or .jsonl file in the ShareGPT layout.
   */
  data: z.string().min(1).exactOptional(),
  /** Which data set of dataset_info.json, where it names several. */
  dataset: z.string().min(1).exactOptional(),
  /** Where relative paths of pictures in `data` begin; the file's folder when left out. */
  imageRoot: z.string().min(1).exactOptional(),
  demonstrations: count.default(2000),
  epochs: count.default(1),
  /** Demonstrations an optimiser step. */
  batchSize: count.default(32),
  microBatchTokens: count.default(16_384),
  /** As in `train`. */
  grouping: z.enum(groupings).default("leastPadding"),
  /** How the scripted teacher errs: probabilities (giveUp before each look, the others per demonstration). */
  teacher: z
    .strictObject({
      impatient: fraction.default(DEFAULT_BEHAVIOUR.impatient),
      giveUp: fraction.default(DEFAULT_BEHAVIOUR.giveUp),
      wrongPlace: fraction.default(DEFAULT_BEHAVIOUR.wrongPlace),
      pythonError: fraction.default(DEFAULT_BEHAVIOUR.pythonError),
      /** Probability, when the answer is known, of another look all the same (world of pictures); 0 when left out. */
      needless: fraction.exactOptional(),
      /** Order of a scan over places. */
      order: z.enum(["reading", "random"]).default(DEFAULT_BEHAVIOUR.order),
    })
    .prefault({}),
  optimizer: optimizer.prefault({}),
  ...checkpointing(25),
});

const pretrain = z.strictObject({
  steps: countOrNone.default(1000),
  /** Sequences an optimiser step. */
  batchSize: count.default(64),
  microBatchTokens: count.default(16_384),
  /** As in `train`. */
  grouping: z.enum(groupings).default("leastPadding"),
  /**
   * Relative frequencies of the video world's samples; only kinds that are named are drawn. `frames`: pictures with
   * captions, `first`: a question and the first call, `episode`: a whole flawless one, which with `videoFrames` `first` is too. Left out:
   * 0.45, 0.15, 0.4; with `videoFrames` 0.6 of `frames` and 0.4 of `episode`.
   */
  videoMix: z
    .strictObject({ frames: weight(0), first: weight(0), episode: weight(0) })
    .refine(...someWeight)
    .exactOptional(),
  optimizer: optimizer.prefault({}),
  ...checkpointing(25),
});

export const configSchema = z.strictObject({
  /** Names the run directory; the config file's own name when left out. */
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
      "must be letters, digits, '.', '_' or '-', and start with a letter or digit",
    )
    .exactOptional(),
  seed: z.int().min(0).default(0),
  engine: engine.prefault({ type: "embedded" }),
  model: model.prefault({}),
  tasks: tasks.prefault({ type: "world" }),
  python: python.prefault({}),
  agent: agent.prefault({}),
  sampling: sampling.prefault({}),
  reward: reward.prefault({}),
  selection: selection.prefault({}),
  advantage: advantage.prefault({}),
  optimizer: optimizer.prefault({}),
  train: train.prefault({}),
  evaluation: evaluation.prefault({}),
  sft: sft.prefault({}),
  pretrain: pretrain.prefault({}),
  synth: synth.prefault({}),
  logging: logging.prefault({}),
});

/** Lists and tuples become read-only ones of the same shape. */
type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/** A checked config with every default filled in, and its name. */
export type ResolvedConfig = DeepReadonly<z.output<typeof configSchema>> & { readonly name: string };
