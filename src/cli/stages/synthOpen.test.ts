import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError } from "../../core/errors.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { ChatClient, ChatReply } from "../../engines/openai/chat.ts";
import type { SynthRecord } from "../../learning/synthRecord.ts";
import { gradeAnswer } from "../../rewards/grade.ts";
import { parseConfig } from "../../runs/config.ts";
import { gradingOf, type RunGrading } from "./grading.ts";
import { decideOpen } from "./synthOpen.ts";

const WORLD = { grade: gradeAnswer, isNumeric: () => false };
const CONFIG = parseConfig(
  "tasks: {type: file, path: x.json}\n" +
    "reward: {judge: {baseUrl: 'http://127.0.0.1:1/v1', model: judge-1, cache: 'off', maxCalls: 3}}\n",
  "a.yaml",
);

const judgedBy = (reply: string | EngineError): RunGrading => {
  const client: ChatClient = {
    model: "judge-1",
    complete: async (): Promise<ChatReply> => {
      if (reply instanceof EngineError) throw reply;
      return {
        text: reply,
        stop: "stop",
        usage: undefined,
        tokens: undefined,
        model: "m",
        attempts: 1,
        seconds: 0,
      };
    },
  };
  return gradingOf(CONFIG, WORLD, () => client);
};

/** So many answers that no rule decides. */
function folderOf(count: number) {
  const added: SynthRecord[] = [];
  const open = Array.from({ length: count }, (_, position): SynthRecord => ({
    taskId: `t${position}`,
    kind: "k",
    position,
    attempt: 0,
    questionKey: `${position}`,
    end: "answered",
    calls: 0,
    failedCalls: 0,
    lastCallRan: false,
    turns: 1,
    tokens: 1,
    images: 0,
    wordsKey: `${position}`,
    open: { question: "What color?", answer: `word ${position}`, truth: "red" },
  }));
  return { added, records: () => open, add: (record: SynthRecord) => void added.push(record) };
}

function listening() {
  const warnings: string[] = [];
  return { warnings, reporter: { ...silentReporter, warn: (text: string) => void warnings.push(text) } };
}

test("open answers are asked about on the run's own budget, which counts and checks them", async () => {
  const grading = judgedBy("verdict: right");
  const folder = folderOf(5);
  const { warnings, reporter } = listening();
  await decideOpen(grading, folder, reporter);
  assert.deepEqual(
    folder.added.map(({ accuracy, open }) => [accuracy, open]),
    [
      [1, undefined],
      [1, undefined],
      [1, undefined],
    ],
  );
  const { asked, right, overBudget } = grading.judged() ?? {};
  assert.deepEqual([asked, right, overBudget], [3, 3, 2]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^undecided answers: the judge gave no verdict on 2 of 5 answers \(/);
});

test("a judge that is away is told of as such, and leaves the answers open", async () => {
  const folder = folderOf(8);
  await assert.rejects(
    decideOpen(judgedBy(new EngineError("no server")), folder, silentReporter),
    /^EngineError: undecided answers: the judge gave no verdict on 8 of 8 answers/,
  );
  assert.deepEqual(folder.added, []);
});
