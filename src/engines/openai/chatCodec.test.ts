import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { chatCodec, encodeReply, MARKS } from "./chatCodec.ts";

const codec = chatCodec();

test("any text comes back as it was, and never as a mark", () => {
  const alphabet = ["a", " ", "7", "\n", "é", "中", "🙂", "<|im_end|>", "        ", "\0"];
  const random = randomStream("chat codec");
  for (let i = 0; i < 200; i++) {
    const text = Array.from({ length: random.below(30) }, () => random.pick(alphabet)).join("");
    const tokens = codec.encodeText(text);
    assert.equal(codec.decode(tokens), text);
    assert.ok(tokens.every((t) => Number.isSafeInteger(t) && t >= 0 && t !== codec.endOfTurnId));
  }
});

test("a template's marks are one token each and are shown by name", () => {
  const text = "<|im_start|>user\nhi<|im_end|>\n<|vision_start|><|image_pad|><|vision_end|>";
  const tokens = codec.encodeTemplate(text);
  assert.equal(codec.decode(tokens), text);
  assert.equal(tokens.filter((t) => t === codec.endOfTurnId).length, 1);
  assert.equal(tokens.indexOf(codec.imagePadId), tokens.length - 2);
  assert.equal(new Set(MARKS.flatMap((mark) => codec.encodeTemplate(mark))).size, 5);
});

test("the estimate: four bytes a token, whole characters, each digit one", () => {
  const cut = (text: string): string[] => codec.encodeText(text).map((token) => codec.decode([token]));
  assert.deepEqual(cut("reasoning"), ["reas", "onin", "g"]);
  assert.deepEqual(cut("in 1998,"), ["in ", "1", "9", "9", "8", ","]);
  assert.deepEqual(cut("中文é"), ["中", "文", "é"]);
});

test("images take the tokens of Qwen2.5-VL: one for 28 x 28 pixels after the resize", () => {
  const view = codec.viewImage({ width: 1280, height: 960, data: new Uint8Array(1280 * 960 * 3) });
  // 1280 / 28 = 45.7 -> 46, 960 / 28 = 34.3 -> 34; 46 * 34 cells
  assert.deepEqual([view.tokenCount, view.grid, view.pixels.width], [1564, [1, 68, 92], 1288]);
  const small = chatCodec({ minPixels: 3136, maxPixels: 12_544 });
  assert.equal(
    small.viewImage({ width: 1280, height: 960, data: new Uint8Array(1280 * 960 * 3) }).tokenCount,
    12,
  );
});

test("a reply takes as many tokens as the server counted, whatever its text", () => {
  const texts = ["I look closer.\n<code>print(1)</code>", "中文中文中文", "x", "🙂🙂"];
  for (const text of texts)
    for (const count of [4, 9, 30]) {
      const bytes = Buffer.byteLength(text);
      const { tokens, whole } = encodeReply(text, count, 64);
      assert.deepEqual([codec.decode(tokens), whole], [text, true]);
      if (bytes <= 6 * count) assert.equal(tokens.length, count, `${text} ${count}`);
    }
  assert.deepEqual(encodeReply("", 0, 10), { tokens: [], whole: true });
  assert.equal(encodeReply("", 3, 10).tokens.length, 3, "hidden reasoning counts, and has no text");
});

test("without a count it is the estimate; one that does not fit is packed, then cut", () => {
  assert.deepEqual(encodeReply("reasoning", undefined, 10).tokens, codec.encodeText("reasoning"));
  const indented = `${" ".repeat(40)}return 12`; // estimated at 10 + 2 + 2 + ...; one run and two packs in fact
  assert.equal(encodeReply(indented, undefined, 3).tokens.length, 3);
  assert.equal(codec.decode(encodeReply(indented, undefined, 3).tokens), indented);
  const cut = encodeReply("abcdefghijklmnop", undefined, 2);
  assert.deepEqual([codec.decode(cut.tokens), cut.whole], ["abcdefghijkl", false]);
  assert.deepEqual(encodeReply("abcdefghij", 100, 2).tokens.length, 2, "never more than there is room for");
  const counted = encodeReply("implementation", 1, 64); // 14 bytes do not go into the one token it was for the server
  assert.deepEqual([codec.decode(counted.tokens), counted.tokens.length], ["implementation", 3]);
});
