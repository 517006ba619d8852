import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, EngineError } from "../../core/errors.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { Reward, Trajectory } from "../../core/trajectory.ts";
import type { ChatClient, ChatReply } from "../../engines/openai/chat.ts";
import { json, raw, says, stubServer } from "../../engines/openai/stubServer.ts";
import { gradeAnswer } from "../../rewards/grade.ts";
import { parseConfig } from "../../runs/config.ts";
import { formatJudged, type GradedTasks, gradingOf } from "./grading.ts";

const WORLD: GradedTasks = { grade: gradeAnswer, isNumeric: (kind) => kind === "count" };
const FILE = "tasks: {type: file, path: x.json}\n";
const JUDGE = "{baseUrl: 'http://127.0.0.1:1/v1', model: judge-1, cache: 'off'}";

function trajectory(answer: string, groundTruth: string, taskKind = "k"): Trajectory {
  return {
    taskId: "t",
    taskKind,
    question: "What color?",
    groundTruth,
    member: 0,
    segments: [],
    turns: [],
    endReason: { type: "answered" },
    answer,
    toolCalls: 0,
    effectiveToolCalls: 0,
  };
}

/** Judges by the script, in the order of requests. */
function judge(...script: readonly (string | Error)[]): () => ChatClient & { readonly prompts: string[] } {
  const prompts: string[] = [];
  let n = 0;
  return () => ({
    model: "judge-1",
    prompts,
    complete: async ({ messages }): Promise<ChatReply> => {
      prompts.push(JSON.stringify(messages));
      const text = script[n++ % script.length] as string | Error;
      if (text instanceof Error) throw text;
      return { text, stop: "stop", usage: undefined, tokens: undefined, model: "m", attempts: 1, seconds: 0 };
    },
  });
}

const accuracies = async (
  rewards: readonly (Reward | Promise<Reward>)[],
): Promise<readonly (0 | 1 | undefined)[]> =>
  Promise.all(rewards.map(async (reward) => (await reward).accuracy));

test("the mini worlds grade as they always did, at once and not by promise", () => {
  const { reward, isNumeric, judged } = gradingOf(parseConfig("", "a.yaml"), WORLD);
  assert.deepEqual(reward(trajectory("Red.", "red")), { total: 1, accuracy: 1, toolCall: 0 });
  assert.deepEqual(reward(trajectory("crimson", "red")), { total: 0, accuracy: 0, toolCall: 0 });
  assert.deepEqual([isNumeric("count"), isNumeric("k"), judged()], [true, false, undefined]);
});

test("a judge that no rule would ask is an error, one with a grader is not", () => {
  const text = `reward: {judge: ${JUDGE}}`;
  assert.throws(() => gradingOf(parseConfig(text, "a.yaml"), WORLD, judge("right")), /would never be asked/);
  const graded = `reward: {grader: {type: text}, judge: ${JUDGE}}`;
  assert.equal(gradingOf(parseConfig(graded, "a.yaml"), WORLD, judge("right")).judged()?.asked, 0);
});

test("tasks of files: by the look of the truth, numbers of the reference's kinds by relative accuracy", async () => {
  const { reward, isNumeric } = gradingOf(parseConfig(FILE, "a.yaml"), WORLD);
  assert.deepEqual(
    await accuracies([
      reward(trajectory("80", "100", "vsi_numerical")),
      reward(trajectory("80", "100")),
      reward(trajectory("\\frac{1}{2}", "0.5")),
      reward(trajectory("crimson", "red")),
    ]),
    [1, 0, 1, 0],
  );
  assert.deepEqual([isNumeric("vsi_numerical"), isNumeric("k")], [true, false]);
});

test("reward.grader names the rule, of each kind if so wanted", async () => {
  const text =
    "reward: {grader: {type: byKind, kinds: {size: {type: number, relativeTolerance: 0.1}}, otherwise: {type: exact}}}";
  const { reward, isNumeric } = gradingOf(parseConfig(FILE + text, "a.yaml"), WORLD);
  assert.deepEqual(
    await accuracies([
      reward(trajectory("95", "100", "size")),
      reward(trajectory("80", "100", "size")),
      reward(trajectory("Red", "red", "sign")),
    ]),
    [1, 0, 0],
  );
  assert.equal(isNumeric("size"), true);
});

test("the judge decides what rules leave open, with the prompt of the form, and is counted", async () => {
  const client = judge("verdict: right", "verdict: wrong", "hm");
  const made = client();
  const config = parseConfig(`${FILE}reward: {judge: ${JUDGE}}`, "a.yaml");
  const grading = gradingOf(config, WORLD, () => made);
  const rewards = ["Red", "crimson", "navy", "some color"].map((answer) =>
    grading.reward(trajectory(answer, "red")),
  );
  assert.deepEqual(await accuracies(rewards), [1, 1, 0, undefined]);
  assert.deepEqual(await accuracies([grading.reward(trajectory("maybe 4", "4"))]), [1]);
  assert.match(made.prompts[0] ?? "", /answer is in words/);
  assert.match(made.prompts[3] ?? "", /wants one number/);
  assert.deepEqual(grading.judged(), {
    model: "judge-1",
    asked: 4,
    cached: 0,
    right: 2,
    wrong: 1,
    undecided: 0,
    failed: 1,
    overBudget: 0,
  });
  const judged = grading.judged();
  assert.ok(judged !== undefined);
  assert.match(formatJudged(judged), /^judge judge-1: 4 answers .* 2 right, 1 wrong, .* 1 failed/);
});

