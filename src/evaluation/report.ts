// An evaluation for people: one list of sections, as a terminal's tables and as Markdown. What makes a number something else
// than it seems stands above it.
import { markdownTable, renderTable } from "../runs/table.ts";
import type { Metric } from "./aggregates/aggregate.ts";
import type { ControlResult } from "./compareControl.ts";
import type { EvaluationSummary, Lost } from "./summary.ts";

export interface Report {
  readonly title: string;
  /** What is to be known before the numbers are read. */
  readonly cautions: readonly string[];
  readonly sections: readonly Section[];
}

export interface Section {
  readonly title: string;
  /** Titles of the table's columns; none: there is no table. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Sentences below the table. */
  readonly notes?: readonly string[];
}

export function reportOf(summary: EvaluationSummary, controls: readonly ControlResult[] = []): Report {
  const { title, split, headline } = summary;
  return {
    title: `${title}${split === undefined ? "" : ` (${split})`}: ${headline.name} ${percentCell(headline)}`,
    cautions: cautionsOf(summary),
    sections: [
      scoreOf(summary),
      ...categoriesOf(summary),
      ...(summary.repeats > 1 ? [repeatsOf(summary)] : []),
      ...(controls.length > 0 ? [controlsOf(controls)] : []),
      effortOf(summary),
      countsOf("How episodes ended", "end reason", summary.endReasons, summary.answers),
      ...(Object.keys(summary.code).length > 0 ? [codeOf(summary)] : []),
      stagesOf(summary),
      aboutOf(summary),
      ...differencesOf(summary),
      ...lostOf("Items that could not be read", summary.unreadable),
      ...lostOf("Items that engine or tool failed on", summary.failed),
    ],
  };
}

function cautionsOf({
  items,
  unjudged,
  stages,
  changes,
  unreadable,
  failed,
  judge,
  undecided,
  shuffled,
  isolation,
}: EvaluationSummary): string[] {
  return [
    ...partOf(items),
    ...(stages.none > 0
      ? [
          `The score is a lower bound: ${answersOf(stages.none)} (${points(unjudged)} %) ${stages.none === 1 ? "was" : "were"} decided ` +
            `neither by rules nor by a judge and ${stages.none === 1 ? "counts" : "count"} as wrong${judge === undefined ? "; with --judge URL --judge-model NAME they are judged" : ""}.`,
        ]
      : []),
    ...(undecided > 0 ? [`The judge could not tell of ${answersOf(undecided)}, counted as wrong.`] : []),
    ...(unreadable.length > 0
      ? [
          `${answersOf(unreadable.length)} missing, counted as wrong: ${unreadable.length === 1 ? "its item" : "their items"} cannot be read.`,
        ]
      : []),
    ...(failed.length > 0
      ? [`${answersOf(failed.length)} missing, counted as wrong: engine or tool failed.`]
      : []),
    ...(isolation === "lite" || isolation === "process"
      ? [
          `The tool's isolation is "${isolation}": programs of the model can read this machine's files, the answers among them.`,
        ]
      : []),
    ...changes.map((change) => `Changed: ${change}.`),
    ...(shuffled === undefined
      ? []
      : [
          `Of ${number(items.asked)} items ${number(shuffled)} ${shuffled === 1 ? "has" : "have"} options that could be put into another order.`,
        ]),
  ];
}

/** What is missing of the whole. */
function partOf({ asked, wanted, available, published }: EvaluationSummary["items"]): string[] {
  if (asked >= (published ?? available)) return [];
  const isHere = published !== undefined && available < published;
  const part =
    isHere && asked === available
      ? `${number(asked)} of ${number(published)} published items are here`
      : `${number(asked)} of ${number(available)} items${isHere ? " that are here" : ""}, drawn by seed` +
        (isHere ? `, of ${number(published)} that were published` : "");
  const together = `${number(asked)} of the ${number(wanted)} wanted: items that belong together stay together.`;
  return [`${part}: not comparable with published scores.`, ...(asked < wanted ? [together] : [])];
}

