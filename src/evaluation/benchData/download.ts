// One file of the hub on disk, however often its transfer is cut: written aside as `.part`, gone on with where it ended, checked by
// its length and its hash, and only then put into its place.
import { createHash, type Hash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { DataError } from "../../core/errors.ts";
import { sleepUnlessAborted } from "../../core/sleep.ts";
import { Cut, type HubDataset, type HubFile } from "./hub.ts";

/** Transfers that end without a byte more before a file is given up. */
const FRUITLESS = 5;

/** Where a file of the repository lies. @throws DataError for a path that leads out of the folder */
export function placeIn(folder: string, path: string): string {
  const local = normalize(path);
  if (isAbsolute(local) || local.startsWith("..") || local.includes("\0"))
    throw new DataError(`${JSON.stringify(path)} leads out of the data set's folder; it is not written`);
  return join(folder, local);
}

/** Whether the file is there, of the size and with the hash that the hub tells. */
export async function isComplete(place: string, file: HubFile): Promise<boolean> {
  if ((await statOf(place))?.size !== file.size) return false;
  const expected = hashOf(file);
  if (expected === undefined) return true;
  const hash = expected.begin();
  await addFile(hash, place);
  return hash.digest("hex") === expected.hex;
}

/** Bytes of it that an earlier transfer left. */
export async function partBytes(place: string): Promise<number> {
  return (await statOf(`${place}.part`))?.size ?? 0;
}

/**
 * Goes on with the `.part` that is there.
 * @param retryMs wait after a cut that brought nothing; doubled each time
 * @param onBytes is told the bytes of the file that are there, which may become fewer
 * @throws DataError when the hub refuses, the transfer is cut too often, or what came is not what the hub has
 */
export async function download(
  hub: HubDataset,
  file: HubFile,
  place: string,
  onBytes: (done: number) => void,
  retryMs = 1000,
): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  const part = `${place}.part`;
  for (const isLast of [false, true]) {
    await transfer(hub, file, part, onBytes, retryMs);
    if (await isComplete(part, file)) return rename(part, place);
    await rm(part, { force: true });
    if (isLast) break;
  }
  const { kind } = hashOf(file) ?? { kind: "length" };
  throw new DataError(
    `${file.path}: what came twice is not what the hub lists (its ${kind} differs): try again later, or another --revision`,
  );
}

async function transfer(
  hub: HubDataset,
  file: HubFile,
  part: string,
  onBytes: (done: number) => void,
  retryMs: number,
): Promise<void> {
  let done = (await statOf(part))?.size ?? 0;
  if (done > file.size) {
    await rm(part);
    done = 0;
  }
  const output = await open(part, "a");
  try {
    for (let fruitless = 0; done < file.size;) {
      const before = done;
      try {
        for await (const chunk of hub.read(file, done)) {
          // More than the hub lists would not stop at the end of the disk.
          const wanted = chunk.subarray(0, file.size - done);
          await output.writeFile(wanted);
          done += wanted.length;
          onBytes(done);
          if (wanted.length < chunk.length) break;
        }
      } catch (error) {
        if (!(error instanceof Cut)) throw error;
      }
      fruitless = done > before ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS)
        throw new DataError(
          `${file.path}: the transfer ended ${FRUITLESS} times without a byte at ${done} of ${file.size}; ` +
            "run the same command again to go on there",
        );
      if (done < file.size) await sleepUnlessAborted(retryMs * 2 ** fruitless);
    }
  } finally {
    await output.close();
  }
}

interface Expected {
  readonly kind: "SHA-256" | "SHA-1";
  readonly hex: string;
  begin(): Hash;
}

function hashOf({ size, sha256, gitSha1 }: HubFile): Expected | undefined {
  if (sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256))
    return { kind: "SHA-256", hex: sha256, begin: () => createHash("sha256") };
  if (gitSha1 !== undefined && /^[0-9a-f]{40}$/.test(gitSha1))
    // Git's name of a file's content: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    return { kind: "SHA-1", hex: gitSha1, begin: () => createHash("sha1").update(`blob ${size}\0`) };
  return undefined;
}

async function addFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
}

async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
