// Numbers for people: as many digits as mean something, and their unit.
import type { MetricInfo } from "../../src/learning/metrics.ts";

export type Unit = MetricInfo["unit"] | undefined;

/** `0.65625` of unit share → `65.6%`. */
export function withUnit(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "share") return `${(value * 100).toFixed(Math.abs(value) < 0.1 && value !== 0 ? 2 : 1)}%`;
  const shown = plain(value);
  const suffix = unitSuffix(unit);
  return suffix === "" ? shown : `${shown}\u202f${suffix}`;
}

export function unitSuffix(unit: Unit): string {
  if (unit === "seconds") return "s";
  if (unit === "tokens/s") return "tok/s";
  if (unit === "tokens") return "tok";
  if (unit === "nats") return "nats";
  return "";
}

/** About three digits that count; whole numbers stay whole. */
export function plain(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 1e-3) return value.toExponential(1).replaceAll("-", "−");
  if (Number.isInteger(value) && size < 1e6) return grouped(value);
  if (size < 1) return signed(value.toFixed(3));
  if (size < 100) return signed(value.toFixed(2));
  if (size < 1e5) return grouped(Math.round(value));
  return signed(Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value));
}

export function grouped(value: number): string {
  return signed(Math.round(value).toLocaleString("en").replaceAll(",", "\u202f"));
}

/** Always with its sign; a true minus. */
export function advantageText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) < 0.0005) return "0.000";
  return value > 0 ? `+${value.toFixed(3)}` : signed(value.toFixed(3));
}

export function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? signed(value.toFixed(digits)) : "–";
}

export function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} days ago`;
}

/** `1 group`, `2 groups`. */
export function count(n: number, noun: string): string {
  const plural = noun.endsWith("y") && !/[aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${grouped(n)} ${n === 1 ? noun : plural}`;
}

/** For coloured figures; what rounds to zero has no sign. */
export function tone(value: number): "up" | "down" | "" {
  if (!(Math.abs(value) >= 0.0005)) return "";
  return value > 0 ? "up" : "down";
}

function signed(text: string): string {
  return text.replace(/^-/, "−");
}

const titles: Readonly<Record<string, string>> = {
  "accuracy/mean": "Accuracy",
  "reward/mean": "Reward",
  "reward/std_mean": "Spread of rewards in a group",
  "tool_calls/mean": "Tool calls per trajectory",
  "tool_calls/correct_mean": "Tool calls per right answer",
  "tool_calls/wrong_mean": "Tool calls per wrong answer",
  "tool_calls/effective_mean": "Effective tool calls",
  "tool_calls/none_share": "Trajectories without a call",
  "tool_calls/python_error_rate": "Python errors per cell",
  "response/tokens_mean": "Response length",
  "response/turns_mean": "Turns per trajectory",
  "response/visual_tokens_mean": "Visual tokens",
  "advantage/correct_negative_share": "Right, but negative advantage",
  "train/entropy": "Entropy",
  "train/grad_norm": "Gradient norm",
  "train/loss": "Loss",
  "train/learning_rate": "Learning rate",
  "train/approx_kl": "KL to the sampler",
  "train/clip_fraction": "Clipped tokens",
  "time/step_s": "Time of a step",
};

export function metricTitle(name: string): string {
  const own = titles[name];
  if (own !== undefined) return own;
  const [first = "", ...rest] = name.split("/");
  const text = [first, ...rest.map((part) => part.replace(/([a-z])([A-Z])/g, "$1 $2"))]
    .join(": ")
    .replaceAll("_", " ")
    .toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const defaultMetrics: readonly string[] = [
  "accuracy/mean",
  "tool_calls/mean",
  "reward/mean",
  "tool_calls/correct_mean",
  "response/tokens_mean",
  "train/entropy",
  "reward/std_mean",
  "train/grad_norm",
  "time/step_s",
];
