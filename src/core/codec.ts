// What the agent and the loops need of a model family: text and images to tokens and back.
import type { RgbImage } from "./image.ts";
import type { ViewImage } from "./trajectory.ts";

/** Text and image to tokens, as the model family needs it. Pure; shared by the agent and the loops. */
export interface Codec {
  readonly imagePadId: number;
  readonly endOfTurnId: number; // <|im_end|>
  /** Plain text: strings that look like special tokens are encoded as ordinary text. */
  encodeText(text: string): number[];
  /** Trusted template text: special tokens are recognised. */
  encodeTemplate(text: string): number[];
  /** Special tokens are shown by name. */
  decode(tokens: readonly number[]): string;
  /** Resizes to the processor's grid within its pixel limits. @throws DataError for an aspect ratio above 200. */
  viewImage(image: RgbImage): ViewImage;
}
