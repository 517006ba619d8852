// The `reward` section of a recipe: what is paid, how answers are graded, and the judge for what rules cannot decide.
import { z } from "zod";

const share = z.number().min(0).max(1);

const leaf = [
  /** By the look of question and truth: lettered options, a number, mathematics, else words. */
  z.strictObject({ type: z.literal("auto") }),
  /** A letter of lettered options, its text, or both. */
  z.strictObject({ type: z.literal("choice") }),
  z.strictObject({
    type: z.literal("number"),
    /** Error allowed, as a share of the truth and in its unit; the larger counts. 0 and 0: equal to six decimals. */
    relativeTolerance: z.number().min(0).max(1).default(0),
    absoluteTolerance: z.number().min(0).default(0),
    /** `convert`: 150 cm is 1.5 m, and 5 s is not 5 m. `ignore`: only the number counts. */
    units: z.enum(["convert", "ignore"]).default("convert"),
  }),
  /** LaTeX and plain notation: numbers, terms, equations, sets, intervals, pairs. */
  z.strictObject({
    type: z.literal("mathematics"),
    /** Decimals to which values agree when one of them is written as a decimal. */
    decimals: z.int().min(0).max(12).default(6),
  }),
  z.strictObject({
    type: z.literal("meanRelativeAccuracy"),
    /** A number is right from this mean relative accuracy on (VSI-Bench). */
    least: z.number().gt(0).max(1).default(0.5),
  }),
  /** The same words. */
  z.strictObject({ type: z.literal("text") }),
  /** The same characters. */
  z.strictObject({ type: z.literal("exact") }),
] as const;

const grader = z.discriminatedUnion("type", [
  ...leaf,
  z.strictObject({
    type: z.literal("byKind"),
    /** Grader of each kind of task that is named (in files, `ability` or `data_source`). */
    kinds: z.record(z.string().min(1), z.discriminatedUnion("type", leaf)),
    otherwise: z.discriminatedUnion("type", leaf).prefault({ type: "auto" }),
  }),
]);

/** A language model, asked over the OpenAI protocol about answers that no rule decides. */
const judge = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }),
  model: z.string().min(1),
  /** Name of the environment variable that holds the key. */
  apiKeyVariable: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable")
    .default("OPENAI_API_KEY"),
  /** `auto` picks one of the built-in prompts by the rule that passed the answer on; else a built-in's name, or a YAML file. */
  prompt: z.string().min(1).default("auto"),
  /** The prompt of each kind of task that is named. */
  prompts: z.record(z.string().min(1), z.string().min(1)).default({}),
  temperature: z.number().min(0).max(2).default(0),
  seed: z.int().min(0).default(0),
  /** Tokens of a reply; a model that thinks before it answers needs more. */
  maxTokens: z.int().min(8).max(100_000).default(64),
  maxConcurrent: z.int().min(1).max(1024).default(8),
  /** Of one request. */
  requestTimeoutSeconds: z.number().gt(0).max(3600).default(30),
  /** Of one answer, retries included. */
  deadlineSeconds: z.number().gt(0).max(3600).default(120),
  maxRetries: z.int().min(0).max(100).default(4),
  /** Folder of the verdicts so far; `off` keeps none. */
  cache: z.string().min(1).default("runs/.judge-cache"),
  /** Answers the judge is asked about in one process, those in the cache aside; without a bound when left out. */
  maxCalls: z.int().min(0).exactOptional(),
  /** The run stops when more than this share of the answers of one round of rollouts got no verdict from the judge. */
  maxFailedShare: share.default(0.5),
});

export const reward = z.strictObject({
  /** Added per counted tool call when the answer is right. */
  toolCall: z.number().min(-10).max(10).default(0.1),
  /** `ran`: every call that ran to its end (the paper); `effective`: only those that showed something new. */
  countedCalls: z.enum(["ran", "effective"]).default("ran"),
  /** A longer answer is wrong unread and earns nothing, its tool calls included. */
  maxAnswerChars: z.int().min(1).default(1000),
  /** Left out: as the tasks ask for, that is the mini worlds by their own rules and tasks of files as `auto`. */
  grader: grader.exactOptional(),
  /** Without one, what rules cannot decide is wrong. */
  judge: judge.exactOptional(),
});

export type GraderConfig = z.output<typeof grader>;
export type JudgeConfig = z.output<typeof judge>;
