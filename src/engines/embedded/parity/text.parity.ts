// Tokenizer and chat template against Transformers, which reads both from an exported checkpoint: ids of a varied corpus,
// conversations character for character, and a whole prompt with pictures.
import assert from "node:assert/strict";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { Template } from "@huggingface/jinja";
import { randomStream } from "../../../core/random.ts";
import { trainTokenizer } from "../../../models/qwen2_5_vl/bpeTrainer.ts";
import { qwenChatTemplate } from "../../../models/qwen2_5_vl/chatTemplate.ts";
import { createCodec } from "../../../models/qwen2_5_vl/codec.ts";
import { parseConfig } from "../../../models/qwen2_5_vl/config.ts";
import { exportToTransformers } from "../../../models/qwen2_5_vl/export.ts";
import { loadProcessor } from "../../../models/qwen2_5_vl/processor.ts";
import { hashImage, smallConfigJson } from "../../../models/qwen2_5_vl/testFixtures.ts";
import { EmbeddedEngine } from "../embeddedEngine.ts";
import { LIMITS } from "./cases.ts";
import { jobFolder, runReference, writePicture, type Job } from "./harness.ts";

/** Scripts, combining marks that NFC joins, emoji, white space of all kinds, numbers, code, control tokens. */
const CORPUS: readonly string[] = [
  "The quick brown fox doesn't jump; it's 3.14159 metres, they'LL say.",
  "  leading,\ttabs\t\tand   runs  \n\n\n of \r\n line ends \r",
  "Zoe\u0308 ate a cafe\u0301; e\u0323\u0302 and \u1ec7 are one, A\u030a is \u00c5, \u212b too",
  "한국어 한글 日本語のテキスト 中文字符，标点。 ไทย العربية עברית हिन्दी ελληνικά кириллица",
  "😀👩‍👩‍👧‍👦🏳️‍🌈 ❤️ \ud83c\udde9\ud83c\uddea ½ ² ¾ Ⅷ ١٢٣ ⒈ ﬁ ﬃ",
  "\u00a0no-break\u2003em\u200bzero\u200djoin\ufeffbom\u2028line\u2029paragraph\u0085next\u000bvt\u000cff",
  "def f(x):\n    return [i ** 2 for i in range(10) if i % 2 == 0]  # 0x7fff\n\n\tif __name__ == '__main__':",
  "<|im_start|>user\nhello<|im_end|>\n<|vision_start|><|image_pad|><|vision_end|><|endoftext|>",
  "<code>\n```python\nplt.imshow(image_clue_0)\nplt.show()\n```\n</code><answer>\\boxed{red}</answer>",
  "\u0000\u0001\u001f\u007f\ufffd\uffff \u{10ffff} \u{1d49c}",
  "İstanbul ǅ ß ẞ ŉ Ω Ω K K ſ don'T 'S 'ſ",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!!!!!!!!!!!!!!!!!!!????",
  "",
  " ",
  "\n",
];

/** Random strings over ranges of Unicode where the pattern's classes meet. */
function randomTexts(count: number): string[] {
  const random = randomStream("parity corpus");
  const ranges = [[0x20, 0x7e], [0x9, 0xd], [0xa0, 0x24f], [0x300, 0x36f], [0x370, 0x6ff], [0x900, 0x97f], [0x1100, 0x11ff], [0x2000, 0x206f], [0x2150, 0x218f], [0x3040, 0x30ff], [0xac00, 0xad00], [0x1f300, 0x1f64f]] as const; // prettier-ignore
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.below(60) }, () => {
      const [low, high] = ranges[random.below(ranges.length)] as readonly [number, number];
      return String.fromCodePoint(low + random.below(high - low + 1));
    }).join(""),
  );
}

const IMAGE = { type: "image" } as const;
const text = (words: string) => ({ type: "text", text: words }) as const;
const CONVERSATIONS = [
  [{ role: "user", content: "No system message,\nplain content." }],
  [
    { role: "system", content: "You look closely." },
    { role: "user", content: [text("image_clue_0: "), IMAGE, text("\n\nWhich colour is {it}?")] },
    { role: "assistant", content: [text("<code>\n```python\nprint(1)\n```\n</code>")] },
    { role: "user", content: [text("<tool_response>1\n"), IMAGE, IMAGE, text("</tool_response>")] },
    { role: "assistant", content: "<answer>\\boxed{ré\u0301d 😀}</answer>" },
  ],
  [
    { role: "system", content: [text("A list "), text("of parts.")] },
    { role: "user", content: [{ type: "video" }, text(" moving "), IMAGE, text("  trailing \n")] },
    { role: "assistant", content: "" },
    { role: "user", content: [] },
  ],
  [
    { role: "system", content: "s" },
    { role: "user", content: [IMAGE, text("a < b && c > \"d\" & 'e'"), IMAGE] },
  ],
];

