// A codec for models whose tokenizer we do not have, so that the agent's loop runs over chat messages as it is. Its
// "tokens" are stretches of UTF-8 text, at most six bytes packed into one number, beside one number for each mark of ChatML;
// so any sequence can be read back without a table, and texts that look like marks never become one.
//
// How many tokens a text takes is an estimate for text that we write (four bytes a token, digits one by one, about what
// current tokenizers of 100K words and more need) and the server's own count for its replies, which are cut into as many
// stretches. Limits in tokens therefore mean what they mean for other engines.
import type { Codec } from "../../core/codec.ts";
import { type PixelLimits, referenceLimits, viewImage } from "../../models/qwen2_5_vl/imageProcessor.ts";

/** Marks of ChatML and of images that the agent's scaffolding is made of. */
export const MARKS = [
  "<|image_pad|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
] as const;

export type Mark = (typeof MARKS)[number];

/** The lowest three bits: a number of bytes, or this for a mark or a run of spaces. */
const OTHER = 7;
const MOST_BYTES = 6;
const RUN_BASE = 16;
const SHORTEST_RUN = MOST_BYTES + 1;

const markId = (mark: Mark): number => MARKS.indexOf(mark) * 8 + OTHER;
const MARK_PATTERN = new RegExp(MARKS.map((mark) => mark.replaceAll("|", "\\|")).join("|"), "g");

/** @param limits of the image processor, from which visual tokens are counted; default those of the method's runs */
export function chatCodec(limits: PixelLimits = referenceLimits): Codec {
  return {
    imagePadId: markId("<|image_pad|>"),
    endOfTurnId: markId("<|im_end|>"),
    encodeText,
    encodeTemplate: (text) => {
      const tokens: number[] = [];
      let at = 0;
      for (const match of text.matchAll(MARK_PATTERN)) {
        for (const token of encodeText(text.slice(at, match.index))) tokens.push(token);
        tokens.push(markId(match[0] as Mark));
        at = match.index + match[0].length;
      }
      for (const token of encodeText(text.slice(at))) tokens.push(token);
      return tokens;
    },
    decode: (tokens) => Buffer.concat(tokens.map(bytesOf)).toString("utf8"),
    viewImage: (image) => viewImage(image, limits),
  };
}

/** Whole characters, at most four bytes a token; a digit is one of its own. */
function encodeText(text: string): number[] {
  const tokens: number[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length > 0) tokens.push(pack(bytes));
    bytes = [];
  };
  for (const char of text) {
    const more = Buffer.from(char, "utf8");
    const digit = char >= "0" && char <= "9";
    if (digit || bytes.length + more.length > 4) flush();
    bytes.push(...more);
    if (digit) flush();
  }
  flush();
  return tokens;
}

/**
 * A reply of the server as tokens: as many as the server counted, where that is known and fits its text, else as the
 * estimate, and never more than `most`.
 * @param count as the server counted; undefined where it did not
 * @returns `whole` is false when even the closest packing needs more than `most`: then its end is missing
 */
export function encodeReply(
  text: string,
  count: number | undefined,
  most: number,
): { readonly tokens: number[]; readonly whole: boolean } {
  const bytes = Buffer.from(text, "utf8");
  if (count !== undefined && count <= most && count * MOST_BYTES >= bytes.length && count > 0) {
    const cut = (i: number): number => Math.round((i * bytes.length) / count);
    const even = Array.from({ length: count }, (_, i) => bytes.subarray(cut(i), cut(i + 1)));
    if (even.every((stretch) => stretch.length <= MOST_BYTES))
      return { tokens: even.map((stretch) => pack([...stretch])), whole: true };
  }
  const estimate = encodeText(text);
  if (estimate.length <= Math.min(count ?? most, most)) return { tokens: estimate, whole: true };
  const closest = encodeClosely(bytes);
  return closest.length <= most
    ? { tokens: closest, whole: true }
    : { tokens: closest.slice(0, most), whole: false };
}

/** As few tokens as can be: six bytes each, and one for a run of spaces. */
function encodeClosely(bytes: Uint8Array): number[] {
  const tokens: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const spaces = runOfSpaces(bytes, at);
    if (spaces >= SHORTEST_RUN) {
      tokens.push((RUN_BASE + spaces) * 8 + OTHER);
      at += spaces;
      continue;
    }
    let end = at + 1;
    while (end < bytes.length && end - at < MOST_BYTES && runOfSpaces(bytes, end) < SHORTEST_RUN) end++;
    tokens.push(pack([...bytes.subarray(at, end)]));
    at = end;
  }
  return tokens;
}

function runOfSpaces(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] === 0x20) end++;
  return end - at;
}

/** Below 2^51, so exact as a number. No bytes are 0, a token without text. */
function pack(bytes: readonly number[]): number {
  return bytes.reduce((n, byte) => n * 256 + byte, 0) * 8 + bytes.length;
}

function bytesOf(token: number): Buffer {
  const kind = token % 8;
  let rest = Math.floor(token / 8);
  if (kind === OTHER)
    return rest < RUN_BASE ? Buffer.from(MARKS[rest] ?? "�") : Buffer.alloc(rest - RUN_BASE, 0x20);
  const bytes = Buffer.alloc(kind);
  for (let i = kind - 1; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}
