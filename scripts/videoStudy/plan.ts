// Which commands make the comparison of configs/video-mini.yaml with the reader of uniform frames, and where each leaves its
// run. Both arms have the same model, data, steps and seeds; the baseline differs in `agent.context` and in the room
// that its frames need.
import { join } from "node:path";

export interface StudyOptions {
  /** Folder of all runs. */
  readonly runs: string;
  readonly seeds: readonly number[];
  /** Of the baseline's context. */
  readonly frames: number;
  /** RL steps of either arm; those of the recipe when left out. */
  readonly steps?: number;
  /** `--set` of every command. */
  readonly set: readonly string[];
}

export interface Arm {
  readonly name: string;
  /** In tables and curves. */
  readonly label: string;
  readonly set: readonly string[];
}

export interface StudyStep {
  /** Name of its run folder. */
  readonly name: string;
  /** What the recipe is overridden with. */
  readonly set: readonly string[];
  /** The command line of `pyvision`. */
  readonly args: readonly string[];
  /** Folder of the run; it is finished when it holds a summary.json. */
  readonly run: string;
}

export const RECIPE = "configs/video-mini.yaml";
/** 9 image tokens, the two marks around them and the four of its time, e.g. "37.5". */
const TOKENS_A_FRAME = 15;
/** System message and question (40 at most), a turn (agent.maxTurnTokens), and some to spare. */
const OTHER_TOKENS = 160;

/** The baseline first: what others are measured against. */
export function armsOf({ frames }: Pick<StudyOptions, "frames">): readonly [baseline: Arm, method: Arm] {
  const baseline = [
    `agent.context={type: videoFrames, frames: ${frames}}`,
    `agent.maxImages=${Math.max(32, frames)}`,
    `agent.maxContextTokens=${Math.max(512, TOKENS_A_FRAME * frames + OTHER_TOKENS)}`,
  ];
  return [
    { name: `frames${frames}`, label: `${frames} uniform frames`, set: baseline },
    { name: "demand", label: "on demand", set: [] },
  ];
}

/** In order: the cold start of both arms, then seed after seed in both. */
export function studyPlan(options: StudyOptions): StudyStep[] {
  const { runs, seeds, steps } = options;
  const arms = armsOf(options);
  const step = (stage: string, arm: Arm, part: string, set: readonly string[]): StudyStep => {
    const name = `${arm.name}-${part}`;
    const run = join(runs, name);
    const sets = [...arm.set, ...options.set, ...set, `name=video-mini-${name}`];
    const args = [stage, RECIPE, ...sets.flatMap((text) => ["--set", text]), "--run", run, "--overwrite"];
    return { name, set: sets, args, run };
  };
  const weights = (arm: Arm, part: string): string => join(runs, `${arm.name}-${part}`, "checkpoints/final");
  return [
    ...arms.flatMap((arm) => [
      step("pretrain", arm, "base", []),
      step("sft", arm, "sft", [`sft.init=${weights(arm, "base")}`]),
    ]),
    ...seeds.flatMap((seed) =>
      arms.map((arm) =>
        step("train", arm, `s${seed}`, [
          `model.init=${weights(arm, "sft")}`,
          `seed=${seed}`,
          ...(steps === undefined ? [] : [`train.steps=${steps}`]),
        ]),
      ),
    ),
  ];
}
