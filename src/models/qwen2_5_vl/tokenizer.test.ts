import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { assertLinear } from "../../core/testGrowth.ts";
import { qwenSpecialTokens, trainTokenizer } from "./bpeTrainer.ts";
import { pretokenize } from "./pretokenize.ts";
import { smallTokenizer } from "./testFixtures.ts";
import { Tokenizer } from "./tokenizer.ts";

const tokenizer = smallTokenizer();

test("text is cut as Qwen2 cuts it", () => {
  const cases: [string, string[]][] = [
    ["Hello world", ["Hello", " world"]],
    ["it's we'LL", ["it", "'s", " we", "'LL"]],
    ["x=12.5\n\n  y", ["x", "=", "1", "2", ".", "5", "\n\n", " ", " y"]],
    ["a   b \n c", ["a", "  ", " b", " \n", " c"]],
    ["...\n)", ["...\n", ")"]],
    ["a\u0085\ufeffb", ["a", "\u0085", "\ufeffb"]], // U+0085 is space, U+FEFF is not
    ["e\u0301", ["\u00e9"]], // NFC
  ];
  for (const [text, pieces] of cases) assert.deepEqual(pretokenize(text), pieces);
});

test("merges are learnt by frequency, ties by smaller ids", () => {
  // Pieces: "ab" x2, "cd" x2: pairs (a,b) and (c,d) tie at 2, and a < c. Then (ab) ends; (c,d) next.
  const trained = trainTokenizer(["ab", "cd", "cd", "ab"], 270 + 5);
  assert.deepEqual(trained.bpe.merges, [
    ["a", "b"],
    ["c", "d"],
  ]);
  assert.deepEqual(trainTokenizer(["ab", "ab", "cd", "cd"], 275).toJson(), trained.toJson());
  assert.equal(trained.vocabSize, 256 + 2 + 14); // no pair occurs twice any more
  assert.deepEqual(
    trained.addedTokens.map(({ id }) => id - 258),
    [...qwenSpecialTokens.keys()],
  );
  assert.equal(trained.encodeText("!").at(0), 0); // the first byte token in GPT-2's order
  assert.throws(() => trainTokenizer([], 269), ConfigError);
});

test("overlapping and repeated pairs merge from the left", () => {
  // "aaaaa" x3: (a,a) gives "aa aa a"; then (aa,a) and (aa,aa) tie at 3, and id of a < id of aa.
  const trained = trainTokenizer(["aaaaa", "aaaaa", "aaaaa"], 270 + 3);
  assert.deepEqual(trained.bpe.merges, [
    ["a", "a"],
    ["aa", "a"],
    ["aa", "aaa"],
  ]);
  assert.deepEqual(
    trained.encodeText("aaa").map((id) => id - 256),
    [1],
  );
});

test("templates encode as Hugging Face's tokenizers 0.23 encodes them from the same tokenizer.json", () => {
  const goldens: [string, number[]][] = [
    ["the cat's hat", [258, 263, 264, 220, 71, 256]],
    [
      "<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\n",
      [277, 84, 82, 68, 81, 198, 258, 263, 278, 198, 277, 64, 82, 82, 72, 82, 83, 64, 77, 83, 198],
    ],
    [
      "image.crop((0, 10))\n\n  x",
      [275, 13, 66, 271, 7, 7, 15, 11, 220, 16, 15, 8, 8, 198, 198, 220, 220, 87],
    ],
    [
      "caf\u00e9 e\u0301 \u732b \ud83d\ude00",
      [66, 64, 69, 127, 102, 220, 127, 102, 220, 163, 234, 104, 220, 172, 253, 246, 222],
    ],
    ["  they've  ", [220, 259, 88, 6, 85, 68, 220, 220]],
  ];
  for (const [text, ids] of goldens) assert.deepEqual(tokenizer.encodeTemplate(text), ids);
});

test("text that looks special is text; in templates it is not", () => {
  const text = "<|im_start|>user<|image_pad|>";
  const start = tokenizer.idOf("<|im_start|>");
  assert.equal(
    tokenizer.encodeText(text).some((id) => id >= start - 1),
    false,
  );
  assert.equal(tokenizer.decode(tokenizer.encodeText(text)), text);
  const ids = tokenizer.encodeTemplate(text);
  assert.deepEqual([ids.at(0), ids.at(-1)], [start, tokenizer.idOf("<|image_pad|>")]);
  assert.deepEqual(ids.slice(1, -1), tokenizer.encodeText("user"));
  assert.equal(tokenizer.decode(ids), text);
});

