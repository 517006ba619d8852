// The `logging` section of a recipe: what a run keeps of its trajectories, and which trackers see it beside its own files.
// metrics.jsonl is always written, whatever stands here (docs/trackers.md).
import { z } from "zod";

/** Pictures that the tracker gets of each step's sample trajectory; 0 is none. */
const images = z.int().min(0).max(64).default(4);

const tensorboard = z.strictObject({
  type: z.literal("tensorboard"),
  /** Log directory; the run gets a folder of its name in it. `tensorboard` in the run directory when left out. */
  dir: z.string().min(1).exactOptional(),
  images,
});

const wandb = z.strictObject({
  type: z.literal("wandb"),
  project: z.string().min(1).max(128).default("pyvision-rl"),
  /** User or team; the account's own default when left out. */
  entity: z.string().min(1).exactOptional(),
  group: z.string().min(1).exactOptional(),
  /** `offline` writes a folder in the run directory, for `wandb sync` later. */
  mode: z.enum(["online", "offline"]).default("online"),
  /** Python interpreter that has the `wandb` package. */
  python: z.string().min(1).default("python3"),
  images,
});

const mlflow = z.strictObject({
  type: z.literal("mlflow"),
  /** Address of the tracking server; the environment's MLFLOW_TRACKING_URI when left out. */
  url: z
    .url({
      protocol: /^https?$/,
      error:
        "must be an address that begins with http:// or https://; for a folder or a database start `mlflow server` on it",
    })
    .refine(
      (url) => !URL.canParse(url) || new URL(url).username + new URL(url).password === "",
      "must not hold a user or a password; they go into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or a " +
        "token into MLFLOW_TRACKING_TOKEN",
    )
    .exactOptional(),
  /** Made when the server has none of that name. */
  experiment: z.string().min(1).max(500).default("pyvision-rl"),
  images,
});

const tracker = z.discriminatedUnion("type", [tensorboard, wandb, mlflow]);

export type TrackerSettings = z.output<typeof tracker>;

export const logging = z.strictObject({
  /** Whole groups are stored until this many trajectories are; 0 stores none. */
  trajectoriesPerStep: z.int().min(0).default(16),
  /** Words by which runs are found again in a tracker. */
  tags: z.array(z.string().min(1).max(64)).max(50).default([]),
  /** At most one of each type. */
  trackers: z
    .array(tracker)
    .superRefine((trackers, context) => {
      trackers.forEach(({ type }, i) => {
        if (trackers.findIndex((other) => other.type === type) < i)
          context.addIssue({
            code: "custom",
            path: [i, "type"],
            input: type,
            message: "must differ from those before it: a run has at most one tracker of each type",
          });
      });
    })
    .default([]),
});
