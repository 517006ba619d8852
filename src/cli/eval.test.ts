// `pyvision eval` as a user meets it: the carried policy on a few questions, a server's model on some hundreds, killed and
// continued; and what is refused before anything is begun.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { deadPort } from "../core/testPorts.ts";
import { says, stubServer } from "../engines/openai/stubServer.ts";
import { openTrajectoryStore } from "../runs/trajectoryStore.ts";
import { createWorld } from "../tasks/world/world.ts";
import { openRunData } from "../viewer/runData.ts";
import {
  recordedIds,
  runEvalCommand,
  sumServer,
  type SumServer,
  untimedRun,
  writeSums,
} from "./evalHarness.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-eval-"));
after(() => rmSync(root, { recursive: true, force: true }));

interface ReportJson {
  readonly headline: { readonly value: number; readonly count: number };
  readonly stages: Readonly<Record<string, number>>;
  readonly items: { readonly asked: number; readonly available: number };
  readonly controls: readonly { readonly control: string }[];
}

const reportIn = (dir: string): ReportJson =>
  JSON.parse(readFileSync(join(dir, "report.json"), "utf8")) as ReportJson;

describe("the carried policy, on six questions", () => {
  const file = join(root, "beads.jsonl");
  const args = (out: string, ...more: string[]): string[] => [
    ...["--tasks", file, "--engine", "checkpoints/image-mini/sft", "--set", "engine.threads=1"],
    ...["--concurrent", "2", "--out", join(root, out), ...more],
  ];
  before(() => {
    const world = createWorld({ seed: 1, split: "test" });
    const rows = Array.from({ length: 6 }, (_, i) => {
      const { question, answer, kind, images } = world.at(i);
      const [picture] = images;
      assert.ok(picture);
      writeFileSync(join(root, `${i}.png`), encode({ ...picture, channels: 3 }));
      return { id: `bead-${i}`, question, answer, data_source: kind, image_path: [`${i}.png`] };
    });
    writeFileSync(join(root, "3.png"), "no picture at all");
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  });

  test("a damaged picture costs its item and no other; the viewer opens what is stored", async () => {
    const { code, stdout, stderr } = await runEvalCommand(
      root,
      args("whole", "--control", "no-image,no-tool"),
    );
    assert.equal(code, 0, stderr);
    const report = reportIn(join(root, "whole"));
    assert.equal(report.headline.count, 6);
    assert.equal(report.stages["unreadable"], 1);
    assert.deepEqual(
      report.controls.map(({ control }) => control),
      ["no-image", "no-tool"],
    );
    assert.match(stdout, /^beads: accuracy \d+\.\d % \[/);
    assert.match(stdout, /! 1 answer missing, counted as wrong: its item cannot be read\./);
    assert.match(stdout, /\nno-tool +\d+\.\d +\d+\.\d +[+-]?\d+\.\d \[/);
    const trajectories = openTrajectoryStore(join(root, "whole", "trajectories")).load("beads");
    assert.equal(trajectories.length, 5);
    const run = openRunData(join(root, "whole"), "whole");
    run.update();
    assert.equal(run.listing().state, "finished");
    assert.equal(run.overview().sets[0]?.trajectories, 5);
    assert.deepEqual(run.overview().problems, []);
    const [first] = trajectories;
    assert.ok(first !== undefined && "reward" in first);
    assert.equal(first.reward.score, first.reward.total);
  });

  test("sampled twice each and killed in its chunks, it ends as the run that nobody killed; once more it asks nothing", async () => {
    const out = join(root, "killed");
    const sampled = (name: string): string[] => args(name, "--repeats", "2", "--temperature", "1");
    for (const records of [1, 5]) {
      const { signal, stderr } = await runEvalCommand(root, sampled("killed"), { dir: out, records });
      assert.equal(signal, "SIGKILL", stderr);
    }
    const last = await runEvalCommand(root, sampled("killed"));
    assert.equal(last.code, 0, last.stderr);
    const whole = await runEvalCommand(root, sampled("whole-2"));
    assert.equal(whole.code, 0, whole.stderr);
    assert.deepEqual(untimedRun(out, "beads"), untimedRun(join(root, "whole-2"), "beads"));
    const files = untimedRun(out, "beads");
    const again = await runEvalCommand(root, sampled("killed"));
    assert.equal(again.code, 0, again.stderr);
    assert.doesNotMatch(again.stderr, /loading/);
    assert.equal(again.stdout, last.stdout);
    assert.deepEqual(untimedRun(out, "beads"), files);
    // A picture that is mended is asked about again.
    const damaged = readFileSync(join(root, "3.png"));
    cpSync(join(root, "2.png"), join(root, "3.png"));
    const mended = await runEvalCommand(root, sampled("killed"));
    writeFileSync(join(root, "3.png"), damaged);
    assert.equal(mended.code, 0, mended.stderr);
    assert.match(
      mended.stderr,
      /2 answers are missing so far, since items could not be read that can be now/,
    );
    assert.equal(reportIn(out).stages["unreadable"], 0);
  });
});

describe("a model behind a server, on 150 questions", () => {
  let server: SumServer;
  let file: string;
  before(async () => {
    server = await sumServer(15);
    file = writeSums(join(root, "sums"), 150);
  });
  after(() => server.close());
  const args = (out: string, ...more: string[]): string[] => [
    ...["--tasks", file, "--engine", server.baseUrl, "--model", "adder", "--out", join(root, out)],
    ...["--set", "engine.apiKeyVariable=NO_KEY_AT_ALL", ...more],
  ];

  test("killed twice, it asks nothing again that was recorded, and reports as one that nobody killed", async () => {
    const out = join(root, "served");
    for (const records of [30, 70]) {
      const known = recordedIds(out).map((id) => Number(/sum-(\d+)/.exec(id)?.[1]));
      const before = new Map(server.asked);
      const { signal, stderr } = await runEvalCommand(root, args("served"), { dir: out, records });
      assert.equal(signal, "SIGKILL", stderr);
      for (const n of known)
        assert.equal(server.asked.get(n), before.get(n), `question ${n} was asked again`);
    }
    const known = recordedIds(out).length;
    const last = await runEvalCommand(root, args("served"));
    assert.equal(last.code, 0, last.stderr);
    assert.ok(known >= 70 && known < 150, `${known} answers were recorded at the second kill`);
    const whole = await runEvalCommand(root, args("served-whole"));
    assert.equal(whole.code, 0, whole.stderr);
    assert.deepEqual(untimedRun(out, "sums"), untimedRun(join(root, "served-whole"), "sums"));
    const report = reportIn(out);
    // 30 of 150 are multiples of five, which the server gets wrong.
    assert.deepEqual([report.headline.value, report.headline.count], [0.8, 150]);
    assert.match(last.stdout, /\ncrop +10\.0\n/);
    assert.match(last.stdout, /\ntool calls +0\.10\n/);
  });

  test("Ctrl-C: what is being asked is answered and kept, and the same command goes on", async () => {
    const out = join(root, "stopped");
    const kill = { dir: out, records: 25, signal: "SIGINT" as const };
    const stopped = await runEvalCommand(root, args("stopped", "--limit", "100"), kill);
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /stopped; what was answered is kept, and the same command asks the rest/);
    const known = recordedIds(out).length;
    assert.ok(known >= 25 && known < 100, `${known} answers`);
    const before = [...server.asked.values()].reduce((sum, n) => sum + n, 0);
    const last = await runEvalCommand(root, args("stopped", "--limit", "100"));
    assert.equal(last.code, 0, last.stderr);
    const after = [...server.asked.values()].reduce((sum, n) => sum + n, 0);
    // A tenth is asked about twice, for its look.
    assert.ok(
      after - before <= (100 - known) * 1.1 + 20,
      `${after - before} requests for ${100 - known} questions`,
    );
    assert.match(last.stdout, /^sums: accuracy \d/);
  });

  test("--limit draws by the seed, and says what that is not", async () => {
    const { code, stdout, stderr } = await runEvalCommand(root, args("some", "--limit", "20"));
    assert.equal(code, 0, stderr);
    assert.match(stdout, /! 20 of 150 items, drawn by seed: not comparable with published scores\./);
    const other = await runEvalCommand(root, args("some", "--limit", "21"));
    assert.equal(other.code, 2, other.stderr);
    assert.match(other.stderr, /was begun otherwise: --limit was 20, now 21/);
  });

  test("--repeats: answers to one item side by side", async () => {
    const { code, stdout, stderr } = await runEvalCommand(
      root,
      args("twice", "--limit", "10", "--repeats", "2"),
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\navg@2 \(accuracy\) +\d+\.\d/);
    assert.match(stdout, /\npass@2 +\d+\.\d \[\d+\.\d, \d+\.\d\]\n/);
    assert.equal(recordedIds(join(root, "twice")).length, 20);
  });
});

test("two benchmarks with a judge, shuffled options and --json: a folder each, what is not whole is said", async () => {
  const bench = join(root, "bench");
  const grey = encode({ width: 56, height: 56, channels: 3, data: new Uint8Array(56 * 56 * 3).fill(90) });
  for (const [category, name] of [["direct_attributes", "sa_1"], ["direct_attributes", "sa_2"], ["relative_position", "sa_3"]] as const) {
    const at = join(bench, "vstar", category, name);
    mkdirSync(dirname(at), { recursive: true });
    const options = ["red", "blue", "green"];
    const item = { target_object: ["glove"], bbox: [[1, 2, 3, 4]], question: "What colour?", options };
    writeFileSync(`${at}.json`, JSON.stringify(item));
    writeFileSync(`${at}.png`, grey);
  } // prettier-ignore
  cpSync(
    fileURLToPath(new URL("../tasks/benchmarks/fixtures/mathvision.parquet", import.meta.url)),
    join(bench, "mathvision", "test.parquet"),
  );
  const model = await stubServer(says("<answer>\\boxed{crimson}</answer>"));
  const judge = await stubServer(says("verdict: right"));
  const args = [
    ...["--bench", "vstar,mathvision", "--data", bench, "--engine", model.baseUrl, "--model", "m", "--json"],
    ...[
      "--judge",
      judge.baseUrl,
      "--judge-model",
      "j",
      "--shuffle-options",
      "4",
      "--out",
      join(root, "both"),
    ],
    ...["--set", "reward.judge.cache=off"],
  ];
  const { code, stdout, stderr } = await runEvalCommand(root, args);
  await Promise.all([model.close(), judge.close()]);
  assert.equal(code, 0, stderr);
  const { evaluations } = JSON.parse(stdout) as {
    evaluations: (ReportJson & { name: string; judgePrompts: object })[];
  };
  assert.deepEqual(
    evaluations.map(({ name }) => name),
    ["vstar", "mathvision"],
  );
  const [vstar, mathvision] = evaluations;
  assert.deepEqual([vstar?.headline.value, vstar?.headline.count, vstar?.stages["judge"]], [1, 3, 3]);
  assert.match(Object.keys(vstar?.judgePrompts ?? {})[0] ?? "", /^[0-9a-f]{64}$/);
  // MathVision's rules decide everything.
  assert.deepEqual([mathvision?.headline.value, mathvision?.stages["judge"]], [0, 0]);
  const markdown = readFileSync(join(root, "both", "vstar", "report.md"), "utf8");
  assert.match(markdown, /\*\*3 of 191 published items are here: not comparable with published scores\.\*\*/);
  assert.match(markdown, /\*\*Changed: lettered options stand in an order drawn by seed 4\.\*\*/);
  assert.match(markdown, /88\.7 PyVision-Image-7B/);
});

test("a server that is not there: it stops after a few items, without a report", async (t) => {
  const file = writeSums(join(root, "gone"), 40);
  const common = [
    "--tasks",
    file,
    "--model",
    "adder",
    "--out",
    join(root, "gone-run"),
    "--set",
    "engine.maxRetries=0",
  ];
  const stopped = await runEvalCommand(root, [
    ...common,
    "--engine",
    `http://127.0.0.1:${await deadPort(t)}/v1`,
  ]);
  assert.notEqual(stopped.code, 0);
  assert.match(
    stopped.stderr,
    /error: (\d+) of \1 items failed, the last because of: .*\. This stops here; what was answered is kept/,
  );
  assert.equal(existsSync(join(root, "gone-run", "report.md")), false);
});

test("data that were changed: what was answered about them before is asked again, in a run that is over, too", async (context) => {
  const server = await sumServer(0);
  context.after(() => server.close());
  const file = writeSums(join(root, "changing"), 12);
  const out = join(root, "changed");
  const args = ["--tasks", file, "--engine", server.baseUrl, "--model", "adder", "--out", out];
  const asked = (): number => [...server.asked.values()].reduce((sum, n) => sum + n, 0);
  const first = await runEvalCommand(root, args);
  assert.equal(first.code, 0, first.stderr);
  // 0, 5 and 10 are wrong; 0 and 10 are looked at first.
  assert.deepEqual([reportIn(out).headline.value, asked()], [0.75, 14]);
  const rows = readFileSync(file, "utf8");
  writeFileSync(file, rows.replaceAll(/"answer":"(2|4|6|8)",/g, '"answer":"-$1",'));
  const second = await runEvalCommand(root, args);
  assert.equal(second.code, 0, second.stderr);
  assert.match(
    second.stderr,
    /4 answers are left out, the first to "others\/sum-1#1": question, truth or options are not what/,
  );
  assert.ok(Math.abs(reportIn(out).headline.value - 5 / 12) < 1e-9);
  assert.equal(asked(), 18);
  assert.equal(openTrajectoryStore(join(out, "trajectories")).load("sums").length, 12);
  // In the midst of it: seven are there, five are not, and all truths are others.
  const lines = readFileSync(join(out, "items.jsonl"), "utf8").split("\n");
  writeFileSync(
    join(out, "items.jsonl"),
    lines
      .slice(0, 7)
      .map((line) => `${line}\n`)
      .join(""),
  );
  writeFileSync(file, rows.replaceAll('"answer":"', '"answer":"9'));
  const third = await runEvalCommand(root, args);
  assert.equal(third.code, 0, third.stderr);
  assert.match(third.stderr, /7 answers are left out/);
  assert.deepEqual([reportIn(out).headline.value, asked()], [0, 32]);
});

test("items that always fail: the others are reported, and the same command does so again", async (context) => {
  const file = writeSums(join(root, "failing"), 12);
  const lost = /What is (3|4|7) plus/;
  const server = await stubServer(async (response, request) => {
    if (!lost.test(JSON.stringify(request.body["messages"])))
      return says("<answer>\\boxed{2}</answer>")(response, request);
    response.writeHead(400, { "content-type": "application/json" });
    response.end('{"error":{"message":"too long for this model"}}');
  });
  context.after(() => server.close());
  const args = ["--tasks", file, "--engine", server.baseUrl, "--model", "m", "--out", join(root, "lossy")];
  for (const _ of [1, 2]) {
    const { code, stdout, stderr } = await runEvalCommand(root, args);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^sums: accuracy 8\.3 %.*\n! 3 answers missing, counted as wrong: engine or tool failed\./,
    );
  }
  // All that is asked fails: there is a report, and the command says that it is worth nothing.
  writeFileSync(
    file,
    readFileSync(file, "utf8")
      .split("\n")
      .filter((row) => lost.test(row))
      .join("\n"),
  );
  for (const _ of [1, 2]) {
    const all = await runEvalCommand(root, [...args.slice(0, -1), join(root, "lost")]);
    assert.notEqual(all.code, 0);
    assert.match(all.stdout, /^sums: accuracy 0\.0 %/);
    assert.match(all.stderr, /3 of 3 items failed, .*The report says little of the model/);
  }
});

