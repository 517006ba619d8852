import assert from "node:assert/strict";
import test from "node:test";
import type { ScoredTrajectory, Segment } from "../core/trajectory.ts";
import { evaluateTrajectories } from "./evaluate.ts";
import { compareReports, formatReport } from "./formatReport.ts";
import { close, trajectory } from "./testSupport.ts";

/** Tasks near0, near1, ..., far0, ...; "1" right, "0" wrong, "?" undecided. */
const outcomes = (kinds: Record<string, string>, calls = 0): ScoredTrajectory[] =>
  Object.entries(kinds).flatMap(([kind, marks]) =>
    [...marks].map((mark, i) =>
      trajectory({ accuracy: mark === "?" ? undefined : mark === "1" ? 1 : 0, calls }, `${kind}${i}`, kind),
    ),
  );

test("accuracy over judged samples, by kind and overall", () => {
  const report = evaluateTrajectories(outcomes({ near: "1100?", far: "1000" }));
  assert.deepEqual(
    [report.overall.trajectories, report.overall.judged, report.overall.correct, report.overall.accuracy],
    [9, 8, 3, 0.375],
  );
  assert.deepEqual(Object.keys(report.kinds), ["far", "near"]);
  assert.equal(report.kinds["near"]?.accuracy, 0.5);
  assert.equal(report.kinds["far"]?.accuracy, 0.25);
  // Wilson, 2 of 4: centre 0.5, half 1.959964/1.960365 × sqrt(0.0625 + 3.841459/64) = 0.349961
  close(report.kinds["near"]?.interval?.low, 0.150039, 1e-5);
  close(report.kinds["near"]?.interval?.high, 0.849961, 1e-5);
  assert.equal("near4" in report.tasks, false);
  assert.equal(report.overall.endReasons.answered, 9);
  assert.equal(report.overall.sampledTokens, 2);
});

test("nothing judged means no accuracy, and several rollouts of a task are one pair", () => {
  const none = evaluateTrajectories(outcomes({ near: "??" }));
  assert.equal("accuracy" in none.overall, false);
  assert.equal(none.overall.pythonErrorRate, undefined);
  const twice = evaluateTrajectories([...outcomes({ near: "10" }), ...outcomes({ near: "00" })]);
  assert.deepEqual(twice.tasks, {
    near0: { kind: "near", accuracy: 0.5 },
    near1: { kind: "near", accuracy: 0 },
  });
});

test("the comparison pairs tasks by id and leaves out those judged once", () => {
  const before = evaluateTrajectories(outcomes({ near: "0001?" }));
  const after = evaluateTrajectories(outcomes({ near: "1101", far: "1" }).reverse());
  // near0..near3: differences 1 1 0 0: mean 0.5, deviation 0.5, half 1.959964 × 0.5 / 2 = 0.489991
  const paired = compareReports(before, after);
  assert.equal(paired?.pairs, 4);
  assert.equal(paired?.difference, 0.5);
  close(paired?.low, 0.010009, 1e-5);
  close(paired?.high, 0.989991, 1e-5);
  assert.equal(compareReports(before, after, "far"), undefined);
});

test("numeric kinds have a mean relative accuracy, others none; what is no number counts 0", () => {
  const answered = (
    answer: string | undefined,
    accuracy: 0 | 1 | undefined,
    kind = "when",
  ): ScoredTrajectory => ({
    ...trajectory({ accuracy }, `${kind}${answer}`, kind),
    groundTruth: "40",
    ...(answer !== undefined && { answer }),
  });
  const trajectories = [
    answered("40", 1), // 1
    answered("46", 0), // error 0.15: thresholds 0.50 to 0.85, 8 of 10
    answered("soon", 0),
    answered(undefined, 0),
    answered("41", undefined), // not judged
    answered("40", 1, "what"),
  ];
  const report = evaluateTrajectories(trajectories, (kind) => kind === "when");
  close(report.kinds["when"]?.meanRelativeAccuracy, 1.8 / 4, 1e-12);
  close(report.overall.meanRelativeAccuracy, 1.8 / 4, 1e-12);
  assert.equal("meanRelativeAccuracy" in (report.kinds["what"] ?? {}), false);
  assert.equal("meanRelativeAccuracy" in evaluateTrajectories(trajectories).overall, false);
  const table = formatReport(evaluateTrajectories([]), report).split("\n");
  const at = table.indexOf("mean relative accuracy in %");
  assert.match(table[at + 1] ?? "", /^ {2}when +– +45\.0$/);
  assert.equal(table[at + 2], "per trajectory");
});

test("visual tokens: mean with its interval, in the prompt and shown by code", () => {
  const image = (source: "prompt" | "observation"): Segment => ({
    type: "image",
    source,
    image: { pixels: { width: 84, height: 84, data: new Uint8Array(0) }, grid: [1, 6, 6], tokenCount: 9 },
  });
  const segments = [[image("prompt")], [image("prompt"), image("observation")], [image("observation")], []];
  const { overall } = evaluateTrajectories(segments.map((s, i) => trajectory({ segments: s }, `t${i}`)));
  // 9, 18, 9, 0: mean 9, sample deviation sqrt(162 / 3) = 7.348469, half 1.959964 × 7.348469 / 2 = 7.201367
  assert.deepEqual(
    [overall.visualTokens, overall.promptVisualTokens, overall.observedVisualTokens],
    [9, 4.5, 4.5],
  );
  close(overall.visualTokensInterval?.low, 1.798633, 1e-5);
  close(overall.visualTokensInterval?.high, 16.201367, 1e-5);
  const one = evaluateTrajectories([trajectory({ segments: [image("prompt")] })]);
  assert.deepEqual([one.overall.visualTokens, one.overall.visualTokensInterval], [9, undefined]);
});

test("the table, whole", () => {
  const before = evaluateTrajectories(outcomes({ near: "0001" }));
  const after = evaluateTrajectories(outcomes({ near: "1101", far: "1" }, 2));
  const expected = `
accuracy in % [95% interval]  before                after                    paired difference in points
--------------------------------------------------------------------------------------------------------
all tasks                     25.0 [4.6, 69.9] n=4  80.0 [37.6, 96.4] n=5    +50.0 [+1.0, +99.0] n=4
  far                         –                     100.0 [20.7, 100.0] n=1  –
  near                        25.0 [4.6, 69.9] n=4  75.0 [30.1, 95.4] n=4    +50.0 [+1.0, +99.0] n=4
per trajectory
  tool calls                  0.00                  2.00                     +2.00
  tool calls with new output  0.00                  2.00                     +2.00
  turns                       0.00                  0.00                     0.00
  sampled tokens              2.0                   2.0                      0.0
  visual tokens               0.0 [0.0, 0.0]        0.0 [0.0, 0.0]           0.0
    in the prompt             0.0                   0.0                      0.0
    shown by code             0.0                   0.0                      0.0
cells that raised, %          –                     –
could not be judged           0                     0                        0
end reasons
  answered                    4                     5                        +1`;
  assert.equal(`\n${formatReport(before, after)}`, expected);
});
