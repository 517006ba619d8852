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

const CONTENTS: readonly (Colour | undefined)[] = [undefined, ...COLOURS];

test("no alternative content changes the first view by more than 4 levels, less than the ground varies there", () => {
  for (const kind of ["look", "search", "compare", "count"] as const) {
    const { scene } = createWorld({ seed: 11, split: "train", weights: { [kind]: 1 } }).at(0);
    const views = CONTENTS.map((bead) => firstView(withBeads(scene, bead)));
    let worst = 0;
    for (const a of views)
      for (const b of views)
        for (let i = 0; i < a.length; i++)
          worst = Math.max(worst, Math.abs((a[i] as number) - (b[i] as number)));
    assert.ok(worst <= 4, `${kind}: a pixel changes by ${worst} levels`);
    const variation = groundVariation(views[0] as Uint8Array);
    assert.ok(variation > 4, `the ground's standard deviation in the view is ${variation} levels`);
  }
});

test("in the crop any two contents of a place differ by more than 60 levels at many pixels", () => {
  const { scene } = createWorld({ seed: 12, split: "train", weights: { look: 1 } }).at(0);
  for (const box of Object.values(PLACE_BOXES)) {
    const crops = CONTENTS.map((bead) => renderScene(withBeads(scene, bead), box).data);
    for (let a = 0; a < crops.length; a++) {
      for (let b = 0; b < a; b++) {
        let far = 0;
        for (let i = 0; i < 32 * 32; i++)
          if (
            [0, 1, 2].some((c) => Math.abs((crops[a]?.[i * 3 + c] ?? 0) - (crops[b]?.[i * 3 + c] ?? 0)) > 60)
          )
            far++;
        assert.ok(far >= 29, `${CONTENTS[a]} and ${CONTENTS[b]} differ at ${far} pixels`); // of the dot's 38
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

/** Standard deviation of the view's bytes around their mean. */
function groundVariation(view: Uint8Array): number {
  const mean = view.reduce((sum, value) => sum + value, 0) / view.length;
  return Math.sqrt(view.reduce((sum, value) => sum + (value - mean) ** 2, 0) / view.length);
}
