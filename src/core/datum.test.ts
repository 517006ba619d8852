import assert from "node:assert/strict";
import test from "node:test";
import { datumFromSegments, segmentLength, unfitForTraining } from "./datum.ts";
import type { Segment, ViewImage } from "./trajectory.ts";

const image: ViewImage = {
  pixels: { width: 56, height: 28, data: new Uint8Array(56 * 28 * 3) },
  grid: [1, 2, 4],
  tokenCount: 2,
};

const segments: Segment[] = [
  { type: "text", source: "prompt", tokens: [10, 11] },
  { type: "image", source: "prompt", image },
  { type: "sampled", tokens: [20, 21], logprobs: [-0.5, -1.5] },
  { type: "text", source: "observation", tokens: [12] },
  { type: "sampled", tokens: [22], logprobs: [-2] },
];

test("everything is aligned to the token it speaks about; only sampled tokens carry loss", () => {
  const datum = datumFromSegments(segments, 0.75, 99);
  assert.deepEqual([...datum.tokens], [10, 11, 99, 99, 20, 21, 12, 22]);
  assert.deepEqual([...datum.mask], [0, 0, 0, 0, 1, 1, 0, 1]);
  assert.deepEqual([...datum.logprobs], [0, 0, 0, 0, -0.5, -1.5, 0, -2]);
  assert.deepEqual([...datum.advantages], [0, 0, 0, 0, 0.75, 0.75, 0, 0.75]);
  assert.deepEqual(datum.images, [image]);
  assert.deepEqual(segments.map(segmentLength), [2, 2, 2, 1, 1]);
});

test("a sampled segment whose log-probabilities are not one a token is refused", () => {
  const torn: Segment = { type: "sampled", tokens: [1, 2], logprobs: [-1] };
  assert.throws(
    () => datumFromSegments([torn], 0, 99),
    /internal: sampled segment has 2 tokens but 1 logprobs/,
  );
});

test("tokens that are unfit for training are refused with their reason, wherever they stand", () => {
  const served: Segment = { type: "sampled", tokens: [1], logprobs: [0], unfit: "text from a chat server" };
  assert.equal(unfitForTraining(segments), undefined);
  assert.equal(unfitForTraining([...segments, served]), "text from a chat server");
  assert.throws(
    () => datumFromSegments([served, ...segments], 0, 99),
    /cannot be trained on: text from a chat server; leave it out/,
  );
});
