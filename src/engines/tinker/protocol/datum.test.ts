// The shift by one position, literally; then datum -> wire -> datum for every dialect.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "fast-png";
import type { Datum } from "../../../core/datum.ts";
import { DataError } from "../../../core/errors.ts";
import { type Random, randomStream } from "../../../core/random.ts";
import type { ViewImage } from "../../../core/trajectory.ts";
import type { LossSpec } from "../../engine.ts";
import { chunksOf, fromWireDatum, toWireDatum } from "./datum.ts";
import { type Dialect, ProtocolError, type WireChunk, type WireDatum, type WireTensor } from "./wire.ts";

const PAD = 99;
const PPO: LossSpec = { type: "ppo", clipLow: 0.2, clipHigh: 0.3 };
const CROSS_ENTROPY: LossSpec = { type: "crossEntropy" };

/** A picture of one colour; `tokenCount` is made up, as the codec under test only counts. */
function picture(shade: number, tokenCount: number): ViewImage {
  const data = new Uint8Array(28 * 28 * 3).fill(shade);
  return { pixels: { width: 28, height: 28, data }, grid: [1, 2, 2], tokenCount };
}
const SMALL = picture(10, 1);
const LARGE = picture(20, 3);

/** Finds the picture by the colour of its first pixel. */
function seen(data: Uint8Array, format: string): ViewImage {
  assert.equal(format, "png");
  const { data: pixels } = decode(data);
  const image = [SMALL, LARGE].find(({ pixels: { data: known } }) => known[0] === pixels[0]);
  assert.ok(image !== undefined);
  return image;
}

function back(wire: WireDatum, loss: LossSpec, trainedOnly = true): Datum {
  return fromWireDatum(wire, { imagePadId: PAD, loss, trainedOnly, picture: seen, field: "data[0]" });
}

// Prompt 1 2, an image of three positions, text 3, action 4 5, observation 6, an image right before the last action 7.
const DATUM: Datum = {
  tokens: Int32Array.of(1, 2, PAD, PAD, PAD, 3, 4, 5, 6, PAD, 7),
  images: [LARGE, SMALL],
  mask: Float32Array.of(0, 0, 0, 0, 0, 0, 1, 0.5, 0, 0, 1),
  logprobs: Float32Array.of(0, 0, 0, 0, 0, 0, -0.25, -0.5, 0, 0, -1),
  advantages: Float32Array.of(0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 3),
};

test("an image in the middle and one before the last action: every array is shifted by one", () => {
  const wire = toWireDatum(DATUM, { imagePadId: PAD, dialect: "pyvision", loss: PPO });
  assert.deepEqual(summary(wire.chunks), [[1, 2], "image of 3", [3, 4, 5, 6], "image of 1"]);
  assert.deepEqual(wire.inputs, {
    // What follows each of the 10 inputs; 0 where that is an image.
    target_tokens: ints(2, 0, 0, 0, 3, 4, 5, 6, 0, 7),
    weights: floats(0, 0, 0, 0, 0, 1, 0.5, 0, 0, 1),
    logprobs: floats(0, 0, 0, 0, 0, -0.25, -0.5, 0, 0, -1),
    advantages: floats(0, 0, 0, 0, 0, 2, 2, 0, 0, 3),
  });
  assert.equal(positions(wire.chunks), 10);
  assert.deepEqual(back(wire, PPO), DATUM);
});

test("the hosted service takes no weights with advantages: they are multiplied in", () => {
  const wire = toWireDatum(DATUM, { imagePadId: PAD, dialect: "hosted", loss: PPO });
  assert.deepEqual(Object.keys(wire.inputs).sort(), ["advantages", "logprobs", "target_tokens"]);
  // 2 * 1, 2 * 0.5, 3 * 1.
  assert.deepEqual(wire.inputs["advantages"], floats(0, 0, 0, 0, 0, 2, 1, 0, 0, 3));
  const read = back(wire, PPO, false);
  assert.deepEqual(read.mask, Float32Array.of(0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1));
  const negative = { ...DATUM, mask: DATUM.mask.map((weight) => -weight) };
  assert.throws(
    () => toWireDatum(negative, { imagePadId: PAD, dialect: "hosted", loss: PPO }),
    /mask\[6\] must not be negative/,
  );
});