interface TextResult {
  readonly ids: Readonly<Record<"auto" | "fast" | "tokenizers", readonly (readonly number[])[]>>;
  readonly decoded: Readonly<Record<"auto" | "fast", readonly string[]>>;
  readonly classes: Readonly<Record<string, string>>;
  readonly rendered: readonly string[];
  readonly inputIds: readonly number[];
  readonly grids: readonly (readonly number[])[];
}

test("text is written and tokenised as Transformers does", async (t) => {
  const dir = await jobFolder(t);
  const guides = await Promise.all(
    ["README.md", "src/models/qwen2_5_vl/tokenizer.ts"].map((path) => readFile(path, "utf8")),
  );
  const tokenizer = trainTokenizer([...guides, ...CORPUS.slice(0, 4)], 1500);
  const id = (token: string): number => tokenizer.idOf(token);
  const config = parseConfig({
    ...smallConfigJson(),
    vocab_size: 1536,
    image_token_id: id("<|image_pad|>"),
    video_token_id: id("<|video_pad|>"),
    vision_start_token_id: id("<|vision_start|>"),
    vision_end_token_id: id("<|vision_end|>"),
    bos_token_id: id("<|endoftext|>"),
    eos_token_id: id("<|im_end|>"),
  });
  const engine = await EmbeddedEngine.initialise({ config, tokenizer, limits: LIMITS }, randomStream("text"));
  await engine.saveWeights(join(dir, "checkpoint"));
  await engine.dispose();
  await exportToTransformers(join(dir, "checkpoint"), join(dir, "exported"));
  const images = [hashImage(100, 75, 1), hashImage(61, 140, 2)];
  const pictures = await Promise.all(images.map((image, i) => writePicture(dir, `picture-${i}`, image)));
  const corpus = [...CORPUS, ...randomTexts(400)];
  const job = {
    task: "text",
    exported: "exported",
    resaved: "resaved",
    corpus,
    conversations: CONVERSATIONS,
    pictures,
  };
  const result = (await runReference(dir, job as Job)) as TextResult;
  const codec = createCodec(tokenizer, LIMITS);

  await t.test("token ids of every text, and back", () => {
    let tokens = 0;
    for (const [i, words] of corpus.entries()) {
      const ids = codec.encodeTemplate(words);
      tokens += ids.length;
      for (const [name, all] of Object.entries(result.ids))
        assert.deepEqual(ids, all[i], `${name}: ${JSON.stringify(words)}`);
      for (const [name, all] of Object.entries(result.decoded))
        assert.equal(codec.decode(ids), all[i], `${name} decodes ${JSON.stringify(words)}`);
    }
    t.diagnostic(
      `${tokens} equal ids of ${corpus.length} texts, by ${Object.values(result.classes).join(", ")} and tokenizers`,
    );
  });

  await t.test("conversations, character for character", () => {
    let at = 0;
    for (const messages of CONVERSATIONS)
      for (const prompt of [false, true]) {
        const ours = new Template(qwenChatTemplate).render({ messages, add_generation_prompt: prompt });
        assert.equal(ours, result.rendered[at++]);
      }
    assert.equal(at, result.rendered.length);
  });

  await t.test("a prompt with pictures becomes the same tokens", () => {
    const views = images.map((image) => codec.viewImage(image));
    assert.deepEqual(
      views.map(({ grid }) => [...grid]),
      result.grids,
    );
    const pieces = (result.rendered.at(-1) as string).split("<|image_pad|>");
    const ids = pieces.flatMap((piece, i) => [
      ...codec.encodeTemplate(piece),
      ...Array<number>(views[i]?.tokenCount ?? 0).fill(codec.imagePadId),
    ]);
    assert.equal(pieces.length, 3);
    assert.deepEqual(ids, result.inputIds);
  });

  await t.test("the folder as Transformers saves it loads here as the same processor", async () => {
    await cp(join(dir, "exported", "config.json"), join(dir, "resaved", "config.json"));
    const loaded = await loadProcessor(join(dir, "resaved"));
    assert.deepEqual(loaded.limits, LIMITS);
    for (const words of corpus)
      assert.deepEqual(loaded.codec.encodeTemplate(words), codec.encodeTemplate(words));
  });
});
