// A second of a clip to pixels: the ground of the image world and, at times, a disc on it.
import type { RgbImage } from "../../core/image.ts";
import { groundPixels } from "../world/ground.ts";
import { COLOUR_SIGNS } from "../world/vocabulary.ts";
import type { Box, Place } from "../world/vocabulary.ts";
import { shownAt } from "./clip.ts";
import type { Clip, Showing } from "./clip.ts";
import { FRAME_SIZE } from "./vocabulary.ts";

const WHOLE_FRAME: Box = [0, 0, FRAME_SIZE, FRAME_SIZE];
const NEAR = FRAME_SIZE / 4;
const FAR = FRAME_SIZE - NEAR;

/** Middle of each place in px: x, then y. */
export const PLACE_CENTRES: Readonly<Record<Place, readonly [x: number, y: number]>> = {
  "top left": [NEAR, NEAR],
  "top right": [FAR, NEAR],
  "bottom left": [NEAR, FAR],
  "bottom right": [FAR, FAR],
};

/** As in the pictures of the image world; the ground leaves room for it, so nothing is clipped. */
const DISC_AMPLITUDE = 100;

/** What every frame of this second shows, FRAME_SIZE x FRAME_SIZE. */
export function renderSecond(clip: Clip, second: number): RgbImage {
  return renderFrame(clip.ground, shownAt(clip, second));
}

export function renderFrame(
  ground: readonly number[],
  disc: Pick<Showing, "colour" | "place" | "dx" | "dy" | "radius"> | undefined,
): RgbImage {
  const data = groundPixels(ground, WHOLE_FRAME);
  if (disc !== undefined) {
    const [x, y] = PLACE_CENTRES[disc.place];
    const shifts = COLOUR_SIGNS[disc.colour].map((sign) => sign * DISC_AMPLITUDE);
    for (let py = 0; py < FRAME_SIZE; py++)
      for (let px = 0; px < FRAME_SIZE; px++) {
        if (Math.hypot(px + 0.5 - x - disc.dx, py + 0.5 - y - disc.dy) > disc.radius) continue;
        const at = (py * FRAME_SIZE + px) * 3;
        shifts.forEach((shift, channel) => (data[at + channel] = (data[at + channel] as number) + shift));
      }
  }
  return { width: FRAME_SIZE, height: FRAME_SIZE, data };
}
