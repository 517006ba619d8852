// The online filters of the rollout strategy, as pure tests that name their reason: which groups teach nothing (no
// variance) and which trajectories are broken. Counting and ranking is in selection.ts.
import type { EndReasonType, ScoredTrajectory, TrajectoryGroup } from "../core/trajectory.ts";
import { mean, std } from "./statistics.ts";

export const endReasonTypes = [
  "answered",
  "turnLimit",
  "turnTokenLimit",
  "contextLimit",
  "imageLimit",
  "noAction",
  "pythonError",
  "sandboxFailure",
] as const satisfies readonly EndReasonType[];

/**
 * `allWrong`, `allRight`: accuracy does not vary. `constantReward`: total reward does not vary although accuracy does.
 * `undecided`: no member could be judged. `nothingLeft`: every trajectory was broken. `stale`: it would be trained on more
 * updates after its sampling began than the recipe allows (backgroundGroups.ts).
 */
export type GroupDropReason =
  "allWrong" | "allRight" | "constantReward" | "undecided" | "nothingLeft" | "stale";

/** An end reason outside the keep list, or: not judged, image placeholders that do not fit the grid, nothing to train on. */
export type TrajectoryDropReason = EndReasonType | "undecided" | "imageMismatch" | "noSampledTokens";

export interface FilterOptions {
  /** Trajectories that ended otherwise are broken. */
  readonly keepEndReasons: readonly EndReasonType[];
  /**
   * `drop`: broken trajectories of a kept group are not trained on (their reward still counted in the group's mean).
   * `keep`: they are trained on, except those that cannot be (undecided, our own sandbox's failure, malformed).
   */
  readonly broken: "drop" | "keep";
  /**
   * A group goes when a quantity that is switched on has standard deviation <= tolerance. The
   * accuracy test also drops groups that are all right and differ only in tool calls: their one lesson is "call more",
   * right or not. The reference tests the total alone (`accuracy: false`), so it keeps those, at the bottom of the
   * ranking. All-wrong groups have total 0 throughout and go under either test.
   */
  readonly zeroVariance: { readonly accuracy: boolean; readonly total: boolean; readonly tolerance: number };
}

/** A failure of the sandbox is ours: like a judge that cannot decide, it says nothing about the model. */
export function decidedAccuracy(trajectory: ScoredTrajectory): 0 | 1 | undefined {
  return trajectory.endReason.type === "sandboxFailure" ? undefined : trajectory.reward.accuracy;
}

/** Why a group teaches nothing, or undefined when it is kept. Looks at every judged member, broken ones included. */
export function groupDropReason(
  group: TrajectoryGroup,
  { accuracy, total, tolerance }: FilterOptions["zeroVariance"],
): GroupDropReason | undefined {
  const judged = group.trajectories.filter((t) => decidedAccuracy(t) !== undefined);
  const accuracies = judged.map((t) => decidedAccuracy(t) as number);
  const accuracyStd = std(accuracies);
  const totalStd = std(judged.map((t) => t.reward.total));
  if (accuracyStd === undefined || totalStd === undefined) return "undecided";
  const accuracyConstant = accuracyStd <= tolerance;
  const totalConstant = totalStd <= tolerance;
  if (!((accuracy && accuracyConstant) || (total && totalConstant))) return undefined;
  if (!accuracyConstant) return "constantReward";
  return (mean(accuracies) as number) < 0.5 ? "allWrong" : "allRight";
}

/** Why a trajectory is not trained on, or undefined when it is. */
export function trajectoryDropReason(
  trajectory: ScoredTrajectory,
  { keepEndReasons, broken }: Pick<FilterOptions, "keepEndReasons" | "broken">,
): TrajectoryDropReason | undefined {
  const { type } = trajectory.endReason;
  if (type === "sandboxFailure") return type;
  if (trajectory.reward.accuracy === undefined) return "undecided";
  if (broken === "drop" && !keepEndReasons.includes(type)) return type;
  let sampledTokens = 0;
  for (const segment of trajectory.segments) {
    if (segment.type === "sampled") sampledTokens += segment.tokens.length;
    if (segment.type !== "image") continue;
    const { grid, tokenCount } = segment.image;
    if (tokenCount !== (grid[0] * grid[1] * grid[2]) / 4) return "imageMismatch";
  }
  return sampledTokens === 0 ? "noSampledTokens" : undefined;
}
