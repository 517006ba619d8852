// A picture that shows people what the tasks are: for each the whole picture, what the policy sees of it at first,
// and the four places as crops, with question and answer.
import type { RgbImage } from "../../core/image.ts";
import type { Codec } from "../../engines/engine.ts";
import { resizeBicubic } from "../../models/qwen2_5_vl/resize.ts";
import { CHARACTER_WIDTH, drawText } from "./font.ts";
import { KINDS, PLACES, PLACE_BOXES } from "./vocabulary.ts";
import type { Kind } from "./vocabulary.ts";
import { renderScene } from "./render.ts";
import type { WorldSource, WorldTask } from "./world.ts";

const MARGIN = 16;
const GAP = 12;
const COLUMNS = 2;
const HEAD = 52;
const PICTURE = { width: 336, height: 252 } as const;
const CROP_SCALE = 3;
const CROP = 32 * CROP_SCALE;
const CAPTION = 14;
const CARD_WIDTH = PICTURE.width * 2 + CROP * 2 + GAP * 3;
const CARD_HEIGHT = HEAD + PICTURE.height + CAPTION + GAP;
const BLACK = [0, 0, 0] as const;
const GREY = [110, 110, 110] as const;
const KIND_COLOURS: Readonly<Record<Kind, readonly [number, number, number]>> = {
  plain: [70, 70, 70],
  look: [20, 90, 180],
  search: [190, 80, 0],
  compare: [130, 40, 150],
  count: [0, 120, 70],
};

/**
 * At most `count` tasks to show, the kinds as equally frequent as possible whatever their weights and kind after kind
 * in order; of each kind the source's first ones.
 */
export function sheetTasks(source: WorldSource, count: number): WorldTask[] {
  const waiting = new Map<Kind, WorldTask[]>(KINDS.map((kind) => [kind, []]));
  // A bound, since a kind with weight 0 never comes.
  for (let i = 0; i < 200 * KINDS.length + 20 * count; i++) {
    const task = source.at(i);
    waiting.get(task.kind)?.push(task);
  }
  const shown: WorldTask[] = [];
  for (let round = 0; shown.length < count; round++) {
    const tasks = KINDS.flatMap((kind) => waiting.get(kind)?.[round] ?? []);
    if (tasks.length === 0) break;
    shown.push(...tasks);
  }
  return shown.slice(0, count).sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

/** `codec` gives the policy's own first view; without it the view of the miniature policy (112x84) is shown. */
export function contactSheet(tasks: readonly WorldTask[], codec?: Pick<Codec, "viewImage">): RgbImage {
  const rows = Math.ceil(tasks.length / COLUMNS);
  const width = MARGIN * 2 + CARD_WIDTH * COLUMNS + MARGIN * (COLUMNS - 1);
  const height = MARGIN + rows * (CARD_HEIGHT + MARGIN);
  const sheet: RgbImage = { width, height, data: new Uint8Array(width * height * 3).fill(255) };
  tasks.forEach((task, i) => {
    const x = MARGIN + (i % COLUMNS) * (CARD_WIDTH + MARGIN);
    const y = MARGIN + Math.floor(i / COLUMNS) * (CARD_HEIGHT + MARGIN);
    drawCard(sheet, task, x, y, codec);
  });
  return sheet;
}

function drawCard(
  sheet: RgbImage,
  task: WorldTask,
  x: number,
  y: number,
  codec: Pick<Codec, "viewImage"> | undefined,
): void {
  const picture = task.images[0] as RgbImage;
  fill(sheet, x, y, CARD_WIDTH, 2, KIND_COLOURS[task.kind]);
  drawText(sheet, task.kind, x, y + 8, KIND_COLOURS[task.kind], 2);
  drawText(sheet, task.id, x + 100, y + 12, GREY);
  drawText(sheet, task.question, x, y + 30, BLACK, 2);
  const answerX = x + (task.question.length + 2) * CHARACTER_WIDTH * 2;
  drawText(sheet, task.answer, answerX, y + 30, KIND_COLOURS[task.kind], 2);
  const top = y + HEAD;
  const under = top + PICTURE.height + 4;
  paste(sheet, resizeBicubic(picture, PICTURE.width, PICTURE.height), x, top);
  for (const box of Object.values(PLACE_BOXES)) {
    const shrink = PICTURE.width / picture.width;
    const size = Math.round((box[2] - box[0]) * shrink) + 4;
    frame(sheet, x + Math.round(box[0] * shrink) - 2, top + Math.round(box[1] * shrink) - 2, size, size);
  }
  drawText(
    sheet,
    `the picture, ${picture.width} x ${picture.height}, with the places framed`,
    x,
    under,
    GREY,
  );

  const view = codec?.viewImage(picture).pixels ?? resizeBicubic(picture, 112, 84);
  const viewX = x + PICTURE.width + GAP;
  const scale = Math.max(1, Math.floor(PICTURE.width / view.width));
  paste(sheet, enlarge(view, scale), viewX, top, PICTURE);
  drawText(sheet, `the policy's first view, ${view.width} x ${view.height}`, viewX, under, GREY);

  const cropsX = viewX + PICTURE.width + GAP;
  PLACES.forEach((place, i) => {
    const cropX = cropsX + (i % 2) * (CROP + GAP);
    const cropY = top + Math.floor(i / 2) * (CROP + CAPTION + GAP);
    paste(sheet, enlarge(renderScene(task.scene, PLACE_BOXES[place]), CROP_SCALE), cropX, cropY);
    drawText(sheet, place, cropX, cropY + CROP + 4, task.scene.asked.includes(place) ? BLACK : GREY);
  });
}

function fill(
  sheet: RgbImage,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: readonly [number, number, number],
): void {
  for (let row = y; row < y + height; row++)
    for (let column = x; column < x + width; column++)
      sheet.data.set(colour, (row * sheet.width + column) * 3);
}

function frame(sheet: RgbImage, x: number, y: number, width: number, height: number): void {
  fill(sheet, x, y, width, 1, BLACK);
  fill(sheet, x, y + height - 1, width, 1, BLACK);
  fill(sheet, x, y, 1, height, BLACK);
  fill(sheet, x + width - 1, y, 1, height, BLACK);
}

/** Copies `image`, at most `limit` large, to (x, y). */
function paste(
  sheet: RgbImage,
  image: RgbImage,
  x: number,
  y: number,
  limit: { readonly width: number; readonly height: number } = image,
): void {
  const width = Math.min(image.width, limit.width);
  for (let row = 0; row < Math.min(image.height, limit.height); row++) {
    const from = row * image.width * 3;
    sheet.data.set(image.data.subarray(from, from + width * 3), ((y + row) * sheet.width + x) * 3);
  }
}

/** Every pixel becomes a square. */
function enlarge({ width, height, data }: RgbImage, scale: number): RgbImage {
  const out = new Uint8Array(width * height * scale * scale * 3);
  for (let y = 0; y < height * scale; y++)
    for (let x = 0; x < width * scale; x++) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * 3;
      const to = (y * width * scale + x) * 3;
      for (let c = 0; c < 3; c++) out[to + c] = data[from + c] as number;
    }
  return { width: width * scale, height: height * scale, data: out };
}
