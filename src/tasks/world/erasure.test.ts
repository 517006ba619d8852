// The proof behind the whole world: what a question asks about cannot be read from the policy's first view, and can
// be read from a crop. Every alternative content of the places is rendered on the same ground and compared.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { RgbImage } from "../../core/image.ts";
import { addBead } from "./bead.ts";
import { renderScene } from "./render.ts";
import type { Scene } from "./scene.ts";
import { COLOURS, PLACE_BOXES } from "./vocabulary.ts";
import type { Colour } from "./vocabulary.ts";
import { createWorld } from "./world.ts";

const VIEW_WIDTH = 112;
const VIEW_HEIGHT = 84;

test("no alternative bead changes the first view by more than 4 levels, less than the ground varies there", () => {
  let worst = 0;
  for (const kind of ["look", "search", "compare", "count"] as const) {
    const { scene } = createWorld({ seed: 11, split: "train", weights: { [kind]: 1 } }).at(0);
    const empty = firstView(renderScene(withBeads(scene, undefined)));
    for (const colour of COLOURS) {
      const view = firstView(renderScene(withBeads(scene, colour)));
      for (let i = 0; i < view.length; i++)
        worst = Math.max(worst, Math.abs((view[i] as number) - (empty[i] as number)));
    }
    const neighbours = standardDeviationOfSteps(empty);
    assert.ok(neighbours > 2, `the ground steps by ${neighbours} levels from pixel to pixel`);
  }
  assert.ok(worst <= 4, `worst change ${worst}`);
});

test("in the crop any two contents of a place differ by more than 60 levels at many pixels", () => {
  const { scene } = createWorld({ seed: 12, split: "train", weights: { look: 1 } }).at(0);
  const contents: readonly (Colour | undefined)[] = [undefined, ...COLOURS];
  for (const box of Object.values(PLACE_BOXES)) {
    const crops = contents.map((bead) => renderScene(withBeads(scene, bead), box).data);
    for (let a = 0; a < crops.length; a++) {
      for (let b = 0; b < a; b++) {
        let far = 0;
        for (let i = 0; i < 32 * 32; i++)
          if (
            [0, 1, 2].some((c) => Math.abs((crops[a]?.[i * 3 + c] ?? 0) - (crops[b]?.[i * 3 + c] ?? 0)) > 60)
          )
            far++;
        assert.ok(far >= 21, `${contents[a]} and ${contents[b]} differ at ${far} pixels`); // 21 of the dot's 28
      }
    }
  }
});

test("a bead adds nothing to the sum of any channel, wherever it lies within its margin", () => {
  for (const [dx, dy] of [
    [0, 0],
    [5, 5],
    [-5, 4.37],
    [0.5, -4.99],
  ] as const) {
    for (const colour of COLOURS) {
      const pixels = new Uint8Array(32 * 32 * 3).fill(128);
      addBead(pixels, [0, 0, 32, 32], 16 + dx, 16 + dy, colour, 100);
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let i = channel; i < pixels.length; i += 3) sum += (pixels[i] as number) - 128;
        assert.ok(Math.abs(sum) <= 1, `${colour} at ${dx},${dy}: channel ${channel} sums to ${sum}`);
      }
    }
  }
});

/** All four places hold the same content. */
function withBeads(scene: Scene, bead: Colour | undefined): Scene {
  const places = scene.places.map(({ place, dx, dy }) =>
    bead === undefined ? { place, dx, dy } : { place, bead, dx, dy },
  );
  return { ...scene, places };
}

function standardDeviationOfSteps(view: Float64Array): number {
  let sum = 0;
  for (let i = 3; i < view.length; i++) sum += ((view[i] as number) - (view[i - 3] as number)) ** 2;
  return Math.sqrt(sum / view.length);
}

// Antialiased bicubic (a = -0.5), before rounding to bytes: an implementation of the test's own.
function firstView({ width, height, data }: RgbImage): Float64Array {
  const columns = kernel(width, VIEW_WIDTH);
  const rows = kernel(height, VIEW_HEIGHT);
  const narrow = new Float64Array(VIEW_WIDTH * height * 3);
  for (let y = 0; y < height; y++)
    columns.forEach(({ first, weights }, x) => {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum += (weights[k] as number) * (data[(y * width + first + k) * 3 + c] as number);
        narrow[(y * VIEW_WIDTH + x) * 3 + c] = sum;
      }
    });
  const view = new Float64Array(VIEW_WIDTH * VIEW_HEIGHT * 3);
  rows.forEach(({ first, weights }, y) => {
    for (let i = 0; i < VIEW_WIDTH * 3; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++)
        sum += (weights[k] as number) * (narrow[(first + k) * VIEW_WIDTH * 3 + i] as number);
      view[y * VIEW_WIDTH * 3 + i] = sum;
    }
  });
  return view;
}

function kernel(from: number, to: number): { first: number; weights: number[] }[] {
  const scale = from / to;
  const cubic = (x: number): number =>
    x < 1 ? 1.5 * x ** 3 - 2.5 * x ** 2 + 1 : x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - 2 * scale + 0.5));
    const last = Math.min(from, Math.floor(centre + 2 * scale + 0.5));
    const raw = Array.from({ length: last - first }, (_, k) =>
      cubic(Math.abs((first + k + 0.5 - centre) / scale)),
    );
    const total = raw.reduce((sum, value) => sum + value, 0);
    return { first, weights: raw.map((value) => value / total) };
  });
}