test("prompts of one's own, by kind; one that cannot be read is told before anything is asked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "grading-"));
  try {
    const file = join(folder, "signs.yaml");
    writeFileSync(file, "name: signs\ntask: Of road signs.\nrules: [Exactly.]\n");
    const config = (prompts: string) =>
      parseConfig(
        `${FILE}reward: {judge: {baseUrl: 'http://127.0.0.1:1/v1', model: m, cache: 'off', ${prompts}}}`,
        "a.yaml",
      );
    const made = judge("verdict: right")();
    const { reward } = gradingOf(config(`prompts: {sign: ${file}}, prompt: text`), WORLD, () => made);
    await accuracies([reward(trajectory("halt", "stop", "sign")), reward(trajectory("maybe 4", "4"))]);
    assert.match(made.prompts[0] ?? "", /Of road signs/);
    assert.match(made.prompts[1] ?? "", /answer is in words/);
    assert.throws(() => gradingOf(config(`prompts: {sign: ${file}x.yaml}`), WORLD, () => made), ConfigError);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a judge that fails is warned of, and stops the run when it fails on most of a round", async () => {
  const warnings: string[] = [];
  const reporter = { ...silentReporter, warn: (text: string) => void warnings.push(text) };
  const config = parseConfig(`${FILE}reward: {judge: ${JUDGE}}`, "a.yaml");
  const down = gradingOf(config, WORLD, judge(new EngineError("no server")));
  const ask = (n: number) =>
    accuracies(Array.from({ length: n }, (_, i) => down.reward(trajectory(`word ${i}`, "red"))));
  assert.deepEqual(await ask(3), [undefined, undefined, undefined]);
  down.check("train/1", reporter); // three of three, but only three
  assert.deepEqual(warnings, [
    "train/1: the judge gave no verdict on 3 of 3 answers (no server); they are left out",
  ]);
  down.check("train/1", reporter); // nothing since
  assert.equal(warnings.length, 1);
  await ask(8);
  assert.throws(
    () => down.check("train/2", reporter),
    /train\/2: .* 8 of 8 answers \(no server\).*maxFailedShare/,
  );

  const half = gradingOf(config, WORLD, judge("verdict: wrong", "hm"));
  await accuracies(Array.from({ length: 20 }, (_, i) => half.reward(trajectory(`word ${i}`, "red"))));
  half.check("train/1", reporter); // half is not more than half
  assert.match(warnings[1] ?? "", /10 of 20 answers \(its reply is no verdict: "hm"\)/);
});

test("over HTTP: asks again after 429 and 500, at most maxConcurrent at once, gives up at the deadline, once for each answer", async () => {
  const slow = says("verdict: wrong");
  const server = await stubServer(
    json({ error: { message: "slow down" } }, 429, { "retry-after": "0" }),
    raw("{", 200),
    json({ error: { message: "oops" } }, 500),
    says("verdict: right"),
    async (response, request) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      await slow(response, request);
    },
  );
  const folder = mkdtempSync(join(tmpdir(), "grading-"));
  try {
    const config = (more: string) =>
      parseConfig(
        `${FILE}reward: {judge: {baseUrl: '${server.baseUrl}', model: judge-1, cache: ${folder}, apiKeyVariable: NO_SUCH_KEY, ${more}}}`,
        "a.yaml",
      );
    const first = gradingOf(config("maxConcurrent: 3"), WORLD);
    assert.deepEqual(await accuracies([first.reward(trajectory("crimson", "red"))]), [1]);
    assert.equal(server.requests.length, 4);
    const { model, temperature } = server.requests[3]?.body ?? {};
    assert.deepEqual([model, temperature], ["judge-1", 0]);
    const many = Array.from({ length: 12 }, (_, i) => first.reward(trajectory(`word ${i}`, "red")));
    assert.deepEqual(new Set(await accuracies(many)), new Set([0]));
    assert.equal(server.mostAtOnce(), 3);

    // Another run with the same folder asks nothing that is known.
    const second = gradingOf(config("maxConcurrent: 3"), WORLD);
    const before = server.requests.length;
    const known = [second.reward(trajectory("crimson", "red")), second.reward(trajectory("word 3", "red"))];
    assert.deepEqual(await accuracies(known), [1, 0]);
    assert.equal(server.requests.length, before);

    const hasty = gradingOf(
      config("requestTimeoutSeconds: 0.005, deadlineSeconds: 0.01, maxRetries: 0"),
      WORLD,
    );
    assert.deepEqual(await accuracies([hasty.reward(trajectory("navy", "red"))]), [undefined]);
    assert.equal(hasty.judged()?.failed, 1);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
