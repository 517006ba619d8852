// Time: a call ends at its limit, what it came to is said, and nothing of it reaches the next call.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ToolResult } from "../core/trajectory.ts";
import {
  LATER_MS,
  type LimitedCell,
  LONG_MS,
  runCells,
  runtimeForTests,
  SLACK_MS,
  SOON_MS,
} from "./testRuntime.ts";

const GRACE_MS = 1200;
const runtime = await runtimeForTests({ maxConcurrent: 8 });
const patient = await runtimeForTests({ maxConcurrent: 1 });

const facts = ({ outcome, alive, stdout }: ToolResult): unknown[] => [outcome.type, alive, stdout];
const timeout = (limitMs: number): object => ({ type: "timeout", limitMs });
const soon = (run: string): LimitedCell => ({ run, limitMs: SOON_MS });
const later = (run: string): LimitedCell => ({ run, limitMs: LATER_MS });

// Side by side: most of it is waiting.
describe("deadlines", { concurrency: 8 }, () => {
  test("an endless loop is interrupted at the limit; its state and its output are kept, the next call is right", async () => {
    const [loop, next] = await runCells(runtime, [
      later("x = 0\nprint('start')\nwhile True: x += 1"),
      "print(x > 1000)",
    ]);
    assert.deepEqual(loop?.outcome, timeout(LATER_MS));
    assert.deepEqual(facts(loop), ["timeout", true, "start\n"]);
    assert.ok(
      loop.elapsedMs >= LATER_MS - 10 && loop.elapsedMs < LATER_MS + SLACK_MS,
      `${loop.elapsedMs} ms`,
    );
    assert.deepEqual(next && facts(next), ["ok", true, "True\n"]);
  });

  test("waiting counts: sleep, a lock, `except Exception` around it", async () => {
    const results = await runCells(runtime, [
      "import threading, time\nl = threading.Lock(); l.acquire();",
      soon("time.sleep(60)"),
      soon("l.acquire()"),
      soon("while True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass"),
      "print('still here')",
    ]);
    const stopped = ["timeout", true, ""];
    assert.deepEqual(results.slice(1).map(facts), [stopped, stopped, stopped, ["ok", true, "still here\n"]]); // prettier-ignore
  });

  test("time spent on the error's text counts", async () => {
    const cell = "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E";
    const [result] = await runCells(runtime, [soon(cell)]);
    assert.deepEqual(result && facts(result), ["timeout", true, ""]);
  });

  test("figures shown before the limit are kept, rendering counts", async () => {
    const cell = [
      "import matplotlib.pyplot as plt, time",
      "from matplotlib.lines import Line2D",
      "plt.figure(figsize=(1, 1), dpi=20); plt.show()",
      "class Slow(Line2D):\n    def draw(self, renderer): time.sleep(60)",
      "plt.gca().add_line(Slow([0, 1], [0, 1])); plt.show()",
    ];
    const [result, next] = await runCells(runtime, [later(cell.join("\n")), "plt.get_fignums()"]);
    assert.deepEqual(result?.outcome, timeout(LATER_MS));
    assert.deepEqual(result?.figures.map(({ width, height }) => [width, height]), [[20, 20]]); // prettier-ignore
    assert.deepEqual(next && facts(next), ["ok", true, "[]\n"]);
  });

  test("a program that ignores the interruption is killed; the next call has a fresh session and the same images", async () => {
    const image = { width: 1, height: 1, data: Uint8Array.from([7, 8, 9]) };
    const loops = [
      "import time\nx = 1\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass",
      "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
      "import itertools\nmax(itertools.repeat(1))",
    ];
    const sessions = loops.map((loop) =>
      runCells(
        runtime,
        [
          { ...later(loop), graceMs: GRACE_MS },
          "print('x' in globals(), image_clue_0.getpixel((0, 0)))",
          "1/0",
        ],
        [image],
      ),
    );
    for (const [killed, next, last] of await Promise.all(sessions)) {
      assert.deepEqual(killed?.outcome, timeout(LATER_MS));
      assert.equal(killed?.alive, false);
      const late = killed.elapsedMs - LATER_MS - GRACE_MS;
      assert.ok(late >= -10 && late < SLACK_MS, `${killed.elapsedMs} ms`);
      assert.deepEqual(next && facts(next), ["ok", true, "False (7, 8, 9)\n"]);
      assert.match(last?.outcome.type === "pythonError" ? last.outcome.traceback : "", /"<cell 3>", line 1/);
    }
  });

  test("what a timed-out call still does in the background never answers the next call", async () => {
    const results = await runCells(runtime, [
      `import sys, threading, time\ndef late():\n    time.sleep(${SOON_MS / 1000 + 0.2}); sys.stdout.write('late\\n')\nthreading.Thread(target=late).start()`,
      soon("while True: pass"),
      "1",
      "2",
    ]);
    assert.deepEqual(results.map(({ outcome }) => outcome.type), ["ok", "timeout", "ok", "ok"]); // prettier-ignore
    // Beside a later call's own text it may stand, wherever that call is when it comes.
    const texts = results.slice(2).map(({ stdout }) => stdout.replace("late\n", ""));
    assert.deepEqual(texts, ["1\n", "2\n"]);
  });

  test("the timer of one call does not ring in the next", async () => {
    const cells = [later("import time"), `time.sleep(${LATER_MS / 1000 + 0.5})\nprint('done')`];
    assert.deepEqual((await runCells(runtime, cells)).map(facts), [["ok", true, ""], ["ok", true, "done\n"]]); // prettier-ignore
  });

  test("limits of one call are its own, and one that is none is refused before the cell runs", async () => {
    const session = await runtime.open({ images: [] });
    const own = await session.run("while True: pass", { callTimeoutMs: SOON_MS });
    assert.deepEqual(own.outcome, timeout(SOON_MS));
    const next = await session.run(`import time\ntime.sleep(${SOON_MS / 1000 + 0.5})`, {
      hardKillGraceMs: LONG_MS,
    });
    assert.deepEqual(next.outcome, { type: "ok" });
    const rule = /^SandboxError: run: hardKillGraceMs must be a whole number of at least 1, got 0.5$/;
    await assert.rejects(session.run("never = 1", { hardKillGraceMs: 0.5 }), rule);
    assert.equal((await session.run("'never' in globals()")).stdout, "False\n");
    await session.close();
  });

  test("a call waiting for its turn does not use up its own time", async () => {
    const cell = "import time\ntime.sleep(0.2)";
    const sessions = await Promise.all([1, 2, 3].map(() => patient.open({ images: [] })));
    const began = performance.now();
    const results = await Promise.all(sessions.map((session) => session.run(cell)));
    const wholeMs = performance.now() - began;
    await Promise.all(sessions.map((session) => session.close()));
    const own = results.map(({ elapsedMs }) => elapsedMs);
    assert.ok(own.every((ms) => ms >= 195), own.join()); // prettier-ignore
    // One after the other: with their waiting they would be 1.2 s of 0.6.
    const sum = own.reduce((a, b) => a + b);
    assert.ok(sum <= wholeMs, `${own.join(" + ")} of ${wholeMs} ms`);
  });
});
