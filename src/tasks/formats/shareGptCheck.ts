// Every broken row of a file of dialogues with all that is wrong with it, where `openDialogueFile` stops at the first.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { decodeImage } from "../media.ts";
import { FileBytes } from "./fileBytes.ts";
import { JsonScanner, OPEN_ARRAY } from "./jsonScanner.ts";
import { DEFAULT_LAYOUT, isRecord, MESSAGES_LAYOUT, parseDialogue } from "./shareGpt.ts";
import { DATASET_INFO_FILE } from "./shareGptExport.ts";
import { type DialogueFileOptions, locateDialogues, readDialogueRows } from "./shareGptFile.ts";

/** Bytes; a longer first row is taken for none of dialogues. */
const LONGEST_ROW = 2 ** 28;

export interface DialogueFinding {
  /** Number of the row, from 0. */
  readonly row: number;
  readonly id?: string;
  readonly problems: readonly string[];
}

/**
 * Whether a path is a folder with a dataset_info.json, or a JSON file whose first row has a list of messages, under the
 * usual names or under that of a dataset_info.json beside it.
 * @throws DataError when the file cannot be read
 */
export function looksLikeDialogues(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true)
    return statSync(join(path, DATASET_INFO_FILE), { throwIfNoEntry: false }) !== undefined;
  if (stat?.isFile() !== true || !/\.jsonl?$/i.test(path)) return false;
  const row = firstRow(path);
  if (!isRecord(row)) return false;
  return [...namedColumn(path), MESSAGES_LAYOUT.messages, DEFAULT_LAYOUT.messages].some((column) => {
    const messages = row[column];
    return Array.isArray(messages) && (messages.length === 0 || isRecord(messages[0]));
  });
}

/** Of an array or of JSON Lines; undefined when it is none or damaged. The rest of the file is not looked at. */
function firstRow(path: string): unknown {
  const file = FileBytes.open(path);
  try {
    const scanner = new JsonScanner(file);
    if (file.read(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) scanner.at = 3;
    if (scanner.skipSpace() === OPEN_ARRAY) scanner.at++;
    scanner.skipSpace();
    const start = scanner.at;
    const end = scanner.valueEnd();
    if (end < 0 || end - start > LONGEST_ROW) return undefined;
    return JSON.parse(file.read(start, end - start).toString("utf8")) as unknown;
  } finally {
    file.close();
  }
}

/** The column of messages that a dataset_info.json beside the file names; none when it says nothing that holds for the file. */
function namedColumn(path: string): string[] {
  try {
    const { layout } = locateDialogues(path, undefined);
    return layout === undefined ? [] : [layout.messages];
  } catch (error) {
    if (error instanceof DataError) return [];
    throw error;
  }
}

/**
 * In the order of rows. Every picture is decoded.
 * @throws DataError when the file cannot be read at all
 */
export function* checkDialogues(
  path: string,
  options: DialogueFileOptions = {},
): Generator<DialogueFinding, void, undefined> {
  const { rows, layout, placeOf } = readDialogueRows(path, options);
  const ids = new Map<string, number>();
  for (const [row, content] of rows.entries()) {
    const problems: string[] = [];
    const id = isRecord(content) && typeof content["id"] === "string" ? content["id"] : undefined;
    const earlier = id === undefined ? undefined : ids.get(id);
    if (earlier !== undefined) problems.push(`id ${JSON.stringify(id)} is that of row ${earlier} too`);
    else if (id !== undefined) ids.set(id, row);
    problems.push(...faultsOf(content, `row ${row}`, layout, placeOf));
    if (problems.length > 0) yield { row, ...(id !== undefined && { id }), problems };
  }
}

function faultsOf(
  content: unknown,
  name: string,
  layout: Parameters<typeof parseDialogue>[2],
  placeOf: (image: string) => string,
): string[] {
  try {
    const { images, messages } = parseDialogue(content, name, layout);
    const empty = messages.filter(({ text }) => text.trim() === "");
    return [
      ...empty.map(({ role }) => `a message of the ${role} is empty`),
      ...images.flatMap((image) => pictureFaults(image, placeOf(image))),
    ];
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return [error.message.slice(`${name}: `.length)];
  }
}

function pictureFaults(image: string, place: string): string[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(place);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return [missing ? `image ${image} is not there` : `image ${image}: ${(error as Error).message}`];
  }
  try {
    decodeImage(bytes, image);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
