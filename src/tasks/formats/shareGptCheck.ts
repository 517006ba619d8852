// Every broken row of a file of dialogues with all that is wrong with it, where `openDialogueFile` stops at the first.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { decodeImage } from "../media.ts";
import { isRecord, parseDialogue } from "./shareGpt.ts";
import { DATASET_INFO_FILE } from "./shareGptExport.ts";
import { type DialogueFileOptions, readDialogueRows } from "./shareGptFile.ts";

export interface DialogueFinding {
  /** Number of the row, from 0. */
  readonly row: number;
  readonly id?: string;
  readonly problems: readonly string[];
}

/** Bytes of a file that are looked at to tell what it holds. */
const GLANCE = 65_536;

/** Whether a path is a folder with a dataset_info.json, or a JSON file whose first row has a list of messages. */
export function looksLikeDialogues(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true)
    return statSync(join(path, DATASET_INFO_FILE), { throwIfNoEntry: false }) !== undefined;
  if (stat === undefined || !/\.jsonl?$/i.test(path)) return false;
  const start = Buffer.alloc(GLANCE);
  const descriptor = openSync(path, "r");
  try {
    const length = readSync(descriptor, start, 0, GLANCE, 0);
    return /^\s*\[?\s*\{(?:\s*"\w+"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\w.-]+|\["[^[\]]*"\])\s*,)*\s*"(?:messages|conversations)"\s*:\s*\[/.test(
      start.toString("utf8", 0, length),
    );
  } finally {
    closeSync(descriptor);
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
