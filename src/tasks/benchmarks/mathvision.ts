// MathVision (MATH-V, arXiv 2402.14804): 3,040 problems of competitions, 16 subjects, 5 levels; pictures of a problem are drawn
// into one, which its text calls <image1>, <image2>, …
//   GitHub mathllm/MATH-V          data/test.jsonl, data/testmini.jsonl, images/*.jpg
//   Hugging Face MathLLMs/MathVision   data/test-*.parquet, data/testmini-*.parquet (pictures in `decoded_image`), images.zip
// Answers are kept as they are. Six open ones can match no answer under the authors' rules (ids 2804, 2828, 2833, 2866, 2875,
// 2877), and one begins with a form feed where `\f` was meant; what to do about it is the scorer's.
import { letteredOptions, letterList, optionLines } from "./choices.ts";
import type { BenchmarkItem, BenchmarkLoader } from "./item.ts";
import { itemId, itemOf, type Row } from "./row.ts";
import { benchmarkFiles, findFiles, inFolders, mediaFolders, openRows, splitOf } from "./rows.ts";

const PUBLISHED: Readonly<Record<string, number>> = { test: 3040, testmini: 304 };
const COLUMNS = {
  text: ["id", "question", "options", "answer", "level", "subject", "image"],
  media: ["decoded_image"],
};

export const mathvision: BenchmarkLoader = {
  name: "mathvision",
  title: "MathVision",
  splits: ["test", "testmini"],
  open(path, wanted) {
    const split = splitOf(mathvision, wanted);
    const names = [`${split}-*.parquet`, `${split}.parquet`, `${split}/*.parquet`, `${split}.jsonl`];
    const everywhere = inFolders(["", "data/", "default/"], names);
    const files = findFiles(path, everywhere, `split ${split} of MathVision`);
    const rows = openRows(files, COLUMNS);
    return benchmarkFiles({ benchmark: "mathvision", split, published: PUBLISHED[split] ?? 0, rows, item });
  },
};

function item(row: Row): BenchmarkItem {
  const texts = row.texts("options");
  if (texts.length > 26) throw row.failed(`options must be 26 at most, got ${texts.length}`);
  const multiple = texts.length > 0;
  const all = letteredOptions(texts);
  // Options that are only their letters, or only name pictures, are drawn in the picture.
  const named = all.every(({ text }) => /^<image\d+>$/.test(text.trim()));
  const drawn = multiple && (named || all.every(({ letter, text }) => bareLetter(text) === letter));
  const options = drawn ? [] : all;
  const answer = row.text("answer");
  if (multiple && !all.some(({ letter }) => letter === answer))
    throw row.failed(`answer must be ${letterList(all)}, got ${JSON.stringify(answer)}`);
  const subject = row.text("subject");
  return itemOf(
    {
      id: itemId("mathvision", row.text("id")),
      benchmark: "mathvision",
      kind: subject,
      question: [
        row.text("question"),
        // Which picture is which option is said by the lines alone.
        ...(options.length > 0 || (drawn && named) ? [optionLines(all)] : []),
        multiple
          ? `${drawn ? "The options are in the picture. " : ""}Answer with the letter of the right option alone: ${letterList(all)}.`
          : "Answer with the final result alone.",
      ].join("\n\n"),
      answer,
      questionType: multiple ? "multi-choice" : "free-form",
      options,
      labels: { subject, level: row.text("level") },
      details: {},
    },
    row.pictures(["decoded_image", "image"], mediaFolders(row.file)),
  );
}

/** `A`, `(A)`, `A)`, `$A$` and `$\text{A}$` without what is around the letter. */
const bareLetter = (text: string): string => text.replace(/\\(?:text|mathrm|mathbf)|[\s$(){}.:[\]]/g, "");
