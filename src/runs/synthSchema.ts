// The `synth` section of a recipe: demonstrations by a teacher, chosen and written as dialogues for supervised fine-tuning.
import { z } from "zod";

const count = z.int().min(1);
const countOrNone = z.int().min(0);

/** What decides how episodes are played: a folder of demonstrations is gone on with only under the same values. */
const playing = {
  /** `policy`: the model that `engine` and `model.init` name. `scripted`: the script of the mini worlds, as in `sft.teacher`. */
  teacher: z.enum(["policy", "scripted"]).default("policy"),
  split: z.enum(["train", "validation", "test"]).default("train"),
  /** Tasks taken from the split, `start` being the position of the first; fewer when the split ends. */
  start: countOrNone.default(0),
  tasks: count.default(1000),
  /** Episodes of a task at most: another is played while fewer than `perTask` of it pass the filter. */
  attempts: z.int().min(1).max(1000).default(1),
  temperature: z.number().min(0).max(10).default(1),
  topP: z.number().gt(0).max(1).default(1),
  topK: countOrNone.default(0),
  /** Turns allowed; agent.maxTurns when left out. */
  maxTurns: z.int().min(1).max(1000).exactOptional(),
  /** Episodes alive at once. */
  concurrent: count.default(64),
};

export const synth = z.strictObject({
  ...playing,
  /**
   * What a demonstration must be. Changing this, `perTask` or `balance` chooses anew from the episodes that were played.
   * Answered it always is.
   */
  filter: z
    .strictObject({
      /** Right by the recipe's reward; an answer nobody could decide is never right. Off: wrong answers are kept too. */
      right: z.boolean().default(true),
      /** The last call ran without error. */
      lastCallRan: z.boolean().default(true),
      /** Calls that ran. */
      minCalls: countOrNone.default(0),
      maxCalls: countOrNone.exactOptional(),
      /** Calls that did not run: errors, time limits. */
      maxFailedCalls: countOrNone.exactOptional(),
      /** Pictures of the prompt and the observations. */
      maxImages: countOrNone.exactOptional(),
      /**
       * Prompt, turns, observations and image tokens, as the teacher's codec counts; for text of a served model whose
       * tokenizer is not known this is an estimate.
       */
      maxTokens: count.exactOptional(),
    })
    .prefault({}),
  /** Demonstrations of one question about one medium at most, of different words. */
  perTask: count.default(1),
  balance: z
    .strictObject({
      /** No number of turns makes up more than this share, as far as there are enough numbers of turns; 1 is off. */
      maxShare: z.number().gt(0).max(1).default(1),
      /** Demonstrations written at most, taken evenly from all numbers of turns. */
      dialogues: count.exactOptional(),
    })
    .prefault({}),
  /** Written into LLaMA-Factory's training file. */
  student: z
    .strictObject({
      model: z.string().min(1).default("Qwen/Qwen2.5-VL-7B-Instruct"),
      learningRate: z.number().gt(0).max(1).default(1e-5),
      epochs: count.default(1),
    })
    .prefault({}),
});

/** Names of the keys of `playing`. */
export const PLAYING_KEYS = Object.keys(playing) as readonly (keyof typeof playing)[];