function scoreOf({ headline, metrics, published }: EvaluationSummary): Section {
  const beside = ({ name }: Metric): string =>
    published
      .filter(({ metric }) => metric === name)
      .map(({ model, percent }) => `${percent.toFixed(1)} ${model}`)
      .join(", ") || "–";
  const row = (metric: Metric): string[] => [
    metric.name,
    metricCell(metric),
    beside(metric),
    number(metric.count),
  ];
  const known = new Set([headline, ...metrics].map(({ name }) => name));
  return {
    title: "Score",
    // Of some benchmarks' numbers not items: We-Math's problems, DynaMath's seeds.
    head: ["", "% [95% interval]", "published, %", "n"],
    rows: [headline, ...metrics].map(row),
    notes: published
      .filter(({ metric }) => known.has(metric))
      .map(
        ({ model, metric, percent, conditions, source }) =>
          `${model}, ${metric}: ${percent.toFixed(1)} (${[conditions, source].filter((text) => text !== undefined).join("; ")})`,
      ),
  };
}

/** Left out where the authors' own metrics are these. */
function categoriesOf({ kinds, metrics }: EvaluationSummary): Section[] {
  const isTold = (kind: Metric): boolean =>
    metrics.some(
      ({ name, value, count }) => name === kind.name && value === kind.value && count === kind.count,
    );
  if (kinds.every(isTold)) return [];
  return [
    {
      title: "By category",
      head: ["category", "% [95% interval]", "items"],
      rows: kinds.map((kind) => [kind.name, metricCell(kind), number(kind.count)]),
    },
  ];
}

function repeatsOf({ repeats, headline, passAt }: EvaluationSummary): Section {
  return {
    title: `Of ${repeats} answers to each item`,
    head: ["", "% [95% interval]"],
    rows: [
      [`avg@${repeats} (${headline.name})`, metricCell(headline)],
      ...passAt.map((metric) => [metric.name, metricCell(metric)]),
    ],
  };
}

function controlsOf(controls: readonly ControlResult[]): Section {
  return {
    title: "Controls",
    head: ["control", "this run, %", "control, %", "difference in points [95% interval]"],
    rows: controls.map(({ control, with: real, without, difference }) => [
      control,
      real === null ? "–" : points(real),
      without === null ? "–" : points(without),
      difference === null
        ? "–"
        : `${signed(difference.difference)} [${signed(difference.low)}, ${signed(difference.high)}]`,
    ]),
    notes: [
      "The score of the same items in both runs; intervals are of the difference, items that belong together drawn as one.",
    ],
  };
}

function effortOf({ means, pythonErrorRate, time }: EvaluationSummary): Section {
  return {
    title: "Effort per answer",
    head: ["", "mean"],
    rows: [
      ["turns", means.turns.toFixed(2)],
      ["tool calls", means.toolCalls.toFixed(2)],
      ["visual tokens", means.visualTokens.toFixed(1)],
      ["sampled tokens", means.sampledTokens.toFixed(1)],
      ["cells that raised, %", pythonErrorRate === null ? "–" : points(pythonErrorRate)],
      ["seconds, median", time.median.toFixed(2)],
      ["seconds, 90th percentile", time.p90.toFixed(2)],
    ],
  };
}

function countsOf(
  title: string,
  what: string,
  counts: Readonly<Record<string, number>>,
  all: number,
): Section {
  return {
    title,
    head: [what, "answers", "%"],
    rows: Object.entries(counts).map(([name, count]) => [name, number(count), points(count / all)]),
  };
}

function codeOf({ code }: EvaluationSummary): Section {
  return {
    title: "How the agent looked",
    head: ["its code", "% of answers"],
    rows: Object.entries(code).map(([category, share]) => [category, points(share)]),
  };
}

function stagesOf({ stages, judgePrompts, judge, answers }: EvaluationSummary): Section {
  const used = Object.fromEntries(Object.entries(stages).filter(([, count]) => count > 0));
  return {
    ...countsOf("Who scored", "stage", used, answers),
    notes: Object.entries(judgePrompts).map(
      ([hash, count]) =>
        `Judge ${judge?.model ?? ""}: ${answersOf(count)} with the prompt of SHA-256 ${hash}.`,
    ),
  };
}

function aboutOf(summary: EvaluationSummary): Section {
  const { items, repeats, profile, engine, judge } = summary;
  const { asked, available, published } = items;
  return {
    title: "What was evaluated",
    head: ["", ""],
    rows: [
      ["items asked", number(asked)],
      ["items here", number(available)],
      ...(published === undefined ? [] : [["items published", number(published)]]),
      ["answers to each", String(repeats)],
      ...(profile === undefined ? [] : [["profile", profile]]),
      ["engine", engine],
      ["judge", judge?.model ?? "none"],
      ["temperature", String(summary.temperature)],
      ["turns at most", String(summary.maxTurns)],
      ["isolation of the tool", summary.isolation],
      ["seed", String(summary.seed)],
      ["config", summary.configDigest],
      ["version", summary.version],
    ],
  };
}

