// Programs that do not end, or that end their process: a call comes back in time, says what is lost, and nothing of it
// reaches the next one.
import assert from "node:assert/strict";
import type { ToolResult } from "../../core/trajectory.ts";
import { LATER_MS, type LimitedCell, SLACK_MS, SOON_MS } from "../testRuntime.ts";
import { type Case, facts, pattern, runCells } from "./case.ts";

const GRACE_MS = 2000;
const timeout = (limitMs: number): object => ({ type: "timeout", limitMs });

/** The cell's process dies; the next call has a fresh one with the same images. */
async function deadly(
  { runtime }: Parameters<Case["check"]>[0],
  cell: string,
  limits?: Omit<LimitedCell, "run">,
): Promise<ToolResult> {
  const other = await runtime.open({ images: [] });
  assert.equal((await other.run("x = 41")).outcome.type, "ok");
  const [result, next] = await runCells(
    runtime,
    [
      limits === undefined ? `x = 1\n${cell}` : { run: `x = 1\n${cell}`, ...limits },
      "print('x' in globals(), image_clue_0.getpixel((0, 0)))",
    ],
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
        { run: "x = 0\nprint('start')\nwhile True: x += 1", limitMs: LATER_MS },
        "print(x > 1000)",
      ]);
      assert.ok(loop && next);
      assert.deepEqual(loop.outcome, timeout(LATER_MS));
      assert.deepEqual(facts(loop), ["timeout", true, "start\n"]);
      const { elapsedMs } = loop;
      assert.ok(elapsedMs >= LATER_MS - 10 && elapsedMs < LATER_MS + SLACK_MS, `${elapsedMs} ms`);
      assert.deepEqual(facts(next), ["ok", true, "True\n"]);
    },
  },
  {
    name: "waiting counts as time",
    async check({ runtime }) {
      const results = await runCells(runtime, [
        "import threading, time\nl = threading.Lock(); l.acquire();",
        {
          run: "while True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass",
          limitMs: SOON_MS,
        },
        { run: "l.acquire()", limitMs: SOON_MS },
        "print('still here')",
      ]);
      const stopped = ["timeout", true, ""];
      const last = ["ok", true, "still here\n"];
      assert.deepEqual(results.slice(1).map(facts), [stopped, stopped, last]);
    },
  },
  {
    name: "pictures shown before the limit are kept",
    async check({ runtime }) {
      const [result, next] = await runCells(runtime, [
        {
          run: "import time\nImage.new('RGB', (2, 1), 'red').show()\nplt.figure()\ntime.sleep(60)",
          limitMs: LATER_MS,
        },
        "plt.get_fignums()",
      ]);
      assert.ok(result && next);
      assert.deepEqual(result.outcome, timeout(LATER_MS));
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
      // Deaf from the beginning of its loop on, which it has to reach before the limit.
      const limits = { limitMs: LATER_MS, graceMs: GRACE_MS };
      for (const result of await Promise.all(loops.map((loop) => deadly(world, loop, limits)))) {
        assert.deepEqual(result.outcome, timeout(LATER_MS));
        assert.ok(result.elapsedMs < LATER_MS + GRACE_MS + SLACK_MS, `${result.elapsedMs} ms`);
      }
    },
  },
  {
    name: "late output never answers the next call",
    async check({ runtime }) {
      const [late, one, two] = await runCells(runtime, [
        {
          run: `import sys, threading, time
def late():
    time.sleep(${SOON_MS / 1000 + 0.3}); sys.stdout.write('late\\n'); Image.new('RGB', (5, 5)).show()
threading.Thread(target=late).start()
while True: pass`,
          limitMs: SOON_MS,
        },
        "import time; print(1); time.sleep(0.6)",
        "print(2)",
      ]);
      assert.ok(late && one && two);
      assert.deepEqual([late, one, two].map(({ outcome }) => outcome.type), ["timeout", "ok", "ok"]); // prettier-ignore
      // Beside a later call's own text it may stand, wherever that call is when it comes.
      assert.deepEqual([one, two].map(({ stdout }) => stdout.replace("late\n", "")), ["1\n", "2\n"]); // prettier-ignore
    },
  },
  {
    name: "the timer of one call does not ring in the next",
    async check({ runtime }) {
      const sleep = `time.sleep(${LATER_MS / 1000 + 0.5})\nprint('done')`;
      const [short, next] = await runCells(runtime, [{ run: "import time", limitMs: LATER_MS }, sleep]);
      assert.ok(short && next);
      assert.deepEqual([facts(short), facts(next)], [["ok", true, ""], ["ok", true, "done\n"]]); // prettier-ignore
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
      const first = (seconds: number): Promise<ToolResult> =>
        session.run(`import os, threading\nend = threading.Timer(${seconds}, os._exit, [9]); end.start()`);
      // The death must not overtake the answer: a machine that was too slow for that gets four times as long.
      let seconds = 0.05;
      while ((await first(seconds)).outcome.type !== "ok")
        assert.ok((seconds *= 4) < 15, "a death after the call is told by the call itself");
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds + 500));
      // Where an idle session stands still, its timer does so too, and rings when the session goes on.
      const [told, next] = [
        await session.run("end.join()\nprint('never')"),
        await session.run("print('fresh')"),
      ];
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
