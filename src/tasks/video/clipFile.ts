// A clip as an mp4 file, made when it is first asked for. The name is a digest of the clip's description, so that all
// who ask the same clip share one file, and it says nothing about the answer.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { Clip } from "./clip.ts";
import { renderSecond } from "./frames.ts";
import { encodeJpeg } from "./jpeg.ts";
import { mp4File } from "./mp4.ts";
import { FPS, FRAME_SIZE } from "./vocabulary.ts";

/** Of 100. At 90 a decoded frame is within a few levels of what was drawn. */
const JPEG_QUALITY = 90;
/** Part of the digest: changes when the same description gives other bytes. */
const FORMAT = 1;

/** The file of this clip in `folder`, written if it is not there. @throws DataError when it cannot be written. */
export function clipFile(clip: Clip, folder: string): string {
  const { seconds, showings, ground } = clip;
  const digest = createHash("sha256")
    .update(JSON.stringify({ FORMAT, FPS, FRAME_SIZE, seconds, showings, ground }))
    .digest("hex");
  const path = join(folder, `clip-${digest.slice(0, 24)}.mp4`);
  if (existsSync(path)) return path;
  const partial = `${path}.${process.pid}.part`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(partial, clipBytes(clip));
    renameSync(partial, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(`clip ${path} cannot be written: ${reason}; give a folder that can be written`, {
      cause: error,
    });
  }
  return path;
}

/** The mp4 file's bytes: bare ground, and a picture for each second that shows something else. */
export function clipBytes(clip: Clip): Buffer {
  const shown = clip.showings.map((showing) => showing.second);
  const frames = Array.from(
    { length: clip.seconds * FPS },
    (_, frame) => shown.indexOf(Math.floor(frame / FPS)) + 1,
  );
  return mp4File({
    width: FRAME_SIZE,
    height: FRAME_SIZE,
    rate: [FPS, 1],
    pictures: [-1, ...shown].map((second) => encodeJpeg(renderSecond(clip, second), JPEG_QUALITY)),
    frames,
  });
}
