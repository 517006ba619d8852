import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { optionsIn } from "../tasks/benchmarks/choices.ts";
import type { BenchmarkItem } from "../tasks/benchmarks/item.ts";
import { shuffledOptions, whyNotShuffled, withoutMedia } from "./controls.ts";

const item = (question: string, answer: string, fields: Partial<BenchmarkItem> = {}): BenchmarkItem => ({
  id: "mathvision-1",
  benchmark: "mathvision",
  kind: "algebra",
  question,
  answer,
  questionType: "multi-choice",
  options: optionsIn(asked(question)),
  labels: {},
  details: {},
  images: [],
  ...fields,
});

const BRACKETS =
  "Which colour?\n\n(A) red\n(B) blue\n(C) green\n(D) light blue\n\nAnswer with the letter: A, B, C or D.";

/** Without the instruction about the answer. */
const asked = (question: string): string => question.split(/\n+Answer with/)[0] as string;

/** Separators between options belong to none. */
const plainly = ({ letter, text }: { letter: string; text: string }): string =>
  `${letter} ${text.replace(/;$/, "")}`;

/** The content that the answer's letter stands for. */
const truth = ({ options, answer }: BenchmarkItem): string | undefined =>
  options.find(({ letter }) => letter === answer)?.text;

test("the order is the seed's and the item's, and the question follows it to the letter", () => {
  const before = item(BRACKETS, "B");
  const after = shuffledOptions(before, 1);
  assert.equal(after.details["order"], "C,A,D,B");
  assert.equal(
    after.question,
    "Which colour?\n\n(A) green\n(B) red\n(C) light blue\n(D) blue\n\nAnswer with the letter: A, B, C or D.",
  );
  assert.equal(after.answer, "D");
  assert.equal(after.details["shuffled"], 1);
  assert.deepEqual(shuffledOptions(before, 1), after);
  const orders = Array.from({ length: 20 }, (_, seed) => shuffledOptions(before, seed).details["order"]);
  assert.ok(new Set(orders).size > 8);
  const others = Array.from(
    { length: 20 },
    (_, i) => shuffledOptions({ ...before, id: `m-${i}` }, 1).details["order"],
  );
  assert.ok(new Set(others).size > 8);
});

test("the truth stays the truth, in every form that options are written in", () => {
  const forms: readonly string[] = [
    BRACKETS,
    "What is nearest?\nA. chair\nB. table\nC. sofa\nAnswer with the letter of the right option.",
    "What is nearest?\nOptions:\nA. 1.5 m\nB. 2.5 m\nC. 3\nD. 4",
    "Find x.\nChoices:\nA:140°\nB:40°\nC:14°",
    "Find x. (A)8 (B)9 (C)10",
    "Is it so?\n(A) Yes; (B) No",
    "Choose.\n(A) $a.b$ (with $c$)\n(B) $(.*)^2$\n(C) $&",
  ];
  for (const question of forms)
    for (const answer of ["A", "B"])
      for (let seed = 0; seed < 6; seed++) {
        const before = item(question, answer, {
          options: optionsIn(asked(question)),
        });
        const after = shuffledOptions(before, seed);
        assert.equal(after.details["shuffled"], 1, question);
        assert.equal(truth(after), truth(before));
        assert.deepEqual(
          after.options.map(({ letter }) => letter),
          before.options.map(({ letter }) => letter),
        );
        assert.deepEqual(
          after.options.map(({ text }) => text).sort(),
          before.options.map(({ text }) => text).sort(),
        );
        // The text says the same as the options, and nothing else of it has changed.
        for (const { text } of after.options) assert.ok(after.question.includes(text));
        assert.equal([...after.question].sort().join(""), [...before.question].sort().join(""));
        assert.deepEqual(optionsIn(asked(after.question)).map(plainly), after.options.map(plainly));
      }
});

test("no correct answer stays last", () => {
  const question =
    "How many?\n\n(A) 1\n(B) 2\n(C) 3\n(D) 4\n(E) No correct answer\n\nAnswer with the letter.";
  for (let seed = 0; seed < 20; seed++)
    assert.match(shuffledOptions(item(question, "A"), seed).question, /\(E\) No correct answer\n/);
});

test("what cannot be shuffled without changing the question is left as it is, and says so", () => {
  const left = (question: string, answer = "A", fields: Partial<BenchmarkItem> = {}): void => {
    const before = item(question, answer, fields);
    const after = shuffledOptions(before, 3);
    assert.deepEqual(after, { ...before, details: { ...before.details, shuffled: 0 } });
  };
  left("How long is it?", "7", { options: [] });
  left("Which?\n(A) 1\n(B) 2\n(C) both A and B");
  left("Which?\n(A) 1\n(B) 2\n(C) All of the above");
  left("Which?\n(A) 1\n(B) 2\n(C) none of these");
  for (const word of ["previous", "preceding", "former"])
    left(`Which?\n(A) 1\n(B) 2\n(C) None of the ${word}`);
  left("Which?\n(A) 1\n(B) 2\n(C) neither (A) nor (B)");
  left("Which point?\n(A) B\n(B) C");
  left("Which?\n(A) 1\n(B) 2", "A\nB");
  left("Which?", "A", {
    options: [
      { letter: "A", text: "1" },
      { letter: "B", text: "2" },
    ],
  });
  left("Which?\n(A) 1\n(B) 2\nAgain:\n(A) 1\n(B) 2", "A", {
    options: [
      { letter: "A", text: "1" },
      { letter: "B", text: "2" },
    ],
  });
  left("Which?\n(A) 1\nor perhaps\n(B) 2", "A", {
    options: [
      { letter: "A", text: "1" },
      { letter: "B", text: "2" },
    ],
  });
  left("Which?\n(A) 1\n(B) 2", "A", { details: { questionForEval: "(A) 1 and something else (B) 2" } });
});

test("places are no reference: above and below may stand in options", () => {
  const question = "Where is the cup?\n(A) above the plate\n(B) below the plate";
  assert.equal(shuffledOptions(item(question, "A"), 3).details["shuffled"], 1);
});

test("what the judge is asked follows too", () => {
  const judged = "Find x.\nChoices:\nA:1\nB:2\nC:3";
  const after = shuffledOptions(item(judged, "C", { details: { questionForEval: judged } }), 4);
  assert.equal(after.details["questionForEval"], after.question);
  assert.equal(after.details["shuffled"], 1);
});

test("HR-Bench is refused with the reason, before its rotations are undone", () => {
  for (const benchmark of ["hrbench-4k", "hrbench-8k"] as const) {
    assert.match(whyNotShuffled(benchmark) ?? "", /four rotations/);
    assert.throws(
      () => shuffledOptions(item(BRACKETS, "B", { benchmark }), 1),
      (error) => error instanceof ConfigError && /shuffleOptions.*four rotations/.test(error.message),
    );
  }
  assert.equal(whyNotShuffled("vstar"), undefined);
});

test("pictures are not read to change an item", () => {
  let read = 0;
  const base = item(BRACKETS, "B", { videos: ["a.mp4"] });
  const lazy: BenchmarkItem = {
    ...base,
    get images() {
      read++;
      return [];
    },
  };
  const after = shuffledOptions(lazy, 1);
  const blind = withoutMedia(after);
  assert.equal(read, 0);
  assert.deepEqual(after.images, []);
  assert.equal(read, 1);
  assert.deepEqual(blind.images, []);
  assert.equal(read, 1);
  assert.ok(!("videos" in blind));
  assert.equal(blind.question, after.question);
  assert.equal(blind.answer, after.answer);
});
