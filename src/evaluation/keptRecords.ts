// Which recorded answers still count when an evaluation goes on, by the items as they are now: data may have been changed since,
// and what could not be read may be mended.
import { DataError } from "../core/errors.ts";
import { contentOf, type DescribedTask, type ItemRecord } from "./itemRecord.ts";

export interface KeptRecords {
  /** Whether this answer is to an item as it is now, and need not be asked for since it can be read now. */
  counts(record: ItemRecord): boolean;
  /** What was left out, in sentences; none when all count. */
  said(): readonly string[];
}

/**
 * Reads each item that is asked about once, its media only where they could not be read.
 * @param at throws DataError for an item that cannot be read
 */
export function keptRecords(at: (position: number) => DescribedTask): KeptRecords {
  const contents = new Map<number, string | undefined>();
  const readable = new Map<number, boolean>();
  const changed: ItemRecord[] = [];
  let mended = 0;
  const contentAt = (position: number): string | undefined =>
    remembered(contents, position, () => unlessUnreadable(() => contentOf(at(position))));
  const isReadable = (position: number): boolean =>
    remembered(readable, position, () => unlessUnreadable(() => mediaOf(at(position))) !== undefined);
  return {
    counts: (record) => {
      const { position, stage, content } = record;
      if (stage === "unreadable") {
        if (!isReadable(position)) return true;
        mended++;
        return false;
      }
      if (contentAt(position) === content) return true;
      changed.push(record);
      return false;
    },
    said: () => [
      ...(changed.length > 0
        ? [
            `${count(changed.length, "answer")} left out, the first to ${JSON.stringify(changed[0]?.id)}: question, truth or ` +
              "options are not what they were when it was asked. Asked again",
          ]
        : []),
      ...(mended > 0
        ? [
            `${count(mended, "answer")} missing so far, since items could not be read that can be now. Asked again`,
          ]
        : []),
    ],
  };
}

/** They are looked for and decoded when they are looked at. */
const mediaOf = ({ images, videos }: DescribedTask): object => ({ images, videos });

function remembered<V>(known: Map<number, V>, position: number, find: () => V): V {
  if (!known.has(position)) known.set(position, find());
  return known.get(position) as V;
}

function unlessUnreadable<V>(read: () => V): V | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? " is" : "s are"}`;
