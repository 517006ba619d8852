// DynaMath (arXiv 2411.00836): 501 seed questions, each a program, and the ten variants of each that the authors drew.
//   GitHub DynaMath/DynaMath               samples and result/10trials/trial1 … trial10, each with dataset.json and image/
//   Hugging Face DynaMath/DynaMath_Sample  data/sample1-*.parquet … sample10-*.parquet (pictures in `decoded_image`)
// The folder of one trial is opened as that variant alone. The repository's dataset/ is an eleventh draw that no published figure
// is of; it is not read.
import { basename, dirname, resolve } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { FileBytes } from "../formats/fileBytes.ts";
import { JsonRowFile } from "../formats/jsonRowFile.ts";
import { ParquetRowFile } from "../formats/parquetRowFile.ts";
import type { RowFile } from "../formats/rowFile.ts";
import { letterList, optionsIn } from "./choices.ts";
import type { BenchmarkItem, BenchmarkLoader } from "./item.ts";
import { KeyedRowFile } from "./keyedRowFile.ts";
import { itemId, itemOf, type Row } from "./row.ts";
import { benchmarkFiles, inFolders, lookForFiles, mediaFolders, openEach, splitOf } from "./rows.ts";

const VARIANTS = 10;
const PUBLISHED = 501 * VARIANTS;
const TEXT_COLUMNS = ["id", "question", "image", "ground_truth", "answer_type", "subject", "knowledge_level"];
const JSON_FOLDERS = ["", "10trials/", "samples and result/10trials/"];
const PARQUET_FOLDERS = ["", "data/", "default/"];

export const dynamath: BenchmarkLoader = {
  name: "dynamath",
  title: "DynaMath",
  splits: ["test"],
  open(path, wanted) {
    const split = splitOf(dynamath, wanted);
    const variants = variantsIn(path);
    const rows = openEach([...variants.keys()], openDynamath);
    const item = (row: Row): BenchmarkItem => itemIn(row, variants.get(row.file) as number);
    return benchmarkFiles({ benchmark: "dynamath", split, published: PUBLISHED, rows, item });
  },
};

/** Data files in the order of their variants, which their names or folders tell. */
function variantsIn(path: string): ReadonlyMap<string, number> {
  const [single] = lookForFiles(path, ["dataset.json"]);
  if (single !== undefined) return new Map([[single, variantOf(single)]]);
  const found = new Map<string, number>();
  for (let variant = 1; variant <= VARIANTS; variant++)
    for (const file of lookForFiles(path, namesOf(variant))) found.set(file, variant);
  if (found.size > 0) return found;
  throw new DataError(
    `${path}: holds no variant of DynaMath; looked for ${namesOf(1).join(", ")}, and so on to ${VARIANTS}`,
  );
}

function variantOf(file: string): number {
  for (const part of [basename(file), basename(dirname(resolve(file)))]) {
    const variant = Number(/^(?:trial|sample(?:_variant)?)(\d+)/.exec(part)?.[1]);
    if (variant >= 1 && variant <= VARIANTS) return variant;
  }
  throw new DataError(
    `${file}: which variant it is must be told by its name (sample1 to sample${VARIANTS}) or its folder's (trial1 to trial${VARIANTS})`,
  );
}

function namesOf(variant: number): string[] {
  const names = [
    `sample${variant}-*.parquet`,
    `sample${variant}.parquet`,
    `sample_variant${variant}-*.parquet`,
    `sample_variant${variant}/*.parquet`,
  ];
  return [...inFolders(PARQUET_FOLDERS, names), ...inFolders(JSON_FOLDERS, [`trial${variant}/dataset.json`])];
}

function openDynamath(file: FileBytes): RowFile {
  if (ParquetRowFile.isParquet(file)) return ParquetRowFile.open(file, TEXT_COLUMNS, ["decoded_image"]);
  return KeyedRowFile.isKeyed(file) ? KeyedRowFile.open(file) : JsonRowFile.open(file);
}

function itemIn(row: Row, variant: number): BenchmarkItem {
  const seed = row.text("id");
  const subject = row.text("subject").trim().replace(/\s+/g, " ");
  const type = typeOf(row.text("answer_type"));
  const question = row.text("question").trim();
  const options = type === "multiple choice" ? optionsIn(question) : [];
  const answer = row.optionalText("ground_truth") ?? row.text("answer");
  if (options.length > 0 && !options.some(({ letter }) => letter === answer))
    throw row.failed(`the answer must be ${letterList(options)}, got ${JSON.stringify(answer)}`);
  return itemOf(
    {
      id: itemId("dynamath", seed, `v${variant}`),
      benchmark: "dynamath",
      kind: subject,
      question: `${question}\n\n${INSTRUCTIONS[type]}`,
      answer,
      questionType: type,
      options,
      labels: {
        seed,
        variant: `${variant}`,
        subject,
        level: row.optionalText("knowledge_level") ?? row.text("level"),
        type,
      },
      details: {},
    },
    row.pictures(["decoded_image", "image"], mediaFolders(row.file)),
  );
}

const INSTRUCTIONS = {
  float: "Answer with a decimal number alone, with three digits after the point.",
  "multiple choice": "Answer with the letter of the right option alone.",
  text: "Answer with the words, the point or the equation asked for alone.",
} as const;

/** An older dump has `int` and `single answer` too, which the authors' rules grade as text. */
function typeOf(type: string): keyof typeof INSTRUCTIONS {
  return type === "float" || type === "multiple choice" ? type : "text";
}
