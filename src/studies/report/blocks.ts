// What a report says, as blocks that Markdown and HTML both render: the claim, what would refute it, the verdict with the numbers it
// follows from, curves, final figures, and how every run was made.
import type { StudyData } from "../data.ts";
import { estimate } from "../measures.ts";
import { baselineOf, judge, resultWords, type StudyVerdict, valuesBySeed, verdictWords } from "../verdict.ts";
import type { Figure } from "./figure.ts";
import { figuresOf, labelOf, SMOOTHING } from "./figures.ts";
import { differenceCell, meanCell, measureTitle, value } from "./words.ts";

export type Block =
  | { readonly type: "heading"; readonly level: 2 | 3; readonly text: string }
  | { readonly type: "paragraph"; readonly text: string; readonly strong?: string }
  | { readonly type: "list"; readonly items: readonly string[] }
  | {
      readonly type: "table";
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
      /** Columns of words, which stand to the left; the first if left out. */
      readonly words?: readonly number[];
    }
  | { readonly type: "figure"; readonly figure: Figure };

export const REPORT_TITLE = "Studies";

export const RULE =
  "The rule of the verdicts. For each part of a claim, the difference of two arms is taken in pairs of equal seeds, which were asked " +
  "the same held-out tasks, with the 95% interval of Student's t over seeds. A part holds as the claim says when the interval lies " +
  "wholly on the side that the claim expects; it is refuted when the interval lies wholly on the other side, or wholly inside the " +
  "margin that the study calls no difference (where one is named); otherwise the arms cannot be told apart. A claim is refuted when " +
  "one of its parts is, not refuted when all parts hold, and else cannot be told apart at this scale. Intervals are not corrected for " +
  "their number: of twenty without any effect one is expected to miss zero.";

export function overview(all: readonly StudyData[]): Block[] {
  return [
    {
      type: "table",
      head: ["study", "verdict", "parts that hold", "runs"],
      words: [0, 1],
      rows: all.map((data) => {
        const { verdict, parts } = judge(data);
        const holding = parts.filter(({ result }) => result === "supported").length;
        const runs = data.runs.length + data.missing.length;
        const there = data.missing.length === 0 ? String(runs) : `${data.runs.length} of ${runs}`;
        return [data.study.title, verdictWords[verdict], `${holding} of ${parts.length}`, there];
      }),
    },
    { type: "paragraph", text: RULE },
  ];
}

export function blocksOf(data: StudyData): Block[] {
  const { study, missing } = data;
  const verdict = judge(data);
  const figures = figuresOf(data).map((figure): Block => ({ type: "figure", figure }));
  return [
    { type: "heading", level: 2, text: study.title },
    { type: "paragraph", strong: "Claim.", text: study.claim },
    { type: "paragraph", strong: "What would refute it.", text: study.refutedBy },
    ...(study.notes === undefined
      ? []
      : [{ type: "paragraph" as const, strong: "How it is set up.", text: study.notes }]),
    { type: "paragraph", strong: `Verdict: ${verdictWords[verdict.verdict]}.`, text: because(verdict) },
    ...missingBlocks(missing),
    testTable(data, verdict),
    ...figures,
    {
      type: "paragraph",
      text:
        `Lines are means over seeds, bands their 95% intervals (Student's t). A value a step is shown as the moving mean over ` +
        `${SMOOTHING} steps of each run; held-out figures as they are.`,
    },
    { type: "heading", level: 3, text: "Final figures" },
    finalTable(data),
    ...differenceBlocks(data),
    { type: "heading", level: 3, text: "Each run" },
    {
      type: "paragraph",
      text:
        "Held-out accuracy in percent, with Wilson's interval over tasks; gains are paired over the same tasks. Kinds of tasks are " +
        "those after training; in brackets the mean relative accuracy of numbers." +
        (data.runs.some(({ after }) => after.calls)
          ? " Calls are those of a trajectory, before and after training."
          : ""),
    },
    runTable(data),
    { type: "heading", level: 3, text: "How it was made" },
    { type: "list", items: provenance(data) },
    armTable(data),
  ];
}

