// Every broken row of a data file, with all that is wrong with it. What training merely leaves out is listed here row by
// row, and looked at more closely: whether media are whole, ids are given once, and the right answer would be graded so.
import { basename } from "node:path";
import { DataError } from "../../core/errors.ts";
import { FileBytes } from "./fileBytes.ts";
import { pictureFault, type Readable, videoFault } from "./inspectMedia.ts";
import type { RowFile } from "./rowFile.ts";
import { imageOf, isDataUri, listedMedia, mediaBytes, type MediaPlace, resolveMedia } from "./rowMedia.ts";
import { inspectRow, kindOf, mediaPlace, openRowFile, type TaskFileOptions } from "./taskFile.ts";
import type { Problem, TaskRow } from "./taskRow.ts";

export interface CheckOptions extends TaskFileOptions {
  /** Grades an answer; it is given the right one. */
  readonly grade: (graded: GradedAnswer) => "right" | "wrong" | "unknown";
  /** Longest answer that can earn anything. */
  readonly maxAnswerChars: number;
  /** Decode every image to its last pixel, not only walk through its markers. */
  readonly decode: boolean;
  /** Called now and then with rows done and rows in all files opened so far. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface GradedAnswer {
  readonly question: string;
  readonly answer: string;
  readonly truth: string;
  readonly kind: string;
}

/** A row, or a place between rows, that something is wrong with. */
export interface Finding {
  readonly path: string;
  /** Number of the row in its file, from 0; undefined for damage between rows, which costs none. */
  readonly row?: number;
  /** Byte at which it begins, where rows lie one after the other. */
  readonly offset?: number;
  readonly id?: string;
  readonly problems: readonly Problem[];
}

export interface CheckSummary {
  rows: number;
  /** Rows that nothing is wrong with. */
  good: number;
  images: number;
  videos: number;
  /** Good rows by category. */
  readonly kinds: Record<string, number>;
}

/**
 * Yields findings file by file in the order of rows; `summary` counts as it goes.
 * @throws DataError when a file cannot be opened at all
 */
export function* checkTaskFiles(options: CheckOptions, summary: CheckSummary): Generator<Finding, void> {
  const rows = new RowChecker(options, summary);
  for (const path of options.paths) {
    const file = openRowFile(path);
    try {
      yield* structureOf(file);
      const place = mediaPlace(path, options);
      for (let row = 0; row < file.count; row++) {
        const finding = rows.check(file, row, place);
        if (finding !== undefined) yield finding;
        if (row % 256 === 255 || row === file.count - 1) options.onProgress?.(row + 1, file.count);
      }
    } finally {
      file.close();
    }
  }
}

export function emptySummary(): CheckSummary {
  return { rows: 0, good: 0, images: 0, videos: 0, kinds: {} };
}

/** Damage between rows; malformed rows come with the rows. */
function* structureOf(file: RowFile): Generator<Finding> {
  for (const { row, offset, reason } of file.faults)
    if (row === undefined)
      yield { path: file.path, offset, problems: [{ reason: "malformed", text: `the file ${reason}` }] };
  if (file.faultCount > file.faults.length)
    yield {
      path: file.path,
      problems: [
        {
          reason: "malformed",
          text: `has ${file.faultCount} places that are no JSON; the first ${file.faults.length} are told`,
        },
      ],
    };
}

class RowChecker {
  /** Where each id was given first. */
  private readonly ids = new Map<string, string>();
  /** What is wrong with each media file: rows share them. */
  private readonly files = new Map<string, string | undefined>();

  constructor(
    private readonly options: CheckOptions,
    private readonly summary: CheckSummary,
  ) {}

  check(file: RowFile, number: number, place: MediaPlace): Finding | undefined {
    const { summary, options } = this;
    summary.rows++;
    const offset = file.offsetOf(number);
    const where = { path: file.path, row: number, ...(offset !== undefined && { offset }) };
    const { row, problems } = inspectRow(file, number, place);
    if (row === undefined) return { ...where, problems };
    const kind = kindOf(row, file.path, options.kind);
    const found = [
      ...this.media(row, place),
      ...this.duplicates(row, kind, `row ${number} of ${basename(file.path)}`),
      ...this.answer(row, kind),
    ];
    if (found.length > 0) return { ...where, ...(row.id !== undefined && { id: row.id }), problems: found };
    summary.good++;
    summary.kinds[kind] = (summary.kinds[kind] ?? 0) + 1;
    return undefined;
  }

  private media(row: TaskRow, place: MediaPlace): Problem[] {
    const problems: Problem[] = [];
    try {
      const images = listedMedia(row.images, row.imageMarks);
      this.summary.images += images.length;
      this.summary.videos += row.videos.length;
      images.forEach((source, i) => {
        const fault = this.pictureFault(source, place, `image ${i}`);
        if (fault !== undefined) problems.push({ reason: "unreadableMedia", text: fault });
      });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      const reason = error.message.includes("marks in a text") ? "marks" : "unreadableMedia";
      problems.push({ reason, text: error.message });
    }
    for (const path of row.videos) {
      const fault = this.once(resolveMedia(path, place), (local) => inFile(local, videoFault));
      if (fault !== undefined) problems.push({ reason: "unreadableMedia", text: `${path}: ${fault}` });
    }
    return problems;
  }

  private pictureFault(source: string | Uint8Array, place: MediaPlace, name: string): string | undefined {
    const decoded = (): string | undefined => {
      if (this.options.decode) imageOf(source, place, name);
      return undefined;
    };
    if (typeof source === "string" && !isDataUri(source)) {
      const fault = this.once(
        resolveMedia(source, place),
        (local) => inFile(local, pictureFault) ?? decoded(),
      );
      return fault && `${source}: ${fault}`;
    }
    const fault = faultOf(() => pictureFault(inMemory(mediaBytes(source, place))) ?? decoded());
    return fault && `${name}: ${fault}`;
  }

  private once(local: string, look: (local: string) => string | undefined): string | undefined {
    if (!this.files.has(local))
      this.files.set(
        local,
        faultOf(() => look(local)),
      );
    return this.files.get(local);
  }

  private duplicates(row: TaskRow, kind: string, where: string): Problem[] {
    if (row.id === undefined) return [];
    const key = `${kind}/${row.id}`;
    const first = this.ids.get(key);
    if (first === undefined) this.ids.set(key, where);
    return first === undefined
      ? []
      : [{ reason: "duplicateId", text: `id ${row.id} of ${kind} is that of ${first}` }];
  }

  private answer({ question, answer }: TaskRow, kind: string): Problem[] {
    const { maxAnswerChars, grade } = this.options;
    if (answer.length > maxAnswerChars) {
      const length = `the right answer has ${answer.length} characters`;
      return [{ reason: "answerTooLong", text: `${length}; above ${maxAnswerChars} none earns anything` }];
    }
    const verdict = grade({ question, answer, truth: answer, kind });
    if (verdict === "right") return [];
    const says = verdict === "wrong" ? "takes it for wrong" : "cannot tell whether it is right";
    return [{ reason: "goldRejected", text: `the right answer is ${short(answer)}, but the grader ${says}` }];
  }
}

function inFile(path: string, look: (file: Readable) => string | undefined): string | undefined {
  const file = FileBytes.open(path);
  try {
    return look(file);
  } finally {
    file.close();
  }
}

function inMemory(bytes: Uint8Array): Readable {
  return { size: bytes.length, read: (start, length) => bytes.subarray(start, start + length) };
}

function faultOf(look: () => string | undefined): string | undefined {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return error.message;
  }
}

function short(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 57)}...`);
}