test("the report is there before its controls are", async (context) => {
  const file = writeSums(join(root, "both-ways"), 6);
  const out = join(root, "with-control");
  let inTime: boolean | undefined;
  const server = await stubServer(async (response, request) => {
    if (existsSync(join(out, "no-image"))) inTime ??= existsSync(join(out, "report.md"));
    await says("<answer>\\boxed{2}</answer>")(response, request);
  });
  context.after(() => server.close());
  const args = ["--tasks", file, "--engine", server.baseUrl, "--model", "m", "--control", "no-image"];
  const { code, stderr } = await runEvalCommand(root, [...args, "--out", out]);
  assert.equal(code, 0, stderr);
  assert.equal(inTime, true);
  assert.deepEqual(
    reportIn(out).controls.map(({ control }) => control),
    ["no-image"],
  );
});

test("a profile that the second benchmark lacks is told before the first is looked at", async () => {
  const out = join(root, "lacking");
  const { code, stderr } = await runEvalCommand(root, [
    ...["--bench", "mathvision,wemath", "--engine", "http://127.0.0.1:1/v1", "--model", "m"],
    ...["--profile", "vlmevalkit", "--out", out],
  ]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^error: --profile: wemath has the rules of default, official.*, not of "vlmevalkit"/);
  assert.equal(existsSync(out), false);
});

for (const [args, message] of [
  [["--bench", "vstar"], /required option '--engine <what>' not specified/],
  [["--bench", "vstar", "--engine", "nowhere"], /^error: --engine: "nowhere" is neither an address/],
  [["--bench", "vstar", "--engine", "nowhere", "--control", "blind"], /must be of no-image, no-tool, received "blind"/], // prettier-ignore
] as const)
  test(`refused: ${args.join(" ")}`, async () => {
    const { code, stdout, stderr } = await runEvalCommand(root, args);
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
    assert.match(stderr, message);
  });