function because({ parts }: StudyVerdict): string {
  const counted = (["supported", "refuted", "undecided", "tooFewSeeds"] as const).flatMap((result) => {
    const count = parts.filter((part) => part.result === result).length;
    return count === 0 ? [] : [`${count} ${resultWords[result]}`];
  });
  return `Of ${parts.length} part${parts.length === 1 ? "" : "s"}: ${counted.join(", ")}.`;
}

function missingBlocks(missing: StudyData["missing"]): Block[] {
  if (missing.length === 0) return [];
  const groups = new Map<string, number[]>();
  for (const { arm, seed, reason } of missing) {
    const key = JSON.stringify([arm, reason]);
    groups.set(key, [...(groups.get(key) ?? []), seed]);
  }
  const items = [...groups].map(([key, seeds]) => {
    const [arm, reason] = JSON.parse(key) as [string, string];
    return `arm ${arm}, seed${seeds.length === 1 ? "" : "s"} ${seeds.join(", ")}: ${reason}`;
  });
  return [
    { type: "paragraph", strong: "Missing.", text: "These runs are not in the figures:" },
    { type: "list", items },
  ];
}

function testTable(data: StudyData, { parts }: StudyVerdict): Block {
  return {
    type: "table",
    head: ["part of the claim", "measure", "arms", "expected", "difference [95%]", "pairs", "result"],
    words: [0, 1, 2, 3, 6],
    rows: parts.map(({ test, against, difference, result }) => [
      test.says,
      measureTitle(test.measure),
      `${labelOf(data, test.arm)} minus ${labelOf(data, against)}`,
      test.expect +
        (test.margin === undefined ? "" : `; within ±${value(test.margin, test.measure.of)} is none`),
      differenceCell(difference, test.measure.of),
      String(difference?.n ?? 0),
      resultWords[result],
    ]),
  };
}

function finalTable(data: StudyData): Block {
  const arms = data.study.arms;
  return {
    type: "table",
    head: [
      "mean over seeds ± 95%",
      ...arms.map(({ name }) => `${labelOf(data, name)} (n=${runsOf(data, name)})`),
    ],
    rows: data.study.table.map((measure) => [
      measureTitle(measure),
      ...arms.map(({ name }) =>
        meanCell(estimate([...valuesBySeed(data, measure, name).values()]), measure.of),
      ),
    ]),
  };
}

/** The same measures in pairs of seeds, which is far sharper than the difference of two means. */
function differenceBlocks(data: StudyData): Block[] {
  const baseline = baselineOf(data);
  const others = data.study.arms.filter(({ name }) => name !== baseline);
  if (others.length === 0) return [];
  return [
    { type: "paragraph", text: `In pairs of seeds, minus ${labelOf(data, baseline)}, with 95% intervals:` },
    {
      type: "table",
      head: ["difference [95%]", ...others.map(({ name }) => labelOf(data, name))],
      rows: data.study.table.map((measure) => [
        measureTitle(measure),
        ...others.map(({ name }) => {
          const left = valuesBySeed(data, measure, name);
          const right = valuesBySeed(data, measure, baseline);
          const pairs = [...left].flatMap(([seed, v]) =>
            right.has(seed) ? [v - (right.get(seed) as number)] : [],
          );
          return differenceCell(estimate(pairs), measure.of);
        }),
      ]),
    },
  ];
}

