// What a study can measure: the metrics of each RL step, and the held-out figures along the way. Which of them are kept in the
// data of a report, and which are drawn.
import { metricInfo } from "../learning/metrics.ts";

/** Fields of an evaluation (docs/metrics.md, "Held-out results"). */
export const heldOutQuantities = [
  "accuracy",
  "meanRelativeAccuracy",
  "toolCalls",
  "turns",
  "sampledTokens",
  "visualTokens",
  "pythonErrorRate",
] as const;
export type HeldOutQuantity = (typeof heldOutQuantities)[number];

const prefix = "heldOut/";

/** The field that `heldOut/FIELD` names; undefined for a metric of the steps. */
export function heldOutField(quantity: string): HeldOutQuantity | undefined {
  const field = quantity.slice(prefix.length);
  return quantity.startsWith(prefix) ? heldOutQuantities.find((known) => known === field) : undefined;
}

export function isQuantity(quantity: string): boolean {
  return quantity.startsWith(prefix)
    ? heldOutField(quantity) !== undefined
    : metricInfo(quantity) !== undefined;
}

/** "share" is shown in percent. */
export function unitOf(quantity: string): string {
  const field = heldOutField(quantity);
  if (field === undefined) return metricInfo(quantity)?.unit ?? "1";
  if (field === "sampledTokens" || field === "visualTokens") return "tokens";
  return field === "toolCalls" || field === "turns" ? "count" : "share";
}

/** Kept of every step; names that end in "/" are whole families, whose absence at a step means 0. */
export const keptMetrics = [
  "accuracy/mean",
  "reward/mean",
  "reward/std_mean",
  "tool_calls/mean",
  "tool_calls/correct_mean",
  "tool_calls/wrong_mean",
  "tool_calls/none_share",
  "tool_calls/python_error_rate",
  "response/tokens_mean",
  "response/visual_tokens_mean",
  "train/entropy",
  "train/grad_norm",
  "advantage/correct_negative_share",
  "advantage/trained_correct_negative_share",
  "groups/prompts_drawn",
  "groups/surviving",
  "groups/rank_cut",
  "groups/trained",
  "groups/cap_hit",
  "groups/dropped/",
  "trajectories/dropped/",
  "trajectories/trained",
  "time/rollout_s",
  "time/train_s",
] as const;

export interface PanelOf {
  readonly quantity: string;
  readonly title: string;
  readonly unit?: string;
}

/** What the policy does, in the order of the paper's figures. */
export const dynamicsPanels: readonly PanelOf[] = [
  { quantity: "heldOut/accuracy", title: "Held-out accuracy", unit: "%" },
  { quantity: "accuracy/mean", title: "Accuracy, training batch", unit: "%" },
  { quantity: "reward/mean", title: "Reward" },
  { quantity: "tool_calls/mean", title: "Tool calls per trajectory" },
  { quantity: "tool_calls/correct_mean", title: "Tool calls of right answers" },
  { quantity: "tool_calls/wrong_mean", title: "Tool calls of wrong answers" },
  { quantity: "tool_calls/none_share", title: "Trajectories without a call", unit: "%" },
  { quantity: "response/tokens_mean", title: "Response length", unit: "tokens" },
  { quantity: "response/visual_tokens_mean", title: "Visual tokens per trajectory", unit: "tokens" },
  { quantity: "train/entropy", title: "Entropy", unit: "nats" },
  { quantity: "train/grad_norm", title: "Gradient norm" },
  { quantity: "tool_calls/python_error_rate", title: "Cells that raised", unit: "%" },
];

/** What the selection does, and where the seconds go. */
export const selectionPanels: readonly PanelOf[] = [
  { quantity: "advantage/correct_negative_share", title: "Right answers, negative advantage", unit: "%" },
  { quantity: "reward/std_mean", title: "Reward spread in a group" },
  { quantity: "groups/prompts_drawn", title: "Prompts drawn" },
  { quantity: "groups/trained", title: "Groups trained on" },
  { quantity: "groups/rank_cut", title: "Cut by rank" },
  { quantity: "groups/dropped/allRight", title: "Groups dropped: all right" },
  { quantity: "groups/dropped/allWrong", title: "Groups dropped: all wrong" },
  { quantity: "groups/dropped/constantReward", title: "Groups dropped: constant reward" },
  { quantity: "groups/dropped/nothingLeft", title: "Groups dropped: nothing left" },
  { quantity: "trajectories/dropped/noAction", title: "Broken: no code, no answer" },
  { quantity: "trajectories/dropped/pythonError", title: "Broken: ended by a Python error" },
  { quantity: "trajectories/dropped/turnTokenLimit", title: "Broken: turn too long" },
  { quantity: "time/rollout_s", title: "Sampling and Python", unit: "s" },
  { quantity: "time/train_s", title: "Forward, backward, update", unit: "s" },
];
