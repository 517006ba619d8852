// A benchmark as a recipe's tasks: to evaluate on, with its own scorer and the recipe's judge.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { encode } from "fast-png";
import { ConfigError } from "../../core/errors.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { Trajectory } from "../../core/trajectory.ts";
import type { ChatClient, ChatRequest } from "../../engines/openai/chat.ts";
import { loadConfig, type ResolvedConfig } from "../../runs/config.ts";
import { runEvaluation } from "./evaluate.ts";
import { gradingOf } from "./grading.ts";
import { taskWorldOf } from "./taskWorld.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-benchmark-"));
after(() => rmSync(root, { recursive: true, force: true }));

const picture = encode({ width: 56, height: 56, channels: 3, data: new Uint8Array(56 * 56 * 3) });
for (let i = 0; i < 4; i++) {
  const at = join(root, i < 3 ? "direct_attributes" : "relative_position", `sa_${i}`);
  mkdirSync(dirname(at), { recursive: true });
  const content = {
    target_object: ["glove"],
    bbox: [[1, 2, 3, 4]],
    question: "What colour?",
    options: ["red", "blue"],
  };
  writeFileSync(`${at}.json`, JSON.stringify(content));
  writeFileSync(`${at}.png`, picture);
}

const config = (...more: string[]): ResolvedConfig =>
  loadConfig("configs/image-mini.yaml", [`tasks={type: benchmark, name: vstar, path: ${root}}`, ...more]);

const refuses = (what: () => unknown, message: RegExp): void =>
  assert.throws(what, (error: Error) => error instanceof ConfigError && message.test(error.message));

test("all items to evaluate on, none to train on, nothing to pretrain with", () => {
  const world = taskWorldOf(config());
  assert.equal(world.tasks("test").size, 4);
  assert.deepEqual(world.benchmark?.(), { title: "V*", split: "test", count: 4, published: 191 });
  refuses(
    () => world.tasks("train"),
    /^tasks\.type: a benchmark has no tasks to train on; it is there to evaluate on$/,
  );
  world.close();
});

test("without media: the same questions with nothing to look at", () => {
  const world = taskWorldOf(config("tasks.media=none"));
  const [item, shown] = [world.tasks("test").at(1), taskWorldOf(config()).tasks("test").at(1)];
  assert.deepEqual([item.images, item.question, item.answer], [[], shown.question, shown.answer]);
  assert.equal(shown.images.length, 1);
  world.close();
});

test("refused: what is not there, a split or profile that the benchmark has not, options that may not be moved", () => {
  const tasksOf =
    (...more: string[]) =>
    () =>
      taskWorldOf(config(...more)).tasks("test");
  refuses(
    tasksOf("tasks.path=/nowhere"),
    /^tasks\.path: "\/nowhere" does not exist; get V\* with "pyvision bench-data vstar"/,
  );
  refuses(tasksOf("tasks.split=validation"), /^tasks\.split: V\* has test, not "validation"/);
  refuses(
    tasksOf("tasks.name=hrbench-4k", "tasks.shuffleOptions=1"),
    /^tasks\.shuffleOptions: HR-Bench asks/,
  );
  const official = config("tasks.name=mathvision", "tasks.profile=lmms-eval");
  refuses(
    () => gradingOf(official, taskWorldOf(official)),
    /^tasks\.profile: mathvision has the rules of default, official/,
  );
});

function answered(taskId: string, answer: string): Trajectory {
  const action = { type: "answer", answer } as const;
  return {
    ...{
      taskId,
      taskKind: "direct_attributes",
      question: "",
      groundTruth: "",
      member: 0,
      segments: [],
      answer,
    },
    turns: [{ text: `<answer>\\boxed{${answer}}</answer>`, action, tokenCount: 1, stop: "stop" }],
    endReason: { type: "answered" },
    ...{ toolCalls: 0, effectiveToolCalls: 0 },
  };
}

test("graded by the benchmark's rules, then by the judge, whose model and prompt are noted", async () => {
  const requests: ChatRequest[] = [];
  const client: ChatClient = {
    model: "j",
    complete: async (request) => {
      requests.push(request);
      return {
        text: "verdict: right",
        stop: "stop",
        usage: undefined,
        tokens: undefined,
        model: "j",
        attempts: 1,
        seconds: 0,
      };
    },
  };
  const judged = config("reward.judge={baseUrl: http://x/v1, model: j, cache: off}");
  const world = taskWorldOf(judged);
  const item = world.tasks("test").at(0);
  const { score, reward } = gradingOf(judged, world, () => client);
  assert.ok(score !== undefined);
  const ruled = await score(item, answered(item.id, item.answer));
  assert.deepEqual([ruled.score, ruled.stage, requests.length], [1, "rule", 0]);
  const open = await score(item, answered(item.id, "crimson"));
  assert.deepEqual([open.score, open.stage, requests.length], [1, "judge", 1]);
  assert.deepEqual([open.judge?.model, open.judge?.verdict], ["j", "right"]);
  assert.match(open.judge?.promptHash ?? "", /^[0-9a-f]{64}$/);
  const other = await score(item, answered(item.id, "scarlet"));
  assert.equal(other.judge?.promptHash, open.judge?.promptHash, "the hash is of the prompt, not of the case");
  assert.deepEqual(await reward(answered(item.id, item.answer)), {
    total: 1,
    accuracy: 1,
    toolCall: 0,
    score: 1,
  });
  world.close();
});

test("`evaluate` knows it as well", async () => {
  const small = config("engine.threads=1", "evaluation.tasks=2", "evaluation.temperature=0");
  const { report, trajectories } = await runEvaluation(small, silentReporter);
  assert.equal(report.overall.judged, 2);
  assert.equal(report.kinds["direct_attributes"]?.judged, 2);
  for (const { reward } of trajectories) assert.equal(reward.score, reward.accuracy);
});
