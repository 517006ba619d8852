// The words and constants of the mini world. Colours sit symmetrically around the mid-grey ground, so that the
// complement of each is as far from the clipping limits as the colour itself. Places are fixed boxes: a policy that
// is trained from scratch never learns to localise in the time we have, so code with constant boxes does it.

export const CANVAS_WIDTH = 1280;
export const CANVAS_HEIGHT = 960;

export const COLOURS = ["red", "green", "blue", "yellow", "white", "black"] as const;
export type Colour = (typeof COLOURS)[number];

/** Sign of each RGB channel's distance from the ground. */
export const COLOUR_SIGNS: Readonly<Record<Colour, readonly [r: number, g: number, b: number]>> = {
  red: [1, -1, -1],
  green: [-1, 1, -1],
  blue: [-1, -1, 1],
  yellow: [1, 1, -1],
  white: [1, 1, 1],
  black: [-1, -1, -1],
};

/** Pixel box: left and top inclusive, right and bottom exclusive (as PIL's `crop` takes it). */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

export const PLACES = ["top left", "top right", "bottom left", "bottom right"] as const;
export type Place = (typeof PLACES)[number];

export const PLACE_BOXES: Readonly<Record<Place, Box>> = {
  "top left": [304, 224, 336, 256],
  "top right": [944, 224, 976, 256],
  "bottom left": [304, 704, 336, 736],
  "bottom right": [944, 704, 976, 736],
};

/** `plain` needs no look, `look` one, `search` one to four, `compare` two, `count` one per place in use. */
export const KINDS = ["plain", "look", "search", "compare", "count"] as const;
export type Kind = (typeof KINDS)[number];
