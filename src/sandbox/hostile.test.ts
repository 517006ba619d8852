// Code that breaks things: whatever it does to its own process, it costs that session and nothing else.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../core/testTime.ts";
import type { ToolResult } from "../core/trajectory.ts";
import { startPythonRuntime } from "./forkServer.ts";
import { printed, runCells, runtimeForTests, SLACK_MS, UNISOLATED } from "./testRuntime.ts";

const runtime = await runtimeForTests({ memoryBytes: 1 << 30 });

/** Runs the cell beside an innocent session and checks that this one noticed nothing. Returns result and next result. */
async function besideAnother(cell: string): Promise<[ToolResult, ToolResult]> {
  const other = await runtime.open({ images: [] });
  await printed(other, "x = 41");
  const [result, next] = await runCells(runtime, [cell, "print('fresh')"]);
  assert.equal(await printed(other, "x + 1"), "42\n");
  await other.close();
  if (result === undefined || next === undefined) assert.fail("internal: two cells have two results");
  return [result, next];
}

const DEADLY: readonly [name: string, cell: string, reason: RegExp][] = [
  ["os._exit", "import os\nos._exit(3)", /^the process exited with status 3$/],
  ["exit status 0 without an answer", "import os\nos._exit(0)", /^the process exited with status 0$/],
  ["a segmentation fault", "import ctypes\nctypes.string_at(0)", /^the process was killed by SIGSEGV$/],
  // The first process of a namespace is spared its own signals; abort then ends by a forbidden instruction.
  ["abort", "import os\nos.abort()", /^the process was killed by SIGSEGV$/],
  [
    "a closed connection",
    "import os, time\nos.close(3)\ntime.sleep(60)",
    /exited|closed its connection|broke/,
  ],
  // It exits by itself, or the host ends it when that takes longer than a second (EXIT_NEWS_MS).
  [
    "every descriptor closed",
    "import os\nos.closerange(0, 65536)",
    /exited with status 70$|closed its connection$/,
  ],
  [
    "garbage on the connection",
    "import os\nos.write(3, b'\\xff' * 100)",
    /^the process broke the reply protocol: a frame of 4294967295/,
  ],
  [
    "half a frame before the reply",
    "import os\nos.write(3, b'\\x10\\0\\0\\0\\0\\0\\0\\0')",
    /^the process broke the reply protocol: a frame whose header is not JSON/,
  ],
  [
    "a forged reply",
    "import os, json\nb = json.dumps({'id': 2, 'nonce': 'x', 'outcome': {'type': 'ok'}, 'stdout': '', 'figures': []}).encode()\nos.write(3, len(b).to_bytes(4, 'little') + bytes(4) + b)",
    /^the process broke the reply protocol: a reply to another request$/,
  ],
  [
    "a connection shut down",
    "import socket, time\nsocket.socket(fileno=3).shutdown(socket.SHUT_RDWR)",
    /exited|closed its connection/,
  ],
];
for (const [name, cell, reason] of DEADLY)
  test(`killed at once, and a fresh session next: ${name}`, async () => {
    const [result, next] = await besideAnother(cell);
    assert.equal(result.outcome.type, "killed", JSON.stringify(result));
    assert.match(result.outcome.reason, reason);
    assert.equal(result.alive, false);
    assert.ok(result.elapsedMs < SLACK_MS, `${result.elapsedMs} ms`); // not at the call's limit of 60 s
    assert.equal(next.stdout, "fresh\n");
  });

test("without isolation, the signals a program sends itself and its group kill it", async () => {
  const free = await runtimeForTests(UNISOLATED);
  for (const cell of ["os.kill(os.getpid(), 9)", "os.killpg(0, 9)"]) {
    const [result] = await runCells(free, [`import os\n${cell}`]);
    assert.deepEqual(result?.outcome, { type: "killed", reason: "the process was killed by SIGKILL" });
  }
});

test("in its namespace, the signals a program sends itself reach nobody", async () => {
  const [itself, next] = await besideAnother("import os\nos.kill(os.getpid(), 9)");
  assert.deepEqual([itself.outcome, itself.alive, next.outcome], [{ type: "ok" }, true, { type: "ok" }]);
  const [group] = await besideAnother("import os\nos.killpg(0, 9)");
  const reason = "PermissionError: [Errno 1] Operation not permitted (line 2)";
  assert.deepEqual([group.outcome, group.alive], [{ type: "forbidden", reason }, true]);
});

test("more bytes than the reply: one call is told, no later one gets them", async () => {
  // The nonce is in the process's memory, so that a reply can be forged; then the true one comes too much.
  const cell = `import gc, json, os, sys
frame = sys._getframe()
while frame.f_code.co_name != "main" or "request" not in frame.f_locals: frame = frame.f_back
request = frame.f_locals["request"]
forged = json.dumps({"id": request["id"], "nonce": request["nonce"], "outcome": {"type": "ok"}, "stdout": "forged", "figures": []}).encode()
os.write(3, len(forged).to_bytes(4, "little") + bytes(4) + forged)`;
  const session = await runtime.open({ images: [] });
  const first = await session.run(cell);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const second = await session.run("print('second')");
  const third = await session.run("print('third')");
  if (first.outcome.type === "ok") {
    // A program may lie about its own call, as with print; the true reply then ends the session.
    assert.equal(first.stdout, "forged");
    assert.equal(second.outcome.type, "killed");
    assert.equal(third.stdout, "third\n");
  } else {
    assert.equal(first.outcome.type, "killed");
    assert.equal(second.stdout, "second\n");
  }
  await session.close();
});

