// One row of a benchmark's data file: its fields as the types they must be, its pictures where they lie.
import { statSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";
import { EmbeddedMedia } from "../formats/rowFile.ts";
import { imageOf, isDataUri } from "../formats/rowMedia.ts";
import { mediaSource } from "../formats/taskRow.ts";
import type { BenchmarkItem, BenchmarkName } from "./item.ts";

export class Row {
  private readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    /** Path of the data file. */
    readonly file: string,
    /** File, row and byte, for messages. */
    readonly where: string,
  ) {
    if (!isRecord(value)) throw new DataError(`${where}: must be an object with the fields of a row`);
    this.fields = value;
  }

  failed(why: string): DataError {
    return new DataError(`${this.where}: ${why}`);
  }

  /** As JSON or parquet has it; null is undefined. */
  raw(name: string): unknown {
    return this.fields[name] ?? undefined;
  }

  /**
   * Text, or a number as text; as it is, blanks around it included, but without a byte order mark, which some texts begin with
   * and which the reader of parquet takes off. Empty text is undefined.
   * @throws DataError
   */
  optionalText(name: string): string | undefined {
    return textOf(this.raw(name), () => this.failed(`${name} must be text, got ${show(this.raw(name))}`));
  }

  /** @throws DataError when there is none, or only blanks */
  text(name: string): string {
    const text = this.optionalText(name);
    if (text === undefined || text.trim() === "")
      throw this.failed(`${name} must be text, got ${show(this.raw(name))}`);
    return text;
  }

  /** One of the texts given. @throws DataError */
  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const text = this.text(name);
    const found = allowed.find((value) => value === text);
    if (found !== undefined) return found;
    throw this.failed(`${name} must be ${allowed.join(" or ")}, got ${JSON.stringify(text)}`);
  }

  /** A list of texts; missing is an empty one. @throws DataError */
  texts(name: string): readonly string[] {
    const value = this.raw(name) ?? [];
    const failed = (): DataError => this.failed(`${name} must be a list of texts, got ${show(value)}`);
    if (!Array.isArray(value)) throw failed();
    return value.map((entry) => {
      const text = textOf(entry, failed);
      if (text === undefined) throw failed();
      return text;
    });
  }

  /** A record in the row, as a row. @throws DataError */
  record(name: string): Row {
    return new Row(this.raw(name), this.file, `${this.where}, ${name}`);
  }

  /**
   * The pictures of the first of the columns that has some: bytes in the file, `{bytes, path}`, a data URI, or the path of a
   * file below one of the folders.
   * @throws DataError when there are none, or a file is not there
   */
  pictures(columns: readonly string[], folders: readonly string[]): Pictures {
    const column = columns.find((name) => this.raw(name) !== undefined && this.raw(name) !== "");
    if (column === undefined) throw this.failed(`${columns.join(" or ")} must hold a picture, got nothing`);
    const value = this.raw(column);
    if (value instanceof EmbeddedMedia) return this.lazily(() => this.sources(column, value.load(), folders));
    const sources = this.sources(column, value, folders);
    return this.lazily(() => sources);
  }

  /**
   * Pictures of bytes or paths that are decoded when they are looked at, and kept as long as somebody holds them.
   * @param load may throw a DataError, which then names this row
   */
  lazily(load: () => readonly (string | Uint8Array)[]): Pictures {
    let decoded: WeakRef<readonly RgbImage[]> | undefined;
    return () => {
      const held = decoded?.deref();
      if (held !== undefined) return held;
      try {
        const images = load().map((source, i) => imageOf(source, { root: "" }, `${i}`));
        decoded = new WeakRef(images);
        return images;
      } catch (error) {
        if (!(error instanceof DataError) || error.message.startsWith(this.where)) throw error;
        throw new DataError(`${this.where}: ${error.message}`, { cause: error });
      }
    };
  }

  private sources(column: string, value: unknown, folders: readonly string[]): (string | Uint8Array)[] {
    const entries = Array.isArray(value) ? (value as unknown[]) : [value];
    if (entries.length === 0) throw this.failed(`${column} must hold a picture, got none`);
    return entries.map((entry) => {
      const source = mediaSource(entry);
      if (source === undefined || source instanceof EmbeddedMedia)
        throw this.failed(`${column} must hold a picture or its path, got ${show(entry)}`);
      return typeof source === "string" && !isDataUri(source) ? this.find(source, folders) : source;
    });
  }

  /**
   * A file that the row names. What leads out of the folders is refused: rows come from strangers.
   * @throws DataError naming where it was looked for
   */
  find(path: string, folders: readonly string[]): string {
    const local = normalize(path);
    if (isAbsolute(local) || local.startsWith("..") || local.includes("\0"))
      throw this.failed(`${JSON.stringify(path)} must be a path below the data's folder`);
    const places = [...new Set(folders)].map((folder) => join(folder, local));
    const found = places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile() === true);
    if (found !== undefined) return found;
    throw this.failed(
      `there is no file ${path} (looked for ${places.join(", ")}); is an archive not unpacked?`,
    );
  }
}

/** Decodes, or gives what is still held. @throws DataError */
export type Pictures = () => readonly RgbImage[];

/** An item whose pictures are decoded when somebody looks at them; a copy by `{...item}` looks. */
export function itemOf(fields: Omit<BenchmarkItem, "images">, pictures: Pictures): BenchmarkItem {
  return {
    ...fields,
    get images() {
      return pictures();
    },
  };
}

/** `hrbench-4k-17`: fit for names of files. */
export function itemId(benchmark: BenchmarkName, ...parts: readonly string[]): string {
  return [benchmark, ...parts].join("-").replace(/[^A-Za-z0-9._-]+/g, "_");
}

function textOf(value: unknown, failed: () => DataError): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value.replace(/^\uFEFF/, "");
  if (typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value)))
    return String(value);
  throw failed();
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof EmbeddedMedia) return "bytes";
  const text = JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v));
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
