// Text of a model, of Python or of a server on its way to a terminal: nothing in it may move the cursor, change colours,
// turn the direction of writing or ask the terminal for anything.
import { stripVTControlCharacters } from "node:util";

/** Whole text: escape sequences go as a whole, then every control character but line ends and tabs. */
export function plainText(text: string): string {
  return withoutControls(stripVTControlCharacters(text.replace(/\r\n/g, "\n")));
}

/** A piece of text that goes on: an escape sequence may be cut in two, so only the characters that make it one go. */
export function withoutControls(piece: string): string {
  return piece.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "");
}
