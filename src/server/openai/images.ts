// Pictures of a request: data URIs with PNG or JPEG. Addresses of the web are refused: the server fetches nothing for
// anybody.
import { DataError } from "../../core/errors.ts";
import type { Codec } from "../../engines/engine.ts";
import { Pictures, type SentImage } from "../pictures.ts";
import { RequestError } from "./requestError.ts";

export class ImageReader {
  private readonly pictures: Pictures;

  constructor(codec: Pick<Codec, "viewImage">) {
    this.pictures = new Pictures(codec);
  }

  /**
   * @param param path of the field, for messages
   * @throws RequestError (400) when it is no picture that can be read and shown
   */
  read(url: string, param: string): SentImage {
    const bytes = bytesOf(url, param);
    try {
      return this.pictures.read(bytes, "in the data URI");
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

function refuse(param: string, text: string, cause?: Error): RequestError {
  return new RequestError(`${param}: ${text}`, { status: 400, param, code: "invalid_image" }, { cause });
}
