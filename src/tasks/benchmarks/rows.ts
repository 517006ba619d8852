// How loaders open what the authors of a benchmark publish. In the order of use:
//   const split = splitOf(loader, wanted);
//   const files = findFiles(path, inFolders(["", "data/"], ["test-*.parquet", "test.jsonl"]), "MathVision's split test");
//   const rows = openRows(files, { text: ["id", "question"], media: ["decoded_image"] });   // by content; JSON takes no columns
//   return benchmarkFiles({ benchmark, split, published: 3040, rows, item: (row) => ... });
// and in `item`, of a row (row.ts): row.text("question"), row.pictures(["decoded_image", "image"], folders), and
// `itemOf(fields, pictures)` with pictures that are decoded when somebody looks at them. Names of published files come best
// first: parquet, which holds its pictures, before JSON, whose pictures may lie in an archive that nobody has unpacked.
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { FileBytes } from "../formats/fileBytes.ts";
import { JsonRowFile } from "../formats/jsonRowFile.ts";
import { ParquetRowFile } from "../formats/parquetRowFile.ts";
import { placeOf, type RowFile } from "../formats/rowFile.ts";
import type { BenchmarkFiles, BenchmarkItem, BenchmarkLoader, BenchmarkName } from "./item.ts";
import { Row } from "./row.ts";

/** The split asked for, or the first. @throws DataError naming those there are */
export function splitOf({ name, splits }: Pick<BenchmarkLoader, "name" | "splits">, split?: string): string {
  const [first = ""] = splits;
  if (split === undefined) return first;
  if (splits.includes(split)) return split;
  throw new DataError(`${name}: split must be ${splits.join(" or ")}, got ${JSON.stringify(split)}`);
}

/**
 * The data files of a download.
 * @param path the root of the download, a folder in it, or a data file itself, which is then taken as it is
 * @param names paths below `path`, best first; `*` in the last part stands for any characters (shards)
 * @param what for messages: "MathVision's split test"
 * @returns all that the first name with a file has, in the order of their names
 * @throws DataError naming what was looked for
 */
export function findFiles(path: string, names: readonly string[], what: string): readonly string[] {
  const found = lookForFiles(path, names);
  if (found.length > 0) return found;
  throw new DataError(`${path}: holds no ${what}; looked for ${names.join(", ")}`);
}

/** The same, with an empty list when there are none. @throws DataError when `path` is not there */
export function lookForFiles(path: string, names: readonly string[]): readonly string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new DataError(`${path}: there is no such file or folder`);
  if (stat.isFile()) return [path];
  for (const name of names) {
    const found = matching(join(path, dirname(name)), name.slice(name.lastIndexOf("/") + 1));
    if (found.length > 0) return found;
  }
  return [];
}

/** Each name in each of the folders ("" or ending in a slash), all places of a name before the next name. */
export function inFolders(folders: readonly string[], names: readonly string[]): readonly string[] {
  return names.flatMap((name) => folders.map((folder) => folder + name));
}

