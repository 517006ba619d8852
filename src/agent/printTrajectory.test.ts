import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER, errorResult, play } from "./episodeHarness.ts";
import { formatTrajectory } from "./printTrajectory.ts";
import { fakeImage, toolResult } from "./scriptedFakes.ts";
import { sampledTokens, totalTokens, visualTokens } from "./tokenCounts.ts";

test("a trajectory as text, turn by turn", async () => {
  const { trajectory } = await play({
    images: [fakeImage(2)],
    says: ["Look.\n<code>\n```python\na = 1\nb\n```\n</code>", "Again <code>c</code>", ANSWER],
    gives: [
      errorResult("NameError: b", { stdout: "out \x1b[2Jput\n", elapsedMs: 12.4 }),
      toolResult({ figures: [fakeImage(3)], elapsedMs: 30 }),
    ],
  });
  const text = formatTrajectory(
    { ...trajectory, reward: { total: 1.1, accuracy: 1, toolCall: 0.1 } },
    { color: false, imagePath: (i) => `img/${i}.png` },
  );
  assert.equal(
    text,
    `task t (k), member 3
  Q
  image_clue_0: 56 x 28 px, 2 tokens, img/0.png

turn 1 (42 tokens)
  Look.
  | a = 1
  | b
  => python error (NameError), 12 ms, 0 figures
  > out put
  ! NameError: b

turn 2 (20 tokens)
  Again
  | c
  => ok, 30 ms, 1 figure
  image_clue_1: 84 x 28 px, 3 tokens, img/1.png

turn 3 (26 tokens)
  <answer>\\boxed{4}</answer>

end: answered
answer: 4  (truth: 4)
reward: 1.10 (accuracy 1, tool calls 0.10)
tool calls: 1 ran, 1 effective
tokens: 204 in all, 88 sampled, 5 visual (2 in the prompt, 3 observed)
`,
  );
  // prompt 38, turn 42, observation 47, turn 20, observation 31, turn 26
  assert.deepEqual([totalTokens(trajectory), sampledTokens(trajectory)], [204, 88]);
  assert.deepEqual(visualTokens(trajectory), { prompt: 2, observation: 3, all: 5 });
  const ungraded = formatTrajectory(trajectory, { color: false, ungraded: true });
  assert.match(ungraded, /answer: 4\nreward: not computed, the question has no known answer\ntool calls/);
});

test("colour adds nothing but colour; unscored, cut and unobserved turns are told", async () => {
  const { trajectory } = await play({
    says: ["<code>a</code>", ANSWER],
    gives: [toolResult({ stdout: "1" })],
    limits: { maxContextTokens: 75 },
  });
  const plain = formatTrajectory(trajectory, { color: false });
  const coloured = formatTrajectory(trajectory, { color: true });
  assert.notEqual(coloured, plain);
  assert.equal(coloured.replace(/\x1b\[\d+m/g, ""), plain);
  assert.match(plain, /turn 2 \(6 tokens, cut by length\)\n {2}<answ/);
  assert.match(plain, /end: contextLimit\n(?!answer|reward)/);
  const capped = await play({
    says: ["<code>a</code>"],
    gives: [toolResult({ figures: [fakeImage(1)] })],
    limits: { maxImages: 0 },
  });
  assert.match(
    formatTrajectory(capped.trajectory, { color: false }),
    /=> ok, 1 ms, 1 figure\n\nend: imageLimit/,
  );
});
