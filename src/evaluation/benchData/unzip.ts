// Archives of a benchmark, entry by entry and never whole in memory. Their names come from strangers: what would lie outside of the
// folder, is a link, or is far more than the archive's own bytes is refused.
import { createWriteStream } from "node:fs";
import { mkdir, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { DataError } from "../../core/errors.ts";
import { placeIn } from "./download.ts";

const MAX_ENTRIES = 1_000_000;
/** Pictures and videos do not become smaller by packing, lists of text become a tenth. */
const MAX_RATIO = 20;
/** Type of a file in the upper half of its attributes, as Unix has it. */
const FILE_TYPE = 0o170000;
const LINK = 0o120000;

export interface Unpacked {
  /** That the archive holds; relative to the folder they are in. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Where they are. */
  readonly folder: string;
}

/**
 * Puts what `x.zip` holds below a folder `x` beside it, whether its entries have this folder in their names or not. Files that
 * are there with the right size are kept.
 * @param onBytes is told how many unpacked bytes are there, and how many it will be
 * @throws DataError naming archive and entry
 */
export async function unpack(
  archive: string,
  onBytes: (done: number, all: number) => void = () => {},
): Promise<Unpacked> {
  const zip = await open(archive);
  try {
    const entries = await listing(zip, archive, (await stat(archive)).size);
    const name = basename(archive).replace(/\.zip$/i, "");
    const hasFolder = entries.every(({ fileName }) => fileName.startsWith(`${name}/`));
    const folder = hasFolder ? dirname(archive) : join(dirname(archive), name);
    const all = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    let done = 0;
    for (const entry of entries) {
      await extract(zip, entry, placeIn(folder, entry.fileName), archive);
      done += entry.uncompressedSize;
      onBytes(done, all);
    }
    return { folder, files: entries.map(({ fileName: path, uncompressedSize: size }) => ({ path, size })) };
  } finally {
    zip.close();
  }
}

async function open(archive: string): Promise<ZipFile> {
  try {
    return await openPromise(archive, { autoClose: false });
  } catch (error) {
    throw damaged(archive, error);
  }
}

/** Files of the archive, without what macOS adds to them. @throws DataError for names and sizes that are not to be trusted */
async function listing(zip: ZipFile, archive: string, archiveBytes: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  let bytes = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName;
      if (name.endsWith("/") || name.startsWith("__MACOSX/") || basename(name) === ".DS_Store") continue;
      if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === LINK)
        throw new DataError(`${archive}: ${name} is a link; archives of data hold files only`);
      placeIn("", name);
      bytes += entry.uncompressedSize;
      entries.push(entry);
      if (bytes > MAX_RATIO * archiveBytes + 1e6 || entries.length > MAX_ENTRIES)
        throw new DataError(
          `${archive}: its ${archiveBytes} bytes stand for more than ${bytes} in ${entries.length} files; it is not unpacked`,
        );
    }
  } catch (error) {
    throw damaged(archive, error);
  }
  return entries;
}

async function extract(zip: ZipFile, entry: Entry, place: string, archive: string): Promise<void> {
  const there = await stat(place).catch(() => undefined);
  if (there?.isFile() === true && there.size === entry.uncompressedSize) return;
  await mkdir(dirname(place), { recursive: true });
  try {
    // yauzl checks the length.
    await pipeline(
      await zip.openReadStreamPromise(entry),
      (source: AsyncIterable<Buffer>) => checked(source, entry.crc32),
      createWriteStream(`${place}.part`),
    );
  } catch (error) {
    throw damaged(`${archive}: ${entry.fileName}`, error);
  }
  await rename(`${place}.part`, place);
}

async function* checked(source: AsyncIterable<Buffer>, expected: number): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of source) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== expected) throw new Error("its checksum differs");
}

/** Faults of the disk stay what they are. */
function damaged(what: string, error: unknown): unknown {
  if (error instanceof DataError || (error as NodeJS.ErrnoException).code?.startsWith("E") === true)
    return error;
  return new DataError(
    `${what}: is damaged (${error instanceof Error ? error.message : String(error)}); download it again`,
  );
}
