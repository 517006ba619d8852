// A benchmark from the hub to a folder that its loader opens: what is missing is fetched, archives are unpacked, every item is looked
// at. Whatever ended an earlier attempt, the same command goes on from there.
import { mkdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import { explainDiskError } from "../../runs/diskErrors.ts";
import { formatBytes } from "../../runs/format.ts";
import { benchmarks } from "../../tasks/benchmarks/all.ts";
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { checkItems } from "./checkItems.ts";
import { download, isComplete, partBytes, placeIn } from "./download.ts";
import { HubDataset, type HubFile, type HubOptions } from "./hub.ts";
import { readRecord, type Record_, writeRecord } from "./record.ts";
import { chosenFiles, SOURCES } from "./sources.ts";
import { unpack } from "./unzip.ts";

/** Files fetched at once: V* has 382 small ones. */
const AT_ONCE = 4;

export interface PrepareOptions extends HubOptions {
  /** The benchmark's folder is made in it. */
  readonly dir: string;
  /** Archives stay beside what was in them. */
  readonly keepArchives?: boolean;
  readonly reporter: Reporter;
  /** Free bytes of the disk that a folder is on; default: what the system says. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export interface Prepared {
  readonly folder: string;
  readonly items: number;
  readonly dataset: string;
  /** Commit. */
  readonly revision: string;
  readonly licence: string | undefined;
  /** Fetched now; what was there already is not in it. */
  readonly fetchedBytes: number;
}

/**
 * @throws DataError when the hub cannot be reached or refuses, the disk is too small, what came is damaged, or the items are not
 *   those that were published
 */
export async function prepareBenchmark(name: BenchmarkName, options: PrepareOptions): Promise<Prepared> {
  const { dataset } = SOURCES[name];
  const folder = join(options.dir, name);
  const hub = await HubDataset.open(dataset, { onRetry: (text) => options.reporter.warn(text), ...options });
  try {
    const files = await filesOf(name, hub);
    await mkdir(folder, { recursive: true });
    const plan = await planOf(folder, files);
    await tellPlan(name, hub, folder, plan, options);
    await fetchAll(name, hub, folder, plan, options);
    await unpackAll(name, hub, folder, plan, options);
    const items = checkItems(name, folder, options.reporter);
    const { revision, licence } = hub;
    return { folder, items, dataset, revision, licence, fetchedBytes: missingBytes(plan) };
  } catch (error) {
    throw explainDiskError(error, folder, "what is there stays, and the same command goes on from it");
  } finally {
    hub.close();
  }
}

async function filesOf(name: BenchmarkName, hub: HubDataset): Promise<readonly HubFile[]> {
  const published = await hub.files();
  const chosen = chosenFiles(SOURCES[name], published);
  if (chosen !== undefined) return chosen;
  const ways = SOURCES[name].files.map((patterns) => patterns.join(" + ")).join("; or ");
  const there = published
    .slice(0, 8)
    .map(({ path }) => path)
    .join(", ");
  throw new DataError(
    `${hub.page} at ${hub.revision} does not hold ${name} in a form known here (${ways}); it has ${published.length} files: ${there}`,
  );
}

interface Plan {
  readonly record: Record_;
  /** All, and whether each has to be fetched. */
  readonly missing: readonly { readonly file: HubFile; readonly place: string; readonly here: number }[];
  /** Fetched or not, whose content is not there. */
  readonly archives: readonly HubFile[];
  readonly keptBytes: number;
}

async function planOf(folder: string, files: readonly HubFile[]): Promise<Plan> {
  const record = readRecord(folder);
  const missing: Plan["missing"][number][] = [];
  const archives: HubFile[] = [];
  let keptBytes = 0;
  for (const file of files) {
    const place = placeIn(folder, file.path);
    if (isArchive(file)) {
      if (await isUnpacked(folder, file, record)) {
        keptBytes += file.size;
        continue;
      }
      archives.push(file);
    }
    if (await isComplete(place, file)) keptBytes += file.size;
    else missing.push({ file, place, here: Math.min(file.size, await partBytes(place)) });
  }
  return { record, missing, archives, keptBytes };
}

function isArchive({ path }: HubFile): boolean {
  return path.toLowerCase().endsWith(".zip");
}

/** What the archive of this very content held is all there. */
async function isUnpacked(
  folder: string,
  { path, size, sha256 }: HubFile,
  record: Record_,
): Promise<boolean> {
  const unpacked = record.archives[path];
  if (unpacked === undefined || unpacked.size !== size || unpacked.sha256 !== sha256) return false;
  for (const [file, bytes] of unpacked.files)
    if ((await stat(placeIn(folder, file)).catch(() => undefined))?.size !== bytes) return false;
  return true;
}

function missingBytes({ missing }: Plan): number {
  return missing.reduce((sum, { file, here }) => sum + file.size - here, 0);
}

/** Says what is to come and what it costs. @throws DataError when the disk is too small for it */
async function tellPlan(
  name: BenchmarkName,
  hub: HubDataset,
  folder: string,
  plan: Plan,
  { reporter, freeBytes = freeOn }: PrepareOptions,
): Promise<void> {
  const toFetch = missingBytes(plan);
  // Pictures and videos take as much room unpacked, and archives go one by one, when their content is there.
  const toUnpack = plan.archives.reduce((sum, { size }) => sum + size, 0);
  const free = await freeBytes(folder);
  const here = plan.keptBytes + plan.missing.reduce((sum, { here: bytes }) => sum + bytes, 0);
  reporter.info(
    [
      `${benchmarks[name].title}: ${hub.page} at ${hub.revision.slice(0, 12)}`,
      `  licence: ${hub.licence ?? "the data set's page names none"}; it is between you and its authors`,
      `  to fetch: ${formatBytes(toFetch)} in ${plan.missing.length} files${here > 0 ? ` (${formatBytes(here)} are here already)` : ""}`,
      `  disk: ${formatBytes(toFetch + toUnpack)} needed, ${formatBytes(free)} free in ${folder}`,
    ].join("\n"),
  );
  if (free < toFetch + toUnpack)
    throw new DataError(
      `${folder}: ${formatBytes(toFetch + toUnpack)} are needed, ${formatBytes(free)} are free: free some space, or name a folder on another disk with --dir`,
    );
}

async function freeOn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function fetchAll(
  name: BenchmarkName,
  hub: HubDataset,
  folder: string,
  { missing }: Plan,
  { reporter, retryMs }: PrepareOptions,
): Promise<void> {
  const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
  const doneOf = missing.map(({ here }) => here);
  const sum = (): number => doneOf.reduce((all, done) => all + done, 0);
  const total = missing.reduce((all, { file }) => all + file.size, 0);
  const progress = reporter.start(`fetching ${name}`, megabytes(total), "MB", megabytes(sum()));
  const queue = [...missing.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [i, { file, place }] = next;
      const onBytes = (done: number): void => {
        doneOf[i] = done;
        progress.update(megabytes(sum()), file.path);
      };
      await download(hub, file, place, onBytes, retryMs);
    }
  };
  const failures: unknown[] = [];
  const stopAll = (error: unknown): void => {
    failures.push(error);
    queue.length = 0;
    hub.close();
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, () => worker().catch(stopAll)));
    // The first to fail stops the others, whose errors say only that.
    if (failures.length > 0) throw failures[0];
  } finally {
    progress.end(folder);
  }
}

async function unpackAll(
  name: BenchmarkName,
  { revision }: HubDataset,
  folder: string,
  { archives, record }: Plan,
  { reporter, keepArchives = false }: PrepareOptions,
): Promise<void> {
  for (const { path, size, sha256 } of archives) {
    const place = placeIn(folder, path);
    const progress = reporter.start(`unpacking ${name}/${path}`, undefined, "MB");
    try {
      const content = await unpack(place, (done) => progress.update(Math.round(done / 1e5) / 10));
      const inFolder = (entry: string): string => join(content.folder, entry).slice(join(folder, "/").length);
      record.archives[path] = {
        size,
        ...(sha256 !== undefined && { sha256 }),
        files: content.files.map((file) => [inFolder(file.path), file.size]),
      };
      writeRecord(folder, { ...record, revision });
      if (!keepArchives) await rm(place);
    } finally {
      progress.end();
    }
  }
}