test("cross-entropy sends targets and weights alone, whatever the dialect", () => {
  for (const dialect of ["pyvision", "skyrl", "hosted"] as const) {
    const { inputs } = toWireDatum(DATUM, { imagePadId: PAD, dialect, loss: CROSS_ENTROPY });
    assert.deepEqual(Object.keys(inputs), ["target_tokens", "weights"]);
  }
});

test("other targets go as they are, and come back where they differ", () => {
  const targets = DATUM.tokens.slice();
  targets[7] = 42;
  const wire = toWireDatum(
    { ...DATUM, targets },
    { imagePadId: PAD, dialect: "hosted", loss: CROSS_ENTROPY },
  );
  assert.deepEqual(wire.inputs["target_tokens"], ints(2, 0, 0, 0, 3, 4, 42, 6, 0, 7));
  assert.deepEqual(back(wire, CROSS_ENTROPY).targets, targets);
  // The same as the tokens themselves: nothing to say.
  const same = toWireDatum(
    { ...DATUM, targets: DATUM.tokens },
    { imagePadId: PAD, dialect: "hosted", loss: CROSS_ENTROPY },
  );
  assert.equal(back(same, CROSS_ENTROPY).targets, undefined);
});

test("an image position that is trained keeps its target", () => {
  const mask = DATUM.mask.slice();
  mask[3] = 1;
  const targets = DATUM.tokens.slice();
  targets[3] = 8;
  const wire = toWireDatum(
    { ...DATUM, mask, targets },
    { imagePadId: PAD, dialect: "skyrl", loss: CROSS_ENTROPY },
  );
  assert.deepEqual(wire.inputs["target_tokens"], ints(2, 0, 8, 0, 3, 4, 5, 6, 0, 7));
  assert.deepEqual(back(wire, CROSS_ENTROPY).targets, targets);
});

test("datum -> wire -> datum is the same for random datums", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = randomStream(seed, "datums");
    const datum = randomDatum(random);
    const dialect = random.pick<Dialect>(["pyvision", "skyrl"]);
    const wire = toWireDatum(datum, { imagePadId: PAD, dialect, loss: PPO });
    assert.equal(positions(wire.chunks), datum.tokens.length - 1);
    assert.deepEqual(back(wire, PPO), datum, `seed ${seed}`);
  }
});

test("two images without a token between them are told apart by their own counts", () => {
  const datum = build([PAD, PAD, PAD, PAD, 5], [SMALL, LARGE]);
  const wire = toWireDatum(datum, { imagePadId: PAD, dialect: "pyvision", loss: CROSS_ENTROPY });
  assert.deepEqual(summary(wire.chunks), ["image of 1", "image of 3"]);
  assert.deepEqual(back(wire, CROSS_ENTROPY).images, [SMALL, LARGE]);
});

test("a picture is encoded once, however often it is sent", () => {
  const first = chunksOf([{ type: "image", source: "prompt", image: LARGE }])[0];
  const again = toWireDatum(DATUM, { imagePadId: PAD, dialect: "pyvision", loss: PPO }).chunks[1];
  assert.ok(first?.type === "image" && again?.type === "image");
  assert.equal(first.data, again.data);
});

test("chunks of segments: neighbouring texts are one, empty ones are none", () => {
  const chunks = chunksOf([
    { type: "text", source: "prompt", tokens: [1, 2] },
    { type: "sampled", tokens: [3], logprobs: [-1] },
    { type: "text", source: "observation", tokens: [] },
    { type: "image", source: "observation", image: SMALL },
    { type: "image", source: "observation", image: LARGE },
    { type: "text", source: "observation", tokens: [] },
    { type: "text", source: "observation", tokens: [4] },
  ]);
  assert.deepEqual(summary(chunks), [[1, 2, 3], "image of 1", "image of 3", [4]]);
  assert.deepEqual(chunksOf([]), []);
});

