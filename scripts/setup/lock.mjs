// One set-up at a time. A directory is the lock, because mkdir is atomic on every file system; the file inside it names
// its owner by a token, and whoever removes that very file has won the right to clear a dead owner's lock, so two waiters
// can never both steal it.
import { randomUUID } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HEARTBEAT_MS = 5_000;
/** A lock whose owner has not touched it for this long is dead, wherever the owner ran. */
const DEAD_AFTER_MS = 30_000;
const POLL_MS = 200;

/**
 * Runs `work` while holding the lock, waiting for another holder first.
 * @template T
 * @param {string} lockDir
 * @param {(line: string) => void} say told once when there is something to wait for
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws the file system's error when the lock cannot be made (a read-only directory, a full disk).
 */
export async function withLock(lockDir, say, work) {
  const ownerFile = await acquire(lockDir, say);
  const heartbeat = setInterval(() => touch(ownerFile), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    ignoringAbsence(() => unlinkSync(ownerFile));
    ignoringAbsence(() => rmdirSync(lockDir));
  }
}

/** @param {string} lockDir @param {(line: string) => void} say @returns {Promise<string>} the owner file */
async function acquire(lockDir, say) {
  const ownerFile = join(lockDir, `owner-${randomUUID()}.json`);
  for (let isWaiting = false; ;) {
    try {
      mkdirSync(lockDir);
      writeFileSync(ownerFile, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: "wx" });
      return ownerFile;
    } catch (error) {
      // ENOENT: our empty lock was cleared as abandoned before we could sign it.
      if (error.code !== "EEXIST" && error.code !== "ENOENT") throw error;
    }
    if (clearIfDead(lockDir)) continue;
    if (!isWaiting) say("Another set-up of this directory is under way; waiting for it to end.");
    isWaiting = true;
    await sleep(POLL_MS);
  }
}

/** @param {string} lockDir @returns {boolean} whether it is worth trying again at once */
function clearIfDead(lockDir) {
  try {
    const owner = readdirSync(lockDir).find((name) => name.startsWith("owner-"));
    const path = owner === undefined ? lockDir : join(lockDir, owner);
    const isSilent = Date.now() - statSync(path).mtimeMs > DEAD_AFTER_MS;
    if (!isSilent && (owner === undefined || isOwnerAlive(path))) return false;
    if (owner !== undefined) unlinkSync(path);
    rmdirSync(lockDir);
    return true;
  } catch (error) {
    if (error.code === "ENOENT") return true;
    if (error.code === "ENOTEMPTY" || error.code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} ownerFile @returns {boolean} true as well when the owner is on another host, or still signing */
function isOwnerAlive(ownerFile) {
  let owner;
  try {
    owner = JSON.parse(readFileSync(ownerFile, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** @param {string} path */
function touch(path) {
  const now = new Date();
  ignoringAbsence(() => utimesSync(path, now, now));
}

/** @param {() => void} action */
function ignoringAbsence(action) {
  try {
    action();
  } catch (error) {
    // ENOTEMPTY: a new owner has signed meanwhile.
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(error.code)) throw error;
  }
}
