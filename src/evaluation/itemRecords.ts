// items.jsonl: the answers of an evaluation so far, a line each. They are appended as they come and never change; whoever goes
// on with the evaluation asks for those that are not there, that cannot be read, or that failed.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { writeFileAtomic } from "../runs/files.ts";
import { type ItemRecord, recordLine, recordOfLine } from "./itemRecord.ts";

export interface ItemRecords {
  get(position: number, repeat: number): ItemRecord | undefined;
  /** The later record of an answer takes the place of the one before. */
  add(record: ItemRecord): void;
  /** Sorted by position, then repeat. */
  all(): readonly ItemRecord[];
  /** Writes the file anew, sorted, each answer once. */
  settle(): void;
}

/**
 * @param wanted which answers belong to this evaluation; others are dropped, as are lines that are not what was written
 * @param onDropped told why a line is not used
 */
export function openItemRecords(
  path: string,
  wanted: (record: ItemRecord) => boolean,
  onDropped: (reason: string) => void,
): ItemRecords {
  const known = new Map<string, ItemRecord>();
  const keyOf = (position: number, repeat: number): string => `${position}/${repeat}`;
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  let damaged = (lines.at(-1) ?? "") !== ""; // cut off while it was written
  for (const [i, line] of lines.slice(0, -1).entries()) {
    try {
      const record = recordOfLine(line);
      if (wanted(record)) known.set(keyOf(record.position, record.repeat), record);
      else damaged = true;
    } catch (error) {
      damaged = true;
      onDropped(`${path} line ${i + 1}: ${(error as Error).message}; that item is asked again`);
    }
  }
  const all = (): readonly ItemRecord[] =>
    [...known.values()].sort((a, b) => a.position - b.position || a.repeat - b.repeat);
  const settle = (): void =>
    writeFileAtomic(
      path,
      all()
        .map((record) => `${recordLine(record)}\n`)
        .join(""),
    );
  if (damaged) settle();
  return {
    get: (position, repeat) => known.get(keyOf(position, repeat)),
    add: (record) => {
      appendFileSync(path, `${recordLine(record)}\n`);
      known.set(keyOf(record.position, record.repeat), record);
    },
    all,
    settle,
  };
}
