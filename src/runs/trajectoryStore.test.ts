import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DataError } from "../core/errors.ts";
import type { RgbImage } from "../core/image.ts";
import type { EndReason, ScoredTrajectory, ToolOutcome, Trajectory, ViewImage } from "../core/trajectory.ts";
import { hashImage, openTrajectoryStore, stepName } from "./trajectoryStore.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-trajectories-"));
after(() => rmSync(root, { recursive: true, force: true }));

function picture(width: number, height: number, first: number): RgbImage {
  return {
    width,
    height,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (first + i * 7) % 256),
  };
}
const view = (image: RgbImage): ViewImage => ({ pixels: image, grid: [1, 2, 2], tokenCount: 1 });
const taskImage = picture(28, 28, 0);
const figure = picture(5, 3, 9);

const served = {
  model: "m",
  promptTokens: 40,
  replyTokens: 9,
  visualTokens: 4,
  seconds: 0.25,
  attempts: 2,
};

function trajectory(member: number, endReason: EndReason, outcome: ToolOutcome): ScoredTrajectory {
  return {
    taskId: "t-1",
    taskKind: "look",
    question: 'Which "colour"?\n中',
    groundTruth: "red",
    member,
    segments: [
      { type: "text", source: "prompt", tokens: [1, 2] },
      { type: "image", source: "prompt", image: view(taskImage) },
      { type: "sampled", tokens: [5, 6], logprobs: [-0.1, -1 / 3] },
      { type: "image", source: "observation", image: view(picture(28, 28, 9)) },
      { type: "sampled", tokens: [], logprobs: [], unfit: "a chat server's text" },
    ],
    turns: [
      {
        text: "<code>",
        action: { type: "code", code: "print(1)" },
        tool: { outcome, alive: false, stdout: "1\n", figures: [figure, taskImage], elapsedMs: 1.25 },
        tokenCount: 2,
        stop: "stop",
      },
      { text: "…", action: { type: "none", reason: "no block" }, tokenCount: 0, stop: "length", served },
    ],
    endReason,
    answer: "red",
    toolCalls: 1,
    effectiveToolCalls: 0,
    reward: { total: 1.1, accuracy: 1, toolCall: 0.1 },
  };
}

test("a trajectory comes back exactly, with every outcome and end reason", () => {
  const outcomes: ToolOutcome[] = [
    { type: "ok" },
    { type: "pythonError", errorType: "NameError", message: "x", traceback: "Traceback\n" },
    { type: "timeout", limitMs: 30_000 },
    { type: "outOfMemory" },
    { type: "outputLimit", limitBytes: 10 },
    { type: "killed", reason: "signal 9" },
    { type: "forbidden", reason: "socket" },
  ];
  const ends: EndReason[] = [
    { type: "answered" },
    { type: "turnLimit" },
    { type: "turnTokenLimit" },
    { type: "contextLimit" },
    { type: "imageLimit" },
    { type: "noAction" },
    { type: "pythonError" },
    { type: "sandboxFailure", message: "gone" },
  ];
  const all = ends.map((end, i) => trajectory(i, end, outcomes[i % outcomes.length] as ToolOutcome));
  const store = openTrajectoryStore(join(root, "exact"));
  assert.equal(store.save("train-000001", [{ trajectories: all }]), 8);
  assert.deepEqual(openTrajectoryStore(join(root, "exact")).load("train-000001"), all);
  const later = { ...(all[0] as ScoredTrajectory), firstLabel: 2 };
  store.save("later", [{ trajectories: [later] }]);
  assert.deepEqual(store.load("later"), [later]);
});

test("what was not there stays away: no answer, no reward, accuracy undecided", () => {
  const { answer: _a, reward: _r, ...bare } = trajectory(0, { type: "noAction" }, { type: "ok" });
  const plain: Trajectory = bare;
  const undecided: ScoredTrajectory = { ...bare, reward: { total: 0, accuracy: undefined, toolCall: 0 } };
  const store = openTrajectoryStore(join(root, "absent"));
  store.save("x", [{ trajectories: [plain, undecided] }]);
  assert.deepEqual(store.load("x"), [plain, undecided]);
  assert.ok(!("answer" in (store.load("x")[0] ?? {})));
});

test("a picture that many trajectories show is stored once, under the hash of its pixels", () => {
  const dir = join(root, "shared");
  const group = [0, 1, 2].map((member) => trajectory(member, { type: "answered" }, { type: "ok" }));
  openTrajectoryStore(dir).save("a", [{ trajectories: group }]);
  openTrajectoryStore(dir).save("b", [{ trajectories: group }]);
  const expected = [taskImage, figure, picture(28, 28, 9)].map((image) => `${hashImage(image)}.png`).sort();
  assert.deepEqual(readdirSync(join(dir, "images")).sort(), expected);
  assert.deepEqual(
    [...readFileSync(join(dir, "images", expected[0] ?? "")).subarray(1, 4)],
    [0x50, 0x4e, 0x47],
  );
  assert.notEqual(
    hashImage({ width: 2, height: 3, data: new Uint8Array(18) }),
    hashImage({ width: 3, height: 2, data: new Uint8Array(18) }),
  );
});

test("whole groups are stored up to the limit, the first in any case", () => {
  const group = (n: number) => ({
    trajectories: Array.from({ length: n }, (_, i) => trajectory(i, { type: "answered" }, { type: "ok" })),
  });
  const store = openTrajectoryStore(join(root, "limit"));
  assert.equal(store.save("none", [group(2)], 0), 0);
  assert.deepEqual(store.names(), []);
  assert.equal(store.save(stepName("train", 2), [group(2), group(2), group(2)], 5), 4);
  assert.equal(store.save(stepName("train", 10), [group(3), group(2)], 2), 3);
  assert.deepEqual(store.names(), ["train-000002", "train-000010"]);
});

test("damage is a DataError that says where", () => {
  const dir = join(root, "damage");
  const store = openTrajectoryStore(dir);
  store.save("a", [{ trajectories: [trajectory(0, { type: "answered" }, { type: "ok" })] }]);
  const line = readFileSync(join(dir, "a.jsonl"), "utf8");
  const isDamage = (pattern: RegExp) => (error: unknown) =>
    error instanceof DataError && pattern.test(error.message);

  assert.throws(() => store.load("missing"), isDamage(/no trajectories named "missing"/));
  writeFileSync(join(dir, "b.jsonl"), line + line.replace('"member":0', '"member":"x"'));
  assert.throws(() => store.load("b"), isDamage(/b\.jsonl line 2: stored trajectory: member: /));
  writeFileSync(join(dir, "c.jsonl"), line.replaceAll(hashImage(taskImage), "../../../etc/passwd"));
  assert.throws(() => store.load("c"), isDamage(/picture reference must be 32 hex digits/));
  writeFileSync(
    join(dir, "images", `${hashImage(taskImage)}.png`),
    readFileSync(join(dir, "images", `${hashImage(figure)}.png`)),
  );
  assert.throws(() => store.load("a"), isDamage(/is not what was stored/));
  rmSync(join(dir, "images", `${hashImage(figure)}.png`));
  assert.throws(() => store.load("a"), isDamage(/is missing/));
});
