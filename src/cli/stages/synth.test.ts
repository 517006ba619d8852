// Demonstrations for real: carried checkpoint, real Python, the scripted teacher, the policy itself, and the policy behind
// the project's own server.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { encode } from "fast-png";
import { loadTemplate } from "../../agent/template.ts";
import { ConfigError, DataError, EngineError } from "../../core/errors.ts";
import { silentReporter } from "../../core/reporter.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type { SynthRecord } from "../../learning/synthRecord.ts";
import { hashImage } from "../../models/qwen2_5_vl/testFixtures.ts";
import { loadConfig, type ResolvedConfig } from "../../runs/config.ts";
import { createRun } from "../../runs/runDirectory.ts";
import { type Fault, startFaultProxy } from "../../server/openai/faults.ts";
import { startTestServer } from "../../server/openai/testServer.ts";
import { openDialogueFile } from "../../tasks/formats/shareGptFile.ts";
import { runSft } from "./sft.ts";
import { runSynth } from "./synth.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-synth-"));
after(() => rmSync(root, { recursive: true }));
const at = (name: string): string => join(root, name);

const SCRIPTED = ["engine.threads=1", "synth.teacher=scripted", "sft.teacher.pythonError=0.4"];
const recipe = (...sets: string[]): ResolvedConfig => loadConfig("configs/image-mini.yaml", sets);
const scripted = (...sets: string[]): ResolvedConfig => recipe(...SCRIPTED, ...sets);

const text = (dir: string, name: string): string => readFileSync(join(at(dir), name), "utf8");
const episodes = (dir: string): SynthRecord[] =>
  text(dir, "episodes.jsonl")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as SynthRecord);

const whole = await runSynth(scripted("synth.tasks=16", "synth.concurrent=8"), at("whole"), silentReporter);

test("a teacher's right episodes are written, the others counted with a reason", () => {
  const records = episodes("whole");
  assert.equal(records.length, 16);
  const right = records.filter(({ accuracy }) => accuracy === 1).length;
  assert.ok(right >= 4 && right <= 14, `${right} right`);
  assert.deepEqual(
    [whole.episodes, whole.tasks, whole.right, whole.wrong, whole.undecided],
    [16, 16, right, 16 - right, 0],
  );
  assert.equal(whole.dialogues, right);
  assert.deepEqual(whole.dropped, [["wrong answer", 16 - right]]);
  assert.deepEqual(JSON.parse(text("whole", "report.json")), JSON.parse(JSON.stringify(whole)));
  const { dialogues } = openDialogueFile(at("whole"));
  assert.equal(dialogues.length, right);
  for (const { system, messages } of dialogues) {
    assert.equal(system, "Look with Python.");
    assert.match(messages[0]?.text ?? "", /^<image>\S/);
    assert.match(messages.at(-1)?.text ?? "", /<answer>\\boxed\{[^{}]+\}<\/answer>$/);
    for (const { role, text: said } of messages.slice(1, -1))
      assert.match(said, role === "user" ? /^<tool_response>.*<\/tool_response>$/s : /<\/code>$/);
  }
  // Every picture a dialogue names is there, and none is kept for wrong answers' sake alone without a record.
  const named = new Set(records.flatMap(({ dialogue }) => dialogue?.images ?? []));
  assert.deepEqual(
    readdirSync(join(at("whole"), "images"))
      .map((name) => `images/${name}`)
      .sort(),
    [...named].sort(),
  );
  const calls = records.flatMap((record) => record.calls + record.failedCalls);
  assert.ok(Math.max(...calls) >= 2 && records.some(({ failedCalls }) => failedCalls > 0));
});

