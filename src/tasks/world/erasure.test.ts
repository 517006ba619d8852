// The proof behind the whole world: what a question asks about cannot be read from the policy's first view, and can
// be read from a crop. Every alternative content of the places is rendered on the same ground and compared.
import { test } from "node:test";
import assert from "node:assert/strict";
import { resizeBicubic } from "../../models/qwen2_5_vl/resize.ts";
import { addBead } from "./bead.ts";
import { renderScene } from "./render.ts";
import type { Scene } from "./scene.ts";
import { COLOURS, PLACE_BOXES } from "./vocabulary.ts";
import type { Colour } from "./vocabulary.ts";
import { createWorld } from "./world.ts";

test("no alternative bead changes the first view by more than 4 levels, less than the ground varies there", () => {
  let worst = 0;
  for (const kind of ["look", "search", "compare", "count"] as const) {
    const { scene } = createWorld({ seed: 11, split: "train", weights: { [kind]: 1 } }).at(0);
    const empty = firstView(withBeads(scene, undefined));
    for (const colour of COLOURS) {
      const view = firstView(withBeads(scene, colour));
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

function firstView(scene: Scene): Uint8Array {
  return resizeBicubic(renderScene(scene), 112, 84).data;
}

function standardDeviationOfSteps(view: Uint8Array): number {
  let sum = 0;
  for (let i = 3; i < view.length; i++) sum += ((view[i] as number) - (view[i - 3] as number)) ** 2;
  return Math.sqrt(sum / view.length);
}
