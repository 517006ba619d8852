// Byte-level byte-pair encoding: every text is UTF-8 bytes, each byte is a token, and learnt pairs merge, lowest rank
// first, leftmost first. Tokens are written with one printable character a byte (GPT-2's alphabet), so a vocabulary is
// plain JSON. This is the part that knows neither special tokens nor how text is cut into pieces.
import { DataError } from "../../core/errors.ts";
import { MergeQueue } from "./mergeQueue.ts";

/** GPT-2's alphabet: printable Latin-1 characters stand for themselves, the other bytes for U+0100 and up. */
export const byteToChar: readonly string[] = buildAlphabet();
const charToByte: ReadonlyMap<string, number> = new Map(byteToChar.map((char, byte) => [char, byte]));

/** Bytes a token stands for, or undefined when it has a character outside the alphabet. */
export function tokenBytes(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array([...token].length);
  let at = 0;
  for (const char of token) {
    const byte = charToByte.get(char);
    if (byte === undefined) return undefined;
    bytes[at++] = byte;
  }
  return bytes;
}

/** The 256 one-byte tokens in the usual order of ids: by character. */
export function byteTokens(): string[] {
  return [...byteToChar].sort();
}

interface Merge {
  readonly rank: number;
  readonly id: number;
}

const cacheLimit = 65536;
const cachedLengthLimit = 64;

export class ByteLevelBpe {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly #byteIds: Int32Array;
  readonly #merges = new Map<number, Merge>();
  readonly #stride: number;
  readonly #cache = new Map<string, readonly number[]>();

  /** @throws DataError when a byte has no token or a merge speaks of tokens that are not in the vocabulary. */
  constructor(vocab: ReadonlyMap<string, number>, merges: readonly (readonly [string, string])[]) {
    this.vocab = vocab;
    this.merges = merges;
    let largest = 0;
    for (const id of vocab.values()) largest = Math.max(largest, id);
    this.#stride = largest + 1;
    this.#byteIds = Int32Array.from(byteToChar, (char, byte) => {
      const id = vocab.get(char);
      if (id === undefined)
        throw new DataError(`vocab lacks the token "${char}" of byte ${byte}; byte-level BPE needs all 256`);
      return id;
    });
    merges.forEach(([left, right], rank) => {
      const [a, b, id] = [vocab.get(left), vocab.get(right), vocab.get(left + right)];
      if (a === undefined || b === undefined || id === undefined)
        throw new DataError(
          `merge ${rank} ("${left}" + "${right}"): both parts and the result must be in vocab`,
        );
      if (!this.#merges.has(a * this.#stride + b)) this.#merges.set(a * this.#stride + b, { rank, id });
    });
  }

  /** Tokens of one piece of text. */
  encodePiece(piece: string): readonly number[] {
    const cached = this.#cache.get(piece);
    if (cached !== undefined) return cached;
    const ids = this.#merge(Buffer.from(piece, "utf8"));
    if (piece.length <= cachedLengthLimit) {
      if (this.#cache.size >= cacheLimit) this.#cache.clear();
      this.#cache.set(piece, ids);
    }
    return ids;
  }

  /** Merges over a linked list of tokens with a queue of candidates: n log n, so long runs cannot stall a rollout. */
  #merge(bytes: Uint8Array): number[] {
    const n = bytes.length;
    const ids = Int32Array.from(bytes, (byte) => this.#byteIds[byte] as number);
    const next = Int32Array.from(ids, (_, i) => i + 1);
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const queue = new MergeQueue();
    const offer = (left: number, right: number): void => {
      if (left < 0 || right >= n) return;
      const merge = this.#mergeOf(ids[left] as number, ids[right] as number);
      if (merge !== undefined) queue.push(merge.rank, left);
    };
    for (let i = 0; i + 1 < n; i++) offer(i, i + 1);
    for (let best = queue.pop(); best !== undefined; best = queue.pop()) {
      const left = best.position;
      const right = next[left] as number;
      if (ids[left] === -1 || right >= n) continue;
      const merge = this.#mergeOf(ids[left] as number, ids[right] as number);
      if (merge?.rank !== best.rank) continue; // an entry that an earlier merge made stale
      ids[left] = merge.id;
      ids[right] = -1;
      const after = next[right] as number;
      next[left] = after;
      if (after < n) previous[after] = left;
      offer(previous[left] as number, left);
      offer(left, after);
    }
    return [...ids.filter((id) => id !== -1)];
  }

  #mergeOf(left: number, right: number): Merge | undefined {
    return this.#merges.get(left * this.#stride + right);
  }
}

function buildAlphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let stand = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : stand++));
}
