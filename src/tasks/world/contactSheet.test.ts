import { test } from "node:test";
import assert from "node:assert/strict";
import type { RgbImage } from "../../core/image.ts";
import { contactSheet, sheetTasks } from "./contactSheet.ts";
import { drawText } from "./font.ts";
import { createWorld } from "./world.ts";

test("every kind is shown equally often, in order, whatever its weight", () => {
  const kinds = (count: number, weights?: object): string[] =>
    sheetTasks(createWorld({ seed: 1, split: "train", ...(weights && { weights }) }), count).map(
      (task) => task.kind,
    );
  assert.deepEqual(kinds(10), [
    ...["plain", "plain", "look", "look", "search", "search", "compare", "compare", "count", "count"],
  ]);
  assert.deepEqual(kinds(3, { look: 1, count: 0.02 }), ["look", "look", "count"]);
});

test("the sheet grows by rows of two cards and shows the crops enlarged three times", () => {
  const tasks = sheetTasks(createWorld({ seed: 1, split: "train", weights: { look: 1 } }), 3);
  const one = contactSheet(tasks.slice(0, 1));
  const three = contactSheet(tasks);
  assert.equal(one.width, three.width);
  assert.equal((three.height - 16) / (one.height - 16), 2);
  const task = tasks[0];
  const pixels = task?.images[0] as RgbImage;
  // Top left pixel of the place "top left", as a square of three by three.
  const expected = [...pixels.data.subarray((224 * 1280 + 304) * 3, (224 * 1280 + 304) * 3 + 3)];
  const cropX = 16 + 2 * (336 + 12);
  const cropY = 16 + 52;
  for (const [dx, dy] of [
    [0, 0],
    [2, 0],
    [0, 2],
    [2, 2],
  ] as const) {
    const at = ((cropY + dy) * one.width + cropX + dx) * 3;
    assert.deepEqual([...one.data.subarray(at, at + 3)], expected);
  }
});

test("text is drawn in a bitmap font and clipped at the edges", () => {
  const draw = (text: string, x: number): string[] => {
    const target: RgbImage = { width: 11, height: 7, data: new Uint8Array(11 * 7 * 3).fill(255) };
    drawText(target, text, x, 0);
    return Array.from({ length: 7 }, (_, y) =>
      Array.from({ length: 11 }, (_, column) => (target.data[(y * 11 + column) * 3] === 0 ? "#" : ".")).join(
        "",
      ),
    );
  };
  assert.deepEqual(draw("Hi", 0), [
    "#...#...#..",
    "#...#......",
    "#...#..##..",
    "#####...#..",
    "#...#...#..",
    "#...#...#..",
    "#...#..###.",
  ]);
  assert.equal(draw("Hi", -3)[3], "##...#.....");
});