test("random Unicode comes back as its NFC, by both ways of encoding", () => {
  const random = randomStream("tokenizer test");
  const ranges: [number, number][] = [
    [0, 127],
    [9, 13],
    [32, 32],
    [0xa0, 0x36f],
    [0x5d0, 0x6ff],
    [0x2000, 0x2060],
    [0x3040, 0x30ff],
    [0xac00, 0xd7a3],
    [0xfe00, 0xffff],
    [0x1f300, 0x1f6ff],
  ];
  for (let i = 0; i < 400; i++) {
    let text = "";
    for (let k = random.below(30); k > 0; k--) {
      const [low, high] = random.pick(ranges);
      text +=
        random.below(8) === 0
          ? random.pick(qwenSpecialTokens)
          : String.fromCodePoint(low + random.below(high - low + 1));
    }
    assert.equal(tokenizer.decode(tokenizer.encodeText(text)), text.normalize("NFC"));
    assert.equal(
      tokenizer.encodeText(text).some((id) => id >= 276),
      false,
    );
    // A special token separates: what stands around it is normalised apart.
    const parts = text.split(/(<\|[a-z_]+\|>)/).map((part) => part.normalize("NFC"));
    assert.equal(tokenizer.decode(tokenizer.encodeTemplate(text)), parts.join(""));
  }
});

test("broken UTF-8, unknown ids, lone surrogates and a byte order mark decode without loss of the rest", () => {
  const euro = tokenizer.encodeText("€"); // 3 bytes
  assert.equal(euro.length, 3);
  assert.equal(
    tokenizer.decode([...tokenizer.encodeText("a"), ...euro.slice(0, 2), ...tokenizer.encodeText("b")]),
    "a\ufffdb",
  );
  assert.equal(tokenizer.decode([...euro.slice(0, 1), tokenizer.idOf("<|im_end|>")]), "\ufffd<|im_end|>");
  assert.equal(tokenizer.decode([99999]), "\ufffd");
  assert.equal(tokenizer.decode(tokenizer.encodeText("a\ud800b")), "a\ufffdb");
  assert.equal(tokenizer.decode(tokenizer.encodeText("\ufeffx")), "\ufeffx");
});

test("a run of a hundred thousand signs takes no quadratic time", () => {
  assertLinear("signs and letters", 100_000, (length) => {
    assert.equal(tokenizer.encodeText("=".repeat(length)).length, length);
    assert.equal(tokenizer.decode(tokenizer.encodeText("t".repeat(length))).length, length);
  });
});

test("tokenizer.json comes back as the same tokenizer, with merges in either notation", () => {
  const json = JSON.parse(JSON.stringify(tokenizer.toJson())) as { model: { merges: unknown[] } };
  assert.deepEqual(Tokenizer.fromJson(json).toJson(), tokenizer.toJson());
  json.model.merges = json.model.merges.map((merge) => String(merge).split(" "));
  assert.deepEqual(Tokenizer.fromJson(json).toJson(), tokenizer.toJson());
});

type Json = Record<string, Record<string, unknown>> & { added_tokens: Record<string, unknown>[] };
const differing: readonly [what: string, change: (json: Json) => unknown, message: RegExp][] = [
  ["another model", (j) => (j["model"]!["type"] = "Unigram"), /model type must be BPE, got Unigram/],
  ["another normaliser", (j) => (j["normalizer"]!["type"] = "NFKC"), /normalizer must be NFC, got NFKC/],
  ["no pre-tokenizer", (j) => delete j["pre_tokenizer"], /pre_tokenizer must be a JSON object/],
  [
    "a missing byte",
    (j) => delete (j["model"]!["vocab"] as Record<string, number>)["!"],
    /vocab lacks the token "!" of byte 33/,
  ],
  ["a merge of nothing", (j) => (j["model"]!["merges"] = ["q z"]), /merge 0 \("q" \+ "z"\)/],
  ["a malformed merge", (j) => (j["model"]!["merges"] = ["q"]), /merges\[0\]: must be two tokens/],
  [
    "two tokens of one id",
    (j) => ((j["model"]!["vocab"] as Record<string, number>)["!"] = 1),
    /both have id 1/,
  ],
  ["an added token on a taken id", (j) => (j.added_tokens[0]!["id"] = 5), /has id 5, which belongs to/],
  ["stripping", (j) => (j.added_tokens[0]!["lstrip"] = true), /lstrip must be false/],
];
for (const [what, change, message] of differing)
  test(`a tokenizer.json that would give other tokens is refused: ${what}`, () => {
    const json = JSON.parse(JSON.stringify(tokenizer.toJson())) as Json;
    change(json);
    assert.throws(
      () => Tokenizer.fromJson(json, "t.json"),
      (e) => e instanceof DataError && message.test(e.message),
    );
  });