test("stopped and gone on with, in the middle of a line too, it ends as if it had never stopped; lost sessions are made up for", async () => {
  await runSynth(scripted("synth.tasks=7", "synth.concurrent=7"), at("resumed"), silentReporter);
  const file = join(at("resumed"), "episodes.jsonl");
  const lines = readFileSync(file, "utf8").split("\n");
  const { accuracy: _, ...lost } = JSON.parse(lines[2] ?? "") as SynthRecord;
  lines[2] = JSON.stringify({ ...lost, end: "sandboxFailure", message: "worker lost" });
  const kept = lines.slice(0, 5).join("\n");
  writeFileSync(file, `${kept}\n${(lines[5] ?? "").slice(0, 40)}`);
  await runSynth(scripted("synth.tasks=16", "synth.concurrent=3"), at("resumed"), silentReporter);
  assert.ok(readFileSync(file, "utf8").startsWith(`${kept}\n`), "what was played is not played again");
  assert.equal(episodes("resumed").length, 17, "one line more, for the episode that a lost session spoilt");
  for (const name of ["dialogues.json", "report.json", "dataset_info.json", "llamafactory.yaml"])
    assert.equal(text("resumed", name), text("whole", name), name);
});

test("another filter chooses anew from what was played; nothing left is an error, and no dialogues stay", async () => {
  cpSync(at("whole"), at("again"), { recursive: true });
  const before = text("again", "episodes.jsonl");
  const more = ["synth.tasks=16", "synth.filter.minCalls=1", "synth.balance.dialogues=3"];
  const report = await runSynth(scripted(...more), at("again"), silentReporter);
  assert.equal(text("again", "episodes.jsonl"), before);
  const passed = episodes("again").filter(
    ({ accuracy, calls, lastCallRan }) => accuracy === 1 && calls > 0 && lastCallRan,
  );
  assert.equal(report.dialogues, Math.min(3, passed.length));
  assert.equal(
    report.byTurns.reduce((n, bin) => n + bin.passed, 0),
    passed.length,
  );
  const nothing = scripted("synth.tasks=16", "synth.filter.minCalls=50");
  await assert.rejects(runSynth(nothing, at("again"), silentReporter), (error) => {
    assert.ok(error instanceof DataError);
    assert.match(error.message, /none of 16 episodes is a demonstration under synth\.filter/);
    return true;
  });
  assert.deepEqual(readdirSync(at("again")).sort(), [
    "config.yaml",
    "episodes.jsonl",
    "images",
    "report.json",
  ]);
});

test("a folder of another recipe, or of something else, is not gone on with", async () => {
  for (const [set, message] of [
    ["seed=3", /^seed: the episodes in .*whole were played under 0, received 3;/],
    ["synth.temperature=0.5", /^synth\.temperature: .* under 1, received 0\.5;/],
    ["tasks.places=3", /^tasks: /],
    ["sft.teacher.giveUp=0", /^sft\.teacher: /],
  ] as const)
    await assert.rejects(runSynth(scripted("synth.tasks=16", set), at("whole"), silentReporter), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });
  await assert.rejects(
    runSynth(scripted(), "src/cli", silentReporter),
    /^ConfigError: --out src\/cli: holds files, but no episodes\.jsonl to go on with/,
  );
});

test("several attempts: a task is played again until enough of its episodes are good", async () => {
  const config = recipe(
    "synth.teacher=policy",
    "synth.tasks=6",
    "synth.attempts=3",
    "synth.perTask=1",
    "engine.threads=1",
  );
  const report = await runSynth(config, at("attempts"), silentReporter);
  const records = episodes("attempts");
  for (let position = 0; position < 6; position++) {
    const own = records.filter((record) => record.position === position);
    const good = own.findIndex(({ accuracy, lastCallRan }) => accuracy === 1 && lastCallRan);
    assert.deepEqual(
      own.map(({ attempt }) => attempt),
      [0, 1, 2].slice(0, good < 0 ? 3 : good + 1),
      `task ${position}`,
    );
  }
  assert.ok(report.episodes > 6 && report.tasks === 6, `${report.episodes} episodes`);
});