test("datums that cannot be sent are refused", () => {
  const options = { imagePadId: PAD, dialect: "pyvision", loss: CROSS_ENTROPY } as const;
  const refused = (datum: Datum, message: RegExp): void =>
    assert.throws(
      () => toWireDatum(datum, options),
      (error) => error instanceof DataError && message.test(error.message),
    );
  refused(
    build([1, PAD], [SMALL]),
    /must have at least two tokens and end in text, but has 2 and ends in an image/,
  );
  refused(build([1], []), /but has 1; leave it out/);
  refused(build([1, PAD, 2], []), /from token 1 must be those of image 1 of 0/);
  refused(build([1, PAD, 2], [LARGE]), /from token 1 must be those of image 1 of 1, which takes 3/);
  refused(build([1, 2], [SMALL]), /there are 1 images but placeholders for 0/);
});

test("without weights every token of cross-entropy counts, and without an advantage none of the others", () => {
  const chunks: WireChunk[] = [{ type: "encoded_text", tokens: Int32Array.of(1, 2) }];
  const target_tokens = ints(2, 3);
  assert.deepEqual(
    back({ chunks, inputs: { target_tokens } }, CROSS_ENTROPY, false).mask,
    Float32Array.of(0, 1, 1),
  );
  const inputs = { target_tokens, logprobs: floats(-1, -1), advantages: floats(0, -2) };
  const datum = back({ chunks, inputs }, { type: "importanceSampling" }, false);
  assert.deepEqual(datum.mask, Float32Array.of(0, 0, 1));
  assert.deepEqual(datum.tokens, Int32Array.of(1, 2, 3));
});

test("text in many chunks is one sequence", () => {
  const chunks: WireChunk[] = [1, 2, 3].map((token) => ({
    type: "encoded_text",
    tokens: Int32Array.of(token),
  }));
  const datum = back({ chunks, inputs: { target_tokens: ints(2, 3, 4) } }, CROSS_ENTROPY);
  assert.deepEqual(datum.tokens, Int32Array.of(1, 2, 3, 4));
  assert.equal(datum.targets, undefined);
});

const TEXT: WireChunk[] = [{ type: "encoded_text", tokens: Int32Array.of(1, 2) }];
const IMAGE = toWireDatum(DATUM, { imagePadId: PAD, dialect: "hosted", loss: CROSS_ENTROPY })
  .chunks[1] as WireChunk;
