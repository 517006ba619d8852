// Programs that do not end, or that end their process: a call comes back in time, says what is lost, and nothing of it
// reaches the next one.
import assert from "node:assert/strict";
import type { ToolResult } from "../../core/trajectory.ts";
import { type Case, CONFORMANCE_OPTIONS, facts, pattern, runCells } from "./case.ts";

const { callTimeoutMs, hardKillGraceMs } = CONFORMANCE_OPTIONS;
const TIMEOUT = { type: "timeout", limitMs: callTimeoutMs };
/** For transfer, and for a busy machine. */
const SLACK_MS = 4000;

/** The cell's process dies; the next call has a fresh one with the same images. */
async function deadly({ runtime }: Parameters<Case["check"]>[0], cell: string): Promise<ToolResult> {
  const other = await runtime.open({ images: [] });
  assert.equal((await other.run("x = 41")).outcome.type, "ok");
  const [result, next] = await runCells(
    runtime,
    [`x = 1\n${cell}`, "print('x' in globals(), image_clue_0.getpixel((0, 0)))"],
    [pattern(1, 1)],
  );
  assert.ok(result && next);
  assert.equal(result.alive, false, JSON.stringify(result));
  assert.deepEqual([result.stdout, result.figures], ["", []]);
  assert.deepEqual(facts(next), ["ok", true, "False (0, 31, 62)\n"]);
  assert.equal((await other.run("x + 1")).stdout, "42\n");
  await other.close();
  return result;
}

async function killed(world: Parameters<Case["check"]>[0], cell: string): Promise<void> {
  const { outcome } = await deadly(world, cell);
  assert.equal(outcome.type, "killed", JSON.stringify(outcome));
  assert.notEqual(outcome.reason, "");
}

export const DEADLINES: readonly Case[] = [
  {
    name: "an endless loop is interrupted and its state kept",
    async check({ runtime }) {
      const [loop, next] = await runCells(runtime, [
        "x = 0\nprint('start')\nwhile True: x += 1",
        "print(x > 1000)",
      ]);
      assert.ok(loop && next);
      assert.deepEqual(loop.outcome, TIMEOUT);
      assert.deepEqual(facts(loop), ["timeout", true, "start\n"]);
      const { elapsedMs } = loop;
      assert.ok(elapsedMs >= callTimeoutMs - 5 && elapsedMs < callTimeoutMs + SLACK_MS, `${elapsedMs} ms`);
      assert.deepEqual(facts(next), ["ok", true, "True\n"]);
    },
  },
  {
    name: "waiting counts as time",
    async check({ runtime }) {
      const results = await runCells(runtime, [
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass",
        "import threading\nl = threading.Lock(); l.acquire(); l.acquire()",
        "print('still here')",
      ]);
      const timeout = ["timeout", true, ""];
      assert.deepEqual(results.map(facts), [timeout, timeout, ["ok", true, "still here\n"]]);
    },
  },
  {
    name: "pictures shown before the limit are kept",
    async check({ runtime }) {
      const [result, next] = await runCells(runtime, [
        "Image.new('RGB', (2, 1), 'red').show()\nplt.figure()\nwhile True: pass",
        "plt.get_fignums()",
      ]);
      assert.ok(result && next);
      assert.deepEqual(result.outcome, TIMEOUT);
      assert.deepEqual(result.figures.map(({ data }) => [...data]), [[255, 0, 0, 255, 0, 0]]); // prettier-ignore
      assert.deepEqual(facts(next), ["ok", true, "[]\n"]);
    },
  },
  {
    name: "a swallowed timeout is killed",
    async check(world) {
      const loops = [
        "import time\nwhile True:\n    try:\n        while True: time.sleep(60)\n    except BaseException: pass",
        "import itertools\nmax(itertools.repeat(1))",
      ];
      for (const result of await Promise.all(loops.map((loop) => deadly(world, loop)))) {
        assert.deepEqual(result.outcome, TIMEOUT);
        assert.ok(result.elapsedMs < callTimeoutMs + hardKillGraceMs + SLACK_MS, `${result.elapsedMs} ms`);
      }
    },
  },
  {
    name: "late output never answers the next call",
    async check({ runtime }) {
      const [late, one, two] = await runCells(runtime, [
        `import threading, time
def late():
    time.sleep(${callTimeoutMs / 1000 + 0.3}); print('late'); Image.new('RGB', (5, 5)).show()
threading.Thread(target=late).start()
while True: pass`,
        "import time; print(1); time.sleep(0.6)",
        "print(2)",
      ]);
      assert.ok(late && one && two);
      assert.deepEqual([late, one, two].map(({ outcome }) => outcome.type), ["timeout", "ok", "ok"]); // prettier-ignore
      assert.match(one.stdout, /^1\n(late\n)?$/);
      assert.match(two.stdout, /^(late\n)?2\n$/);
    },
  },
  {
    name: "the timer of one call does not ring in the next",
    async check({ runtime }) {
      const sleep = `import time\ntime.sleep(${(callTimeoutMs / 1000) * 0.6})`;
      assert.deepEqual((await runCells(runtime, [sleep, sleep, `${sleep}\nprint('done')`])).map(facts).at(-1), ["ok", true, "done\n"]); // prettier-ignore
    },
  },
  { name: "os._exit is killed", check: (world) => killed(world, "import os\nos._exit(3)") },
  {
    name: "a segmentation fault is killed",
    check: (world) => killed(world, "import ctypes\nctypes.string_at(0)"),
  },
  {
    name: "a death between two calls is told by the next",
    async check({ runtime }) {
      const session = await runtime.open({ images: [] });
      const timer = await session.run("import os, threading\nthreading.Timer(0.05, os._exit, [9]).start();");
      assert.equal(timer.outcome.type, "ok");
      await new Promise((resolve) => setTimeout(resolve, 600));
      const [told, next] = [await session.run("print('never')"), await session.run("print('fresh')")];
      assert.deepEqual(facts(told), ["killed", false, ""]);
      assert.deepEqual(facts(next), ["ok", true, "fresh\n"]);
      await session.close();
    },
  },
  {
    name: "an impossible allocation leaves the session",
    async check({ runtime }) {
      const [first, next] = await runCells(runtime, ["x = 1\nbytearray(1 << 62)", "x"]);
      assert.ok(first && next);
      assert.deepEqual(facts(first), ["outOfMemory", true, ""]);
      assert.deepEqual(facts(next), ["ok", true, "1\n"]);
    },
  },
  {
    name: "memory is limited",
    async check({ runtime }) {
      // 4 GiB of addresses in pieces that are never touched: harmless where there is no limit.
      const cells = [
        "blocks = []\nfor _ in range(256): blocks.append(np.empty(1 << 24, np.uint8))",
        "print('on')",
      ];
      const [full, next] = await runCells(runtime, cells);
      assert.deepEqual(full?.outcome, { type: "outOfMemory" });
      assert.equal(next?.stdout, "on\n");
    },
  },
];
