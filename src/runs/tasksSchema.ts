// The `tasks` section of a recipe: which world or files questions come from.
import { z } from "zod";
import { PROFILES } from "../rewards/benchmarks/scorer.ts";
import { BENCHMARK_NAMES } from "../tasks/benchmarks/item.ts";
import { DEFAULT_VIDEO_WEIGHTS } from "../tasks/video/videoWorld.ts";
import { PLACES } from "../tasks/world/vocabulary.ts";
import { DEFAULT_WEIGHTS } from "../tasks/world/world.ts";

/** A relative frequency. */
export const weight = (usual: number): z.ZodDefault<z.ZodNumber> => z.number().min(0).default(usual);
export const someWeight = [
  (weights: Readonly<Record<string, number>>): boolean => Object.values(weights).some((w) => w > 0),
  "must have at least one weight above 0",
] as const;

/** Seed of the task stream; splits never share a task. Separate from the run's seed, so seeds share data. */
const seed = z.int().min(0).default(0);

/** The mini world of visual search. */
const world = {
  /** Relative frequency of each kind of task; 0 leaves it out. */
  weights: z
    .strictObject({
      plain: weight(DEFAULT_WEIGHTS.plain),
      look: weight(DEFAULT_WEIGHTS.look),
      search: weight(DEFAULT_WEIGHTS.search),
      compare: weight(DEFAULT_WEIGHTS.compare),
      count: weight(DEFAULT_WEIGHTS.count),
    })
    .refine(...someWeight)
    .prefault({}),
  /** Regions an object can hide in. */
  places: z.int().min(2).max(PLACES.length).default(PLACES.length),
  /** How plainly an object stands out: 1 most, near 0 hardly. */
  contrast: z.number().gt(0).max(1).default(1),
};

/** The mini world of video. */
const videoWorld = {
  /** Relative frequency of each kind of question; 0 leaves it out. */
  weights: z
    .strictObject({
      at: weight(DEFAULT_VIDEO_WEIGHTS.at),
      what: weight(DEFAULT_VIDEO_WEIGHTS.what),
      when: weight(DEFAULT_VIDEO_WEIGHTS.when),
      order: weight(DEFAULT_VIDEO_WEIGHTS.order),
      count: weight(DEFAULT_VIDEO_WEIGHTS.count),
      where: weight(DEFAULT_VIDEO_WEIGHTS.where),
    })
    .refine(...someWeight)
    .prefault({}),
  /**
   * A number is right from this mean relative accuracy on (VSI-Bench): 0.5, the reference's, takes errors of up to 30%,
   * 0.9 of up to 10%.
   */
  leastRelativeAccuracy: z.number().gt(0).max(1).default(0.5),
};

/** A data file or several, read one behind the other. */
const paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
const shareSetAside = z.number().min(0).lt(1).default(0.02);

/** What is taken away, to see what it was worth: `pyvision eval --control`. Left out: nothing is. */
const controls = {
  /** `none`: the question alone is asked, without its images and videos. */
  media: z.enum(["shown", "none"]).exactOptional(),
  /** `none`: one turn, and nothing in the prompt about code. */
  tool: z.enum(["python", "none"]).exactOptional(),
};

/** A public benchmark, to evaluate on. */
const benchmark = {
  name: z.enum(BENCHMARK_NAMES),
  /** Folder or file that holds it, as its authors publish it. */
  path: z.string().min(1),
  /** Left out: the one that papers report. */
  split: z.string().min(1).exactOptional(),
  /** Whose rules answers are scored by. */
  profile: z.enum(PROFILES).default("default"),
  /** Seed by which lettered options change their places. Left out: they stay as published. */
  shuffleOptions: z.int().min(0).exactOptional(),
  ...controls,
};

/** Questions of data files: a JSON array, JSON Lines or parquet, in the layouts of `src/tasks/formats/taskRow.ts`. */
const file = {
  path: paths,
  /** Files of the validation and test splits; then no row of `path` is set aside. */
  heldOut: paths.exactOptional(),
  /**
   * `counted`: rows of `heldOut` that cannot be asked are items too, which count as wrong, in the files' order, and questions
   * without media are asked: what `pyvision eval --tasks` does. Left out: they are left out.
   */
  brokenRows: z.enum(["leftOut", "counted"]).exactOptional(),
  /** Folder that relative paths of images and videos begin in. Left out: each data file's own. */
  mediaRoot: z.string().min(1).exactOptional(),
  /** Beginning of these paths that is taken off, e.g. the folder on the machine the data were made on. */
  stripPrefix: z.string().min(1).exactOptional(),
  /** Which field is a task's kind, by which results are broken down and graders chosen. */
  kind: z.enum(["data_source", "ability"]).default("data_source"),
  /** Shares of the rows of `path` that training never sees. */
  split: z
    .strictObject({ validation: shareSetAside, test: shareSetAside })
    .refine(({ validation, test }) => validation + test < 1, "must leave rows to train on: below 1 together")
    .prefault({}),
  ...controls,
};

export const tasks = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("world"), seed, ...world }),
  z.strictObject({ type: z.literal("videoWorld"), seed, ...videoWorld }),
  /** Both in one run. */
  z.strictObject({
    type: z.literal("mixed"),
    seed,
    world: z.strictObject(world).prefault({}),
    videoWorld: z.strictObject(videoWorld).prefault({}),
    /** Share of video prompts before the cap. */
    videoShare: z.number().min(0).max(1).default(0.5),
    /** Video prompts at most in a generation batch; what is above it is refilled with image prompts. */
    maxVideos: z.int().min(0).default(8),
  }),
  z.strictObject({ type: z.literal("file"), seed, ...file }),
  z.strictObject({ type: z.literal("benchmark"), ...benchmark }),
]);
