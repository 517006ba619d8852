// How the answers of a run are graded: by the rule that the recipe names, or by the tasks' own, and by a judge for what the
// rule leaves open. A judge that fails leaves samples out, which is right for a few and wrong for most of them.
import { ConfigError, EngineError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { ScoredFields } from "../../rewards/benchmarks/scorer.ts";
import { itemReward } from "../../rewards/itemVerdict.ts";
import type { JudgeCounts } from "../../rewards/judge/judge.ts";
import { type Grader, gradedReward, type RewardFunction, scoreTrajectory } from "../../rewards/reward.ts";
import {
  answerForm,
  type AnswerForm,
  formOf,
  isNumericKind,
  leafOf,
  ruleGrader,
} from "../../rewards/rules/choose.ts";
import { gradeFileTask, isNumericSource } from "../../rewards/rules/files.ts";
import type { Graded, RuleGrader } from "../../rewards/verdict.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { benchmarkScorer, fileScorer, type ItemScorer } from "./itemGrading.ts";
import { connectJudge, type JudgeClient, judgeOf, type OpenedJudge } from "./judgeConnection.ts";

export interface RunGrading {
  readonly reward: RewardFunction;
  /** Whether answers to this kind of task are numbers that mean relative accuracy is told of. */
  isNumeric(this: void, taskKind: string): boolean;
  /**
   * After a round of rollouts. Warns of answers without a verdict.
   * @throws EngineError when more than reward.judge.maxFailedShare of the judge's answers of the round failed
   */
  check(label: string, reporter: Reporter): void;
  /** What the judge was asked so far; undefined without one. */
  judged(): ({ readonly model: string } & JudgeCounts) | undefined;
  /** An answer in parts of a point, with who scored it; undefined for the mini worlds. */
  readonly score?: ItemScorer;
}

/** What grading needs to know of the tasks. */
export interface GradedTasks {
  readonly grade: Grader;
  isNumeric(this: void, taskKind: string): boolean;
  /** What scores a benchmark's item of this id, of those that were asked for; undefined for other tasks. */
  scoredFields?(this: void, taskId: string): ScoredFields | undefined;
}

/**
 * @param client makes the judge's connection
 * @throws ConfigError for a prompt that cannot be read, and for a judge that no rule would ever ask
 */
export function gradingOf(
  config: ResolvedConfig,
  tasks: GradedTasks,
  client: JudgeClient = connectJudge,
): RunGrading {
  const { reward } = config;
  const rules = rulesOf(config, tasks);
  const isBenchmark = config.tasks.type === "benchmark";
  if (rules === undefined && !isBenchmark && reward.judge !== undefined)
    throw new ConfigError(
      "reward.judge: would never be asked, since the mini worlds decide every answer by rule; leave it out, or set reward.grader",
    );
  const judge = reward.judge === undefined ? undefined : judgeOf(reward.judge, client(reward.judge));
  const asked = askedOf(config, judge);
  if (config.tasks.type === "benchmark") {
    const score = benchmarkScorer(config.tasks, reward, judge?.items);
    return { ...asked, score, reward: benchmarkReward(score, tasks), isNumeric: tasks.isNumeric };
  }
  if (rules === undefined)
    return {
      ...asked,
      reward: (trajectory) => scoreTrajectory(trajectory, reward, tasks.grade),
      isNumeric: tasks.isNumeric,
    };
  const { rule, formOf: form, isNumeric } = rules;
  const { grader } = reward;
  const hasParts = (kind: string): boolean =>
    grader === undefined ? isNumericSource(kind) : leafOf(grader, kind).type === "meanRelativeAccuracy";
  return {
    ...asked,
    reward: gradedReward(reward, {
      rule,
      ...(judge !== undefined && { judge: (graded: Graded) => judge.decide(graded, form(graded)) }),
    }),
    isNumeric,
    score: fileScorer({ rule, formOf: form, hasParts }, reward, judge?.items),
  };
}

/** What is known of the run's judge, and looked at after each round. */
function askedOf(
  { reward }: ResolvedConfig,
  judge: OpenedJudge | undefined,
): Pick<RunGrading, "check" | "judged"> {
  if (judge === undefined || reward.judge === undefined)
    return { check: () => undefined, judged: () => undefined };
  const { model, maxFailedShare } = reward.judge;
  let before = judge.counts();
  return {
    check: (label, reporter) => {
      const counts = judge.counts();
      checkRound(label, difference(counts, before), maxFailedShare, judge.lastFailure(), reporter);
      before = counts;
    },
    judged: () => ({ model, ...judge.counts() }),
  };
}

/** Where a benchmark's items are tasks like others: a failure of the tool leaves the sample out. */
function benchmarkReward(score: ItemScorer, tasks: GradedTasks): RewardFunction {
  return async (trajectory) => {
    const fields = tasks.scoredFields?.(trajectory.taskId);
    if (fields === undefined) throw new Error(`internal: ${trajectory.taskId} is no item of the benchmark`);
    if (trajectory.endReason.type === "sandboxFailure") return { total: 0, accuracy: undefined, toolCall: 0 };
    const task = { ...fields, id: trajectory.taskId, kind: trajectory.taskKind, images: [] };
    return itemReward(await score(task, trajectory));
  };
}

interface Rules {
  readonly rule: RuleGrader;
  readonly formOf: (graded: Graded) => AnswerForm;
  readonly isNumeric: (taskKind: string) => boolean;
}

/** undefined for the mini worlds' own. */
function rulesOf(
  { reward: { grader }, tasks: { type } }: ResolvedConfig,
  tasks: GradedTasks,
): Rules | undefined {
  if (grader !== undefined)
    return {
      rule: ruleGrader(grader),
      formOf: (graded) => formOf(grader, graded),
      isNumeric: (kind) => isNumericKind(grader, kind) || (grader.type === "auto" && tasks.isNumeric(kind)),
    };
  if (type !== "file") return undefined;
  return {
    rule: gradeFileTask,
    formOf: (graded) => (isNumericSource(graded.kind) ? "number" : answerForm(graded)),
    isNumeric: isNumericSource,
  };
}

/** Fewer answers than this without a verdict stop nothing. */
const FEW = 8;

function checkRound(
  label: string,
  { right, wrong, undecided, failed, overBudget }: JudgeCounts,
  maxFailedShare: number,
  why: string | undefined,
  reporter: Reporter,
): void {
  const lost = failed + overBudget;
  const all = right + wrong + undecided + lost;
  if (lost === 0) return;
  const said = `${label}: the judge gave no verdict on ${lost} of ${all} answers (${why ?? "no reason"})`;
  if (lost >= FEW && lost > maxFailedShare * all)
    throw new EngineError(
      `${said}; what is left would be what rules alone decide, so this stops here: see to the judge's server or its ` +
        "budget (reward.judge.maxCalls), or raise reward.judge.maxFailedShare",
    );
  reporter.warn(`${said}; they are left out`);
}

/** One line for the end of a run. */
export function formatJudged(judged: NonNullable<ReturnType<RunGrading["judged"]>>): string {
  const { model, asked, cached, right, wrong, undecided, failed, overBudget } = judged;
  return (
    `judge ${model}: ${right + wrong + undecided + failed + overBudget} answers that no rule decided, ${asked} asked about, ` +
    `${cached} known; ${right} right, ${wrong} wrong, left out: ${undecided} it could not tell, ${failed} failed, ` +
    `${overBudget} over the budget`
  );
}

function difference(now: JudgeCounts, before: JudgeCounts): JudgeCounts {
  const entries = Object.entries(now).map(([key, value]) => [key, value - before[key as keyof JudgeCounts]]);
  return Object.fromEntries(entries) as JudgeCounts;
}
