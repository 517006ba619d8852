// `pyvision compare` as a user meets it: two small runs, the table it prints, and what it refuses.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseConfig } from "../runs/config.ts";
import { createRun } from "../runs/runDirectory.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "compare-"));
after(() => rmSync(root, { recursive: true, force: true }));

function compare(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--import", "tsx", main, "compare", ...args], { encoding: "utf8" });
}

/** Twelve steps: two at accuracy 1, then ten at `accuracy`, the last of them without tool calls. */
function makeRun(name: string, accuracy: number, calls: number): string {
  const run = createRun(parseConfig("seed: 1", "tiny.yaml"), { dir: join(root, name) });
  for (let step = 1; step <= 12; step++)
    run.appendMetrics({
      step,
      "accuracy/mean": step <= 2 ? 1 : accuracy,
      ...(step < 12 && { "tool_calls/mean": calls }),
    });
  run.writeSummary({
    before: { overall: { accuracy: 0.25, toolCalls: 1 } },
    after: { overall: { accuracy, toolCalls: calls } },
  });
  return run.path;
}

const first = makeRun("lr=1", 0.3, 2); // "=" in the path
const second = makeRun("lr=2", 0.6, 2);

test("seeds are averaged with their interval; curves go to a folder that was not there", () => {
  const out = join(root, "new/folder/curves.svg");
  const { status, stdout, stderr } = compare(`both=${first},${second}`, `one=${first}`, "--out", out);
  assert.deepEqual([status, stderr], [0, `curves: ${out}\n`]);
  const cells = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  assert.deepEqual(cells[0], ["mean over seeds ± 95% (Student)", "both (n=2)", "one (n=1)"]);
  // Of 0.3 and 0.6: mean 0.45, standard error 0.15, times 12.706 for one degree of freedom = 1.906.
  assert.deepEqual(cells.slice(2), [
    ["held-out accuracy before", "0.250 ± 0.000", "0.250"],
    ["held-out accuracy after", "0.450 ± 1.906", "0.300"],
    ["held-out tool calls before", "1.000 ± 0.000", "1.000"],
    ["held-out tool calls after", "2.000 ± 0.000", "2.000"],
    ["held-out visual tokens before", "–", "–"],
    ["held-out visual tokens after", "–", "–"],
    ["held-out accuracy after, minus both", "-0.150 (not paired)"],
    ["held-out visual tokens after, divided by both", "– (not paired)"],
    ["accuracy/mean, last 10 steps", "0.450 ± 1.906", "0.300"],
    ["tool_calls/mean, last 10 steps", "2.000 ± 0.000", "2.000"],
    ...[
      "tool_calls/correct_mean",
      "tool_calls/none_share",
      "response/tokens_mean",
      "response/visual_tokens_mean",
      "train/entropy",
      "train/grad_norm",
      "advantage/correct_negative_share",
    ].map((metric) => [`${metric}, last 10 steps`, "–", "–"]),
  ]);
  assert.match(readFileSync(out, "utf8"), /^<svg [\s\S]*both[\s\S]*one[\s\S]*<\/svg>\s*$/);
});

test("two names of the same seeds are compared in pairs, and the table is Markdown too", () => {
  const make = (name: string, seed: number, accuracy: number, visualTokens: number): string => {
    const run = createRun(parseConfig("seed: 1", "tiny.yaml"), { dir: join(root, name) });
    run.appendMetrics({ step: 1, "response/visual_tokens_mean": visualTokens });
    const overall = { accuracy, toolCalls: 1, visualTokens };
    run.writeSummary({ seed, before: { overall }, after: { overall } });
    return run.path;
  };
  const frames = [make("frames0", 0, 0.5, 288), make("frames1", 1, 0.4, 288)];
  const demand = [make("demand1", 1, 0.8, 8), make("demand0", 0, 0.8, 10)]; // in another order
  const markdown = join(root, "study/table.md");
  const { status } = compare(`frames=${frames.join(",")}`, `demand=${demand.join(",")}`, "--markdown", markdown, "--out", join(root, "pairs.svg")); // prettier-ignore
  assert.equal(status, 0);
  // 0.4 and 0.3: mean 0.35, se 0.05, times 12.706. 8/288 and 10/288: mean 0.03125, se 0.003472.
  const lines = readFileSync(markdown, "utf8").replace(/ {2,}/g, " ").split("\n");
  assert.equal(lines[0], "| mean over seeds ± 95% (Student) | frames (n=2) | demand (n=2) |");
  assert.match(lines[1] ?? "", /^\| -+ \| -+: \| -+: \|$/);
  assert.ok(lines.includes("| held-out accuracy after, minus frames | | 0.350 ± 0.635 |"), lines.join("\n"));
  assert.ok(lines.includes("| held-out visual tokens after, divided by frames | | 0.031 ± 0.044 |"));
  assert.match(readFileSync(join(root, "pairs.svg"), "utf8"), /Visual tokens per trajectory/);
});

test("a run without a summary is named, and no curves are left", () => {
  const unfinished = createRun(parseConfig("seed: 1", "tiny.yaml"), { dir: join(root, "unfinished") });
  const out = join(root, "unwritten.svg");
  const { status, stderr } = compare(`one=${first}`, `half=${unfinished.path}`, "--out", out);
  assert.equal(status, 2);
  assert.equal(
    stderr,
    `error: compare: ${unfinished.path} has no summary.json with before.overall.accuracy; ` +
      "only runs whose RL stage has finished can be compared\n",
  );
  assert.equal(existsSync(out), false);
});

for (const width of ["abc", "-1", "2.5", ""])
  test(`--smooth ${JSON.stringify(width)} is refused`, () => {
    const { status, stderr } = compare(`one=${first}`, `--smooth=${width}`);
    assert.equal(status, 2);
    assert.match(stderr, /--smooth <steps>.* is invalid\. Must be a whole number of steps, 0 or more\./);
  });

test("an argument without a name or a run is refused", () => {
  const { status, stderr } = compare("=runs/a");
  assert.equal(status, 2);
  assert.match(stderr, /each argument must be NAME=RUN\[,RUN\.\.\.\], got "=runs\/a"; e\.g\./);
});
