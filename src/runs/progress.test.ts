import assert from "node:assert/strict";
import { test } from "node:test";
import { createReporter } from "./progress.ts";

function recorder(isTTY: boolean, columns = 80) {
  const chunks: string[] = [];
  return { stream: { isTTY, columns, write: (text: string) => chunks.push(text) }, chunks };
}

test("without a terminal: plain lines, none in the first two seconds, then one every ten", () => {
  const { stream, chunks } = recorder(false);
  let now = 0;
  const reporter = createReporter({ stdout: stream, stderr: stream, now: () => now });
  const progress = reporter.start("train", 60, "steps");
  now = 1900;
  progress.advance();
  assert.deepEqual(chunks, []);
  now = 4000;
  progress.advance(1, "accuracy 0.50");
  now = 9000;
  progress.advance();
  now = 14000;
  progress.update(10, "accuracy 0.60");
  now = 30000;
  progress.end();
  progress.end();
  progress.update(11);
  assert.deepEqual(chunks, [
    "train: 2/60 steps, 2.0 s each, 1 min 56 s left, accuracy 0.50\n", // 4 s / 2 done; 58 left
    "train: 10/60 steps, 1.4 s each, 1 min 10 s left, accuracy 0.60\n", // 14 s / 10 done; 50 left
    "train: 10/60 steps in 30 s, accuracy 0.60\n",
  ]);
});

test("what an earlier process did counts as done, and not in the rate", () => {
  const { stream, chunks } = recorder(false);
  let now = 0;
  const reporter = createReporter({ stdout: stream, stderr: stream, now: () => now });
  const progress = reporter.start("train", 60, "steps", 40);
  now = 4000;
  progress.update(42);
  assert.deepEqual(chunks, ["train: 42/60 steps, 2.0 s each, 36 s left\n"]); // 4 s / 2 done; 18 left
});

test("what is over within two seconds says nothing", () => {
  const { stream, chunks } = recorder(false);
  let now = 0;
  const progress = createReporter({ stdout: stream, stderr: stream, now: () => now }).start("load", 3);
  now = 1999;
  progress.update(3);
  progress.end();
  assert.deepEqual(chunks, []);
});

test("work of unknown size shows its count and rate, no time left", () => {
  const { stream, chunks } = recorder(false);
  let now = 0;
  const progress = createReporter({ stdout: stream, stderr: stream, now: () => now }).start(
    "sample",
    undefined,
    "tokens",
  );
  now = 4000;
  progress.update(1000);
  assert.deepEqual(chunks, ["sample: 1000 tokens, 250/s\n"]);
});

test("results go to stdout, everything else to stderr", () => {
  const out = recorder(false);
  const err = recorder(false);
  const reporter = createReporter({ stdout: out.stream, stderr: err.stream });
  reporter.print("table");
  reporter.info("run directory: x");
  reporter.warn("short of groups");
  assert.deepEqual(out.chunks, ["table\n"]);
  assert.deepEqual(err.chunks, ["run directory: x\n", "warning: short of groups\n"]);
});

test("with a terminal: the bar is erased before a line and drawn again after it", () => {
  const { stream, chunks } = recorder(true);
  let now = 0;
  const reporter = createReporter({ stdout: stream, stderr: stream, now: () => now, redrawMs: 0 });
  const progress = reporter.start("train", 4, "steps");
  now = 1000;
  progress.update(1, "ok");
  const bar = `train ${"█".repeat(5)}${"░".repeat(15)}  25% 1/4 steps · 1/s · 3.0 s left · ok\n`;
  assert.equal(chunks.join(""), bar);
  chunks.length = 0;
  reporter.info("hello");
  assert.equal(chunks.join(""), `\x1b[1A\x1b[0Jhello\n${bar}`);
  chunks.length = 0;
  progress.end();
  assert.equal(chunks.join(""), "\x1b[1A\x1b[0J");
});

test("with a terminal: two bars are erased together and a long line never wraps", () => {
  const { stream, chunks } = recorder(true, 40);
  let now = 0;
  const reporter = createReporter({ stdout: stream, stderr: stream, now: () => now, redrawMs: 0 });
  reporter.start("outer", 2);
  const inner = reporter.start("inner", 2);
  now = 600;
  inner.update(1, "a very long note that cannot fit in forty columns");
  chunks.length = 0;
  inner.update(1);
  const text = chunks.join("");
  assert.ok(text.startsWith("\x1b[2A\x1b[0Jouter "), JSON.stringify(text));
  for (const line of text.replace(/\x1b\[\d+[AJ]/g, "").split("\n")) assert.ok([...line].length < 40, line);
});