function differencesOf({ differences }: EvaluationSummary): Section[] {
  if (differences.length === 0) return [];
  return [
    {
      title: "Rules that are not the authors'",
      head: [],
      rows: [],
      notes: [
        "The authors' own apply with --profile official. Here:",
        ...differences.map((text) => `- ${text}`),
      ],
    },
  ];
}

/** Listed in full up to here. */
const LISTED = 50;

function lostOf(title: string, lost: readonly Lost[]): Section[] {
  if (lost.length === 0) return [];
  const more = lost.length - LISTED;
  return [
    {
      title,
      head: ["item", "reason"],
      rows: lost.slice(0, LISTED).map(({ id, error }) => [id, error]),
      ...(more > 0 && { notes: [`and ${number(more)} more, in report.json.`] }),
    },
  ];
}

/** Rows of a table in a terminal; report.md has all. */
const SHOWN = 30;

export function reportText({ title, cautions, sections }: Report): string {
  const parts = sections.map(({ title: heading, head, rows, notes = [] }) => {
    const more = rows.length - SHOWN;
    const table = head.length === 0 ? [] : [renderTable(head, rows.slice(0, SHOWN))];
    return [
      heading,
      ...table,
      ...(more > 0 ? [`and ${number(more)} more, in report.md`] : []),
      ...notes,
    ].join("\n");
  });
  return [[title, ...cautions.map((caution) => `! ${caution}`)].join("\n"), ...parts].join("\n\n");
}

export function reportMarkdown({ title, cautions, sections }: Report): string {
  const parts = sections.map(({ title: heading, head, rows, notes = [] }) =>
    [
      `## ${heading}`,
      ...(head.length === 0
        ? []
        : [
            markdownTable(
              head,
              rows.map((row) => row.map(inCell)),
              (column) => column === 0 || rows.some((row) => !NUMERIC.test(row[column] ?? "")),
            ).trimEnd(),
          ]),
      notes.join("\n\n").replace(/^(- .*)\n\n(?=- )/gm, "$1\n"),
    ]
      .filter((text) => text !== "")
      .join("\n\n"),
  );
  const warned = cautions.length === 0 ? [] : [cautions.map((caution) => `- **${caution}**`).join("\n")];
  return `${[`# ${title}`, ...warned, ...parts].join("\n\n")}\n`;
}

/** A number, with its interval where it has one, or that there is none. */
const NUMERIC = /^(–?|[+-]?[\d.,]+( \[.*\])?)$/;

/** One line, whatever an error said. */
const inCell = (text: string): string => text.replace(/\s*\n\s*/g, " ");

/** Several benchmarks of one command. */
export function closingTable(summaries: readonly EvaluationSummary[]): string {
  return renderTable(
    ["benchmark", "% [95% interval]", "published", "items", "calls", "visual tokens", "unjudged, %"],
    summaries.map(({ title, headline, published, items, means, unjudged }) => [
      title,
      metricCell(headline),
      published
        .filter(({ metric }) => metric === headline.name)
        .map(({ model, percent }) => `${percent.toFixed(1)} ${model}`)
        .join(", "),
      items.published === undefined || items.asked >= items.published
        ? number(items.asked)
        : `${number(items.asked)} of ${number(items.published)}`,
      means.toolCalls.toFixed(2),
      means.visualTokens.toFixed(0),
      points(unjudged),
    ]),
  );
}

/** As `metricCell`, for a sentence. */
function percentCell(metric: Metric): string {
  return metricCell(metric).replace(/^([\d.]+)/, "$1 %");
}

export function metricCell({ value, interval }: Pick<Metric, "value" | "interval">): string {
  if (value === null) return "–";
  return interval === undefined
    ? points(value)
    : `${points(value)} [${points(interval.low)}, ${points(interval.high)}]`;
}

const points = (share: number): string => (100 * share).toFixed(1);
const number = (count: number): string => count.toLocaleString("en");
const answersOf = (count: number): string => `${number(count)} ${count === 1 ? "answer" : "answers"}`;

function signed(share: number): string {
  const text = points(share);
  return Number(text) > 0 ? `+${text}` : Number(text) === 0 ? text.replace("-", "") : text;
}
