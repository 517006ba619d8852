// A file or folder of dialogues: which file, laid out how, its rows, and their pictures when they are asked for. Rows are
// kept as texts (a dialogue of the released data is some 14 KB), pictures never.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";
import { loadImage } from "../media.ts";
import { byteLines } from "./byteLines.ts";
import { DEFAULT_LAYOUT, type Dialogue, type DialogueLayout, isRecord, parseDialogue } from "./shareGpt.ts";

const INFO = "dataset_info.json";

export interface DialogueFile {
  /** Of the rows' file. */
  readonly path: string;
  readonly dialogues: readonly Dialogue[];
  /** The pictures of a dialogue, in order. @throws DataError naming row and file */
  images(index: number): Promise<RgbImage[]>;
}

export interface DialogueFileOptions {
  /** Which data set of dataset_info.json; needed when it names several. */
  readonly dataset?: string;
  /** Where relative picture paths begin. Default: the folder of the file. */
  readonly imageRoot?: string;
}

/**
 * Reads and checks all rows, which messages count from 0; pictures are only looked for.
 * @param path a .json file (a list of rows), a .jsonl file (one row a line), or a folder with a dataset_info.json
 * @throws DataError naming the file, the row and the rule
 */
export function openDialogueFile(path: string, options: DialogueFileOptions = {}): DialogueFile {
  const { file, name, rows, layout, placeOf } = readDialogueRows(path, options);
  const dialogues = rows.map((row, i) => parseDialogue(row, `${name} row ${i}`, layout));
  for (const [i, { images }] of dialogues.entries())
    for (const image of images)
      if (!existsSync(placeOf(image)))
        throw new DataError(
          `${name} row ${i}: image ${image} is not there (looked for ${placeOf(image)}); ` +
            "relative paths begin at the file's folder unless another is named",
        );
  return {
    path: file,
    dialogues,
    images: async (index) => {
      const images = dialogues[index]?.images ?? [];
      try {
        return await Promise.all(images.map((image) => loadImage(placeOf(image))));
      } catch (error) {
        throw new DataError(`${name} row ${index}: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

/** The rows of a file before they are read as dialogues. */
export interface DialogueRows {
  readonly file: string;
  /** For messages. */
  readonly name: string;
  readonly rows: readonly unknown[];
  /** Undefined: each row shows its own. */
  readonly layout: DialogueLayout | undefined;
  /** Where the file of an image should be. */
  placeOf(this: void, image: string): string;
}

/** @throws DataError when there is no file, it is not JSON, or it holds no row */
export function readDialogueRows(path: string, options: DialogueFileOptions = {}): DialogueRows {
  const { file, layout } = locateDialogues(path, options.dataset);
  const rows = readRows(file);
  if (rows.length === 0) throw new DataError(`${file}: must hold at least one dialogue, received none`);
  const root = options.imageRoot ?? dirname(file);
  const placeOf = (image: string): string => (isAbsolute(image) ? image : join(root, image));
  return { file, name: basename(file), rows, layout, placeOf };
}

interface Located {
  readonly file: string;
  /** Undefined: each row shows its own. */
  readonly layout: DialogueLayout | undefined;
}

/** Which file is meant, and how it is laid out. @throws DataError when there is no such file, or its entry is not of dialogues */
export function locateDialogues(path: string, dataset: string | undefined): Located {
  if (!existsSync(path)) throw new DataError(`${path}: there is no such file or folder of dialogues`);
  const isFolder = statSync(path).isDirectory();
  const folder = isFolder ? path : dirname(path);
  const infoPath = join(folder, INFO);
  if (!existsSync(infoPath)) {
    if (isFolder)
      throw new DataError(
        `${path}: a folder of dialogues must hold a ${INFO}; name the .json or .jsonl file`,
      );
    return { file: path, layout: undefined };
  }
  const info = parseJson(readFileSync(infoPath, "utf8"), infoPath);
  if (!isRecord(info)) throw new DataError(`${infoPath}: must be an object of data sets`);
  const named = Object.entries(info).filter(
    ([name, entry]) =>
      isRecord(entry) &&
      typeof entry["file_name"] === "string" &&
      (dataset === undefined || name === dataset) &&
      (isFolder || join(folder, entry["file_name"]) === join(folder, basename(path))),
  );
  if (named.length > 1 || (named.length === 0 && (isFolder || dataset !== undefined)))
    throw new DataError(
      `${infoPath}: ${dataset === undefined ? "exactly one data set of a file must be meant" : `there is no data set ${JSON.stringify(dataset)}`}, ` +
        `it names ${Object.keys(info).join(", ") || "none"}; name one of them`,
    );
  const [name, entry] = named[0] ?? [];
  if (!isRecord(entry)) return { file: path, layout: undefined };
  if (entry["formatting"] !== "sharegpt")
    throw new DataError(
      `${infoPath}: ${name}.formatting must be "sharegpt", received ${JSON.stringify(entry["formatting"] ?? "alpaca")}`,
    );
  return { file: join(folder, entry["file_name"] as string), layout: layoutOfInfo(entry) };
}

function layoutOfInfo(entry: Readonly<Record<string, unknown>>): DialogueLayout {
  const section = (key: string): Readonly<Record<string, unknown>> => {
    const value = entry[key];
    return isRecord(value) ? value : {};
  };
  const [columns, tags] = [section("columns"), section("tags")];
  const text = (value: unknown, usual: string): string => (typeof value === "string" ? value : usual);
  const d = DEFAULT_LAYOUT;
  return {
    messages: text(columns["messages"], d.messages),
    images: text(columns["images"], d.images),
    videos: text(columns["videos"], d.videos),
    audios: text(columns["audios"], d.audios),
    tools: text(columns["tools"], d.tools),
    system: typeof columns["system"] === "string" ? columns["system"] : undefined,
    roleTag: text(tags["role_tag"], d.roleTag),
    contentTag: text(tags["content_tag"], d.contentTag),
    userTag: text(tags["user_tag"], d.userTag),
    assistantTag: text(tags["assistant_tag"], d.assistantTag),
    observationTag: text(tags["observation_tag"], d.observationTag),
    functionTag: text(tags["function_tag"], d.functionTag),
    systemTag: text(tags["system_tag"], d.systemTag),
  };
}

function readRows(file: string): readonly unknown[] {
  if (/\.jsonl$/i.test(file)) {
    const rows: unknown[] = [];
    for (const { text, number } of byteLines(file))
      if (text.trim() !== "") rows.push(parseJson(text, `${file} line ${number}`));
    return rows;
  }
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new DataError(
      `${file}: cannot be read (${(error as Error).message}); a list above 512 MB must be written as .jsonl, one row a line`,
    );
  }
  const rows = parseJson(text, file);
  if (!Array.isArray(rows))
    throw new DataError(`${file}: must be a list of rows; one row a line needs the ending .jsonl`);
  return rows;
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new DataError(`${name}: is not JSON (${(error as Error).message})`);
  }
}
