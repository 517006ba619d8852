// A picture that shows people what the tasks are: each clip as one small frame a second, twenty in a row, with question and
// answer. A black frame stands around every disc, a bar under the seconds that a reader of uniform frames sees.
import type { RgbImage } from "../../core/image.ts";
import { CHARACTER_WIDTH, drawText } from "../world/font.ts";
import { renderSecond } from "./frames.ts";
import { uniformFrames } from "./uniform.ts";
import { FPS, FRAME_SIZE, LONGEST_CLIP, VIDEO_KINDS } from "./vocabulary.ts";
import type { VideoTaskKind } from "./vocabulary.ts";
import type { VideoSource, VideoTask } from "./videoWorld.ts";

/** Every second pixel of a frame. */
const SHRINK = 2;
const THUMB = FRAME_SIZE / SHRINK;
const CELL_WIDTH = THUMB + 4;
const CELL_HEIGHT = THUMB + 9;
const PER_ROW = 20;
const MARGIN = 16;
const LABEL = 24;
const HEAD = 34;
const UNIFORM_FRAMES = 16;
const CARD_WIDTH = LABEL + PER_ROW * CELL_WIDTH;
const CARD_HEIGHT = HEAD + Math.ceil(LONGEST_CLIP / PER_ROW) * CELL_HEIGHT;
const BLACK = [0, 0, 0] as const;
const GREY = [110, 110, 110] as const;
const BLUE = [20, 90, 180] as const;

/** At most `count` tasks to show, kind after kind, of each kind the source's first ones. */
export function videoSheetTasks(source: VideoSource, count: number): VideoTask[] {
  const each = Math.ceil(count / VIDEO_KINDS.length);
  const found = new Map<VideoTaskKind, VideoTask[]>(VIDEO_KINDS.map((kind) => [`video-${kind}`, []]));
  // A bound, since a kind with weight 0 never comes.
  for (let i = 0; i < 200 * VIDEO_KINDS.length + 20 * count; i++) {
    const task = source.at(i);
    const tasks = found.get(task.kind);
    if (tasks !== undefined && tasks.length < each) tasks.push(task);
  }
  return [...found.values()].flat().slice(0, count);
}

export function videoContactSheet(tasks: readonly VideoTask[]): RgbImage {
  const width = MARGIN * 2 + CARD_WIDTH;
  const height = MARGIN + tasks.length * (CARD_HEIGHT + MARGIN);
  const sheet: RgbImage = { width, height, data: new Uint8Array(width * height * 3).fill(255) };
  tasks.forEach((task, i) => drawCard(sheet, task, MARGIN, MARGIN + i * (CARD_HEIGHT + MARGIN)));
  return sheet;
}

function drawCard(sheet: RgbImage, task: VideoTask, x: number, y: number): void {
  const { clip } = task;
  fill(sheet, x, y, CARD_WIDTH, 2, BLUE);
  drawText(sheet, task.question, x, y + 8, BLACK, 2);
  drawText(sheet, task.answer, x + (task.question.length + 2) * CHARACTER_WIDTH * 2, y + 8, BLUE, 2);
  drawText(sheet, `${task.id}, ${clip.seconds} s; bars: ${UNIFORM_FRAMES} uniform frames`, x, y + 25, GREY);
  const seen = new Set(
    uniformFrames(clip.seconds * FPS, UNIFORM_FRAMES).map((frame) => Math.floor(frame / FPS)),
  );
  for (let second = 0; second < clip.seconds; second++) {
    const column = second % PER_ROW;
    const cellX = x + LABEL + column * CELL_WIDTH;
    const cellY = y + HEAD + Math.floor(second / PER_ROW) * CELL_HEIGHT + 2;
    if (column === 0) drawText(sheet, String(second), x, cellY + THUMB / 2, GREY);
    if (clip.showings.some((showing) => showing.second === second))
      fill(sheet, cellX - 2, cellY - 2, THUMB + 4, THUMB + 4, BLACK);
    pasteSmall(sheet, renderSecond(clip, second), cellX, cellY);
    if (seen.has(second)) fill(sheet, cellX, cellY + THUMB + 3, THUMB, 2, BLUE);
  }
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

function pasteSmall(sheet: RgbImage, frame: RgbImage, x: number, y: number): void {
  for (let row = 0; row < THUMB; row++)
    for (let column = 0; column < THUMB; column++) {
      const from = (row * SHRINK * frame.width + column * SHRINK) * 3;
      sheet.data.set(frame.data.subarray(from, from + 3), ((y + row) * sheet.width + x + column) * 3);
    }
}