function matching(folder: string, name: string): string[] {
  const literal = name.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${literal.join(".*")}$`);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder)
    .filter((entry) => pattern.test(entry))
    .sort()
    .map((entry) => join(folder, entry))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

/** Folders that paths in a data file may begin in: its own and the one above, and of both those named. */
export function mediaFolders(file: string, below: readonly string[] = []): readonly string[] {
  const own = dirname(file);
  return [own, dirname(own)].flatMap((folder) => [folder, ...below.map((name) => join(folder, name))]);
}

export interface Columns {
  /** Of text, numbers, lists and records: what rows are to have of a parquet file. */
  readonly text: readonly string[];
  /** Of pictures. */
  readonly media: readonly string[];
}

/** Rows of one or more files, one after the other. */
export class Rows {
  readonly count: number;
  /** Number of the first row of each file. */
  private readonly starts: readonly number[];

  constructor(private readonly files: readonly RowFile[]) {
    let count = 0;
    this.starts = files.map((file) => {
      const start = count;
      count += file.count;
      return start;
    });
    this.count = count;
  }

  /** @throws DataError naming file and row when it is malformed; RangeError outside [0, count) */
  at(index: number): Row {
    const f = this.starts.findLastIndex((start) => start <= index);
    const file = this.files[f];
    if (file === undefined || index >= this.count)
      throw new RangeError(`row must be an integer in [0, ${this.count}), got ${index}`);
    const row = index - (this.starts[f] as number);
    return new Row(file.read(row), file.path, `${file.path}: ${placeOf(row, file.offsetOf(row))}`);
  }

  close(): void {
    for (const file of this.files) file.close();
  }
}

/**
 * Opens JSON arrays, JSON Lines and parquet, told apart by content.
 * @throws DataError when a file is none of these, or is cut off
 */
export function openRows(paths: readonly string[], { text, media }: Columns): Rows {
  return openEach(paths, (file) => {
    if (ParquetRowFile.isParquet(file)) return ParquetRowFile.open(file, text, media);
    const rows = JsonRowFile.open(file);
    // A malformed row is told when it is asked for; damage between rows may have cost any number of them.
    const fault = rows.faults.find(({ row }) => row === undefined);
    if (fault === undefined) return rows;
    throw new DataError(`${file.path}: ${fault.reason} (byte ${fault.offset}); download it again`);
  });
}

/** Closes what is open already when a file cannot be opened. */
export function openEach(paths: readonly string[], open: (file: FileBytes) => RowFile): Rows {
  const opened: { close(): void }[] = [];
  try {
    return new Rows(
      paths.map((path) => {
        const file = FileBytes.open(path);
        opened.push(file);
        return open(file);
      }),
    );
  } catch (error) {
    for (const file of opened) file.close();
    throw error;
  }
}

export interface OpenedRows {
  readonly benchmark: BenchmarkName;
  readonly split: string;
  readonly published: number;
  readonly rows: Rows;
  /** @throws DataError naming file and row */
  readonly item: (row: Row) => BenchmarkItem;
  /** Rows that are items; default all. Rows that cannot be read are always items: ones that fail when asked for. */
  readonly isItem?: (row: Row) => boolean;
  /** False where ids are made of row numbers, and rows are too large to be read for nothing; all are items then. */
  readonly walk?: boolean;
}

/**
 * Goes through the rows once, unless told not to: an id twice would let a resumed evaluation take one item's answer for another's.
 * @throws DataError naming both rows of an id, or when there are no items
 */
export function benchmarkFiles(opened: OpenedRows): BenchmarkFiles {
  const { rows, item, isItem = () => true, walk = true, ...about } = opened;
  try {
    const numbers = walk
      ? itemNumbers(rows, item, isItem)
      : Uint32Array.from({ length: rows.count }, (_, i) => i);
    if (numbers.length === 0) throw new DataError(`${about.benchmark}: its data files hold no items`);
    return {
      benchmark: about.benchmark,
      split: about.split,
      published: about.published,
      count: numbers.length,
      at(index) {
        const number = numbers[index];
        if (number === undefined)
          throw new RangeError(`item must be an integer in [0, ${numbers.length}), got ${index}`);
        return item(rows.at(number));
      },
      close: () => rows.close(),
    };
  } catch (error) {
    rows.close();
    throw error;
  }
}

function itemNumbers(rows: Rows, item: OpenedRows["item"], isItem: (row: Row) => boolean): Uint32Array {
  const numbers: number[] = [];
  const places = new Map<string, string>();
  for (let number = 0; number < rows.count; number++) {
    try {
      const row = rows.at(number);
      if (!isItem(row)) continue;
      numbers.push(number);
      const { id } = item(row);
      const first = places.get(id);
      if (first !== undefined)
        throw new RepeatedId(`${row.where}: has the id ${id}, as has ${first}; take one of them out`);
      places.set(id, row.where);
    } catch (error) {
      if (!(error instanceof DataError) || error instanceof RepeatedId) throw error;
      if (numbers.at(-1) !== number) numbers.push(number);
    }
  }
  return Uint32Array.from(numbers);
}

class RepeatedId extends DataError {}
