// A report as one file that asks nothing of any network: text, tables and pictures in it, light or dark as the reader's screen is.
import { escapeXml } from "../../runs/svg.ts";
import type { StudyData } from "../data.ts";
import { type Block, blocksOf, overview, REPORT_TITLE } from "./blocks.ts";

const STYLE = `
:root { color-scheme: light dark; --ground: #fbfbfa; --ink: #22262b; --soft: #5c646d; --line: #dcdfe3; --head: #f0f1f3; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0e1013; --ink: #e4e7eb; --soft: #a9b0b9; --line: #2c323a; --head: #1b1f25; }
}
body { margin: 0 auto; max-width: 66rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; }
h2 { font-size: 1.35rem; margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin-top: 2rem; }
p, ul { max-width: 46rem; }
nav ul { columns: 2; }
a { color: inherit; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.6rem; text-align: right; vertical-align: top; }
.words { text-align: left; }
td:not(.words) { white-space: nowrap; }
th { background: var(--head); }
figure { margin: 1.2rem 0; overflow-x: auto; }
figcaption { color: var(--soft); font-size: 0.85rem; }
svg { max-width: 100%; height: auto; min-width: 40rem; }
code { font-size: 0.9em; }
`;

export function htmlReport(all: readonly StudyData[]): string {
  const contents = all.map(
    ({ study }) => `<li><a href="#${idOf(study.title)}">${escapeXml(study.title)}</a></li>`,
  );
  const body = [...overview(all), ...all.flatMap(blocksOf)].map(htmlOf);
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${REPORT_TITLE}</title>`,
    `<style>${STYLE}</style>`,
    "</head>",
    "<body>",
    `<h1>${REPORT_TITLE}</h1>`,
    ...(all.length > 1 ? [`<nav><ul>${contents.join("")}</ul></nav>`] : []),
    ...body,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function htmlOf(block: Block): string {
  switch (block.type) {
    case "heading":
      return `<h${block.level} id="${idOf(block.text)}">${inline(block.text)}</h${block.level}>`;
    case "paragraph":
      return `<p>${block.strong === undefined ? "" : `<strong>${inline(block.strong)}</strong> `}${inline(block.text)}</p>`;
    case "list":
      return `<ul>${block.items.map((item) => `<li>${inline(item)}</li>`).join("")}</ul>`;
    case "table": {
      const words = block.words ?? [0];
      const row = (cells: readonly string[], tag: "th" | "td"): string =>
        `<tr>${cells.map((cell, i) => `<${tag}${words.includes(i) ? ' class="words"' : ""}>${inline(cell)}</${tag}>`).join("")}</tr>`;
      const body = block.rows.map((cells) => row(cells, "td")).join("\n");
      return `<div class="table" tabindex="0"><table>\n<thead>${row(block.head, "th")}</thead>\n<tbody>${body}</tbody>\n</table></div>`;
    }
    case "figure":
      return `<figure>${block.figure.svg}<figcaption>${inline(block.figure.alt)}</figcaption></figure>`;
    default:
      return block satisfies never;
  }
}

/** Backticks of study files become code. */
function inline(text: string): string {
  return escapeXml(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function idOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
