// How a report names measures and writes numbers.
import type { Estimate } from "../measures.ts";
import { dynamicsPanels, selectionPanels, unitOf } from "../quantities.ts";
import type { Measure, Reduction } from "../studyFile.ts";

/** Of what is in tables only. */
const tableTitles: Readonly<Record<string, string>> = {
  "heldOut/meanRelativeAccuracy": "Held-out mean relative accuracy",
  "heldOut/toolCalls": "Held-out tool calls",
  "heldOut/turns": "Held-out turns",
  "heldOut/sampledTokens": "Held-out response length",
  "heldOut/visualTokens": "Held-out visual tokens",
  "heldOut/pythonErrorRate": "Held-out cells that raised",
  "advantage/trained_correct_negative_share": "Right answers trained on, negative advantage",
  "tool_calls/effective_mean": "Tool calls with new output",
};

const reductionWords: Readonly<Record<Reduction, string>> = {
  last: "at the end",
  tail: "last quarter",
  mean: "mean over the run",
  early: "mean over the first half",
  trend: "last quarter minus first",
  fluctuation: "fluctuation",
};

export function quantityTitle(quantity: string): string {
  const panel = [...dynamicsPanels, ...selectionPanels].find((p) => p.quantity === quantity);
  return panel?.title ?? tableTitles[quantity] ?? quantity;
}

/** "Held-out accuracy, at the end, %". */
export function measureTitle({ of, as }: Measure): string {
  const unit = unitOf(of);
  const shown =
    unit === "share" ? "%" : unit === "tokens" || unit === "nats" || unit === "seconds" ? unit : "";
  return [quantityTitle(of), reductionWords[as], ...(shown === "" ? [] : [shown])].join(", ");
}

/** Shares in percent, with as many digits as their size asks for. */
export function value(number: number, quantity: string): string {
  if (unitOf(quantity) === "share") return (100 * number).toFixed(1);
  const size = Math.abs(number);
  return number.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : 3);
}

/** "82.3 ± 7.5"; a dash without a value. */
export function meanCell(of: Estimate | undefined, quantity: string): string {
  if (of === undefined) return "–";
  return value(of.mean, quantity) + (of.half === undefined ? "" : ` ± ${value(of.half, quantity)}`);
}

/** "+1.2 [-3.0, +5.4]". */
export function differenceCell(of: Estimate | undefined, quantity: string): string {
  if (of === undefined) return "–";
  const signed = (number: number): string => {
    const shown = value(number, quantity);
    return Number(shown) > 0 ? `+${shown}` : Number(shown) === 0 ? shown.replace("-", "") : shown;
  };
  if (of.half === undefined) return signed(of.mean);
  return `${signed(of.mean)} [${signed(of.mean - of.half)}, ${signed(of.mean + of.half)}]`;
}
