// Every sentence of the mini world, in one place: the questions people ask and the terse words in which the teacher
// thinks. Few fixed phrases, so that a small policy learns them and each look is followed by a caption of what it
// showed (dense supervision of the eye).
import type { Scene } from "./scene.ts";
import { PLACE_BOXES } from "./vocabulary.ts";
import type { Colour, Place } from "./vocabulary.ts";

export function questionOf(scene: Scene): string {
  switch (scene.kind) {
    case "plain":
      return "What colour is the large disc?";
    case "look":
      return `What colour is the bead at the ${scene.asked[0]}?`;
    case "search":
      return "One place has a bead. What colour is it?";
    case "compare":
      return `Are the beads at the ${scene.asked[0]} and ${scene.asked[1]} the same colour?`;
    case "count":
      return "How many places have a bead?";
  }
}

/** Stands in every turn whose cell shows a place (and not in one that fails on purpose). */
export const FIGURE_CALL = "imshow(image_clue_0.";

/** The cell that shows one place. `plt` and the picture are there already in every session. */
export function lookCode(place: Place, imageName = "image_clue_0"): string {
  return `plt.imshow(${imageName}.crop((${PLACE_BOXES[place].join(",")})))\nplt.show()`;
}

export function codeBlock(code: string): string {
  return `<code>\n\`\`\`python\n${code}\n\`\`\`\n</code>`;
}

export function answerBlock(answer: string): string {
  return `<answer>\\boxed{${answer}}</answer>`;
}

/** One turn that looks at a place. */
export function lookTurn(place: Place): string {
  return `Look ${place}.${codeBlock(lookCode(place))}`;
}

/** What a crop shows. */
export function cropCaption(bead: Colour | undefined): string {
  return bead === undefined ? "Empty." : `I see ${bead}.`;
}

/** What the first view shows when there is a large disc. */
export function discCaption(colour: Colour): string {
  return `The disc is ${colour}.`;
}
