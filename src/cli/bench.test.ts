// `pyvision bench`: its command line and its report, and that what it counts and compares with is real: the stand-in's
// sessions behave as the reference's, and the CPU and memory of processes below processes are found.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { figure, formatReport } from "../../bench/format.ts";
import { meanSessionPssBytes, treeCpuSeconds } from "../../bench/python/processes.ts";
import { LOOK, photo } from "../../bench/python/programs.ts";
import { StandIn } from "../../bench/python/standIn.ts";
import { atLeast, atMost, lessIsBetter, moreIsBetter, quantile } from "../../bench/report.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const python = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const linuxOnly = process.platform === "linux" ? false : "reads /proc, which is on Linux only";

test("an unknown benchmark is answered with the names there are", () => {
  const args = ["--import", "tsx", main, "bench", "pyhton"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(
    stderr,
    /argument value 'pyhton' is invalid for argument 'name'\. Allowed choices are engine, python\./,
  );
});

test("a report is the machine, a table with the peer, bars and notes", () => {
  const machine = {
    ...{ cpu: "Fast CPU", cores: 2, memoryBytes: 8e9, system: "Linux 6", node: "v20.19.0" },
    ...{ loadAtStart: 0.25, loadAtEnd: 3 },
  };
  const rows = [
    { name: "start", value: 859.4, unit: "ms" },
    lessIsBetter("look", "ms", 30, 150),
    moreIsBetter("looks", "calls/s", 27.46, 9),
  ];
  const bars = [atLeast("look", "at least 3x faster", 5, 3, "x"), atMost("idle", "at most 1%", 1.04, 1, "%")];
  const report = { machine, facts: { isolation: "process, by none" }, rows, bars, notes: ["cut short"] };
  assert.equal(
    formatReport("python", report),
    [
      "python: Fast CPU, 2 cores, 8 GB, Linux 6, Node v20.19.0, load 0.25 at the start and 3 at the end",
      "isolation: process, by none",
      "",
      "figure  ours  stand-in  better by  unit",
      "──────  ────  ────────  ─────────  ───────",
      "start    859         –          –  ms",
      "look    30.0       150      5.00x  ms",
      "looks   27.5      9.00      3.05x  calls/s",
      "",
      "bar   rule                measured  verdict",
      "────  ──────────────────  ────────  ───────",
      "look  at least 3x faster    5.00 x  met",
      "idle  at most 1%            1.04 %  MISSED",
      "",
      "note: cut short",
    ].join("\n"),
  );
});

test("figures have three digits, and quantiles lie between their neighbours", () => {
  assert.deepEqual([0, 0.0123, 0.35, 4.567, 45.67, 1234.5, -19.32, NaN].map(figure), [
    "0.00",
    "0.012",
    "0.35",
    "4.57",
    "45.7",
    "1235",
    "-19.3",
    "–",
  ]);
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(quantile([10, 0], 0.95), 9.5);
  assert.equal(quantile([7], 0.95), 7);
});

test("CPU and memory of a process are found below others", { skip: linuxOnly }, async () => {
  const program =
    "import time\nblock = b'x' * 50_000_000\nwhile time.process_time() < 0.5: pass\nprint('done', flush=True)\ninput()";
  const child = spawn("sh", ["-c", `"$0" -c "$1"; true`, python, program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const roots = [child.pid ?? 0];
  const seconds = treeCpuSeconds(roots, 100);
  assert.ok(seconds >= 0.48 && seconds < 1, `${seconds} s of CPU`);
  const bytes = meanSessionPssBytes(roots, 1);
  assert.ok(bytes > 50e6 && bytes < 80e6, `${bytes} bytes`);
  assert.throws(() => meanSessionPssBytes(roots, 2), /opened 2 sessions and found 1 processes/);
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.stdin.end("\n");
  await closed;
});

test("the stand-in works as the reference: state, figures, errors, a death seen by its time limit only", async () => {
  const side = await StandIn.launch(photo());
  try {
    const { session, ms } = await side.start("import os; kept = image_clue_0.size");
    assert.ok(ms > 0);
    const told = await side.run(session, "print(kept)");
    assert.deepEqual([told.outcome, told.stdout, told.figures], ["ok", "(2048, 1536)\n", 0]);
    const looked = await side.run(session, LOOK);
    assert.deepEqual([looked.outcome, looked.figures], ["ok", 1]);
    const decodeMs = looked.decodeMs ?? NaN;
    assert.ok(decodeMs > 0 && decodeMs < looked.ms);
    const failed = await side.run(session, "print('lost')\n{}['x']");
    assert.deepEqual([failed.outcome, failed.detail], ["error", "'x'"]);
    const crowd = await side.open(3);
    const batch = await side.trajectories(crowd.sessions, "print(image_clue_0.size)", 2);
    assert.deepEqual([batch.calls, batch.failed], [6, 0]);
    for (const code of ["os._exit(3)", "print(1)"]) {
      const lost = await side.run(session, code, 0.4);
      assert.equal(lost.outcome, "lost", code);
      assert.ok(lost.ms >= 400, `${lost.ms} ms`);
    }
    const { closed } = await side.close([session], 5);
    assert.equal(closed, 1);
  } finally {
    await side.end();
  }
});
