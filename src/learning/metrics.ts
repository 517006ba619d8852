// Every number an RL step reports, with its unit and meaning: the one table the log, the plots and the documentation
// read. Names are flat so that any metrics viewer groups them by the part before the slash. Everything under `time/`
// depends on the machine; everything else is a function of the seed. A metric without data is left out.
import type { EndReasonType } from "../core/trajectory.ts";
import type { GroupDropReason, TrajectoryDropReason } from "./filters.ts";

export interface MetricInfo {
  readonly unit: "reward" | "share" | "count" | "tokens" | "nats" | "seconds" | "tokens/s" | "1";
  readonly about: string;
}

const info = (unit: MetricInfo["unit"], about: string): MetricInfo => ({ unit, about });

/** Fixed names. "drawn" means every trajectory generated in the step, before any filter. */
const rlMetricInfo = {
  "reward/mean": info("reward", "mean total reward of judged drawn trajectories"),
  "reward/std_mean": info("reward", "mean over drawn groups of the group's reward standard deviation"),
  "accuracy/mean": info("share", "right answers among judged drawn trajectories"),
  "accuracy/undecided": info("count", "drawn trajectories that could not be judged"),
  "advantage/correct_negative_share": info("share", "correct drawn samples with a negative advantage"),
  "advantage/trained_correct_negative_share": info("share", "the same among the samples trained on"),
  "tool_calls/mean": info("count", "calls that ran without error, per drawn trajectory"),
  "tool_calls/correct_mean": info("count", "the same for right answers"),
  "tool_calls/wrong_mean": info("count", "the same for wrong answers"),
  "tool_calls/effective_mean": info(
    "count",
    "calls that printed or drew something new, per drawn trajectory",
  ),
  "tool_calls/none_share": info("share", "drawn trajectories without a call that ran"),
  "tool_calls/python_error_rate": info("share", "cells that raised, of all cells handed to Python"),
  "tool_calls/failure_rate": info("share", "cells stopped by a limit or by the sandbox, of all cells"),
  "response/tokens_mean": info("tokens", "sampled tokens per drawn trajectory"),
  "response/turns_mean": info("count", "turns per drawn trajectory"),
  "response/visual_tokens_mean": info("tokens", "image tokens in the context per drawn trajectory"),
  "response/visual_tokens_prompt_mean": info("tokens", "of these, in the prompt"),
  "response/visual_tokens_observed_mean": info("tokens", "of these, shown by the model's own code"),
  "entropy/observed": info("nats", "minus the mean log-probability of the tokens sampled"),
  "groups/prompts_drawn": info("count", "prompts rolled out"),
  "groups/batches_drawn": info("count", "prompt batches rolled out"),
  "groups/surviving": info("count", "groups that passed the filters"),
  "groups/rank_cut": info("count", "survivors cut by rank (trajectories when ranking is by sample)"),
  "groups/cap_hit": info("1", "1 when the batch cap left the step short of groups, else 0"),
  "groups/begun": info("count", "groups begun in the background since the step before had its own"),
  "groups/in_flight": info("count", "groups begun in the background that a later step decides on"),
  "staleness/mean": info("count", "updates since the sampling of a trained sample's group began"),
  "staleness/max": info("count", "the most of them"),
  "groups/trained": info("count", "groups with at least one sample trained on"),
  "trajectories/drawn": info("count", "trajectories rolled out"),
  "trajectories/trained": info("count", "samples trained on"),
  "train/loss": info("1", "policy loss, token mean, mean over minibatches"),
  "train/grad_norm": info("1", "global gradient norm before clipping, mean over minibatches"),
  "train/entropy": info("nats", "entropy of the policy at the trained tokens"),
  "train/logprob_gap_mean": info(
    "nats",
    "|training - sampling log-probability|, first minibatch, current weights",
  ),
  "train/logprob_gap_max": info("nats", "the largest of them"),
  "train/clip_fraction": info("share", "trained tokens at which the clip of the loss took hold"),
  "train/approx_kl": info("nats", "estimate of KL(sampler || policy) at the trained tokens"),
  "train/importance_mean": info("1", "importance weight of the trained tokens, as used"),
  "train/importance_capped_share": info("share", "trained tokens whose importance ratio was above the cap"),
  "train/learning_rate": info("1", "learning rate of the step"),
  "train/optimizer_steps": info("count", "optimiser steps made"),
  "train/tokens": info("tokens", "tokens with a loss"),
  "train/padding_share": info("share", "padded tokens of all tokens computed"),
  "time/rollout_s": info("seconds", "oversampling and filtering"),
  "time/trainer_idle_s": info("seconds", "waiting for groups from the background"),
  "time/train_s": info("seconds", "forward, backward, optimiser"),
  "time/step_s": info("seconds", "the whole step"),
  "time/sampled_tokens_per_s": info("tokens/s", "sampled tokens by rollout seconds"),
} as const satisfies Record<string, MetricInfo>;

/** Names with a reason at the end: counts per step; a reason that did not occur is left out, end reasons never are. */
const rlMetricFamilies = {
  "end/": info("count", "drawn trajectories by end reason"),
  "groups/dropped/": info("count", "groups filtered, by reason"),
  "trajectories/dropped/": info("count", "broken trajectories taken out of kept groups, by reason"),
} as const satisfies Record<string, MetricInfo>;

export type RlMetricName =
  | keyof typeof rlMetricInfo
  | `end/${EndReasonType}`
  | `groups/dropped/${GroupDropReason}`
  | `trajectories/dropped/${TrajectoryDropReason}`;

export type RlMetrics = Readonly<Partial<Record<RlMetricName, number>>>;

/** Unit and meaning of any name the RL loop writes, undefined for others. */
export function metricInfo(name: string): MetricInfo | undefined {
  if (Object.hasOwn(rlMetricInfo, name)) return rlMetricInfo[name as keyof typeof rlMetricInfo];
  return Object.entries(rlMetricFamilies).find(([prefix]) => name.startsWith(prefix))?.[1];
}

/** Drops the undefined. */
export function definedMetrics(
  values: Readonly<Partial<Record<RlMetricName, number | undefined>>>,
): RlMetrics {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
