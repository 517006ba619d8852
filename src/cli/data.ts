// `pyvision data check`: what is wrong with a data set, row by row, before a run depends on it.
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { DataError } from "../core/errors.ts";
import type { Reporter } from "../core/reporter.ts";
import { gradeFileTask } from "../rewards/rules/files.ts";
import { createReporter } from "../runs/progress.ts";
import { renderTable } from "../runs/table.ts";
import {
  checkTaskFiles,
  emptySummary,
  type CheckSummary,
  type Finding,
} from "../tasks/formats/checkTaskFile.ts";
import { looksLikeDialogues } from "../tasks/formats/shareGptCheck.ts";
import type { ProblemReason } from "../tasks/formats/taskRow.ts";
import { checkDialogueFiles } from "./dataDialogues.ts";

interface CheckCommandOptions {
  readonly mediaRoot?: string;
  readonly stripPrefix?: string;
  readonly kind: "data_source" | "ability";
  readonly maxAnswerChars: number;
  readonly decode?: true;
  readonly json?: true;
}

/** What each reason means, for the table under the list. */
const MEANING: Readonly<Record<ProblemReason, string>> = {
  malformed: "cannot be read",
  field: "a field is missing or of the wrong type",
  noQuestion: "no question",
  emptyAnswer: "no right answer",
  noMedia: "no image or video",
  marks: "marks do not match media",
  missingFile: "a file is missing",
  unreadableMedia: "an image or video is damaged",
  duplicateId: "the id was given before",
  answerTooLong: "the right answer is too long to earn",
  goldRejected: "the grader rejects the right answer",
};

export function registerData(program: Command): void {
  program
    .command("data")
    .summary("look at data sets")
    .description(
      "Look at data sets: JSON arrays, JSON Lines and parquet in the layouts that tasks.type=file reads, and ShareGPT\n" +
        "dialogues that sft.data reads.",
    )
    .command("check")
    .argument("<path...>", "data files, checked as one set")
    .summary("list broken rows with their reasons")
    .description(
      "List every broken row with its reasons: unreadable JSON, missing or damaged media, marks that do not match the\n" +
        "images, empty or ungradable answers, ids given twice. Exit code 1 if there is any. Rows are numbered from 0.",
    )
    .option(
      "--media-root <dir>",
      "folder that relative paths of media begin in (default: that of the data file)",
    )
    .option("--strip-prefix <text>", "beginning of media paths to take off")
    .addOption(
      new Option("--kind <field>", "field that is a task's kind")
        .choices(["data_source", "ability"])
        .default("data_source"),
    )
    .option("--max-answer-chars <number>", "longest answer that earns anything", wholeNumber, 1000)
    .option("--decode", "decode every image to its last pixel (slow: hours for 10 GB)")
    .option("--json", "print one JSON object instead of text")
    .action((paths: string[], options: CheckCommandOptions) => {
      if (!checkAny(paths, options, createReporter())) process.exitCode = 1;
    });
}

/** @returns whether nothing is wrong */
function checkAny(paths: readonly string[], options: CheckCommandOptions, reporter: Reporter): boolean {
  const dialogues = paths.filter(looksLikeDialogues);
  if (dialogues.length === 0) return check(paths, options, reporter);
  const tasks = paths.filter((path) => !dialogues.includes(path));
  if (tasks.length > 0)
    throw new DataError(
      `data check: ${dialogues.join(", ")} hold dialogues and ${tasks.join(", ")} tasks: check them one kind at a time`,
    );
  return checkDialogueFiles(dialogues, options.mediaRoot, options.json === true, reporter);
}

/** @returns whether nothing is wrong */
function check(paths: readonly string[], options: CheckCommandOptions, reporter: Reporter): boolean {
  const { mediaRoot, stripPrefix, kind, maxAnswerChars } = options;
  const summary = emptySummary();
  const findings: Finding[] = [];
  const reasons = new Map<ProblemReason, number>();
  const progress = reporter.start("checking", undefined, "rows");
  const found = checkTaskFiles(
    {
      paths,
      kind,
      maxAnswerChars,
      decode: options.decode === true,
      grade: gradeFileTask,
      ...(mediaRoot !== undefined && { mediaRoot }),
      ...(stripPrefix !== undefined && { stripPrefix }),
      onProgress: () => progress.update(summary.rows),
    },
    summary,
  );
  try {
    for (const finding of found) {
      for (const reason of new Set(finding.problems.map((problem) => problem.reason)))
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      if (options.json === true) findings.push(finding);
      else reporter.print(lineOf(finding, paths.length > 1));
    }
  } finally {
    progress.end();
  }
  const counts = [...reasons].sort(([, a], [, b]) => b - a);
  if (options.json === true)
    reporter.print(
      JSON.stringify({ paths, ...summary, broken: findings, reasons: Object.fromEntries(counts) }, null, 2),
    );
  else reporter.print(summaryText(summary, counts));
  return counts.length === 0;
}

/** "row 17 (byte 8123, id 4): images/4.jpg: there is no such file; the answer is empty" */
function lineOf({ path, row, offset, id, problems }: Finding, naming: boolean): string {
  const details = [
    ...(offset === undefined ? [] : [`byte ${offset}`]),
    ...(id === undefined ? [] : [`id ${id}`]),
  ];
  const where = row === undefined ? "between rows" : `row ${row}`;
  const file = naming ? `${path}: ` : "";
  const place = details.length === 0 ? where : `${where} (${details.join(", ")})`;
  return `${file}${place}: ${problems.map(({ text }) => text).join("; ")}`;
}

function summaryText(
  { rows, good, images, videos, kinds }: CheckSummary,
  reasons: readonly (readonly [ProblemReason, number])[],
): string {
  const parts = [`${good} of ${rows} rows are good; ${images} images and ${videos} videos were looked at`];
  if (good > 0)
    parts.push(
      renderTable(
        ["kind", "good rows"],
        Object.entries(kinds).sort(([, a], [, b]) => b - a),
      ),
    );
  if (reasons.length > 0)
    parts.push(
      renderTable(
        ["reason", "rows", ""],
        reasons.map(([reason, count]) => [reason, count, MEANING[reason]]),
      ),
    );
  return parts.join("\n\n");
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError("Must be an integer from 1.");
  return value;
}
