// The reward of the method: R = R_acc + toolCall * n_tc * [R_acc = 1]. Tool calls pay only on right answers, so an empty
// call never pays by itself. Whatever did not end with an answer earns 0.
import type { Reward, Trajectory } from "../core/trajectory.ts";
import { gradeAnswer } from "./grade.ts";

export interface RewardOptions {
  /** Reward of one counted call on a right answer (paper: 0.1). */
  readonly toolCall: number;
  /** `ran`: every call that ran without error (the paper). `effective`: only those that printed or drew something new. */
  readonly countedCalls: "ran" | "effective";
  /** Answers longer than this many characters earn 0. */
  readonly maxAnswerChars: number;
}

/** Whether an answer to a question of this kind is right. */
export type Grader = (answer: string, groundTruth: string, taskKind: string) => 0 | 1;

/** Scores one finished trajectory; asynchronous graders (a judge) fit the same type. */
export type RewardFunction = (trajectory: Trajectory) => Reward | Promise<Reward>;

/** Accuracy is undefined only when the sandbox failed: that is our fault and says nothing about the policy. */
export function scoreTrajectory(
  trajectory: Trajectory,
  options: RewardOptions,
  grade: Grader = gradeAnswer,
): Reward {
  if (trajectory.endReason.type === "sandboxFailure") return { total: 0, accuracy: undefined, toolCall: 0 };
  const { answer } = trajectory;
  const readable =
    trajectory.endReason.type === "answered" &&
    answer !== undefined &&
    answer.length <= options.maxAnswerChars;
  if (!readable || grade(answer, trajectory.groundTruth, trajectory.taskKind) === 0)
    return { total: 0, accuracy: 0, toolCall: 0 };
  const calls = options.countedCalls === "ran" ? trajectory.toolCalls : trajectory.effectiveToolCalls;
  const toolCall = options.toolCall * calls;
  return { total: 1 + toolCall, accuracy: 1, toolCall };
}
