// Honest programs: what models and people write about pictures, video and numbers. Isolation must not change what they
// print and show. Every one has its literal output; the numbers are worked out beside it or plain arithmetic.
import type { RgbImage } from "../../core/image.ts";

export interface HonestCell {
  readonly run: string;
  /** The whole output, to the letter. */
  readonly prints: string;
  /** Sizes of the figures in order, e.g. "640x480 64x48". Default none. */
  readonly figures?: string;
}

export interface HonestProgram {
  readonly name: string;
  /** Run one after another in one session that has PICTURE as image_clue_0. */
  readonly cells: readonly HonestCell[];
  /** Whether the session has the video of video.ts as video_clue_0. */
  readonly video?: boolean;
}

/** 96 x 64 pixels; the one at column x and row y is (2x, 3y, 60). */
export const PICTURE: RgbImage = {
  width: 96,
  height: 64,
  data: Uint8Array.from({ length: 96 * 64 * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 96, Math.floor(i / 288)];
    return [2 * x, 3 * y, 60][i % 3] ?? 0;
  }),
};

export function program(
  name: string,
  ...cells: readonly [run: string, prints: string, figures?: string][]
): HonestProgram {
  const made = cells.map(([run, prints, figures]) =>
    figures === undefined ? { run, prints } : { run, prints, figures },
  );
  return { name, cells: made };
}
