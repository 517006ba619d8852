// Checkpoints over HTTP: a whole one as a tar archive, or file by file. Addresses are handed out to who has the key, and are
// good for an hour without it, as those of a cloud's storage are: clients follow them without their key.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { packTar } from "modern-tar/fs";
import { HttpError } from "../http.ts";
import type { Checkpoint } from "./store.ts";
import { isCheckpointKind, type TinkerPath } from "./tinkerPath.ts";

const VALID_MS = 3_600_000;
const ARCHIVE = "archive";

export interface SignedAddress {
  readonly url: string;
  readonly expires: Date;
}

export class Downloads {
  private readonly secret = randomBytes(32);

  /** @param clock milliseconds since 1970 */
  constructor(private readonly clock: () => number) {}

  /** @param origin as the client reaches this server */
  archive(origin: string, place: TinkerPath): SignedAddress {
    return this.sign(origin, place, ARCHIVE);
  }

  async files(
    origin: string,
    checkpoint: Checkpoint,
  ): Promise<{ readonly urls: Readonly<Record<string, string>>; readonly expires: Date }> {
    const names = (await readdir(checkpoint.dir)).filter((name) => name !== "checkpoint.json").sort();
    const signed = names.map((name) => [name, this.sign(origin, checkpoint, `file/${name}`)] as const);
    return {
      urls: Object.fromEntries(signed.map(([name, { url }]) => [name, url])),
      expires: signed[0]?.[1].expires ?? new Date(this.clock()),
    };
  }

  /** What an address stands for. @throws HttpError (403) for one that is not ours, or no longer valid */
  verify(query: URLSearchParams): { readonly place: TinkerPath; readonly what: string } {
    const [modelId = "", kind = "", name = "", what = "", expires = "", token = ""] = [
      "run",
      "kind",
      "name",
      "what",
      "expires",
      "token",
    ].map((key) => query.get(key) ?? "");
    if (isCheckpointKind(kind)) {
      const place = { modelId, kind, name };
      const wanted = Buffer.from(this.token(place, what, expires));
      const given = Buffer.from(token);
      if (given.length === wanted.length && timingSafeEqual(given, wanted) && Number(expires) > this.clock())
        return { place, what };
    }
    throw new HttpError("this address is not valid, or no longer; ask for a new one", { status: 403 });
  }

  /** Ends with its signal, however much of it the client has still to take. */
  async send(
    response: ServerResponse,
    { dir }: Checkpoint,
    what: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (what === ARCHIVE) {
      response.writeHead(200, { "content-type": "application/x-tar" });
      await pipeline(packTar(dir), response, { signal });
      return;
    }
    // The name is one that `files` gave: the token says so.
    const path = join(dir, what.slice("file/".length));
    const { size } = await stat(path);
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": size });
    await pipeline(createReadStream(path), response, { signal });
  }

  private sign(origin: string, place: TinkerPath, what: string): SignedAddress {
    const expires = this.clock() + VALID_MS;
    const query = new URLSearchParams({
      run: place.modelId,
      kind: place.kind,
      name: place.name,
      what,
      expires: String(expires),
      token: this.token(place, what, String(expires)),
    });
    return { url: `${origin}/api/v1/download?${query.toString()}`, expires: new Date(expires) };
  }

  private token({ modelId, kind, name }: TinkerPath, what: string, expires: string): string {
    return createHmac("sha256", this.secret)
      .update(JSON.stringify([modelId, kind, name, what, expires]))
      .digest("base64url");
  }
}
