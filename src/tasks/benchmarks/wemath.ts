// We-Math (arXiv 2407.01284), testmini: 525 problems of two or three steps, each asked as a whole and step by step; the rows of a
// problem share its ID, and `key` says which of them a row is ("2steps_1", "3steps_multi").
//   GitHub We-Math/We-Math         data/testmini.json, pictures in data/2steps/image and data/3steps/image
//   Hugging Face We-Math/We-Math   data/testmini-*.parquet (pictures in `image_path`), or testmini.json and testmini.zip
import { letterList, optionLines } from "./choices.ts";
import type { BenchmarkItem, BenchmarkLoader, Option } from "./item.ts";
import { itemId, itemOf, type Row } from "./row.ts";
import { benchmarkFiles, findFiles, inFolders, mediaFolders, openRows, splitOf } from "./rows.ts";
import { domainOf } from "./wemathDomains.ts";

const COLUMNS = {
  text: ["ID", "knowledge concept", "question", "option", "answer", "key"],
  media: ["image_path"],
};
const NAMES = ["testmini-*.parquet", "testmini.parquet", "testmini/*.parquet", "testmini.json"];

export const wemath: BenchmarkLoader = {
  name: "wemath",
  title: "We-Math",
  splits: ["testmini"],
  open(path, wanted) {
    const split = splitOf(wemath, wanted);
    const names = inFolders(["", "data/", "default/"], NAMES);
    const rows = openRows(findFiles(path, names, "split testmini of We-Math"), COLUMNS);
    return benchmarkFiles({ benchmark: "wemath", split, published: 1740, rows, item });
  },
};

function item(row: Row): BenchmarkItem {
  const [group, key, concept, answer] = [
    row.text("ID"),
    row.text("key"),
    row.text("knowledge concept"),
    row.text("answer"),
  ];
  const [, steps = "", part = ""] = /^([23])steps_([123]|multi)$/.exec(key) ?? [];
  if (steps === "" || Number(part) > Number(steps))
    throw row.failed(`key must be like 2steps_1 or 3steps_multi, got ${JSON.stringify(key)}`);
  const options = wemathOptions(row.text("option"));
  if (options.length < 2)
    throw row.failed(`option must be like "A. 3; B. 4", got ${JSON.stringify(row.raw("option"))}`);
  if (!options.some(({ letter }) => letter === answer))
    throw row.failed(`answer must be ${letterList(options)}, got ${JSON.stringify(answer)}`);
  const domain = domainOf(concept); // a problem of several steps has several concepts
  return itemOf(
    {
      id: itemId("wemath", group, part),
      benchmark: "wemath",
      kind: key,
      question: [
        row.text("question").trim(),
        optionLines(options),
        `Answer with the letter of the right option alone: ${letterList(options)}.`,
      ].join("\n\n"),
      answer,
      questionType: "multi-choice",
      options,
      labels: { group, key, concept, steps, part, ...(domain !== undefined && { domain }) },
      details: {},
    },
    row.pictures(["image_path"], mediaFolders(row.file, ["data", "testmini"])),
  );
}

/**
 * "A. 6cm, 2cm B. 1cm ;C. 4cm; D. No correct answer" as options. Between them stand a semicolon, blanks or both. A semicolon
 * also stands inside of some, before a letter that ends them ("Shape ;C.;"), and one row goes from C to F.
 */
export function wemathOptions(text: string): readonly Option[] {
  const marks = [...text.matchAll(/(?:^|[;；\s])\s*([A-Z])\s*[.．:：]\s*(?=[^\s;；.])/g)];
  const chosen: RegExpExecArray[] = [];
  for (const [i, mark] of marks.entries()) {
    const next = chosen.length === 0 ? "A" : after(chosen.at(-1) as RegExpExecArray);
    const later = marks.slice(i).some((other) => other[1] === next);
    if (mark[1] === next || (chosen.length > 0 && !later && (mark[1] as string) > next)) chosen.push(mark);
  }
  return chosen.map((mark, i) => ({
    letter: mark[1] as string,
    text: text
      .slice(mark.index + mark[0].length, chosen[i + 1]?.index)
      .replace(/[\s;；]+$/, "")
      .replace(/;(?=[A-Z]\.$)/, ""),
  }));
}

function after(mark: RegExpExecArray): string {
  return String.fromCharCode((mark[1] as string).charCodeAt(0) + 1);
}
