// Unpacks an archive that came over the network: only plain files and folders, only below the folder given, and no more bytes
// than agreed. The files appear there when all of them are whole.
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { DataError } from "../../core/errors.ts";

/**
 * @param archive a tar file, gzipped or not
 * @param maxBytes of all files together
 * @returns the names of the files, sorted
 * @throws DataError for anything but files and folders, a path that leads out, too many bytes, or a broken archive
 */
export async function unpackTar(archive: string, dir: string, maxBytes: number): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  const parent = dirname(resolve(dir));
  const temporary = await mkdtemp(join(parent, `.${basename(dir)}-unpacking-`));
  try {
    const names = await unpackInto(archive, temporary, maxBytes);
    for (const name of await readdir(temporary)) {
      await rm(join(dir, name), { recursive: true, force: true });
      await rename(join(temporary, name), join(dir, name));
    }
    return names.sort();
  } catch (error) {
    if (error instanceof DataError || !(error instanceof Error)) throw error;
    throw new DataError(`${archive}: it cannot be unpacked (${error.message})`);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function unpackInto(archive: string, dir: string, maxBytes: number): Promise<string[]> {
  const names: string[] = [];
  let bytes = 0;
  const raw = createReadStream(archive);
  const plain = (await isGzip(archive)) ? raw.pipe(createGunzip()) : raw;
  raw.on("error", (error) => plain.destroy(error));
  const entries = (Readable.toWeb(plain) as ReadableStream<Uint8Array>).pipeThrough(
    createTarDecoder({ strict: true }),
  );
  for await (const { header, body } of entries) {
    const refuse = (why: string): never => {
      throw new DataError(
        `${archive}: its entry ${JSON.stringify(header.name)} ${why}; nothing was unpacked`,
      );
    };
    const type = header.type ?? "file";
    if (type === "directory" && /^\.?\/?$/.test(header.name)) {
      await body.cancel(); // the folder itself: some archives begin with it
      continue;
    }
    const path = pathWithin(dir, header.name) ?? refuse("leads out of the folder");
    if (type === "directory") {
      await body.cancel();
      await mkdir(path, { recursive: true });
      continue;
    }
    if (type !== "file") refuse(`is a ${type}, only files and folders are taken`);
    if (path === dir) refuse("has no name");
    bytes += header.size;
    if (bytes > maxBytes) refuse(`brings the files to more than ${maxBytes} bytes`);
    await mkdir(dirname(path), { recursive: true });
    await writeBody(path, body);
    names.push(header.name.replace(/^(\.\/)+/, ""));
  }
  return names;
}

/** Undefined for names that lead out of `dir`, or that another system would read so. */
export function pathWithin(dir: string, name: string): string | undefined {
  if (name.includes("\0") || name.includes("\\") || /^[a-zA-Z]:/.test(name) || name.startsWith("/"))
    return undefined;
  if (name.split("/").includes("..")) return undefined;
  const path = resolve(dir, name);
  return path === resolve(dir) || path.startsWith(resolve(dir) + sep) ? path : undefined;
}

async function writeBody(path: string, body: ParsedTarEntry["body"]): Promise<void> {
  const file = await open(path, "wx");
  try {
    for await (const piece of body) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function isGzip(archive: string): Promise<boolean> {
  const file = await open(archive, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
