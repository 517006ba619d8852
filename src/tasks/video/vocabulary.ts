// The sizes and kinds of the mini world of video. A frame is as large as a figure of the miniature policy, so that a frame
// in the context and a frame shown by code are the same picture and cost the same 9 tokens.

/** Side of a frame in px. */
export const FRAME_SIZE = 84;
/** Frames a second. */
export const FPS = 4;

/** The first second a disc may show up: every second that is spoken of has two digits, and frame 0 shows none. */
export const FIRST_SECOND = 10;
/** Length of a clip in s, bounds included. */
export const SHORTEST_CLIP = 60;
export const LONGEST_CLIP = 100;

/** Numbers of discs by lot: in a clip that is to be counted, and in the others (a jump counts as two). */
export const COUNTED_DISCS = [1, 2, 3, 4, 5] as const;
export const OTHER_DISCS = [2, 3] as const;

/**
 * `at`: the colour at a second. `what`: the colour within ten seconds. `when`: the second of a colour. `order`: which of
 * two colours is first. `count`: how many discs. `where`: the place a disc jumps to.
 */
export const VIDEO_KINDS = ["at", "what", "when", "order", "count", "where"] as const;
export type VideoKind = (typeof VIDEO_KINDS)[number];

/** The category results are broken down by; no name of the image world's, so that both can be trained in one run. */
export type VideoTaskKind = `video-${VideoKind}`;
