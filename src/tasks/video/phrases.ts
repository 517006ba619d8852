// Every sentence and program of the mini world of video, in one place. Few fixed ones, so that a small policy learns them;
// what changes from clip to clip are seconds of two digits, which it copies from the question or from what a program
// printed.
import { codeBlock } from "../world/phrases.ts";
import type { Colour } from "../world/vocabulary.ts";
import type { Clip } from "./clip.ts";
import { FPS } from "./vocabulary.ts";

export function questionOf({ question }: Clip): string {
  switch (question.kind) {
    case "at":
      return `What colour is the disc at second ${question.second}?`;
    case "what":
      return `What colour is the disc between second ${question.from} and ${question.to}?`;
    case "when":
      return `At which second does the ${question.colour} disc show up?`;
    case "order":
      return `Which disc is first, ${question.colours.join(" or ")}?`;
    case "count":
      return "How many discs show up?";
    case "where":
      return "Where does the disc go?";
  }
}

/** Shows one frame without watching anything else. */
export function frameCode(second: number, videoName = "video_clue_0"): string {
  return `plt.imshow(${videoName}[${FPS}*${second}])\nplt.show()`;
}

/**
 * Watches the whole clip, a frame a second, and prints the seconds that differ from the first one. Not one visual token is
 * spent. Later cells have the frames as `b` and the seconds as `s`.
 */
export function watchCode(videoName = "video_clue_0"): string {
  return (
    `v=${videoName}\nb=v.get_batch(range(0,len(v),${FPS}))\n` +
    `s=np.flatnonzero((b!=b[0]).any((1,2,3)))\nprint(s)`
  );
}

/** Shows a frame of a clip that was watched. */
export function showCode(second: number): string {
  return `plt.imshow(b[${second}])\nplt.show()`;
}

/** Prints how many seconds differ from the first one. */
export const COUNT_CODE = "print(len(s))";

/** Prints in which half of the frame, from above and from the left, a second differs from the first one. */
export function findCode(second: number): string {
  return `print(np.argwhere(b[${second}]!=b[0]).mean(0)//42)`;
}

export function frameTurn(second: number): string {
  return `Look ${second}.${codeBlock(frameCode(second))}`;
}

export function watchTurn(): string {
  return `Watch.${codeBlock(watchCode())}`;
}

export function showTurn(second: number): string {
  return `Look ${second}.${codeBlock(showCode(second))}`;
}

/** What a frame shows. */
export function frameCaption(colour: Colour | undefined): string {
  return colour === undefined ? "Empty." : `I see ${colour}.`;
}
