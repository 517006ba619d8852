// MathVerse (arXiv 2403.14624), testmini: 788 problems in five versions that move more and more of the problem from the text into
// the picture. In the last, Vision Only, the text is empty: question and options are in the picture. The Text Only version has
// a file of its own, has no pictures and is no part of the benchmark's figure; its rows are left out.
//   Hugging Face AI4Math/MathVerse   testmini.parquet (pictures in `image`), or testmini.json and images.zip
//   GitHub ZrrSkywalker/MathVerse    data/testmini.json, pictures from Hugging Face
import { DataError } from "../../core/errors.ts";
import { optionsIn } from "./choices.ts";
import type { BenchmarkItem, BenchmarkLoader } from "./item.ts";
import { itemId, itemOf, type Row } from "./row.ts";
import { benchmarkFiles, inFolders, lookForFiles, mediaFolders, openRows, splitOf } from "./rows.ts";

export const MATHVERSE_VERSIONS = [
  "Text Dominant",
  "Text Lite",
  "Vision Intensive",
  "Vision Dominant",
  "Vision Only",
] as const;
const TEXT_ONLY = "Text Only";
const PUBLISHED = 5 * 788;

const COLUMNS = {
  text: [
    "sample_index",
    "problem_index",
    "problem_version",
    "question",
    "answer",
    "question_type",
    "metadata",
    "question_for_eval",
  ],
  media: ["image"],
};
const NAMES = ["testmini.parquet", "testmini-*.parquet", "testmini/testmini/*.parquet", "testmini.json"];

export const mathverse: BenchmarkLoader = {
  name: "mathverse",
  title: "MathVerse",
  splits: ["testmini"],
  open(path, wanted) {
    const split = splitOf(mathverse, wanted);
    const files = lookForFiles(path, inFolders(["", "data/"], NAMES));
    if (files.length === 0) throw new DataError(whatIsMissing(path));
    const rows = openRows(files, COLUMNS);
    const isItem = (row: Row): boolean => row.optionalText("problem_version") !== TEXT_ONLY;
    return benchmarkFiles({ benchmark: "mathverse", split, published: PUBLISHED, rows, item, isItem });
  },
};

function whatIsMissing(path: string): string {
  const textOnly = lookForFiles(path, ["testmini_text*only.*", "data/testmini_text*only.*"]);
  const found = textOnly.length > 0 ? `; ${textOnly.join(", ")} has no pictures and is not a part of it` : "";
  return `${path}: holds no split testmini of MathVerse; looked for ${NAMES.join(", ")}, also in data${found}`;
}

function item(row: Row): BenchmarkItem {
  const version = row.oneOf("problem_version", MATHVERSE_VERSIONS);
  const type = row.oneOf("question_type", ["multi-choice", "free-form"]);
  const multiple = type === "multi-choice";
  const metadata = row.record("metadata");
  const drawn = version === "Vision Only";
  const question = row.optionalText("question")?.trim() ?? "";
  if (question === "" && !drawn) throw row.failed("question must be text, but it is empty");
  return itemOf(
    {
      id: itemId("mathverse", row.text("sample_index")),
      benchmark: "mathverse",
      kind: version,
      question: [
        question === "" ? "The question is in the picture." : question,
        multiple
          ? "Answer with the letter of the right option alone, or with all their letters where several are asked for."
          : "Answer with the final value alone, e.g. 7 or 0.25.",
      ].join("\n\n"),
      answer: row.text("answer"),
      questionType: type,
      options: multiple ? optionsIn(question) : [],
      labels: {
        version,
        subject: metadata.text("subject"),
        subfield: metadata.text("subfield"),
        problem: row.text("problem_index"),
        type,
      },
      details: { questionForEval: row.optionalText("question_for_eval") ?? row.text("question") },
    },
    row.pictures(["image"], mediaFolders(row.file, ["images"])),
  );
}
