// Rows of a parquet file. Columns of text are read with their row, page by page; images that lie in the file (Hugging Face's
// `Image`: a record of bytes and path) only when they are asked for. Columns that no layout of tasks has are never read.
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decompressLz4, decompressLz4Raw, decompressZstd } from "hyparquet-compressors";
import { assembleNested } from "hyparquet/src/assemble.js";
import { DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { parquetMetadata, parquetSchema } from "hyparquet/src/metadata.js";
import { getMaxRepetitionLevel, getTreePath } from "hyparquet/src/schema.js";
import type {
  ColumnMetaData,
  Compressors,
  DecodedArray,
  FileMetaData,
  SchemaTree,
} from "hyparquet/src/types.js";
import { DataError } from "../../core/errors.ts";
import type { FileBytes } from "./fileBytes.ts";
import { ParquetColumn } from "./parquetColumn.ts";
import { EmbeddedMedia, type RowFile } from "./rowFile.ts";

/** "PAR1" */
const MAGIC = 0x31524150;
/** Row groups whose page tables and last pages are kept. */
const OPEN_GROUPS = 2;

/**
 * Node's own decoders where it has one: they are faster. Snappy is hyparquet's, whose memory is given back. The LZ4 of the
 * package does not know an empty page. None writes more than the page says it has.
 */
const compressors: Compressors = {
  GZIP: (packed, length) => gunzipSync(packed, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (packed, length) => brotliDecompressSync(packed, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (packed, length) => decompressZstd(packed, new Uint8Array(length)),
  LZ4: (packed, length) => (length === 0 ? new Uint8Array() : decompressLz4(packed, length)),
  LZ4_RAW: (packed, length) => (length === 0 ? new Uint8Array() : decompressLz4Raw(packed, length)),
};

export class ParquetRowFile implements RowFile {
  readonly faults = [];
  readonly faultCount = 0;
  readonly count: number;
  /** Row at which each row group begins, and the count. */
  private readonly groupStarts: number[] = [0];
  private readonly wanted: readonly SchemaTree[];
  /** Most recently read last. */
  private readonly groups = new Map<number, Map<string, ParquetColumn>>();

  private constructor(
    private readonly file: FileBytes,
    private readonly metadata: FileMetaData,
    private readonly schema: SchemaTree,
    columns: ReadonlySet<string>,
    private readonly media: ReadonlySet<string>,
  ) {
    for (const { num_rows, columns: chunks } of metadata.row_groups) {
      if (chunks.length === 0 || chunks.some(({ meta_data }) => !fits(meta_data, num_rows, schema)))
        throw new Error(`its row group of ${num_rows} rows has columns of another length`);
      this.groupStarts.push((this.groupStarts.at(-1) as number) + Number(num_rows));
    }
    this.count = this.groupStarts.at(-1) as number;
    this.wanted = schema.children.filter(
      ({ element }) => columns.has(element.name) || media.has(element.name),
    );
  }

  /**
   * @param columns names of those that rows are to have
   * @param media names of those that come as `EmbeddedMedia`
   * @throws DataError when the file's footer cannot be read or it has none of the columns
   */
  static open(file: FileBytes, columns: readonly string[], media: readonly string[]): ParquetRowFile {
    const opened = attempt(`${file.path}: is no readable parquet file`, () => {
      const tail = file.read(Math.max(0, file.size - 8), 8);
      if (tail.length < 8 || tail.readUInt32LE(4) !== MAGIC) throw new Error("its end is missing: cut off?");
      const footer = tail.readUInt32LE(0) + 8;
      if (footer > file.size) throw new Error(`its footer of ${footer} bytes is larger than the file`);
      const metadata = parquetMetadata(file.read(file.size - footer, footer), { geoparquet: false });
      return new ParquetRowFile(file, metadata, parquetSchema(metadata), new Set(columns), new Set(media));
    });
    if (opened.wanted.length > 0) return opened;
    const names = opened.schema.children.map(({ element }) => element.name).join(", ");
    throw new DataError(
      `${file.path}: has none of the columns ${[...columns, ...media].join(", ")}; it has ${names}`,
    );
  }

  static isParquet(file: FileBytes): boolean {
    const head = file.read(0, 4);
    return head.length === 4 && head.readUInt32LE(0) === MAGIC;
  }

  get path(): string {
    return this.file.path;
  }

  offsetOf(): undefined {
    return undefined;
  }

  read(row: number): unknown {
    if (!Number.isInteger(row) || row < 0 || row >= this.count)
      throw new RangeError(`row must be an integer in [0, ${this.count}), got ${row}`);
    const values: Record<string, unknown> = {};
    for (const column of this.wanted) {
      const { name } = column.element;
      const load = (): unknown =>
        attempt(`${this.path}: row ${row}, column ${name}: cannot be read`, () => this.value(row, column));
      values[name] = this.media.has(name) && isBinary(column) ? new EmbeddedMedia(load) : load();
    }
    return values;
  }

  close(): void {
    this.groups.clear();
    this.file.close();
  }

  private value(row: number, column: SchemaTree): unknown {
    const group = this.groupStarts.findLastIndex((start) => start <= row);
    const inGroup = row - (this.groupStarts[group] as number);
    const leaves = new Map<string, DecodedArray>();
    for (const leaf of leavesOf(column))
      leaves.set(leaf, [this.column(group, leaf).value(inGroup)] as unknown[]);
    if (column.children.length > 0) assembleNested(leaves, column, DEFAULT_PARSERS);
    return leaves.get(column.path.join("."))?.[0];
  }

  private column(group: number, leaf: string): ParquetColumn {
    const columns = this.groups.get(group) ?? new Map<string, ParquetColumn>();
    this.groups.delete(group);
    this.groups.set(group, columns);
    const [oldest] = this.groups.keys();
    if (this.groups.size > OPEN_GROUPS && oldest !== undefined) this.groups.delete(oldest);
    let column = columns.get(leaf);
    if (column === undefined) {
      const { columns: chunks, num_rows } = this.metadata.row_groups[
        group
      ] as FileMetaData["row_groups"][number];
      const chunk = chunks.find(({ meta_data }) => meta_data?.path_in_schema.join(".") === leaf);
      if (chunk?.meta_data === undefined) throw new Error("its row group has no data of it");
      if (chunk.file_path) throw new Error(`its data lie in another file, ${chunk.file_path}`);
      const schemaPath = getTreePath(this.schema, chunk.meta_data.path_in_schema);
      const decoder = {
        ...chunk.meta_data,
        pathInSchema: chunk.meta_data.path_in_schema,
        schemaPath,
        element: (schemaPath.at(-1) as SchemaTree).element,
        parsers: DEFAULT_PARSERS,
        compressors,
        utf8: false,
      };
      column = new ParquetColumn(this.file, decoder, chunk.meta_data, Number(num_rows));
      columns.set(leaf, column);
    }
    return column;
  }
}

/** Damage shows as whatever a decoder stumbles over. @throws DataError */
function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`${what} (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
}

/** A column has a value a row, or in lists one at least. */
function fits(chunk: ColumnMetaData | undefined, rows: bigint, schema: SchemaTree): boolean {
  if (chunk === undefined || rows < 0n) return false;
  const repeated = getMaxRepetitionLevel(getTreePath(schema, chunk.path_in_schema)) > 0;
  return repeated ? chunk.num_values >= rows : chunk.num_values === rows;
}

function leavesOf(column: SchemaTree): string[] {
  return column.children.length === 0 ? [column.path.join(".")] : column.children.flatMap(leavesOf);
}

/** Whether bytes that are no text lie in it. */
function isBinary({ element, children }: SchemaTree): boolean {
  if (children.length > 0) return children.some(isBinary);
  const text = element.converted_type === "UTF8" || element.logical_type?.type === "STRING";
  return element.type === "BYTE_ARRAY" && !text;
}
