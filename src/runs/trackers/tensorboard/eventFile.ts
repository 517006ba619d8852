// A run's event files on disk: appended so that a failed write leaves nothing behind, and repaired before a run goes on.
import { readdirSync, readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../../files.ts";
import { readEventHead, sessionEndTag } from "./event.ts";
import { frameRecord, readRecords } from "./records.ts";

const PATTERN = /^events\.out\.tfevents\.(\d+)\./;

/** Names of the event files of a folder, in the order that TensorBoard reads them. */
export function eventFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => PATTERN.test(name))
    .sort();
}

/** A name that sorts behind those that are there. */
export function newEventFileName(dir: string, timeMs: number): string {
  const latest = eventFiles(dir).reduce((most, name) => Math.max(most, Number(PATTERN.exec(name)?.[1])), 0);
  const seconds = Math.max(Math.floor(timeMs / 1000), latest + 1);
  return `events.out.tfevents.${seconds}.${hostname() || "host"}.${process.pid}.0`;
}

export interface Repair {
  /** The last step with values that was kept; 0 when there is none. */
  readonly lastStep: number;
  /** Whether an event was kept whose first value has this tag. */
  has(tag: string): boolean;
  /** Events of later steps, and the word that the session ended, taken out. */
  readonly removed: number;
  /** Bytes behind a cut or damaged record, taken out. */
  readonly lostBytes: number;
}

/** Keeps the whole events of steps up to `step` in the folder's files, each replaced in one step when it changes. */
export function repairEventFiles(dir: string, step: number): Repair {
  let [lastStep, removed, lost] = [0, 0, 0];
  const tags = new Set<string>();
  for (const name of eventFiles(dir)) {
    const path = join(dir, name);
    const { payloads, lostBytes } = readRecords(readFileSync(path));
    const kept = payloads.filter((payload) => {
      const head = readEventHead(payload);
      if (head.step > step || head.tag === sessionEndTag) return false;
      if (head.tag !== undefined) {
        lastStep = Math.max(lastStep, head.step);
        tags.add(head.tag);
      }
      return true;
    });
    if (kept.length < payloads.length || lostBytes > 0)
      writeFileAtomic(path, Buffer.concat(kept.map(frameRecord)));
    removed += payloads.length - kept.length;
    lost += lostBytes;
  }
  return { lastStep, removed, lostBytes: lost, has: (tag) => tags.has(tag) };
}

/** The part of a file handle that is used, so that a test can be a full disk. */
export type EventFileHandle = Pick<FileHandle, "write" | "truncate" | "datasync" | "close">;

export class EventFile {
  readonly #handle: EventFileHandle;
  #length = 0;
  #isTorn = false;

  constructor(handle: EventFileHandle) {
    this.#handle = handle;
  }

  /** Adds a whole event or, when it throws, none: what a failed write left is cut off before the next one. */
  async append(event: Uint8Array): Promise<void> {
    const record = frameRecord(event);
    if (this.#isTorn) await this.#handle.truncate(this.#length);
    this.#isTorn = true;
    for (let done = 0; done < record.length;) {
      const { bytesWritten } = await this.#handle.write(
        record,
        done,
        record.length - done,
        this.#length + done,
      );
      if (bytesWritten === 0) throw new Error("the file takes no more bytes");
      done += bytesWritten;
    }
    this.#length += record.length;
    this.#isTorn = false;
  }

  async close(): Promise<void> {
    try {
      if (this.#isTorn) await this.#handle.truncate(this.#length);
      await this.#handle.datasync();
    } finally {
      await this.#handle.close();
    }
  }
}