function runTable(data: StudyData): Block {
  const percent = (share: number): string => (100 * share).toFixed(1);
  const namesIn = (records: readonly Readonly<Record<string, unknown>>[]): readonly string[] =>
    [...new Set(records.flatMap((record) => Object.keys(record)))].sort();
  const kinds = namesIn(data.runs.map(({ after }) => after.kinds));
  const called = namesIn(data.runs.map(({ after }) => after.calls ?? {}));
  return {
    type: "table",
    head: [
      ...[
        "arm",
        "seed",
        "accuracy before",
        "after [95%]",
        "gain, points [95%]",
        "tool calls",
        "visual tokens",
      ],
      ...kinds.map((kind) => `${kind}, after`),
      ...called.map((kind) => `${kind}, calls`),
    ],
    rows: data.runs.map(({ arm, seed, before, after, gain, heldOut: { curves } }) => {
      const ends = (field: string, digits: number): string => {
        const values = curves[field] ?? [];
        const show = (v: number | null | undefined): string => v?.toFixed(digits) ?? "–";
        return `${show(values[0])} → ${show(values.at(-1))}`;
      };
      const bounds = after.interval === undefined ? "" : ` [${after.interval.map(percent).join(", ")}]`;
      return [
        ...[labelOf(data, arm), String(seed)],
        before.accuracy === undefined ? "–" : percent(before.accuracy),
        after.accuracy === undefined ? "–" : percent(after.accuracy) + bounds,
        gain === undefined ? "–" : `${percent(gain[0])} [${percent(gain[1])}, ${percent(gain[2])}]`,
        ...[ends("toolCalls", 2), ends("visualTokens", 1)],
        ...kinds.map((kind) => {
          const of = after.kinds[kind];
          if (of === undefined) return "–";
          const [share, , relative] = of;
          return percent(share) + (relative === undefined ? "" : ` (${percent(relative)})`);
        }),
        ...called.map(
          (kind) => `${before.calls?.[kind]?.toFixed(2) ?? "–"} → ${after.calls?.[kind]?.toFixed(2) ?? "–"}`,
        ),
      ];
    }),
  };
}

function provenance({ study, set, seeds, origins, runs }: StudyData): string[] {
  const distinct = (values: readonly string[]): string => [...new Set(values)].join("; ") || "–";
  const judged = runs.map(({ after }) => String(after.judged));
  const seconds = runs.reduce((total, run) => total + run.seconds, 0);
  return [
    `Recipe ${study.recipe}, seeds ${seeds.join(", ")}; held-out tasks judged: ${distinct(judged)}`,
    `Overrides of all arms: ${overridesOf(study.set)}` +
      (set.length === 0 ? "" : `; of the command line: ${set.join(", ")}`),
    `Commit ${distinct(origins.map(({ commit }) => commit))}`,
    `Versions: ${distinct(
      origins.map(({ versions }) =>
        Object.entries(versions)
          .map(([name, v]) => `${name} ${v}`)
          .join(", "),
      ),
    )}`,
    `Machine: ${distinct(origins.map(({ machine }) => machine))}`,
    `${runs.length} runs, ${(seconds / 60).toFixed(0)} minutes of training in all, evaluations included`,
    `Again: pyvision study configs/studies/${study.name}.yaml; the report alone: pyvision study --report-only ${study.name}.json`,
  ];
}

function armTable(data: StudyData): Block {
  return {
    type: "table",
    head: ["arm", "overrides", "weights", "runs (digest of config, seed and weights)"],
    words: [0, 1, 2, 3],
    rows: data.study.arms.map(({ name, set, coldStart }) => [
      labelOf(data, name),
      overridesOf(set),
      coldStart ? "its own cold start" : "those of model.init",
      data.runs
        .filter((run) => run.arm === name)
        .map(({ seed, digest }) => `${seed}: ${digest}`)
        .join(", "),
    ]),
  };
}

function overridesOf(set: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(set).map(([key, v]) => `${key}=${JSON.stringify(v)}`);
  return entries.length === 0 ? "none" : entries.join(", ");
}

function runsOf({ runs }: StudyData, arm: string): number {
  return runs.filter((run) => run.arm === arm).length;
}
