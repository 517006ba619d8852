// The reward of the method: R = R_acc + toolCall * n_tc * [R_acc = 1]. Tool calls pay only on right answers, so an empty
// call never pays by itself. Whatever did not end with an answer earns 0, and so does an answer beyond the limit.
import type { Reward, Trajectory } from "../core/trajectory.ts";
import { gradeAnswer } from "./grade.ts";
import type { Graded, RuleGrader, Verdict } from "./verdict.ts";

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

const NOTHING: Reward = { total: 0, accuracy: 0, toolCall: 0 };
/** Left out of every figure and of training. */
const UNDECIDED: Reward = { total: 0, accuracy: undefined, toolCall: 0 };

/** Accuracy is undefined only when the sandbox failed: that is our fault and says nothing about the policy. */
export function scoreTrajectory(
  trajectory: Trajectory,
  options: RewardOptions,
  grade: Grader = gradeAnswer,
): Reward {
  const answer = answerOf(trajectory, options);
  if (typeof answer !== "string") return answer;
  const isRight = grade(answer, trajectory.groundTruth, trajectory.taskKind) === 1;
  return isRight ? rightReward(trajectory, options) : NOTHING;
}

export interface Grading {
  readonly rule: RuleGrader;
  /** Decides what the rule leaves open. Without one, that is wrong: a model must not be able to leave itself out. */
  readonly judge?: (graded: Graded) => Promise<Verdict>;
}

/** The reward with a rule first and a judge for the rest; what neither decides has no accuracy and is dropped. */
export function gradedReward(options: RewardOptions, { rule, judge }: Grading): RewardFunction {
  return (trajectory) => {
    const answer = answerOf(trajectory, options);
    if (typeof answer !== "string") return answer;
    const { question, groundTruth: truth, taskKind: kind } = trajectory;
    const graded = { question, answer, truth, kind };
    const rewardOf = (verdict: Verdict): Reward => {
      switch (verdict) {
        case "right":
          return rightReward(trajectory, options);
        case "wrong":
          return NOTHING;
        case "unknown":
          return UNDECIDED;
        default:
          return verdict satisfies never;
      }
    };
    // Nothing to compare with: no answer could be right.
    if (truth.trim() === "") return UNDECIDED;
    const verdict = rule(graded);
    if (verdict !== "unknown") return rewardOf(verdict);
    return judge === undefined ? NOTHING : judge(graded).then(rewardOf);
  };
}

/** The answer to grade, or the reward of a trajectory without one. */
function answerOf({ endReason, answer }: Trajectory, { maxAnswerChars }: RewardOptions): string | Reward {
  if (endReason.type === "sandboxFailure") return UNDECIDED;
  return endReason.type === "answered" && answer !== undefined && answer.length <= maxAnswerChars
    ? answer
    : NOTHING;
}

function rightReward(trajectory: Trajectory, options: RewardOptions): Reward {
  const calls = options.countedCalls === "ran" ? trajectory.toolCalls : trajectory.effectiveToolCalls;
  const toolCall = options.toolCall * calls;
  return { total: 1 + toolCall, accuracy: 1, toolCall };
}
