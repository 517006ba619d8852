import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "fast-png";
import type { RgbImage } from "../../../core/image.ts";
import { randomStream } from "../../../core/random.ts";
import { encodeImage, fitToTerminal } from "./encode.ts";
import { quantise } from "./palette.ts";

function noise(width: number, height: number): RgbImage {
  const random = randomStream("noise", width, height);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.below(256)) };
}
const pixelsOf = (base64: string): Uint8Array =>
  Uint8Array.from(decode(Buffer.from(base64, "base64")).data as Uint8Array);

test("kitty: chunks of at most 4096 characters; keys with the first, m=0 with the last", () => {
  const image = noise(60, 40);
  const text = encodeImage(image, "kitty");
  const commands = [...text.matchAll(/\x1b_G([^;]*);([^\x1b]*)\x1b\\/g)];
  assert.equal(commands.map(([all]) => all).join(""), text, "nothing stands between the commands");
  assert.deepEqual(
    commands.map(([, keys]) => keys),
    ["a=T,f=100,q=2,m=1", "m=1,q=2", "m=0,q=2"],
  );
  const data = commands.map(([, , payload]) => payload ?? "");
  assert.deepEqual(
    data.slice(0, 2).map((payload) => payload.length),
    [4096, 4096],
  );
  assert.deepEqual(pixelsOf(data.join("")), image.data);
  const small = encodeImage(noise(2, 2), "kitty");
  assert.match(small, /^\x1b_Ga=T,f=100,q=2,m=0;[^\x1b]+\x1b\\$/);
});

test("iterm2: one sequence with the size of the file, a large one in parts", () => {
  const image = noise(3, 2);
  const whole =
    /^\x1b\]1337;File=inline=1;size=(\d+);width=3px;height=2px;preserveAspectRatio=1:([^\x07]+)\x07$/;
  const [, size, base64] = whole.exec(encodeImage(image, "iterm2")) ?? [];
  assert.equal(Number(size), Buffer.from(base64 ?? "", "base64").length);
  assert.deepEqual(pixelsOf(base64 ?? ""), image.data);

  const large = noise(300, 200); // noise does not compress: 180 kB, 240,000 characters
  const text = encodeImage(large, "iterm2");
  assert.match(
    text,
    /^\x1b\]1337;MultipartFile=inline=1;size=\d+;width=300px;height=200px;preserveAspectRatio=1\x07/,
  );
  assert.ok(text.endsWith("\x1b]1337;FileEnd\x07"));
  const parts = [...text.matchAll(/FilePart=([^\x07]*)\x07/g)].map(([, part]) => part ?? "");
  assert.equal(parts.length, 2);
  assert.deepEqual(pixelsOf(parts.join("")), large.data);
});

test("a picture is shrunk to the terminal, never grown", () => {
  const cell = { width: 8, height: 16 };
  const sizeOf = ({ width, height }: RgbImage) => [width, height];
  const fit = (width: number, height: number, columns: number, rows: number) =>
    sizeOf(fitToTerminal(noise(width, height), columns, rows, cell));
  assert.deepEqual(fit(84, 84, 80, 20), [84, 84]);
  assert.deepEqual(fit(1280, 100, 80, 20), [640, 50]);
  assert.deepEqual(fit(100, 640, 80, 20), [50, 320]);
  assert.deepEqual(fit(6400, 1, 80, 20), [640, 1]);
});

