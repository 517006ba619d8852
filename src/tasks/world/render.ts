// Scene to pixels. Rendering only a box of the canvas gives exactly the pixels of that box in the whole picture, so
// that pretraining can make crops without making pictures.
import type { RgbImage } from "../../core/image.ts";
import { addBead, BEAD_REACH } from "./bead.ts";
import { groundPixels } from "./ground.ts";
import type { Disc, Scene } from "./scene.ts";
import { CANVAS_HEIGHT, CANVAS_WIDTH, COLOUR_SIGNS, PLACE_BOXES } from "./vocabulary.ts";
import type { Box } from "./vocabulary.ts";

const WHOLE_CANVAS: Box = [0, 0, CANVAS_WIDTH, CANVAS_HEIGHT];
const DISC_AMPLITUDE = 100;

/** The scene's pixels inside `box` (default: the whole canvas). */
export function renderScene(scene: Scene, box: Box = WHOLE_CANVAS): RgbImage {
  const data = groundPixels(scene.ground, box);
  if (scene.disc !== undefined) addDisc(data, box, scene.disc);
  for (const { place, bead, dx, dy } of scene.places) {
    if (bead === undefined) continue;
    const [left, top, right, bottom] = PLACE_BOXES[place];
    const x = (left + right) / 2 + dx;
    const y = (top + bottom) / 2 + dy;
    const outside =
      x + BEAD_REACH < box[0] ||
      x - BEAD_REACH > box[2] ||
      y + BEAD_REACH < box[1] ||
      y - BEAD_REACH > box[3];
    if (!outside) addBead(data, box, x, y, bead, scene.beadAmplitude);
  }
  return { width: box[2] - box[0], height: box[3] - box[1], data };
}

/** The disc keeps the ground's texture: it only shifts its level. */
function addDisc(data: Uint8Array, box: Box, disc: Disc): void {
  const [left, top, right, bottom] = box;
  const shifts = COLOUR_SIGNS[disc.colour].map((sign) => sign * DISC_AMPLITUDE);
  const yEnd = Math.min(bottom, disc.y + disc.radius);
  for (let y = Math.max(top, Math.floor(disc.y - disc.radius)); y < yEnd; y++) {
    const half = Math.sqrt(Math.max(0, disc.radius ** 2 - (y + 0.5 - disc.y) ** 2));
    const from = Math.max(left, Math.round(disc.x - half));
    const to = Math.min(right, Math.round(disc.x + half));
    for (let x = from; x < to; x++) {
      const at = ((y - top) * (right - left) + x - left) * 3;
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] = (data[at + channel] as number) + (shifts[channel] as number);
      }
    }
  }
}
