import assert from "node:assert/strict";
import { test } from "node:test";
import { textVectorsOf } from "../vectors.ts";
import { geo3kScore, gradeAsMathruler } from "./mathruler.ts";
import { readJudgement, referenceReward } from "./pyvisionReward.ts";

test("the format gate and the judge's reply", () => {
  for (const row of textVectorsOf("PyVision-RL reward", { profile: "pyvision" })) {
    const { score, isAnswerRight, judgeCalled } = referenceReward(row.prediction, () =>
      String(row.extra["judge_reply"]),
    );
    const given = { score, is_answer_right: isAnswerRight, judge_called: judgeCalled };
    assert.deepEqual(given, row.expected, String(row.extra["case"]));
  }
});

test("the judge is asked about the content of the box, and not at all where the form is wrong", () => {
  const asked: string[] = [];
  const judge = (answer: string): string => {
    asked.push(answer);
    return "0";
  };
  referenceReward("<answer>\n\\boxed{ B \n}\n</answer>", judge);
  referenceReward("<answer>B</answer>", judge);
  referenceReward("", judge);
  assert.deepEqual(asked, ["B"]);
});

test("replies of the judge", () => {
  const right = ["1", " 1\n", "Judgement: 1", "Judgement: 0 (not 1)", "Judgement: 0. Judgement: 1"];
  assert.deepEqual(right.filter(readJudgement), right);
  const wrong = ["0", "1.", "", "yes", "Judgement: 0", "Judgement: 1. Judgement: 0"];
  assert.deepEqual(wrong.filter(readJudgement), []);
});

test("geo3k by MathRuler", () => {
  for (const { prediction, groundTruth, expected, extra } of textVectorsOf("mathruler", {
    profile: "pyvision",
  }))
    assert.deepEqual(
      geo3kScore(prediction, groundTruth),
      { score: expected, accuracy: extra["acc"], format: extra["format"] },
      prediction,
    );
});

// Verdicts that MathRuler 14dadeb gave with SymPy 1.13.3 and pylatexenc 2.10: answer, truth.
test("MathRuler's verdicts", () => {
  const right = [
    ["5", "5.0"],
    ["0.5", "\\frac{1}{2}"],
    ["(1,2)", "(1, 2)"],
    ["50\\%", "50"],
    ["1,000", "1000"],
    ["2\\sqrt{2}", "\\sqrt{8}"],
    ["\\sqrt{8}", "2 \\sqrt { 2 }"],
    ["x=5", "5"],
    ["y = 5", "5"],
    ["5 cm", "5"],
    ["5\\text{ cm}", "5"],
    ["5 \\text{ cm}^2", "5"],
    ["60^\\circ", "60"],
    ["60^{\\circ}", "60"],
    ["60", "\\text{60}"],
    ["1 1/2", "3/2"],
    ["1 1/2", "1.5"],
    ["\\frac12", "1/2"],
    ["(x+1)/2", "x/2+1/2"],
    ["x+y", "y+x"],
    ["a*b", "b*a"],
    ["A", "a"],
    ["\\text{A}", "A"],
    ["A or B", "A , B"],
    ["\\frac{1}{2},3", "1/2,3"],
    ["(0.5,1)", "(1/2,1)"],
    ["(\\frac{1}{2},1)", "(0.5,1)"],
    ["x^2", "x*x"],
    ["x^10", "x^10"],
    ["5 degrees", "5"],
    ["-  3", "-3"],
    ["5 feet", "5"],
    ["\\$5", "5"],
    ["1e3", "1000"],
    ["4.0000000001", "4"],
    ["\\infty", "inf"],
    ["\\left(1,2\\right)", "(1,2)"],
    ["[0,1]\\cup[2,3]", "[0,1]U[2,3]"],
    ["\\dfrac{3}{2}", "1.5"],
    ["1.50", "\\frac{3}{2}"],
    ["\\sqrt2", "\\sqrt{2}"],
    ["12,345", "12345"],
    ["pi/2", "\\frac{\\pi}{2}"],
    ["0.25", "1/4"],
    ["x^2-1", "(x-1)(x+1)"],
    [".5", "0.5"],
    [".5", "\\frac{1}{2}"],
    ["7 inches", "7"],
    ["8 hours", "8"],
    ["5\\!000", "5000"],
    ["5,\\!000", "5000"],
  ] as const;
  const wrong = [
    ["10/2", "5"],
    ["\\frac{2}{4}", "\\frac{1}{2}"],
    ["[1,2]", "(1,2)"],
    ["50%", "0.5"],
    ["2\\pi", "6.28"],
    ["\\pi", "3.14159265"],
    ["xyz=5", "5"],
    ["\\frac{x+1}{2}", "(x+1)/2"],
    ["x+y+z", "z+y+x"],
    ["3 million", "3000000"],
    ["2^{3}", "8"],
    ["2^3", "8"],
    ["0.3333", "\\frac{1}{3}"],
    ["0.333333333333", "1/3"],
    ["5.1", "5"],
    ["3\\cdot 2", "6"],
    ["\\sqrt{2}", "1.41421356"],
    ["1,2", "2,1"],
    ["(1,2)", "(2,1)"],
    ["None", "5"],
  ] as const;
  for (const [answer, truth] of right)
    assert.equal(gradeAsMathruler(answer, truth), true, `${answer} for ${truth}`);
  for (const [answer, truth] of wrong)
    assert.equal(gradeAsMathruler(answer, truth), false, `${answer} for ${truth}`);
});
