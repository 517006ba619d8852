// HR-Bench, `DreamMr/HR-Bench`: one TSV (1.9 and 4.6 GB) or parquet file a resolution, pictures as base64 in both. 200 questions,
// each asked four times with its options rotated. A picture of at most 64 characters is the index of the row that has it.
import { DataError } from "../../core/errors.ts";
import { base64Bytes } from "../formats/base64.ts";
import type { FileBytes } from "../formats/fileBytes.ts";
import { ParquetRowFile } from "../formats/parquetRowFile.ts";
import { EmbeddedMedia, type RowFile } from "../formats/rowFile.ts";
import { mediaSource } from "../formats/taskRow.ts";
import { SHORT_MEDIA_CHARS, TsvRowFile } from "../formats/tsvRowFile.ts";
import type { BenchmarkItem, BenchmarkLoader, Option } from "./item.ts";
import { askedWithOptions } from "./letters.ts";
import { itemId, itemOf, type Row } from "./row.ts";
import { benchmarkFiles, findFiles, openEach, type Rows, splitOf } from "./rows.ts";

const LETTERS = ["A", "B", "C", "D"] as const;
const CATEGORIES = ["single", "cross"] as const;
const TEXT = ["index", "question", "answer", "category", "cycle_category", ...LETTERS];
const PUBLISHED = 800;

export const hrbench4K = loader("hrbench-4k", "HRBench-4K", "4k");
export const hrbench8K = loader("hrbench-8k", "HRBench-8K", "8k");

function loader(name: "hrbench-4k" | "hrbench-8k", title: string, size: "4k" | "8k"): BenchmarkLoader {
  const files = [`hr_bench_${size}`, `hrbench_${size}`].flatMap((stem) =>
    ["", "data/", "hrbench_version_split/"].map((folder) => `${folder}${stem}*.parquet`),
  );
  const names = [...files, `hr_bench_${size}.tsv`, `HRBench${size.toUpperCase()}.tsv`];
  const benchmark: BenchmarkLoader = {
    name,
    title,
    splits: ["test"],
    open(path, wanted) {
      const split = splitOf(benchmark, wanted);
      const rows = openEach(findFiles(path, names, title), openFile);
      const { rowOf, questionOf } = pass(rows);
      const item = (row: Row): BenchmarkItem => itemAt(name, row, rows, rowOf, questionOf);
      return benchmarkFiles({ benchmark: name, split, published: PUBLISHED, rows, item });
    },
  };
  return benchmark;
}

function openFile(file: FileBytes): RowFile {
  return ParquetRowFile.isParquet(file)
    ? new TextPictures(file)
    : TsvRowFile.open(file, [...TEXT], ["image"]);
}

/** Parquet whose pictures are text: they are not read before they are asked for. */
class TextPictures implements RowFile {
  readonly faults = [];
  readonly faultCount = 0;
  private readonly texts: ParquetRowFile;
  private readonly pictures: ParquetRowFile;

  constructor(file: FileBytes) {
    this.texts = ParquetRowFile.open(file, TEXT, []);
    this.pictures = ParquetRowFile.open(file, [], ["image"]);
  }

  get path(): string {
    return this.texts.path;
  }
  get count(): number {
    return this.texts.count;
  }

  offsetOf(): undefined {
    return undefined;
  }

  read(row: number): unknown {
    const load = (): unknown => {
      const { image } = this.pictures.read(row) as Record<string, unknown>;
      return image instanceof EmbeddedMedia ? image.load() : image;
    };
    return { ...(this.texts.read(row) as Record<string, unknown>), image: new EmbeddedMedia(load) };
  }

  close(): void {
    this.texts.close();
  }
}

interface Pass {
  /** Row number by index. */
  readonly rowOf: ReadonlyMap<string, number>;
  /** Number of its question by index. */
  readonly questionOf: ReadonlyMap<string, string>;
}

/**
 * Which rows are rotations of one question: those with the same text, category and set of options; where one cycle has several
 * of these, which have other pictures, they are told apart by their order. Nothing in the files says it.
 */
function pass(rows: Rows): Pass {
  const rowOf = new Map<string, number>();
  const questionOf = new Map<string, string>();
  const numbers = new Map<string, number>();
  const seen = new Map<string, number>();
  for (let number = 0; number < rows.count; number++) {
    try {
      const row = rows.at(number);
      const index = row.text("index");
      const options = optionsOf(row).map(({ text }) => text);
      const asked = JSON.stringify([row.raw("category"), row.raw("question"), ...options.sort()]);
      const inCycle = `${row.text("cycle_category")} ${asked}`;
      const times = seen.get(inCycle) ?? 0;
      seen.set(inCycle, times + 1);
      const key = `${times} ${asked}`;
      if (!numbers.has(key)) numbers.set(key, numbers.size);
      rowOf.set(index, number);
      questionOf.set(index, String(numbers.get(key)));
    } catch (error) {
      if (!(error instanceof DataError)) throw error; // told when the row is asked for
    }
  }
  return { rowOf, questionOf };
}

function itemAt(
  benchmark: "hrbench-4k" | "hrbench-8k",
  row: Row,
  rows: Rows,
  rowOf: Pass["rowOf"],
  questionOf: Pass["questionOf"],
): BenchmarkItem {
  const index = row.text("index");
  const category = row.oneOf("category", CATEGORIES);
  const options = optionsOf(row);
  const answer = row.text("answer").trim();
  if (!options.some(({ letter }) => letter === answer))
    throw row.failed(
      `answer must be one of ${options.map(({ letter }) => letter).join(", ")}, got ${answer}`,
    );
  const cycle = row.text("cycle_category");
  return itemOf(
    {
      id: itemId(benchmark, index),
      benchmark,
      kind: category,
      question: askedWithOptions(row.text("question"), options),
      answer,
      questionType: "multi-choice",
      options,
      labels: { category, cycle, question: questionOf.get(index) ?? "" },
      details: {},
    },
    row.lazily(() => [pictureOf(row, rows, rowOf)]),
  );
}

function optionsOf(row: Row): Option[] {
  return LETTERS.flatMap((letter) => {
    const text = row.optionalText(letter)?.trim();
    return text === undefined || text === "" ? [] : [{ letter, text }];
  });
}

function pictureOf(row: Row, rows: Rows, rowOf: Pass["rowOf"]): Uint8Array {
  const own = sourceOf(row);
  if (typeof own !== "string") return own;
  const other = rowOf.get(own.trim());
  const picture = other === undefined ? undefined : sourceOf(rows.at(other));
  if (picture === undefined || typeof picture === "string")
    throw row.failed(`image must be base64 or the index of a row that has it, got ${JSON.stringify(own)}`);
  return picture;
}

/** Bytes, or the index of another row. */
function sourceOf(row: Row): Uint8Array | string {
  const raw = row.raw("image");
  const value = raw instanceof EmbeddedMedia ? raw.load() : raw;
  if (typeof value === "string") {
    if (value.length <= SHORT_MEDIA_CHARS) return value;
    const bytes = base64Bytes(value);
    if (bytes !== undefined) return bytes;
    throw row.failed("image is not base64");
  }
  const source = mediaSource(value);
  if (source instanceof Uint8Array) return source;
  throw row.failed("image must be a picture as base64 or bytes");
}
