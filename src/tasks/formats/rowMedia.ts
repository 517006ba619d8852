// The files and bytes that rows name as their images and videos: where they lie, whether they are there, and their pixels.
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";
import { decodeImage } from "../media.ts";
import { EmbeddedMedia } from "./rowFile.ts";
import { markProblems, type MediaSource, mediaSource, type Problem, type TaskRow } from "./taskRow.ts";

export interface MediaPlace {
  /** Folder that relative paths begin in. */
  readonly root: string;
  /** Beginning of paths that is taken off before, e.g. the folder on the machine the data were made on. */
  readonly stripPrefix?: string;
}

/** Where the file that a row names lies on this machine. */
export function resolveMedia(path: string, { root, stripPrefix }: MediaPlace): string {
  let local = path.replace(/^file:\/\//, "");
  if (stripPrefix !== undefined && stripPrefix !== "" && local.startsWith(stripPrefix))
    local = local.slice(stripPrefix.length).replace(/^\/+/, "");
  return isAbsolute(local) ? local : resolve(root, local);
}

/** Which of the files that a row names are not there. */
export function missingFiles(row: TaskRow, place: MediaPlace): Problem[] {
  return [...row.images, ...row.videos]
    .filter((source): source is string => typeof source === "string" && !isDataUri(source))
    .flatMap((path) => {
      const local = resolveMedia(path, place);
      const why = whyMissing(local);
      if (why === undefined) return [];
      const text = local === path ? `${path}: ${why}` : `${path}: ${why} (looked for ${local})`;
      return [{ reason: "missingFile", text } as const];
    });
}

function whyMissing(local: string): string | undefined {
  try {
    const stat = statSync(local, { throwIfNoEntry: false });
    if (stat?.isFile() === true) return undefined;
    return stat === undefined ? "there is no such file" : "it is no file";
  } catch (error) {
    return (error as Error).message; // a path with a null byte or too long, a folder that may not be entered
  }
}

/**
 * Media one by one: what lies in a parquet column is read.
 * @throws DataError when the column cannot be read, or its media are not as many as the marks in the texts
 */
export function listedMedia(
  sources: readonly MediaSource[],
  imageMarks: readonly number[],
): (string | Uint8Array)[] {
  const listed = sources.flatMap((source) => (source instanceof EmbeddedMedia ? embedded(source) : [source]));
  const [problem] = markProblems(imageMarks, listed.length);
  if (problem !== undefined) throw new DataError(problem.text);
  return listed;
}

function embedded(media: EmbeddedMedia): (string | Uint8Array)[] {
  const value = media.load();
  if (value === undefined || value === null) throw new DataError("holds no image");
  const items = Array.isArray(value) ? (value as unknown[]) : [value];
  if (items.length === 0) throw new DataError("holds no image");
  return items.map((item, i) => {
    const source = mediaSource(item);
    if (source === undefined || source instanceof EmbeddedMedia)
      throw new DataError(`image ${i} has neither bytes nor a path`);
    return source;
  });
}

/** The bytes of a file of media. @throws DataError */
export function mediaBytes(source: string | Uint8Array, place: MediaPlace): Uint8Array {
  if (typeof source !== "string") return source;
  if (isDataUri(source)) return dataUriBytes(source);
  const local = resolveMedia(source, place);
  try {
    return readFileSync(local);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DataError(
      `${local}: cannot be read (${code === "ENOENT" ? "there is no such file" : message})`,
    );
  }
}

/** @throws DataError for what is no PNG, JPEG or WebP, or is damaged */
export function imageOf(source: string | Uint8Array, place: MediaPlace, name: string): RgbImage {
  const isFile = typeof source === "string" && !isDataUri(source);
  return decodeImage(mediaBytes(source, place), isFile ? resolveMedia(source, place) : name);
}

export function isDataUri(source: string): boolean {
  return source.startsWith("data:");
}

function dataUriBytes(uri: string): Uint8Array {
  const comma = uri.indexOf(",");
  if (comma < 0 || !/;base64$/i.test(uri.slice(0, comma)))
    throw new DataError(`data URI ${JSON.stringify(uri.slice(0, 40))}: must be data:<type>;base64,<text>`);
  const text = uri.slice(comma + 1);
  if (!/^[A-Za-z0-9+/_-]*={0,2}\s*$/.test(text))
    throw new DataError(`data URI ${JSON.stringify(uri.slice(0, 40))}: its text is not base64`);
  return Buffer.from(text, "base64");
}
