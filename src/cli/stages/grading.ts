// How the answers of a run are graded: by the rule that the recipe names, or by the tasks' own, and by a judge for what the
// rule leaves open. A judge that fails leaves samples out, which is right for a few and wrong for most of them.
import { ConfigError, EngineError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { ChatClient } from "../../engines/openai/chat.ts";
import { openAiClient } from "../../engines/openai/client.ts";
import { fileCache, memoryCache } from "../../rewards/judge/cache.ts";
import { createJudge, type Judge, type JudgeCounts } from "../../rewards/judge/judge.ts";
import { type JudgePrompt, loadJudgePrompt } from "../../rewards/judge/prompt.ts";
import { type Grader, gradedReward, type RewardFunction, scoreTrajectory } from "../../rewards/reward.ts";
import {
  answerForm,
  type AnswerForm,
  formOf,
  isNumericKind,
  ruleGrader,
} from "../../rewards/rules/choose.ts";
import { gradeFileTask, isNumericSource } from "../../rewards/rules/files.ts";
import type { Graded, RuleGrader } from "../../rewards/verdict.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

type JudgeConfig = NonNullable<ResolvedConfig["reward"]["judge"]>;

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
}

/** What grading needs to know of the tasks. */
export interface GradedTasks {
  readonly grade: Grader;
  isNumeric(this: void, taskKind: string): boolean;
}

/**
 * @param client makes the judge's connection
 * @throws ConfigError for a prompt that cannot be read, and for a judge that no rule would ever ask
 */
export function gradingOf(
  config: ResolvedConfig,
  tasks: GradedTasks,
  client: (judge: JudgeConfig) => ChatClient = connect,
): RunGrading {
  const { reward } = config;
  const rules = rulesOf(config, tasks);
  if (rules === undefined) {
    if (reward.judge !== undefined)
      throw new ConfigError(
        "reward.judge: would never be asked, since the mini worlds decide every answer by rule; leave it out, or set reward.grader",
      );
    return {
      reward: (trajectory) => scoreTrajectory(trajectory, reward, tasks.grade),
      isNumeric: tasks.isNumeric,
      check: () => undefined,
      judged: () => undefined,
    };
  }
  const { rule, formOf: form, isNumeric } = rules;
  if (reward.judge === undefined)
    return {
      reward: gradedReward(reward, { rule }),
      isNumeric,
      check: () => undefined,
      judged: () => undefined,
    };
  const { model, maxFailedShare } = reward.judge;
  const judge = judgeOf(reward.judge, client(reward.judge));
  let before = judge.counts();
  return {
    reward: gradedReward(reward, { rule, judge: (graded) => judge.decide(graded, form(graded)) }),
    isNumeric,
    check: (label, reporter) => {
      const counts = judge.counts();
      checkRound(label, difference(counts, before), maxFailedShare, judge.lastFailure(), reporter);
      before = counts;
    },
    judged: () => ({ model, ...judge.counts() }),
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

const connect = (judge: JudgeConfig): ChatClient =>
  openAiClient({
    baseUrl: judge.baseUrl,
    model: judge.model,
    apiKeyVariable: judge.apiKeyVariable,
    requestTimeoutSeconds: judge.requestTimeoutSeconds,
    deadlineSeconds: judge.deadlineSeconds,
    maxRetries: judge.maxRetries,
    maxConcurrent: judge.maxConcurrent,
  });

function judgeOf(config: JudgeConfig, client: ChatClient): Judge {
  const loaded = new Map<string, JudgePrompt>();
  const load = (name: string): JudgePrompt => {
    const prompt = loaded.get(name) ?? loadJudgePrompt(name);
    loaded.set(name, prompt);
    return prompt;
  };
  // A file that cannot be read is told before the first answer, not at it.
  for (const name of [...Object.values(config.prompts), ...(config.prompt === "auto" ? [] : [config.prompt])])
    load(name);
  const { temperature, seed, maxTokens, maxCalls, cache } = config;
  return createJudge({
    client,
    promptFor: (kind, form) => {
      const named = Object.hasOwn(config.prompts, kind) ? config.prompts[kind] : undefined;
      return load(named ?? (config.prompt === "auto" ? form : config.prompt));
    },
    cache: cache === "off" ? memoryCache() : fileCache(cache),
    temperature,
    seed,
    maxTokens,
    ...(maxCalls !== undefined && { maxCalls }),
  });
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
