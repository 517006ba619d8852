// The part of the Hugging Face Hub's API that its client uses for a data set, over files in memory, with the faults of a real one:
// for tests.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const SHA = "0123456789abcdef0123456789abcdef01234567";

/** What happens to one request of a file instead of an answer. */
export type Fault =
  | { readonly type: "status"; readonly status: number; readonly retryAfter?: number }
  /**
   * The connection ends after so many bytes of the body, when the client has put these on its disk: a connection that is cut
   * before takes what it had brought with it.
   */
  | {
      readonly type: "cut";
      readonly after: number;
      /** Bytes of the file that are on the client's disk. */
      readonly arrived: () => number;
    }
  /** The body stops after so many bytes, and the connection stays. */
  | { readonly type: "silence"; readonly after: number }
  /** Other bytes of the same length. */
  | { readonly type: "other" }
  /** The whole file, whatever range was asked for. */
  | { readonly type: "whole" };

export interface FakeHubOptions {
  readonly dataset: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Files from this size on are listed with their SHA-256, others with Git's. Default 100. */
  readonly largeFrom?: number;
  readonly licence?: string;
  /** Faults of the requests of a file, in their order; then it is served. */
  readonly faults?: Readonly<Record<string, readonly Fault[]>>;
  /** Status of every request without this token. */
  readonly token?: { readonly value: string; readonly status: number };
  /** Entries a page of the listing; default 1000. */
  readonly pageSize?: number;
}

export interface FakeHub {
  readonly url: string;
  /** Files asked for, each with its range or "". */
  readonly requests: readonly (readonly [path: string, range: string])[];
  close(): Promise<void>;
}

export async function startFakeHub(options: FakeHubOptions): Promise<FakeHub> {
  const files = new Map(Object.entries(options.files).map(([path, content]) => [path, Buffer.from(content)]));
  const faults = new Map(Object.entries(options.faults ?? {}).map(([path, list]) => [path, [...list]]));
  const requests: [string, string][] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://hub");
    const api = `/api/datasets/${options.dataset}`;
    const resolve = `/datasets/${options.dataset}/resolve/${SHA}/`;
    const { token } = options;
    // As the hub: whoever downloads a large file from elsewhere must not be handed the token.
    const isElsewhere = pathname.startsWith("/cdn/");
    if (token !== undefined && !isElsewhere && request.headers.authorization !== `Bearer ${token.value}`)
      return json(response, token.status, { error: "Access is restricted" });
    if (pathname.startsWith(`${api}/revision/`)) {
      const known = [SHA, "HEAD", "main"].includes(pathname.slice(`${api}/revision/`.length));
      const cardData = options.licence === undefined ? {} : { license: options.licence };
      if (!known) return json(response, 404, { error: "Invalid rev id" });
      return json(response, 200, {
        _id: "1",
        id: options.dataset,
        sha: SHA,
        lastModified: "2026-01-01",
        cardData,
      });
    }
    if (pathname === `${api}/tree/${SHA}`)
      return listing(options, files, Number(searchParams.get("cursor")), response);
    if (pathname.startsWith(resolve)) {
      const path = decodeURIComponent(pathname.slice(resolve.length));
      requests.push([path, request.headers.range ?? ""]);
      if (!isLarge(options, files.get(path))) return send(path);
      response.writeHead(302, { location: `/cdn/${encodeURIComponent(path)}` }).end();
      return;
    }
    if (isElsewhere) return send(decodeURIComponent(pathname.slice("/cdn/".length)));
    json(response, 404, { error: "Repository not found" });

    function send(path: string): void {
      const content = files.get(path);
      if (content === undefined) return json(response, 404, { error: "Entry not found" });
      serve(request, response, content, faults.get(path)?.shift());
    }
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function isLarge({ largeFrom = 100 }: FakeHubOptions, content: Buffer | undefined): boolean {
  return content !== undefined && content.length >= largeFrom;
}

function listing(
  options: FakeHubOptions,
  files: ReadonlyMap<string, Buffer>,
  from: number,
  response: ServerResponse,
): void {
  const { pageSize = 1000 } = options;
  const entries = [...files].map(([path, content]) => {
    const oid = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
    if (!isLarge(options, content)) return { type: "file", path, size: content.length, oid };
    const sha256 = createHash("sha256").update(content).digest("hex");
    return {
      type: "file",
      path,
      size: content.length,
      oid: "0".repeat(40),
      lfs: { oid: sha256, size: content.length, pointerSize: 130 },
    };
  });
  const next = from + pageSize;
  const address = `http://${response.req.headers.host}/api/datasets/${options.dataset}/tree/${SHA}?recursive=true&cursor=${next}`;
  if (next < entries.length) response.setHeader("Link", `<${address}>; rel="next"`);
  json(response, 200, [
    { type: "directory", path: "folder", size: 0, oid: "1" },
    ...entries.slice(from, next),
  ]);
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  fault: Fault | undefined,
): void {
  if (fault?.type === "status") {
    if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
    return json(response, fault.status, { error: "not now" });
  }
  const range = fault?.type === "whole" ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const [start, end] = range === null ? [0, content.length] : [Number(range[1]), Number(range[2]) + 1];
  const body = fault?.type === "other" ? Buffer.alloc(end - start, "?") : content.subarray(start, end);
  response.writeHead(range === null ? 200 : 206, {
    "content-length": body.length,
    ...(range !== null && { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
  });
  if (fault?.type !== "cut" && fault?.type !== "silence") return void response.end(body);
  response.write(body.subarray(0, fault.after));
  response.flushHeaders(); // also when no byte of the body goes with them
  if (fault.type === "silence") return;
  const cutWhenThere = (): void => {
    if (response.destroyed) return; // the client has gone, or the hub was closed
    if (fault.arrived() >= start + fault.after) response.destroy();
    else setTimeout(cutWhenThere, 5);
  };
  setTimeout(cutWhenThere, 5);
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}
