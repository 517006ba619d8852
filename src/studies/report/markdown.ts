// A report as Markdown for docs/, its pictures in files beside it.
import { markdownTable } from "../../runs/table.ts";
import type { StudyData } from "../data.ts";
import { type Block, blocksOf, overview, REPORT_TITLE } from "./blocks.ts";

export function markdownReport(all: readonly StudyData[]): string {
  const blocks = [...overview(all), ...all.flatMap(blocksOf)];
  return [`# ${REPORT_TITLE}`, ...blocks.map(markdownOf)].join("\n\n") + "\n";
}

function markdownOf(block: Block): string {
  switch (block.type) {
    case "heading":
      return `${"#".repeat(block.level)} ${escaped(block.text)}`;
    case "paragraph":
      return (block.strong === undefined ? "" : `**${escaped(block.strong)}** `) + escaped(block.text);
    case "list":
      return block.items.map((item) => `- ${escaped(item)}`).join("\n");
    case "table":
      return markdownTable(
        block.head.map(escaped),
        block.rows.map((row) => row.map(escaped)),
        (column) => (block.words ?? [0]).includes(column),
      ).trimEnd();
    case "figure":
      return `![${escaped(block.figure.alt)}](${block.figure.file})`;
    default:
      return block satisfies never;
  }
}

/** Text stays text; a study file's own backticks stay, too. */
function escaped(text: string): string {
  const line = text.replace(/\s*\n\s*/g, " ");
  return line
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[\\*_<>[\]]/g, (c) => `\\${c}`)))
    .join("");
}