test("sft trains on the same files, on the model's own tokens only", async () => {
  const sets = [
    "sft.epochs=2",
    "sft.batchSize=64",
    "evaluation.tasks=4",
    "engine.threads=1",
    "sft.optimizer.warmupSteps=0",
  ];
  const config = recipe(`sft.data=${at("whole")}`, "sft.init=checkpoints/image-mini/sft", ...sets);
  const run = createRun(config, { dir: at("sft") });
  const dir = await runSft(config, run, silentReporter);
  assert.ok(readdirSync(dir).includes("model.safetensors"));
  const { dialogues } = openDialogueFile(at("whole"));
  const { codec, dispose } = await codecOf(dir);
  const { codeClose, answerClose } = loadTemplate("mini");
  const tokens = dialogues
    .flatMap(({ messages }) => messages.filter(({ role }) => role === "assistant"))
    .reduce((n, { text: said }) => {
      assert.ok(said.endsWith(codeClose) || said.endsWith(answerClose));
      return n + codec.encodeText(said).length;
    }, 0);
  await dispose();
  // Steps are cut through the epochs: both together are one batch here.
  const records = run.readMetrics();
  assert.equal(dialogues.length * 2 <= 64 ? 1 : 2, records.length);
  assert.equal(
    records.reduce((n, record) => n + Number(record["train/tokens"]), 0),
    2 * tokens,
  );
  const summary = run.readSummary() as { readonly dialogues: unknown };
  assert.deepEqual(summary.dialogues, {
    file: join(at("whole"), "dialogues.json"),
    count: dialogues.length,
    tooLong: 0,
  });
});

