// The authors' verdicts on the responses that they published with MATH-V: thousands of models' answers for each of its problems.
// The files are not ours to hand on. PYVISION_MATHV names a folder with their `data/test.jsonl` and any of their `outputs/**/*.jsonl`
// (a checkout of github.com/mathllm/MATH-V); without it there is nothing to compare with, and the test says so.
//   PYVISION_MATHV=../MATH-V npm run test:parity -- mathvision
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { letteredOptions } from "../../tasks/benchmarks/choices.ts";
import { equalAsMathvision, mathvisionAnswer } from "./reference/mathvision.ts";

const folder = process.env["PYVISION_MATHV"];
const skip = folder === undefined && "PYVISION_MATHV names no checkout of mathllm/MATH-V";

interface Problem {
  readonly id: string;
  readonly answer: string | number;
  readonly options: readonly string[];
}

interface Line {
  readonly id: string;
  readonly response: string;
  readonly model_answer: string;
  readonly correct: boolean;
}

/**
 * Lines that hold what the published program does not give. 1787: its answer is "a)", the file has "a". 2394: it is "b", the file has
 * a fraction. 3013: the program finds "4/3" equal to \frac{4}{3}, the file does not.
 */
const STALE = new Set(["Qwen-VL-Max-CoT 1787", "Qwen-VL-Plus 2394", "Gemini-Pro 3013"]);

const linesOf = <T>(path: string): T[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);

test("the published results are scored as they were", { skip }, (t) => {
  const root = folder ?? "";
  const problems = new Map(linesOf<Problem>(join(root, "data/test.jsonl")).map((one) => [one.id, one]));
  const files = readdirSync(join(root, "outputs"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".jsonl"),
  );
  assert.ok(files.length > 0, `${root}/outputs holds no results`);
  for (const name of files.sort()) {
    const lines = linesOf<Line>(join(root, "outputs", name));
    const model = name.replace(/^.*[\\/]|\.jsonl$/g, "");
    const differing = lines.flatMap(({ id, response, model_answer, correct }) => {
      const { answer, options } = problems.get(id) as Problem;
      const truth = String(answer);
      const text = letteredOptions(options).find(({ letter }) => letter === truth)?.text ?? "";
      const given = mathvisionAnswer(response);
      const verdict = equalAsMathvision(truth, given) || equalAsMathvision(text, given);
      const same = given === model_answer && verdict === correct;
      return same || STALE.has(`${model} ${id}`) ? [] : [{ id, given, model_answer, verdict, correct }];
    });
    assert.deepEqual(differing, [], name);
    const right = lines.filter(({ correct }) => correct).length;
    t.diagnostic(
      `${relative(root, join(root, "outputs", name))}: ${String(right)} of ${String(lines.length)} right`,
    );
  }
});
