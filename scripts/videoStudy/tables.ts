// The runs of the study one by one, as a Markdown table: what each seed reached, with the intervals of its own summary.
import { z } from "zod";
import { markdownTable } from "../../src/runs/table.ts";

const interval = z.object({ low: z.number(), high: z.number() });
const slice = z.object({
  accuracy: z.number(),
  interval,
  toolCalls: z.number(),
  visualTokens: z.number(),
  visualTokensInterval: interval.optional(),
  meanRelativeAccuracy: z.number().optional(),
});
const evaluation = z.object({ overall: slice, kinds: z.record(z.string(), slice) });

/** What is read of a summary.json of `train`. */
export const summarySchema = z.object({
  seed: z.int(),
  before: evaluation,
  after: evaluation,
  difference: interval.extend({ difference: z.number() }),
});
export type StudySummary = z.infer<typeof summarySchema>;

export interface StudyRun {
  readonly arm: string;
  readonly summary: StudySummary;
}

/** Accuracies in percent; columns of kinds are accuracies after, those of numbers with their mean relative accuracy. */
export function seedTable(runs: readonly StudyRun[]): string {
  const kinds = [...new Set(runs.flatMap(({ summary }) => Object.keys(summary.after.kinds)))].sort();
  const head = [
    "arm",
    "seed",
    "accuracy before",
    "accuracy after [95%]",
    "difference, points [95%]",
    "tool calls",
    "visual tokens [95%]",
    ...kinds.map((kind) => `\`${kind.replace(/^video-/, "")}\``),
  ];
  const rows = runs.map(({ arm, summary: { seed, before, after, difference } }) => {
    const { overall } = after;
    return [
      arm,
      String(seed),
      percent(before.overall.accuracy),
      `${percent(overall.accuracy)} ${bounds(overall.interval, percent)}`,
      `${signed(difference.difference)} ${bounds(difference, signed)}`,
      `${before.overall.toolCalls.toFixed(2)} → ${overall.toolCalls.toFixed(2)}`,
      overall.visualTokens.toFixed(1) +
        (overall.visualTokensInterval === undefined
          ? ""
          : ` ${bounds(overall.visualTokensInterval, (value) => value.toFixed(1))}`),
      ...kinds.map((kind) => kindCell(after.kinds[kind])),
    ];
  });
  return markdownTable(head, rows);
}

function kindCell(of: z.infer<typeof slice> | undefined): string {
  if (of === undefined) return "–";
  const relative = of.meanRelativeAccuracy;
  return percent(of.accuracy) + (relative === undefined ? "" : ` (${percent(relative)})`);
}

const percent = (share: number): string => (100 * share).toFixed(1);
const signed = (share: number): string => `${share > 0 ? "+" : ""}${percent(share)}`;
const bounds = ({ low, high }: { low: number; high: number }, show: (value: number) => string): string =>
  `[${show(low)}, ${show(high)}]`;
