// What a call of the Python tool may have done. A report counts calls by these, so the words are few and their order is fixed.

export const CODE_CATEGORIES = [
  /** A part of a picture: `crop`, slices of an array of pixels, limits of axes that show a picture. */
  "crop",
  /** A picture, or a part of one, made larger. */
  "zoom",
  /** For seeing better: contrast, sharpness, brightness, equalising, inverting, one channel or another colour space shown. */
  "enhance",
  /** Blur, edges, thresholds, convolution, morphology, the difference of two pictures shown. */
  "filter",
  /** Finding things: masks by colour, connected components, contours, clusters, lines and circles, template matches. */
  "segment",
  /** Numbers out of pixels: counts, areas, positions, means, histograms, the colour of a pixel. */
  "measure",
  /** Lines, boxes, text, markers or a grid put on a picture. */
  "draw",
  /** Rotated, flipped, warped, or put together from pieces. */
  "transform",
  /** Frames chosen from a video, or its length and rate read. */
  "sampleFrames",
  /** Pictures shown as they are: only where nothing above was done in the call, since almost every call shows something. */
  "show",
  /** Arithmetic and loops without pixels, only where nothing above was done; solvers such as sympy always. */
  "compute",
  /** Nothing of all that, e.g. the size of a picture printed. */
  "other",
] as const;

export type CodeCategory = (typeof CODE_CATEGORIES)[number];
