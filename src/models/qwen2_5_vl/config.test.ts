import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { headDim, parseConfig, toHfConfig, visionHeadDim } from "./config.ts";
import { smallConfigJson } from "./testFixtures.ts";

test("the flat layout is read, with Transformers' defaults for what published files leave out", () => {
  const config = parseConfig(smallConfigJson());
  assert.equal(headDim(config), 16);
  assert.equal(visionHeadDim(config), 16);
  assert.deepEqual(config.mropeSection, [2, 3, 3]);
  assert.equal(config.padTokenId, 276); // none given: the bos token, as Qwen pads with <|endoftext|>
  assert.equal(config.vision.inChannels, 3); // from in_chans
  assert.deepEqual(config.vision.fullAttentionBlocks, [1]);
});

test("the nested layout gives the same configuration", () => {
  const {
    vision_config,
    image_token_id,
    video_token_id,
    vision_start_token_id,
    vision_end_token_id,
    rope_theta,
    ...text
  } = smallConfigJson();
  const { rope_scaling, architectures, model_type, ...textFields } = text;
  const rope = { rope_type: "default", mrope_section: [2, 3, 3], rope_theta };
  const nested = {
    architectures,
    model_type,
    image_token_id,
    video_token_id,
    vision_start_token_id,
    vision_end_token_id,
    vision_config,
    text_config: { ...textFields, rope_parameters: rope },
  };
  assert.ok(rope_scaling);
  assert.deepEqual(parseConfig(nested), parseConfig(smallConfigJson()));
});

test("what is written is read back as the same", () => {
  const config = { ...parseConfig(smallConfigJson()), padTokenId: 300, ropeTheta: 12345 };
  assert.deepEqual(parseConfig(JSON.parse(JSON.stringify(toHfConfig(config)))), config);
});

const contradictions: readonly [what: string, change: Record<string, unknown>, message: RegExp][] = [
  [
    "sections",
    { rope_scaling: { type: "mrope", mrope_section: [2, 3, 4] } },
    /sums to 9.*half the head dimension is 8/,
  ],
  ["two sections", { rope_scaling: { type: "mrope", mrope_section: [4, 4] } }, /3 numbers/],
  ["yarn", { rope_scaling: { type: "yarn", mrope_section: [2, 3, 3] } }, /rope type.*"yarn"/],
  [
    "kv heads",
    { num_key_value_heads: 3 },
    /num_attention_heads \(4\) must be a multiple of num_key_value_heads \(3\)/,
  ],
  ["heads", { num_attention_heads: 5 }, /hidden_size must be a multiple/],
  ["missing", { hidden_size: undefined }, /hidden_size must be a finite number, got nothing/],
  ["zero", { num_hidden_layers: 0 }, /num_hidden_layers must be an integer >= 1, got 0/],
  ["token id", { image_token_id: 320 }, /image_token_id \(320\) must be smaller than vocab_size \(320\)/],
  ["other model", { model_type: "qwen2_vl" }, /model_type must be "qwen2_5_vl", got "qwen2_vl"/],
  ["activation", { hidden_act: "gelu" }, /hidden_act must be "silu", got "gelu"/],
  [
    "widths",
    { vision_config: { ...(smallConfigJson()["vision_config"] as object), out_hidden_size: 65 } },
    /out_hidden_size \(65\)/,
  ],
  [
    "block",
    { vision_config: { ...(smallConfigJson()["vision_config"] as object), fullatt_block_indexes: [2] } },
    /holds 2, but depth is 2/,
  ],
];
for (const [what, change, message] of contradictions)
  test(`a config that cannot work is refused: ${what}`, () => {
    assert.throws(
      () => parseConfig({ ...smallConfigJson(), ...change }, "dir/config.json"),
      (error) =>
        error instanceof DataError &&
        error.message.startsWith("dir/config.json") &&
        message.test(error.message),
    );
  });
