// Brings a checkpoint's files from the server into a folder. Our own server and SkyRL pack an archive, which may take a
// while (503 or 425 until it is done); the hosted service gives an address for each file.
import { mkdir, open, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { DataError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import { parseReply } from "./connection.ts";
import { type FailureKind, NoReply, TinkerError } from "./failures.ts";
import { wishedMs } from "./submit.ts";
import type { Transport } from "./transport.ts";
import { unpackTar } from "./unpackTar.ts";

const OPEN_TIMEOUT_MS = 120_000;
const PACKING_PAUSE_MS = 30_000;
const PACKING_MS = 60 * 60_000;
const REDIRECTS = 5;
const ATTEMPTS = 5;
/**
 * What a server may write to the disk for one checkpoint: all weights of 72B in float32 are 294 GB, 273 GiB (docs/scale.md).
 */
export const MAX_BYTES = 320 * 1024 ** 3;

export interface DownloadOptions {
  readonly transport: Transport;
  readonly dir: string;
  readonly reporter: Pick<Reporter, "start" | "info">;
  /** Of all files of the checkpoint. Default MAX_BYTES. */
  readonly maxBytes?: number;
}

/**
 * @param path below /api/v1, of the archive
 * @throws TinkerError, also for an archive that may not be unpacked
 */
export async function downloadArchive(path: string, o: DownloadOptions): Promise<string[]> {
  await mkdir(o.dir, { recursive: true });
  const archive = join(o.dir, ".download.tar");
  try {
    await fetchFile(o.transport.url(path), archive, path, o);
    return await unpackTar(archive, o.dir, o.maxBytes ?? MAX_BYTES).catch((error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      throw new TinkerError(`${o.transport.settings.baseUrl}, ${path}: ${error.message}`, "failed");
    });
  } finally {
    await rm(archive, { force: true });
  }
}

const urlsSchema = z.looseObject({ urls: z.record(z.string(), z.url()) });

/** @param path below /api/v1, of the list of addresses */
export async function downloadFiles(path: string, o: DownloadOptions): Promise<string[]> {
  const reply = await patiently(path, o, async () => {
    const got = await o.transport.get(path, { timeoutMs: OPEN_TIMEOUT_MS });
    if (got.status !== 200)
      throw refusal(`${o.transport.settings.baseUrl}, ${path}: ${o.transport.told(got)}`, "refused", got);
    return got;
  });
  const { urls } = parseReply(path, urlsSchema, reply.body, o.transport.settings.baseUrl);
  await mkdir(o.dir, { recursive: true });
  let before = 0;
  for (const [name, url] of Object.entries(urls)) {
    if (name !== basename(name) || name === "" || name === "." || name === "..")
      throw new TinkerError(
        `${o.transport.settings.baseUrl}, ${path}: a file is named ${JSON.stringify(name)}; only plain names are taken`,
        "refused",
      );
    before += await fetchFile(url, join(o.dir, name), name, o, before);
  }
  return Object.keys(urls).sort();
}

/** Said by a server that is busy, or by something in between. */
class PassingRefusal extends TinkerError {
  constructor(
    message: string,
    kind: FailureKind,
    status: number,
    /** How long the server wishes to be left alone. */
    readonly wishedMs: number,
  ) {
    super(message, kind, status);
  }
}

function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

function refusal(
  text: string,
  kind: FailureKind,
  { status, headers }: { readonly status: number; readonly headers: Headers },
): TinkerError {
  return isPassing(status)
    ? new PassingRefusal(text, kind, status, wishedMs(headers))
    : new TinkerError(text, kind, status);
}

/** Anew when the connection breaks or a refusal is one in passing. @throws TinkerError */
async function patiently<T>(what: string, o: DownloadOptions, run: () => Promise<T>): Promise<T> {
  const { transport } = o;
  for (let attempt = 1; ; attempt++)
    try {
      return await run();
    } catch (error) {
      const passing = error instanceof PassingRefusal;
      if (!(error instanceof NoReply || passing)) throw error;
      if (attempt === ATTEMPTS) {
        const tried = `(${attempt} attempts); save again later, or look into the server's log`;
        throw passing
          ? new TinkerError(`${error.message} ${tried}`, error.kind, error.status)
          : new TinkerError(
              `${transport.settings.baseUrl}, downloading ${what}: ${transport.shown(error.message)} ${tried}`,
              "unreachable",
            );
      }
      o.reporter.info(`downloading ${what}: ${transport.shown(error.message)}; beginning anew`);
      await transport.world.sleep(Math.max(1000 * attempt, passing ? error.wishedMs : 0));
    }
}

/**
 * The whole file.
 * @param before bytes of the checkpoint's other files
 * @returns its bytes
 */
function fetchFile(url: string, file: string, what: string, o: DownloadOptions, before = 0): Promise<number> {
  return patiently(what, o, () =>
    fetchOnce(url, file, what, o, before).catch(async (error: unknown) => {
      await rm(file, { force: true });
      throw error;
    }),
  );
}

async function fetchOnce(
  url: string,
  file: string,
  what: string,
  o: DownloadOptions,
  before: number,
): Promise<number> {
  const response = await openPacked(url, what, o);
  const size = Number(response.headers.get("content-length") ?? NaN);
  const limit = o.maxBytes ?? MAX_BYTES;
  const tooLarge = (came: string): TinkerError =>
    new TinkerError(
      `${o.transport.settings.baseUrl}, ${what}: ${came}, and a checkpoint may have ${limit} bytes ` +
        `(${Number((limit / 1024 ** 3).toPrecision(3))} GiB) in all its files; the file was not kept; look at what the server gives`,
      "refused",
    );
  if (before + size > limit) {
    await response.body?.cancel();
    throw tooLarge(`it announces ${size} bytes after ${before}`);
  }
  const progress = o.reporter.start(`downloading ${what}`, Number.isFinite(size) ? size : undefined, "bytes");
  const handle = await open(file, "w");
  let bytes = 0;
  try {
    for await (const piece of readBody(response)) {
      bytes += piece.length;
      if (before + bytes > limit) throw tooLarge(`${bytes} bytes came after ${before}`);
      await handle.writeFile(piece);
      progress.advance(piece.length);
    }
  } finally {
    progress.end();
    await handle.close();
  }
  if (Number.isFinite(size) && response.headers.get("content-encoding") === null && bytes !== size)
    throw new NoReply(`${bytes} of ${size} bytes came`, false);
  return bytes;
}

async function* readBody(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  try {
    for await (const piece of response.body) yield piece as Uint8Array;
  } catch (error) {
    throw new NoReply(error instanceof Error ? error.message : String(error), false);
  }
}

/** Waits until the archive is packed, and goes where the server says it is. The key goes nowhere else. */
async function openPacked(url: string, what: string, o: DownloadOptions): Promise<Response> {
  const { transport } = o;
  const { world, settings } = transport;
  const start = world.now();
  const home = new URL(settings.baseUrl).origin;
  let redirects = 0;
  for (let told = false; ;) {
    const withKey = new URL(url).origin === home;
    const response = await transport.open(url, { timeoutMs: OPEN_TIMEOUT_MS, withKey });
    if (response.status === 200) return response;
    const location = response.headers.get("location");
    await response.body?.cancel();
    if (response.status >= 300 && response.status < 400 && location !== null && redirects++ < REDIRECTS) {
      url = new URL(location, url).href;
      continue;
    }
    const { status, statusText, headers } = response;
    const said = `${settings.baseUrl}, ${what}: ${status} ${statusText}`.trim();
    // 503 and 425 (too early) say that it is not packed yet: no failure, however often they come within the hour.
    if (status !== 503 && status !== 425) {
      const remedy = isPassing(status) ? "" : "; the checkpoint is not there to download";
      throw refusal(said + remedy, "failed", response);
    }
    if (world.now() - start > PACKING_MS)
      throw new TinkerError(`${said}; it is still being packed after an hour`, "failed", status);
    if (!told) o.reporter.info(`${settings.baseUrl}: the server is packing the checkpoint`);
    told = true;
    await world.sleep(Math.min(wishedMs(headers) || PACKING_PAUSE_MS, PACKING_PAUSE_MS));
  }
}
