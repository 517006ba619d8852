// Tasks of data files, whatever their format. Opening walks through the rows once and keeps of each good one its number: 40,000
// rows take a second or two and no memory to speak of. A task is made when it is asked for, and its images are decoded when
// somebody looks at them. Rows that are malformed, incomplete, or name files that are not there are left out and told of. Pictures
// are not opened for that: a damaged one is a DataError of `Task.images` when it is looked at. `checkTaskFile` lists both kinds.
import { basename, dirname, extname } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";
import { randomStream } from "../../core/random.ts";
import type { Task, TaskSource } from "../../core/task.ts";
import type { Split } from "../world/world.ts";
import { FileBytes } from "./fileBytes.ts";
import { JsonRowFile } from "./jsonRowFile.ts";
import { NumberList } from "./numberList.ts";
import { ParquetRowFile } from "./parquetRowFile.ts";
import { placeOf, type RowFile } from "./rowFile.ts";
import { imageOf, listedMedia, type MediaPlace, missingFiles, resolveMedia } from "./rowMedia.ts";
import {
  MEDIA_FIELDS,
  type Problem,
  type ProblemReason,
  readTaskRow,
  type RowRules,
  TEXT_FIELDS,
  type TaskRow,
} from "./taskRow.ts";

export interface TaskFileOptions {
  /** Data files: JSON arrays, JSON Lines or parquet, told apart by content. */
  readonly paths: readonly string[];
  /** Folder that relative paths of media begin in. Default: each data file's own. */
  readonly mediaRoot?: string;
  /** Beginning of media paths that is taken off. */
  readonly stripPrefix?: string;
  /** Which field is the category of a task. Default: `data_source`, by which the reference grades and reports. */
  readonly kind?: "data_source" | "ability";
  /** Whether rows that cannot be asked are there too, as errors of `at`, and questions may be without media. Default: false. */
  readonly every?: boolean;
}

/** Rows that cannot be asked. */
export interface LeftOut {
  readonly count: number;
  readonly reasons: Readonly<Partial<Record<ProblemReason, number>>>;
  /** The first of them, as a sentence with file and row. */
  readonly first: string | undefined;
}

