// Math-Verify's own verdicts, and what must hold on any text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mathVerify, mathVerifyBoxed } from "./mathVerify.ts";
import { textVectorsOf } from "./vectors.ts";

for (const { questionType, groundTruth, prediction, expected } of textVectorsOf("math_verify"))
  test(`${questionType}: ${groundTruth} and ${prediction}`, () => {
    const verdict =
      questionType === "compute_score"
        ? Number(mathVerifyBoxed(groundTruth, prediction))
        : mathVerify(groundTruth, prediction);
    assert.equal(verdict, expected);
  });
