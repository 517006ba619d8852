// V* (V-Star Bench): `craigwu/vstar_bench`, folders of pictures with a JSON file each and a list of lettered questions, and
// `lmms-lab/vstar-bench`, the same list as parquet. In the folders the right option is always the first: they are shown in an
// order that the item's id gives. The list has an order of its own.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, parse } from "node:path";
import { DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import type { RowFile } from "../formats/rowFile.ts";
import { letterAt } from "./choices.ts";
import type { BenchmarkItem, BenchmarkLoader } from "./item.ts";
import { askedWithOptions, optionsOnLines } from "./letters.ts";
import { itemId, itemOf, type Row } from "./row.ts";
import { benchmarkFiles, lookForFiles, mediaFolders, openRows, Rows, splitOf } from "./rows.ts";

/** 115 and 76 of them; the folders OCR and GPT4V-hard beside them are no part of the benchmark. */
const CATEGORIES = ["direct_attributes", "relative_position"] as const;
const PUBLISHED = 191;
const LISTS = [
  "data/test-*.parquet",
  "test-*.parquet",
  "data/*.parquet",
  "*.parquet",
  "test_questions.jsonl",
] as const;
const PICTURES = [".jpg", ".jpeg", ".png", ".webp"] as const;

export const vstar: BenchmarkLoader = {
  name: "vstar",
  title: "V*",
  splits: ["test"],
  open(path, wanted) {
    const split = splitOf(vstar, wanted);
    const lists = lookForFiles(path, LISTS);
    const about = { benchmark: "vstar", split, published: PUBLISHED } as const;
    if (lists.length > 0) {
      const text = ["text", "category", "label", "question_id"];
      return benchmarkFiles({ ...about, rows: openRows(lists, { text, media: ["image"] }), item: listed });
    }
    return benchmarkFiles({ ...about, rows: new Rows([new PictureFolders(path)]), item: ofFolder });
  },
};

function listed(row: Row): BenchmarkItem {
  const category = row.oneOf("category", CATEGORIES);
  const question = row.text("text").trim();
  const options = optionsOnLines(question);
  const answer = row.text("label").trim();
  if (!options.some(({ letter }) => letter === answer))
    throw row.failed(
      `label must be the letter of one of ${options.length} options in text, got ${JSON.stringify(answer)}`,
    );
  const image = row.raw("image");
  const name = typeof image === "string" ? parse(image).name : row.text("question_id");
  return itemOf(
    {
      id: itemId("vstar", category, name),
      benchmark: "vstar",
      kind: category,
      question,
      answer,
      questionType: "multi-choice",
      options,
      labels: { category },
      details: {},
    },
    row.pictures(["image"], mediaFolders(row.file)),
  );
}

function ofFolder(row: Row): BenchmarkItem {
  const category = row.oneOf("category", CATEGORIES);
  const id = itemId("vstar", category, row.text("name"));
  const texts = row.texts("options");
  if (texts.length < 2 || texts.length > 26)
    throw row.failed(`options must be 2 to 26 texts, the right one first, got ${texts.length}`);
  const shown = randomStream("vstar", id).shuffle(texts.map((_, i) => i));
  const options = shown.map((i, at) => ({ letter: letterAt(at), text: (texts[i] as string).trim() }));
  return itemOf(
    {
      id,
      benchmark: "vstar",
      kind: category,
      question: askedWithOptions(row.text("question"), options),
      answer: letterAt(shown.indexOf(0)),
      questionType: "multi-choice",
      options,
      labels: { category },
      // Places in the file of the options in the order shown.
      details: { shown: shown.join(",") },
    },
    row.pictures(["image"], [row.file]),
  );
}

/** One JSON file a row, with the picture of the same name. */
class PictureFolders implements RowFile {
  readonly faults = [];
  readonly faultCount = 0;
  private readonly files: readonly { readonly category: string; readonly path: string }[];

  /** @throws DataError when a folder is missing or empty */
  constructor(readonly path: string) {
    this.files = CATEGORIES.flatMap((category) => {
      const folder = join(path, category);
      const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
      const names = isThere ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
      if (names.length === 0)
        throw new DataError(
          `${path}: holds no V*; looked for ${LISTS.join(", ")}, and for *.json in the folders ${CATEGORIES.join(" and ")}`,
        );
      return names.sort().map((name) => ({ category, path: join(folder, name) }));
    });
  }

  get count(): number {
    return this.files.length;
  }

  offsetOf(): undefined {
    return undefined;
  }

  read(row: number): unknown {
    const file = this.files[row];
    if (file === undefined)
      throw new RangeError(`row must be an integer in [0, ${this.files.length}), got ${row}`);
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(file.path, "utf8"));
    } catch (error) {
      throw new DataError(`${file.path}: cannot be read (${(error as Error).message})`);
    }
    if (typeof content !== "object" || content === null)
      throw new DataError(`${file.path}: must hold an object with question and options`);
    const { dir, name } = parse(file.path);
    // Without any of them the first is missed when somebody looks at it.
    const isThere = (end: string): boolean =>
      statSync(join(dir, name + end), { throwIfNoEntry: false }) !== undefined;
    const extension = PICTURES.find(isThere) ?? PICTURES[0];
    const { category } = file;
    return { ...content, name, category, image: `${category}/${name}${extension}` };
  }

  close(): void {}
}
