// A fixed-width bitmap font for pictures that must explain themselves without any dependency: printable ASCII, drawn
// for this project. Each glyph is seven characters, one a row; a character's base-32 value holds five pixels, the
// leftmost in the highest bit.
import type { RgbImage } from "../../core/image.ts";

/** Pixels from one character to the next at scale 1. */
export const CHARACTER_WIDTH = 6;
const FIRST = 32;

const GLYPHS = (
  "0000000 4444404 aa00000 aavavaa 4fke5u4 pq248mj cik8lid 4400000 2488842 8422248 04lel40 044v440 " +
  "0000c48 000v000 00000cc 01248g0 ehjlphe 4c4444e eh1248v v2421he 26aiv22 vgu11he egguhhe v124444 " +
  "ehhehhe ehhf11e 0cc0cc0 0cc0c48 248g842 00v0v00 8421248 eh12404 ehnlnge ehhvhhh uhhuhhu ehggghe " +
  "uhhhhhu vgguggv vgguggg ehgnhhf hhhvhhh e44444e 72222ic hikokih ggggggv hrllhhh hplljhh ehhhhhe " +
  "uhhuggg ehhhlid uhhukih fgge11u v444444 hhhhhhe hhhhha4 hhhllrh hha4ahh hha4444 v1248gv e88888e " +
  "0g84210 e22222e 4ah0000 000000v 8420000 00e1fhf gguhhhu 00eggge 11fhhhf 00ehvge 68u8888 00fhf1e " +
  "gguhhhh 40c444e 20622ic ggikoki c44444e 00qllll 00uhhhh 00ehhhe 00uhugg 00fhf11 00mpggg 00fge1u " +
  "88u8886 00hhhhf 00hhha4 00lllla 00ha4ah 00hhf1e 00v248v 3448443 4444444 o44244o 009li00"
).split(" ");

/** Drawn for what is not printable ASCII: a hollow box. */
const UNKNOWN = "vhhhhhv";

/** Draws one line of text with its top left corner at (x, y); what falls outside the picture is left out. */
export function drawText(
  target: RgbImage,
  text: string,
  x: number,
  y: number,
  colour: readonly [r: number, g: number, b: number] = [0, 0, 0],
  scale = 1,
): void {
  [...text].forEach((character, i) => {
    const glyph = GLYPHS[(character.codePointAt(0) ?? 0) - FIRST] ?? (UNKNOWN as string);
    for (let row = 0; row < 7 * scale; row++) {
      const bits = parseInt(glyph[Math.floor(row / scale)] as string, 32);
      for (let column = 0; column < 5 * scale; column++) {
        if (((bits >> (4 - Math.floor(column / scale))) & 1) === 0) continue;
        const px = x + i * CHARACTER_WIDTH * scale + column;
        const py = y + row;
        if (px < 0 || py < 0 || px >= target.width || py >= target.height) continue;
        target.data.set(colour, (py * target.width + px) * 3);
      }
    }
  });
}