// What a terminal makes of sixels, from the VT330/340 manual: "?" is 0; bit 0 is the top row; $ returns to the left edge, -
// goes to the next band, !n repeats, #n selects a colour and #n;2;r;g;b in percent defines it.
function drawSixels(text: string): { raster: string; rows: string[] } {
  const [, raster = "", body = ""] = /^\x1bP0;1;0q"([\d;]+)([^\x1b]*)\x1b\\$/.exec(text) ?? [];
  const [, , width = 0, height = 0] = raster.split(";").map(Number);
  const rows = Array.from({ length: height }, () => Array.from({ length: width }, () => "."));
  const colours = new Map<number, string>();
  let [x, top, colour] = [0, 0, 0];
  for (const [, define, select, control, repeat, sixel] of body.matchAll(
    /#(\d+;2;\d+;\d+;\d+)|#(\d+)|([$-])|(?:!(\d+))?([?-~])/g,
  )) {
    if (define !== undefined) {
      const [n = 0, , r = 0, g = 0, b = 0] = define.split(";").map(Number);
      colours.set(n, `${r},${g},${b}`);
    } else if (select !== undefined) colour = Number(select);
    else if (control !== undefined) {
      x = 0;
      if (control === "-") top += 6;
    } else if (sixel !== undefined)
      for (let n = Number(repeat ?? 1); n > 0; n--, x++)
        for (let row = 0; row < 6; row++)
          if (((sixel.charCodeAt(0) - 63) >> row) & 1)
            (rows[top + row] as string[])[x] = colours.get(colour) ?? "?";
  }
  return { raster, rows: rows.map((row) => row.join(" ")) };
}

test("sixel: the very characters of a picture of two colours", () => {
  // 5 x 7: red, but for a green pixel at (1, 0) and a green last row
  const data = new Uint8Array(5 * 7 * 3);
  for (let i = 0; i < 35; i++) data[3 * i + (i === 1 || i >= 30 ? 1 : 0)] = 255;
  const text = encodeImage({ width: 5, height: 7, data }, "sixel");
  // red: all six rows are 63 + 63 = "~"; without the top one 62 + 63 = "}"; green: the top row 1 + 63 = "@"
  assert.equal(text, '\x1bP0;1;0q"1;1;5;7#0;2;0;100;0#1;2;100;0;0#0?@$#1~}~~~-#0!5@\x1b\\');
});

test("sixel: a terminal draws the quantised picture", () => {
  const image = noise(13, 20);
  const { raster, rows } = drawSixels(encodeImage(image, "sixel"));
  assert.equal(raster, "1;1;13;20");
  const { palette, indices } = quantise(image, 256);
  const names = palette.map((colour) => colour.map((value) => Math.round(value / 2.55)).join(","));
  const expected = Array.from({ length: 20 }, (_, y) =>
    [...indices.subarray(y * 13, y * 13 + 13)].map((i) => names[i]).join(" "),
  );
  assert.deepEqual(rows, expected);
});

test("few colours are kept exactly; many become means of like ones, near to what they stand for", () => {
  const flat = { width: 4, height: 1, data: Uint8Array.from([1, 2, 3, 250, 2, 3, 1, 2, 3, 1, 200, 3]) };
  const { palette, indices } = quantise(flat, 256);
  assert.deepEqual(
    [...indices].map((i) => palette[i]),
    [
      [1, 2, 3],
      [250, 2, 3],
      [1, 2, 3],
      [1, 200, 3],
    ],
  );
  // 3 of grey 0, 1 of 100, 1 of 110 in two colours: cut where half of the pixels are on either side
  const greys = { width: 5, height: 1, data: Uint8Array.from([0, 0, 0, 100, 110].flatMap((v) => [v, v, v])) };
  assert.deepEqual(quantise(greys, 2).palette, [
    [0, 0, 0],
    [105, 105, 105],
  ]);
  const ramp = {
    width: 256,
    height: 16,
    data: Uint8Array.from({ length: 4096 * 3 }, (_, i) => ((i / 3) | 0) & 255),
  };
  const coarse = quantise(ramp, 32);
  assert.equal(coarse.palette.length, 32);
  const worst = Math.max(
    ...[...coarse.indices].map((i, at) => Math.abs((coarse.palette[i]?.[0] ?? 999) - (at & 255))),
  );
  assert.ok(worst <= 8, `256 greys in 32 boxes are 8 wide: off by ${worst}`);
});
