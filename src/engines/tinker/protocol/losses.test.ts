import assert from "node:assert/strict";
import { test } from "node:test";
import { calledLoss, wireLoss } from "./losses.ts";
import { ProtocolError } from "./wire.ts";

test("names and bounds on the wire", () => {
  assert.deepEqual(wireLoss({ type: "ppo", clipLow: 0.25, clipHigh: 0.5 }, "hosted"), {
    lossFn: "ppo",
    lossFnConfig: { clip_low_threshold: 0.75, clip_high_threshold: 1.5 },
  });
  assert.deepEqual(wireLoss({ type: "importanceSampling" }, "pyvision"), {
    lossFn: "importance_sampling",
    lossFnConfig: { trained_only: 1 },
  });
  assert.deepEqual(wireLoss({ type: "crossEntropy" }, "skyrl"), {
    lossFn: "cross_entropy",
    lossFnConfig: {},
  });
});

test("there and back, the bounds that are computed with are the same to the bit", () => {
  for (let i = 0; i <= 1000; i++) {
    const loss = { type: "cispo", clipLow: i / 1000, clipHigh: i / 137 } as const;
    const back = calledLoss(wireLoss(loss, "pyvision")).loss;
    assert.ok(back.type === "cispo");
    assert.equal(1 - back.clipLow, 1 - loss.clipLow);
    assert.equal(1 + back.clipHigh, 1 + loss.clipHigh);
  }
});

test("without bounds those of the hosted service", () => {
  const bounds = (lossFn: string): number[] => {
    const { loss } = calledLoss({ lossFn, lossFnConfig: {} });
    assert.ok("clipLow" in loss);
    return [1 - loss.clipLow, 1 + loss.clipHigh];
  };
  assert.deepEqual(bounds("ppo"), [0.8, 1.2]);
  assert.deepEqual(bounds("cispo"), [0, 5 - 1]);
});

test("trained_only is 0 unless given", () => {
  assert.equal(calledLoss({ lossFn: "cross_entropy", lossFnConfig: {} }).trainedOnly, false);
  assert.equal(calledLoss({ lossFn: "cross_entropy", lossFnConfig: { trained_only: 1 } }).trainedOnly, true);
});

const REFUSED: readonly [string, Record<string, number>, string][] = [
  ["gspo", {}, 'loss_fn: must be one of cross_entropy, importance_sampling, ppo, cispo, received "gspo"'],
  [
    "ppo",
    { beta: 1 },
    "loss_fn_config.beta: ppo takes only trained_only, clip_low_threshold, clip_high_threshold",
  ],
  [
    "cross_entropy",
    { clip_low_threshold: 0.8 },
    "loss_fn_config.clip_low_threshold: cross_entropy takes only trained_only",
  ],
  ["ppo", { trained_only: 2 }, "loss_fn_config.trained_only: must be 0 or 1, received 2"],
  [
    "ppo",
    { clip_low_threshold: 1.1 },
    "loss_fn_config.clip_low_threshold: the ratio's lower bound must be in [0, 1], received 1.1",
  ],
  [
    "cispo",
    { clip_high_threshold: 0.28 },
    "loss_fn_config.clip_high_threshold: the ratio's upper bound must be at least 1, received 0.28",
  ],
];

for (const [lossFn, lossFnConfig, message] of REFUSED)
  test(`refused: ${message.slice(0, 60)}`, () => {
    assert.throws(
      () => calledLoss({ lossFn, lossFnConfig }),
      (error) => error instanceof ProtocolError && assert.equal(error.message, message) === undefined,
    );
  });
