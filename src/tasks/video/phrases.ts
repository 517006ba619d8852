// Every sentence and program of the mini world of video, in one place. Few fixed ones, so that a small policy learns them;
// what changes from clip to clip are seconds of two digits, which it copies from the question or from what a program last
// printed.
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

/** Prints the second of a disc of a clip that was watched, counted from 0, and shows it. */
export function discCode(number: number): string {
  return `print(s[${number}])\nplt.imshow(b[s[${number}]])\nplt.show()`;
}

/** Shows the first disc of a clip that was watched from this second on. */
export function windowCode(from: number): string {
  return `plt.imshow(b[s[s>=${from}][0]])\nplt.show()`;
}

/** Prints how many seconds differ from the first one. */
export const COUNT_CODE = "print(len(s))";

/** Prints where a disc is after its jump: 2 for the lower half and 1 for the right one, that is, its number in PLACES. */
export const FIND_CODE = "print(np.argwhere(b[s[1]]!=b[0]).mean(0)//42@[2,1,0])";

/** What a frame shows. */
export function frameCaption(colour: Colour | undefined): string {
  return colour === undefined ? "Empty." : `I see ${colour}.`;
}