test("sft leaves out what is too long for the agent, and says so; all of it is an error", async () => {
  const long = [
    "sft.init=checkpoints/image-mini/sft",
    "sft.epochs=1",
    "evaluation.tasks=2",
    "engine.threads=1",
  ];
  const warnings: string[] = [];
  const reporter = { ...silentReporter, warn: (warning: string) => void warnings.push(warning) };
  const config = recipe(`sft.data=${at("whole")}`, ...long, "agent.maxContextTokens=60");
  const run = createRun(config, { dir: at("short") });
  await runSft(config, run, reporter);
  const { tooLong, count } = (
    run.readSummary() as { readonly dialogues: { readonly tooLong: number; readonly count: number } }
  ).dialogues;
  assert.ok(tooLong > 0 && tooLong < count, `${tooLong} of ${count}`);
  assert.ok(
    warnings.some((warning) =>
      warning.startsWith(`${tooLong} of ${count} dialogues are longer than agent.maxContextTokens (60)`),
    ),
  );
  const none = recipe(`sft.data=${at("whole")}`, ...long, "agent.maxContextTokens=16");
  await assert.rejects(
    runSft(none, createRun(none, { dir: at("none") }), silentReporter),
    /^DataError: .*nothing is left to train on/,
  );
  for (const [set, message] of [
    ["sft.dataset=none", /there is no data set "none", it names image-mini-synth/],
    [
      `sft.imageRoot=${root}`,
      /row 0: image images\/\w+\.png is not there \(looked for .*pyvision-synth-\w+\/images/,
    ],
    ["sft.data=nowhere.json", /^ConfigError: sft\.data: "nowhere\.json" does not exist/],
  ] as const) {
    const config = recipe(`sft.data=${at("whole")}`, ...long, set);
    await assert.rejects(runSft(config, createRun(config, { dir: at("wrong") }), silentReporter), message);
  }
});

test("a served teacher makes the dialogues that the same policy makes in this process, however its server behaves", async () => {
  const greedy = ["synth.tasks=5", "synth.temperature=0", "synth.filter.right=false"];
  await runSynth(recipe(...greedy, "engine.threads=1"), at("embedded"), silentReporter);
  const server = await startTestServer();
  const through = async (name: string, script: readonly Fault[], maxRetries: number): Promise<unknown> => {
    const proxy = await startFaultProxy(server.baseUrl, script);
    const engine = `engine={type: openai, baseUrl: "${proxy.baseUrl}", model: ${server.model}, dialect: vllm, maxRetries: ${maxRetries}}`;
    try {
      return await runSynth(recipe(engine, ...greedy, "synth.concurrent=1"), at(name), silentReporter);
    } finally {
      await proxy.close();
    }
  };
  const busy = { type: "status", status: 429, retryAfter: "0" } as const;
  try {
    await through(
      "patient",
      [busy, { type: "malformed" }, { type: "none" }, { type: "emptyChoices" }, { type: "reset" }],
      3,
    );
    // Without retries the fifth turn asked for ends the run; what had ended by then is kept and not asked for again.
    const good = { type: "none" } as const;
    const fault = { type: "status", status: 500 } as const;
    await assert.rejects(through("stopped", [good, good, good, good, fault], 0), EngineError);
    const kept = episodes("stopped").length;
    assert.ok(kept > 0 && kept < 5, `${kept} episodes kept`);
    await through("stopped", [], 0);
  } finally {
    await server.stop();
  }
  assert.ok(openDialogueFile(at("embedded")).dialogues.length >= 3);
  for (const name of ["patient", "stopped"])
    assert.equal(text(name, "dialogues.json"), text("embedded", "dialogues.json"), name);
});

test("tasks of a file: what cannot be shown is counted as broken and stops nobody; open answers are decided when a judge can", async () => {
  const folder = at("data");
  mkdirSync(folder);
  const picture = (name: string, width: number, height: number): void =>
    writeFileSync(join(folder, name), encode({ ...hashImage(width, height, width), channels: 3, depth: 8 }));
  picture("a.png", 640, 480);
  picture("b.png", 300, 400);
  picture("long.png", 3000, 10);
  writeFileSync(join(folder, "damaged.png"), readFileSync(join(folder, "a.png")).subarray(0, 2000));
  const rows = ["a.png", "long.png", "damaged.png", "b.png"].map((image, i) => ({
    id: `row${i}`,
    question: "What colour is the large disc?",
    answer: "a colour that no rule can tell apart",
    ability: "search",
    data_source: "own",
    image_path: image,
  }));
  writeFileSync(join(folder, "tasks.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const file = `tasks={type: file, path: ${join(folder, "tasks.jsonl")}, split: {validation: 0, test: 0}}`;
  const sets = [
    file,
    "synth.tasks=10",
    "synth.filter.right=false",
    "engine.threads=1",
    "agent.maxTurnTokens=200",
  ];
  const report = await runSynth(recipe(...sets), at("files"), silentReporter);
  const records = episodes("files");
  assert.deepEqual(records.map(({ end }) => end === "broken").sort(), [false, false, true, true]);
  assert.ok(report.dropped.some(([reason, count]) => reason === "the task is broken" && count === 2));
  const messages = records.flatMap(({ message }) => message ?? []);
  assert.ok(
    messages.some((message) => /aspect|ratio|200/.test(message)),
    messages.join("; "),
  );
  assert.ok(
    messages.some((message) => /damaged/.test(message)),
    messages.join("; "),
  );
  assert.equal(report.dialogues, 2);

  // As if the judge had been away: the same command asks it, and nobody else, again.
  const undecided = records.map(({ accuracy: _, ...record }) =>
    record.end === "answered"
      ? { ...record, open: { question: "?", answer: "red", truth: record.position === 0 ? "red" : "blue" } }
      : record,
  );
  const path = join(at("files"), "episodes.jsonl");
  writeFileSync(path, undecided.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const again = await runSynth(recipe(...sets), at("files"), silentReporter);
  assert.deepEqual([again.episodes, again.right, again.wrong, again.undecided], [4, 1, 1, 2]);
  assert.equal(episodes("files").length, 6, "a line more for each answer, none for a new episode");
});

async function codecOf(
  dir: string,
): Promise<{ readonly codec: EmbeddedEngine["codec"]; dispose(): Promise<void> }> {
  const engine = await EmbeddedEngine.load(dir, { threads: 1 });
  return { codec: engine.codec, dispose: () => engine.dispose() };
}
