// Pictures of a request: data URIs with PNG or JPEG, decoded here and nowhere else. Addresses of the web are refused: the
// server fetches nothing for anybody. A conversation sends its pictures again with every turn, so the last ones are kept.
import { createHash } from "node:crypto";
import { DataError } from "../../core/errors.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import { decodeImage } from "../../tasks/media.ts";
import { RequestError } from "./requestError.ts";

const KEPT = 64;
/** A few hundred bytes of PNG may stand for any number of pixels. */
const MAX_PIXELS = 64_000_000;

export interface SentImage {
  readonly view: ViewImage;
  /** Equal for equal data. */
  readonly digest: string;
}

export class ImageReader {
  private readonly views = new Map<string, ViewImage>();

  constructor(private readonly codec: Pick<Codec, "viewImage">) {}

  /**
   * @param param path of the field, for messages
   * @throws RequestError (400) when it is no picture that can be read and shown
   */
  read(url: string, param: string): SentImage {
    const digest = createHash("sha256").update(url).digest("base64");
    let view = this.views.get(digest);
    if (view === undefined) view = this.view(url, param);
    else this.views.delete(digest);
    this.views.set(digest, view);
    for (const oldest of this.views.keys()) {
      if (this.views.size <= KEPT) break;
      this.views.delete(oldest);
    }
    return { view, digest };
  }

  private view(url: string, param: string): ViewImage {
    const bytes = bytesOf(url, param);
    const pixels = pngPixels(bytes);
    if (pixels > MAX_PIXELS)
      throw refuse(param, `has ${pixels} pixels, more than the ${MAX_PIXELS} that are read; send it smaller`);
    try {
      return this.codec.viewImage(decodeImage(bytes, "in the data URI"));
    } catch (error) {
      if (error instanceof DataError) throw refuse(param, error.message, error);
      throw error;
    }
  }
}

function bytesOf(url: string, param: string): Uint8Array {
  const comma = url.indexOf(",");
  const head = comma < 0 ? url : url.slice(0, comma);
  if (!/^data:image\/[a-z0-9.+-]+;base64$/i.test(head) || comma < 0)
    throw refuse(
      param,
      `must be a data URI such as data:image/png;base64,...; got ${JSON.stringify(url.slice(0, 40))} ` +
        `(addresses are not fetched)`,
    );
  const data = url.slice(comma + 1);
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(data))
    throw refuse(
      param,
      `must be base64 with its padding after the comma; its ${data.length} characters are not`,
    );
  return Buffer.from(data, "base64");
}

/** As the header says; 0 for what is no PNG. */
function pngPixels(bytes: Uint8Array): number {
  if (bytes.length < 24 || bytes[0] !== 0x89 || bytes[1] !== 0x50) return 0;
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return header.getUint32(16) * header.getUint32(20);
}

function refuse(param: string, text: string, cause?: Error): RequestError {
  return new RequestError(`${param}: ${text}`, { status: 400, param, code: "invalid_image" }, { cause });
}
