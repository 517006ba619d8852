// The three stages of a policy's life, and one rollout of it: each builds the engine, the Python runtime and the tasks
// that the config names, and hands them to the loops of src/learning. Progress and results go to the reporter and the
// run directory.
import type { Reporter } from "../core/reporter.ts";
import type { ScoredTrajectory } from "../core/trajectory.ts";
import { PyVisionError } from "../core/errors.ts";
import type { ResolvedConfig } from "../runs/config.ts";
import type { RunDirectory } from "../runs/runDirectory.ts";

/** Reinforcement learning from `model.init`, with the held-out evaluation before and after. */
export async function runTrain(_config: ResolvedConfig, _run: RunDirectory, _reporter: Reporter): Promise<void> {
  throw new PyVisionError("internal: runTrain has no engine yet");
}

/** Supervised fine-tuning of `model.init` on the scripted teacher's demonstrations. */
export async function runSft(_config: ResolvedConfig, _run: RunDirectory, _reporter: Reporter): Promise<void> {
  throw new PyVisionError("internal: runSft has no engine yet");
}

/** A new base checkpoint of `model.architecture`. */
export async function runPretrain(_config: ResolvedConfig, _run: RunDirectory, _reporter: Reporter): Promise<void> {
  throw new PyVisionError("internal: runPretrain has no engine yet");
}

export interface RolloutRequest {
  readonly split: "train" | "validation" | "test";
  /** Position of the task in the split. */
  readonly taskIndex: number;
  /** Number of the rollout, which picks its random stream; temperature comes from `evaluation`. */
  readonly member: number;
}

/** One scored episode of `model.init`. */
export async function runRollout(
  _config: ResolvedConfig,
  _request: RolloutRequest,
  _reporter: Reporter,
): Promise<ScoredTrajectory> {
  throw new PyVisionError("internal: runRollout has no engine yet");
}
