// Pictures that clients send, decoded here and nowhere else. A conversation sends its pictures again with every turn, and a
// group the same ones: equal bytes give one object, so that the engine computes their features once.
import { createHash } from "node:crypto";
import type { ViewImage } from "../core/trajectory.ts";
import type { Codec } from "../engines/engine.ts";
import { decodeImage } from "../tasks/media.ts";

/** Of one picture: decoding takes this process's one thread and its memory. */
const MAX_PIXELS = 64_000_000;

export interface SentImage {
  readonly view: ViewImage;
  /** Equal for equal data. */
  readonly digest: string;
}

export interface PictureLimits {
  /** Remembered; beyond that the one that was not asked for longest goes. Default 64. */
  readonly maxPictures?: number;
  /** Of their pixels together. Default: no limit. */
  readonly maxBytes?: number;
}

export class Pictures {
  private readonly views = new Map<string, ViewImage>();
  private bytes = 0;

  constructor(
    private readonly codec: Pick<Codec, "viewImage">,
    private readonly limits: PictureLimits = {},
  ) {}

  /**
   * @param where for messages, as in "image WHERE: is damaged"
   * @throws DataError when it is no picture that can be read and shown, or has more than 64 million pixels
   */
  read(bytes: Uint8Array, where: string): SentImage {
    const digest = createHash("sha256").update(bytes).digest("base64");
    let view = this.views.get(digest);
    if (view === undefined) {
      view = this.view(bytes, where);
      this.bytes += view.pixels.data.length;
    } else this.views.delete(digest);
    this.views.set(digest, view);
    const { maxPictures = 64, maxBytes = Infinity } = this.limits;
    for (const [oldest, old] of this.views) {
      if (this.views.size === 1 || (this.views.size <= maxPictures && this.bytes <= maxBytes)) break;
      this.views.delete(oldest);
      this.bytes -= old.pixels.data.length;
    }
    return { view, digest };
  }

  private view(bytes: Uint8Array, where: string): ViewImage {
    return this.codec.viewImage(decodeImage(bytes, where, MAX_PIXELS));
  }
}