/** Opens a data file by what it holds. @throws DataError when it is none */
export function openRowFile(path: string): RowFile {
  const file = FileBytes.open(path);
  try {
    return ParquetRowFile.isParquet(file)
      ? ParquetRowFile.open(file, TEXT_FIELDS, MEDIA_FIELDS)
      : JsonRowFile.open(file);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Where the media of a data file lie. */
export function mediaPlace(path: string, { mediaRoot, stripPrefix }: TaskFileOptions): MediaPlace {
  return { root: mediaRoot ?? dirname(path), ...(stripPrefix !== undefined && { stripPrefix }) };
}

/** A row as a task, or why it is none; media are only looked for. */
export function inspectRow(
  file: RowFile,
  row: number,
  place: MediaPlace,
  rules?: RowRules,
): { readonly row?: TaskRow; readonly problems: readonly Problem[] } {
  let raw: unknown;
  try {
    raw = file.read(row);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const text = error.message.replace(`${file.path}: `, "").replace(/^row \d+(?: at byte \d+|,)? /, "");
    return { problems: [{ reason: "malformed", text }] };
  }
  const read = readTaskRow(raw, rules);
  if (read.row === undefined) return read;
  const problems = missingFiles(read.row, place);
  return problems.length === 0 ? read : { problems };
}

/** The category of a row. */
export function kindOf(row: TaskRow, path: string, kind: TaskFileOptions["kind"] = "data_source"): string {
  const [first, second] = kind === "ability" ? [row.ability, row.dataSource] : [row.dataSource, row.ability];
  return first ?? second ?? basename(path, extname(path));
}

/** Rows of data files, in their order: the good ones, or every one. */
export class TaskFiles {
  readonly leftOut: LeftOut;
  private readonly files: readonly RowFile[];
  private readonly rules: RowRules;
  /** Number of the file and of the row in it, for each row that can be asked for. */
  private readonly fileOf = new NumberList();
  private readonly rowOf = new NumberList();

  /** @throws DataError when a file cannot be opened, or no row of them can be asked */
  constructor(private readonly options: TaskFileOptions) {
    const files: RowFile[] = [];
    this.files = files;
    const { every = false } = options;
    this.rules = { textOnly: every };
    const reasons: Partial<Record<ProblemReason, number>> = {};
    let count = 0;
    let first: string | undefined;
    try {
      for (const path of options.paths) files.push(openRowFile(path));
      files.forEach((file, f) => {
        const place = mediaPlace(file.path, options);
        for (let row = 0; row < file.count; row++) {
          const [problem] = inspectRow(file, row, place, this.rules).problems;
          if (problem === undefined || every) {
            this.fileOf.push(f);
            this.rowOf.push(row);
          }
          if (problem === undefined) continue;
          count++;
          reasons[problem.reason] = (reasons[problem.reason] ?? 0) + 1;
          first ??= `${file.path}: ${placeOf(row, file.offsetOf(row))}: ${problem.text}`;
        }
      });
      if (this.count === (every ? count : 0))
        throw new DataError(
          first === undefined
            ? `${options.paths.join(", ")}: has no rows`
            : `none of ${count} rows can be asked; ${first}. List all with: pyvision data check`,
        );
    } catch (error) {
      this.close();
      throw error;
    }
    this.leftOut = { count, reasons, first };
  }

  /** Rows that can be asked for. */
  get count(): number {
    return this.rowOf.length;
  }

  /**
   * @throws RangeError when index is not an integer in [0, count), DataError with file, row and reason when it cannot be asked:
   *   one of every row, or a good one of a file that has changed meanwhile
   */
  at(index: number): Task {
    const file = this.files[this.fileOf.at(index)] as RowFile;
    const number = this.rowOf.at(index);
    const place = mediaPlace(file.path, this.options);
    const where = `${file.path}: ${placeOf(number, file.offsetOf(number))}`;
    const { every = false } = this.options;
    const { row, problems } = every
      ? inspectRow(file, number, place, this.rules)
      : readTaskRow(file.read(number));
    if (row === undefined)
      throw new DataError(
        `${where}: ${problems[0]?.text}${every ? "" : "; it was not so when it was opened"}`,
      );
    const kind = kindOf(row, file.path, this.options.kind);
    const prefix = this.files.length > 1 ? `${basename(file.path)}:` : "";
    // The row's number makes the id unique: ids of a file may repeat, since sets are often joined of several.
    return fileTask(`${prefix}${kind}/${row.id ?? ""}#${number}`, kind, row, place, where);
  }

  /** Tasks can be asked for no more, nor images of tasks that lie in the data file. */
  close(): void {
    for (const file of this.files) file.close();
  }
}

/** Its images are decoded when they are looked at, and kept as long as somebody holds them: a list of tasks holds none. */
function fileTask(id: string, kind: string, row: TaskRow, place: MediaPlace, where: string): Task {
  let decoded: WeakRef<readonly RgbImage[]> | undefined;
  return {
    id,
    kind,
    question: row.question,
    answer: row.answer,
    get images() {
      const held = decoded?.deref();
      if (held !== undefined) return held;
      try {
        const images = listedMedia(row.images, row.imageMarks).map((source, i) =>
          imageOf(source, place, `${i}`),
        );
        decoded = new WeakRef(images);
        return images;
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        throw new DataError(`${where}: ${error.message}`, { cause: error });
      }
    },
    ...(row.videos.length > 0 && { videos: row.videos.map((path) => resolveMedia(path, place)) }),
  };
}

export interface SplitShares {
  /** Shares of the rows that are set aside, each in [0, 1), together below 1. */
  readonly validation: number;
  readonly test: number;
}

/**
 * The rows of a split, in an order of their own that the seed gives (files are often sorted by where rows come from, and
 * an evaluation takes the first few). Splits share no row. A share above 0 takes at least one row.
 */
export function splitSource(
  files: { readonly count: number; readonly at: (index: number) => Task },
  name: string,
  split: Split | "all",
  shares: SplitShares,
  seed: number,
): TaskSource {
  const rows = randomStream(seed, "split").shuffle(Array.from({ length: files.count }, (_, i) => i));
  const sizeOf = (share: number): number => (share === 0 ? 0 : Math.max(1, Math.round(share * rows.length)));
  const [validation, test] = [sizeOf(shares.validation), sizeOf(shares.test)];
  const bounds = {
    all: [0, rows.length],
    validation: [0, validation],
    test: [validation, validation + test],
    train: [validation + test, rows.length],
  } as const;
  const order = Uint32Array.from(rows.slice(...bounds[split]));
  return {
    name: `${name}-${split}`,
    size: order.length,
    at(index) {
      const row = order[index];
      if (row === undefined)
        throw new RangeError(`task index must be an integer in [0, ${order.length}), got ${index}`);
      return files.at(row);
    },
  };
}
