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
   * file below one of the folders. They are looked for when somebody looks at them, and a DataError says then that there are
   * none or that a file is not there: the rest of the item is known without them.
   */
  pictures(columns: readonly string[], folders: readonly string[]): Pictures {
    const filled = (): string => {
      const column = columns.find((name) => this.raw(name) !== undefined && this.raw(name) !== "");
      if (column !== undefined) return column;
      throw this.failed(`${columns.join(" or ")} must hold a picture, got nothing`);
    };
    const load = (): (string | Uint8Array)[] => {
      const column = filled();
      const value = this.raw(column);
      return this.sources(column, value instanceof EmbeddedMedia ? value.load() : value, folders);
    };
    return this.lazily(load, () => {
      if (!(this.raw(filled()) instanceof EmbeddedMedia)) load();
    });
  }

  /**
   * Pictures of bytes or paths that are decoded when they are looked at, and kept as long as somebody holds them.
   * @param load may throw a DataError, which then names this row
   * @param look for their files; default none, for pictures that lie in the data file
   */
  lazily(load: () => readonly (string | Uint8Array)[], look = (): void => undefined): Pictures {
    let decoded: WeakRef<readonly RgbImage[]> | undefined;
    const decode = (): readonly RgbImage[] => {
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
    return { decode, look };
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

export interface Pictures {
  /** Decodes, or gives what is still held. @throws DataError */
  decode(): readonly RgbImage[];
  /** @throws DataError for a file that is not there; what lies in the data file is not read */
  look(): void;
}

const looks = new WeakMap<BenchmarkItem, () => void>();

/**
 * An item whose pictures are looked for and decoded when somebody looks at them, so that one whose pictures are missing is
 * known all the same; a copy by `{...item}` looks.
 */
export function itemOf(fields: Omit<BenchmarkItem, "images" | "videos">, pictures: Pictures): BenchmarkItem {
  const item: BenchmarkItem = {
    ...fields,
    get images() {
      return pictures.decode();
    },
  };
  looks.set(item, () => pictures.look());
  return item;
}

/** The same with videos, which `find` gives the paths of, or throws a DataError. */
export function videoItemOf(
  fields: Omit<BenchmarkItem, "images" | "videos">,
  find: () => readonly string[],
): BenchmarkItem {
  const item: BenchmarkItem = {
    ...fields,
    images: [],
    get videos() {
      return find();
    },
  };
  looks.set(item, () => void find());
  return item;
}

/**
 * Looks for the files of a loader's item, without decoding them.
 * @param item as the loader gave it, no copy
 * @throws DataError for one that is not there; RangeError for an item of no loader
 */
export function lookForMedia(item: BenchmarkItem): void {
  const look = looks.get(item);
  if (look === undefined) throw new RangeError(`item ${item.id} must be as a loader gave it, got a copy`);
  look();
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
