// All files of a report: NAME.json of each study, its pictures, studies.md and studies.html.
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../runs/files.ts";
import { dataText, parseData, type StudyData } from "../data.ts";
import { figuresOf } from "./figures.ts";
import { htmlReport } from "./html.ts";
import { markdownReport } from "./markdown.ts";

export const MARKDOWN = "studies.md";
export const HTML = "studies.html";

/** By file name. A function of what the data files hold, whoever made them. */
export function reportFiles(given: readonly StudyData[]): ReadonlyMap<string, string> {
  const texts = given.map((data) => [`${data.study.name}.json`, dataText(data)] as const);
  const all = texts.map(([name, text]) => parseData(text, name));
  return new Map([
    ...texts,
    ...all.flatMap((data) => figuresOf(data).map(({ file, svg }) => [file, svg] as const)),
    [MARKDOWN, markdownReport(all)],
    [HTML, htmlReport(all)],
  ]);
}

export function writeReport(all: readonly StudyData[], dir: string): void {
  makeFolder(dir);
  for (const [name, text] of reportFiles(all)) writeFileAtomic(join(dir, name), text);
}