const INPUTS = { target_tokens: ints(2, 3), logprobs: floats(-1, -1), advantages: floats(0, 1) };
const REFUSED: readonly [string, WireDatum, boolean, string][] = [
  [
    "a mask",
    { chunks: TEXT, inputs: { ...INPUTS, mask: floats(0, 1) } },
    false,
    "data[0].loss_fn_inputs.mask: this loss takes only target_tokens, logprobs, advantages",
  ],
  [
    "weights without trained_only",
    { chunks: TEXT, inputs: { ...INPUTS, weights: floats(0, 1) } },
    false,
    "data[0].loss_fn_inputs.weights: this loss takes only target_tokens, logprobs, advantages",
  ],
  [
    "no targets",
    { chunks: TEXT, inputs: { logprobs: floats(-1, -1), advantages: floats(0, 1) } },
    true,
    "data[0].loss_fn_inputs.target_tokens: must be set",
  ],
  [
    "a length of its own",
    { chunks: TEXT, inputs: { ...INPUTS, logprobs: floats(-1) } },
    true,
    "data[0].loss_fn_inputs.logprobs.shape: must be [2], one per position of model_input, received [1]",
  ],
  [
    "targets of several tokens",
    { chunks: TEXT, inputs: { ...INPUTS, target_tokens: { ...ints(1, 2, 3, 4), shape: [2, 2] } } },
    true,
    "data[0].loss_fn_inputs.target_tokens.shape: must be [2]: targets of several tokens a position cannot be " +
      "trained on here, received [2,2]",
  ],
  [
    "whole numbers for advantages",
    { chunks: TEXT, inputs: { ...INPUTS, advantages: ints(0, 1) } },
    true,
    'data[0].loss_fn_inputs.advantages.dtype: must be float32, received "int64"',
  ],
  [
    "no number",
    { chunks: TEXT, inputs: { ...INPUTS, advantages: floats(0, Number.NaN) } },
    true,
    "data[0].loss_fn_inputs.advantages.data[1]: must be finite, received NaN",
  ],
  [
    "placeholders as text",
    { chunks: [{ type: "encoded_text", tokens: Int32Array.of(1, PAD) }], inputs: INPUTS },
    true,
    "data[0].model_input.chunks[0].tokens: must not hold placeholders of images: the picture's chunk stands " +
      "for them, received 99",
  ],
  [
    "another count of an image",
    { chunks: [{ ...IMAGE, expectedTokens: 4 } as WireChunk], inputs: INPUTS },
    true,
    "data[0].model_input.chunks[0].expected_tokens: must be 3, what this model makes of the picture, received 4",
  ],
];

for (const [what, wire, trainedOnly, message] of REFUSED)
  test(`refused on the way in: ${what}`, () => {
    assert.throws(
      () => back(wire, PPO, trainedOnly),
      (error) => error instanceof ProtocolError && assert.equal(error.message, message) === undefined,
    );
  });

function randomDatum(random: Random): Datum {
  const tokens: number[] = [];
  const images: ViewImage[] = [];
  for (let parts = 1 + random.below(6); parts > 0; parts--) {
    if (random.below(2) === 0) {
      const image = random.pick([SMALL, LARGE]);
      images.push(image);
      tokens.push(...new Array<number>(image.tokenCount).fill(PAD));
    } else for (let n = random.below(4); n >= 0; n--) tokens.push(random.below(90));
  }
  tokens.push(random.below(90));
  if (tokens.length === 1) tokens.push(1);
  const datum = build(tokens, images);
  const { mask, logprobs, advantages } = datum;
  const targets = datum.tokens.slice();
  for (let t = 1; t < tokens.length; t++) {
    if (tokens[t] === PAD || random.below(2) === 0) continue;
    mask[t] = random.pick([1, 0.25, -1]);
    logprobs[t] = -Math.abs(random.normal());
    advantages[t] = random.normal();
    // The last token is nobody's input: only its target is sent.
    if (t < tokens.length - 1 && random.below(3) === 0) targets[t] = random.below(90);
  }
  return targets.some((target, t) => target !== tokens[t]) ? { ...datum, targets } : datum;
}

function build(tokens: readonly number[], images: readonly ViewImage[]): Datum {
  const zeros = (): Float32Array => new Float32Array(tokens.length);
  return { tokens: Int32Array.from(tokens), images, mask: zeros(), logprobs: zeros(), advantages: zeros() };
}

function positions(chunks: readonly WireChunk[]): number {
  return chunks.reduce(
    (sum, chunk) => sum + (chunk.type === "image" ? (chunk.expectedTokens ?? NaN) : chunk.tokens.length),
    0,
  );
}

function summary(chunks: readonly WireChunk[]): unknown {
  return chunks.map((chunk) =>
    chunk.type === "image" ? `image of ${chunk.expectedTokens}` : [...chunk.tokens],
  );
}

function ints(...values: number[]): WireTensor {
  return { dtype: "int64", data: Int32Array.from(values), shape: [values.length] };
}

function floats(...values: number[]): WireTensor {
  return { dtype: "float32", data: Float32Array.from(values), shape: [values.length] };
}