/** Whether no process has this pid, which is the host's: not one of a namespace. */
function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

const BETWEEN: readonly [name: string, cell: string, reason: string][] = [
  ["a death", "os._exit(9)", "the process exited with status 9"],
  [
    "bytes that nobody asked for",
    "os.write(3, b'hello')",
    "the process broke the reply protocol: bytes that no request asked for",
  ],
];
for (const [name, cell, reason] of BETWEEN)
  test(`between two calls, ${name}: told by the next one, which has not run`, async () => {
    // Not isolated, so that it sees the file at which it is to do it, and not stopped while it waits for that.
    const free = await runtimeForTests({ ...UNISOLATED, freezeAfterMs: 0 });
    const folder = mkdtempSync(join(tmpdir(), "hostile-"));
    after(() => rmSync(folder, { recursive: true }));
    const session = await free.open({ images: [] });
    const later = `import os, threading, time
def later():
    while not os.path.exists(${JSON.stringify(join(folder, "now"))}): time.sleep(0.01)
    ${cell}
threading.Thread(target=later).start()
os.getpid()`;
    const pid = Number(await printed(session, later));
    writeFileSync(join(folder, "now"), "");
    await eventually(() => hasEnded(pid));
    const never = join(folder, "never");
    const results = [
      await session.run(`open(${JSON.stringify(never)}, 'x')`),
      await session.run("print('fresh')"),
    ];
    assert.equal(existsSync(never), false);
    assert.deepEqual(results[0]?.outcome, { type: "killed", reason });
    assert.equal(results[0]?.alive, false);
    assert.equal(results[1]?.stdout, "fresh\n");
    await session.close();
  });

test("a memory bomb is out of memory, not the machine's end; a session without room is replaced", async () => {
  const grow = "blocks = []\nwhile True: blocks.append(bytearray(1 << 24))";
  const [result, next] = await besideAnother(grow);
  assert.deepEqual(result.outcome, { type: "outOfMemory" });
  assert.equal(result.alive, false);
  assert.equal(next.stdout, "fresh\n");
});

test("one allocation too many leaves the session as it was", async () => {
  const cells = ["import numpy as np\nx = 1", "np.zeros(1 << 31)", "bytearray(1 << 40)", "x"];
  const results = await runCells(runtime, cells);
  assert.deepEqual(results.map(({ outcome, alive }) => [outcome.type, alive]), [["ok", true], ["outOfMemory", true], ["outOfMemory", true], ["ok", true]]); // prettier-ignore
  assert.equal(results[3]?.stdout, "1\n");
});

test("long output keeps its beginning and its end, and says what was cut", async () => {
  const [result] = await runCells(runtime, ["print('a' * 50_000, end='')\nprint('b' * 50_000, end='')"]);
  assert.deepEqual(result?.outcome, { type: "ok" });
  const [head, cut, tail] = result?.stdout.split("\n") ?? [];
  assert.equal(cut, "[... 34464 bytes cut ...]"); // 100 000 - 65 536
  assert.deepEqual([head, tail], ["a".repeat(32768), "b".repeat(32768)]);
});

test("a flood of output ends the call, not the session", async () => {
  const small = await runtimeForTests({ ...UNISOLATED, maxFileBytes: 1 << 20, maxOutputBytes: 1000 });
  const cells = ["x = 1\nwhile True: print('flood' * 100)", "x", "import os\nos.system('yes')\nx", "x"];
  const results = await runCells(small, cells);
  const limit = { type: "outputLimit", limitBytes: 1 << 20 };
  assert.deepEqual(results.map(({ outcome }) => outcome), [limit, { type: "ok" }, limit, { type: "ok" }]); // prettier-ignore
  assert.match(results[0]?.stdout ?? "", /^(flood)+\n\[\.\.\. 1047576 bytes cut \.\.\.\]\n/); // 1 048 576 - 1000
  assert.deepEqual([results[1]?.stdout, results[3]?.stdout], ["1\n", "1\n"]);
});

test("a zygote that is killed takes its sessions along, but the runtime goes on with a new one", async () => {
  const own = await startPythonRuntime({ ...UNISOLATED, callTimeoutMs: 20_000 });
  const [bystander, session] = [await own.open({ images: [] }), await own.open({ images: [] })];
  const result = await session.run("import os\nos.kill(os.getppid(), 9)\nimport time; time.sleep(60)");
  assert.equal(result.outcome.type, "killed");
  assert.equal((await bystander.run("1")).outcome.type, "killed");
  assert.equal(await printed(session, "1"), "1\n");
  assert.equal(await printed(bystander, "2"), "2\n");
  await own.close();
});
