// Qwen's tokenizer as data: the `tokenizer.json` of Hugging Face's fast tokenizers in and out, and two ways to encode.
// Plain text never yields a special token, whatever it says, so that tool output cannot forge a turn; template text
// does. Hence an own implementation: the usual libraries match special tokens in any text.
import { DataError } from "../../core/errors.ts";
import { ByteLevelBpe, tokenBytes } from "./byteLevelBpe.ts";
import { pretokenize, qwenPattern } from "./pretokenize.ts";
import { parseTokenizerJson, type AddedToken } from "./tokenizerJson.ts";

export class Tokenizer {
  readonly bpe: ByteLevelBpe;
  readonly addedTokens: readonly AddedToken[];
  /** Largest id + 1. */
  readonly vocabSize: number;
  readonly #idByContent: ReadonlyMap<string, number>;
  readonly #bytesById: (Uint8Array | undefined)[] = [];
  readonly #addedPattern: RegExp | undefined;

  constructor(bpe: ByteLevelBpe, addedTokens: readonly AddedToken[]) {
    this.bpe = bpe;
    this.addedTokens = addedTokens;
    this.#idByContent = new Map(addedTokens.map(({ content, id }) => [content, id]));
    for (const [token, id] of bpe.vocab)
      this.#bytesById[id] = tokenBytes(token) ?? Buffer.from(token, "utf8");
    for (const { content, id } of addedTokens) this.#bytesById[id] = Buffer.from(content, "utf8");
    this.vocabSize = this.#bytesById.length;
    const longestFirst = addedTokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
    if (longestFirst.length > 0)
      this.#addedPattern = new RegExp(
        longestFirst.map((s) => s.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"),
        "gu",
      );
  }

  /** @throws DataError when the content is not a byte-level BPE tokenizer with Qwen2's pre-tokenizer. */
  static fromJson(json: unknown, source = "tokenizer.json"): Tokenizer {
    const { vocab, merges, addedTokens } = parseTokenizerJson(json, source);
    return new Tokenizer(new ByteLevelBpe(vocab, merges), addedTokens);
  }

  /** Id of an added token. @throws DataError when the tokenizer has none of that name. */
  idOf(content: string): number {
    const id = this.#idByContent.get(content);
    if (id === undefined)
      throw new DataError(`the tokenizer has no added token "${content}"; use a Qwen2.5-VL tokenizer`);
    return id;
  }

  /** Plain text: nothing in it is a special token. */
  encodeText(text: string): number[] {
    const ids: number[] = [];
    for (const piece of pretokenize(text)) for (const id of this.bpe.encodePiece(piece)) ids.push(id);
    return ids;
  }

  /** Trusted text: added tokens are matched, the longest at each place. */
  encodeTemplate(text: string): number[] {
    if (this.#addedPattern === undefined) return this.encodeText(text);
    const ids: number[] = [];
    let at = 0;
    for (const match of text.matchAll(this.#addedPattern)) {
      for (const id of this.encodeText(text.slice(at, match.index))) ids.push(id);
      ids.push(this.idOf(match[0]));
      at = match.index + match[0].length;
    }
    for (const id of this.encodeText(text.slice(at))) ids.push(id);
    return ids;
  }

  /** Text of tokens, added ones by name. Broken UTF-8 and ids without a token become U+FFFD. */
  decode(ids: ArrayLike<number>): string {
    return Buffer.concat(Array.from(ids, (id) => this.tokenBytes(id))).toString("utf8");
  }

  /** UTF-8 bytes a token stands for; a caller that streams joins them before decoding. */
  tokenBytes(id: number): Uint8Array {
    return this.#bytesById[id] ?? unknownToken;
  }

  /** The content of tokenizer.json. */
  toJson(): Record<string, unknown> {
    return {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: this.addedTokens.map(({ id, content, special }) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special,
      })),
      normalizer: { type: "NFC" },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: qwenPattern }, behavior: "Isolated", invert: false },
          { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      post_processor: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: "",
        end_of_word_suffix: "",
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries(this.bpe.vocab),
        merges: this.bpe.merges.map(([left, right]) => `${left} ${right}`),
      },
    };
  }
}

const unknownToken = Buffer.from("\ufffd", "utf8");
