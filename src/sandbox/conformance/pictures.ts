// Pixels in and pixels out are exact, and pictures keep to their limits.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RgbImage } from "../../core/image.ts";
import type { ToolResult } from "../../core/trajectory.ts";
import { type Case, OK, pattern, pythonError, runCells, runOne, texts } from "./case.ts";

const sizes = ({ figures }: ToolResult): string =>
  figures.map(({ width, height }) => `${width}x${height}`).join(" ");
const digest = ({ data }: RgbImage): string => createHash("sha256").update(data).digest("hex");
const bytes = (image: RgbImage | undefined): number[] => [...(image?.data ?? [])];
/** One picture of the given inches at 10 dots per inch, all of one colour. */
const filled = (inches: string, colour: string): string =>
  `plt.figure(figsize=(${inches}), dpi=10, facecolor='${colour}')\n`;

async function refusal({ runtime }: Parameters<Case["check"]>[0], cell: string): Promise<string> {
  const [result, next] = await runCells(runtime, [cell, "print('on')"]);
  assert.ok(result && next);
  assert.deepEqual([result.figures, next.stdout], [[], "on\n"]);
  const { errorType, message } = pythonError(result);
  assert.equal(errorType, "ValueError");
  return message;
}

export const PICTURES: readonly Case[] = [
  {
    name: "images arrive with their exact pixels",
    async check({ runtime }) {
      // The last one is larger than a message of a WebSocket may be.
      const images = [pattern(1, 1), pattern(5, 3, 1), pattern(641, 479, 2), pattern(2200, 1601, 3)];
      const look = (i: number): string =>
        `import hashlib\nc = image_clue_${i}\nprint(c.mode, c.size, hashlib.sha256(c.tobytes()).hexdigest())`;
      const printed = await texts(
        runtime,
        [...images.map((_, i) => look(i)), "'image_clue_4' in globals()"],
        images,
      );
      const expected = images.map((image) => `RGB (${image.width}, ${image.height}) ${digest(image)}\n`);
      assert.deepEqual(printed, [...expected, "False\n"]);
    },
  },
  {
    name: "plt.show shows every open figure once",
    async check({ runtime }) {
      const cell = `${filled("0.2, 0.1", "red")}${filled("0.1, 0.3", "#00ff40")}plt.show()\nprint(plt.get_fignums())\nplt.show()`;
      const result = await runOne(runtime, cell);
      assert.deepEqual([result.outcome, result.stdout, sizes(result)], [OK, "[]\n", "2x1 1x3"]);
      assert.deepEqual(bytes(result.figures[0]), [255, 0, 0, 255, 0, 0]);
      assert.deepEqual(bytes(result.figures[1]), [0, 255, 64, 0, 255, 64, 0, 255, 64]);
    },
  },
  {
    name: "a figure has the pixels of savefig",
    async check({ runtime }) {
      const cell = `import io, hashlib
plt.figure(figsize=(3.337, 2.221), dpi=73)
plt.imshow(image_clue_0.rotate(5)); plt.title('a title'); plt.colorbar(); plt.grid(True)
png = io.BytesIO(); plt.savefig(png, format='png')
plt.show()
hashlib.sha256(Image.open(png).convert('RGB').tobytes()).hexdigest()`;
      const result = await runOne(runtime, cell, [pattern(40, 30)]);
      assert.deepEqual([result.outcome, sizes(result)], [OK, "243x162"]);
      assert.equal(result.stdout, `'${digest(result.figures[0] as RgbImage)}'\n`);
    },
  },
  {
    name: "fig.show shows its one figure",
    async check({ runtime }) {
      const cell = `fig = ${filled("0.2, 0.1", "blue")}${filled("1, 1", "red")}fig.show()\nlen(plt.get_fignums())`;
      const [shown, next] = await runCells(runtime, [cell, "plt.show()"]);
      assert.ok(shown && next);
      assert.deepEqual(
        [sizes(shown), shown.stdout, bytes(shown.figures[0])],
        ["2x1", "1\n", [0, 0, 255, 0, 0, 255]],
      );
      assert.equal(sizes(next), ""); // what was open and not shown went with its cell
    },
  },
  {
    name: "Image.show is exact",
    async check({ runtime }) {
      const images = [pattern(7, 3), pattern(1999, 1501, 5)];
      const { outcome, figures } = await runOne(runtime, "image_clue_0.show(); image_clue_1.show()", images);
      assert.deepEqual(outcome, OK);
      assert.deepEqual(figures.map(digest), images.map(digest));
    },
  },
  {
    name: "transparency lies on white",
    async check({ runtime }) {
      const cell = `Image.new('RGBA', (1, 1), (0, 100, 255, 51)).show()\n${filled("0.1, 0.1", "none")}plt.show()`;
      const { figures } = await runOne(runtime, cell);
      assert.deepEqual(figures.map(bytes), [
        [204, 224, 255],
        [255, 255, 255],
      ]); // prettier-ignore -- 255 + (v - 255) / 5
    },
  },
  {
    name: "pictures shown before an error are kept",
    async check({ runtime }) {
      const result = await runOne(runtime, `${filled("0.2, 0.1", "red")}plt.show()\n1/0`);
      assert.deepEqual([pythonError(result).errorType, sizes(result)], ["ZeroDivisionError", "2x1"]);
    },
  },
  {
    name: "pictures over the number are counted, not shown",
    async check({ runtime }) {
      const cell = "for i in range(5): Image.new('RGB', (i + 1, 1)).show()";
      const [many, next] = await runCells(runtime, [cell, "Image.new('RGB', (9, 9)).show()"]);
      assert.ok(many && next);
      assert.deepEqual([many.outcome, sizes(many), sizes(next)], [OK, "1x1 2x1 3x1", "9x9"]);
      assert.equal(many.stdout, "[2 more pictures were not shown: one call shows at most 3]\n");
    },
  },
  {
    name: "a picture of too many pixels is an error",
    async check(world) {
      const rule = "the limit is 4000000 pixels; make it smaller";
      assert.equal(
        await refusal(world, "Image.new('L', (2001, 2000)).show()"),
        `cannot show a picture of 2001x2000 pixels: ${rule}`,
      );
      assert.equal(
        await refusal(world, `${filled("201, 200", "red")}plt.show()`),
        `cannot show a picture of 2010x2000 pixels: ${rule}`,
      );
    },
  },
  {
    name: "a picture too narrow or empty is an error",
    async check(world) {
      const rule = "its sides must be at least 1 pixel and their ratio below 200";
      for (const [width, height] of [
        [200, 1],
        [0, 5],
      ])
        // prettier-ignore
        assert.equal(
          await refusal(world, `Image.new('L', (${width}, ${height})).show()`),
          `cannot show a picture of ${width}x${height} pixels: ${rule}`,
        );
    },
  },
];
