// Learning a byte-level BPE vocabulary from texts: count pairs inside pieces, merge the most frequent, repeat. Ties go to
// the pair of smaller ids, so a vocabulary is a function of the texts alone, not of their order.
import { ConfigError } from "../../core/errors.ts";
import { ByteLevelBpe, byteToChar, byteTokens } from "./byteLevelBpe.ts";
import { pretokenize } from "./pretokenize.ts";
import { Tokenizer } from "./tokenizer.ts";

/** Control tokens of Qwen2.5-VL in the order of their ids. */
export const qwenSpecialTokens = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|object_ref_start|>",
  "<|object_ref_end|>",
  "<|box_start|>",
  "<|box_end|>",
  "<|quad_start|>",
  "<|quad_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
  "<|vision_pad|>",
  "<|image_pad|>",
  "<|video_pad|>",
] as const;

/** A distinct piece of text, as the tokens it consists of so far. */
interface Word {
  ids: number[];
  readonly count: number;
}

interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  readonly words: Set<Word>;
}

/**
 * A tokenizer of `vocabSize` tokens: 256 bytes, learnt merges, the special tokens last. Fewer merges are learnt when no
 * pair occurs at least `minCount` times any more.
 * @throws ConfigError when `vocabSize` has no room for bytes and special tokens.
 */
export function trainTokenizer(texts: Iterable<string>, vocabSize: number, minCount = 2): Tokenizer {
  const smallest = 256 + qwenSpecialTokens.length;
  if (!Number.isInteger(vocabSize) || vocabSize < smallest)
    throw new ConfigError(
      `vocabSize must be an integer of at least ${smallest} (bytes and special tokens), got ${vocabSize}`,
    );
  const tokens = byteTokens();
  const byteIds = byteToChar.map((char) => tokens.indexOf(char));
  const pairs = new PairTable(countWords(texts, byteIds), vocabSize);
  const merges: [string, string][] = [];
  while (tokens.length < vocabSize - qwenSpecialTokens.length) {
    const best = pairs.best();
    if (best === undefined || best.count < minCount) break;
    const merge: [string, string] = [tokens[best.left] as string, tokens[best.right] as string];
    merges.push(merge);
    // Two different pairs can spell the same token ("a"+"bc" and "ab"+"c"); it keeps its first id.
    const known = tokens.indexOf(merge.join(""));
    pairs.merge(best, known >= 0 ? known : tokens.push(merge.join("")) - 1);
  }
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  const added = qwenSpecialTokens.map((content, i) => ({ id: tokens.length + i, content, special: true }));
  return new Tokenizer(new ByteLevelBpe(vocab, merges), added);
}

function countWords(texts: Iterable<string>, byteIds: readonly number[]): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const piece of pretokenize(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return [...counts].map(([piece, count]) => ({
    ids: Array.from(Buffer.from(piece, "utf8"), (byte) => byteIds[byte] as number),
    count,
  }));
}

/** Counts of adjacent pairs, kept current as words are merged. */
class PairTable {
  readonly #pairs = new Map<number, Pair>();
  readonly #stride: number;

  constructor(words: readonly Word[], stride: number) {
    this.#stride = stride;
    for (const word of words) this.#add(word, 1);
  }

  best(): Pair | undefined {
    let best: Pair | undefined;
    for (const pair of this.#pairs.values()) if (best === undefined || better(pair, best)) best = pair;
    return best;
  }

  merge({ left, right, words }: Pair, id: number): void {
    for (const word of [...words]) {
      this.#add(word, -1);
      const merged: number[] = [];
      for (let i = 0; i < word.ids.length; i++) {
        const here = word.ids[i] as number;
        if (here === left && word.ids[i + 1] === right) {
          merged.push(id);
          i++;
        } else merged.push(here);
      }
      word.ids = merged;
      this.#add(word, 1);
    }
  }

  /** Adds the pairs of a word to the counts, or takes them away. */
  #add(word: Word, sign: 1 | -1): void {
    for (let i = 0; i + 1 < word.ids.length; i++) {
      const left = word.ids[i] as number;
      const right = word.ids[i + 1] as number;
      const key = left * this.#stride + right;
      let pair = this.#pairs.get(key);
      if (pair === undefined) this.#pairs.set(key, (pair = { left, right, count: 0, words: new Set() }));
      pair.count += sign * word.count;
      if (sign > 0) pair.words.add(word);
      else pair.words.delete(word);
      if (pair.count === 0) this.#pairs.delete(key);
    }
  }
}

function better(a: Pair, b: Pair): boolean {
  return (
    a.count > b.count ||
    (a.count === b.count && (a.left < b.left || (a.left === b.left && a.right < b.right)))
  );
}
