// 3,000 items behind a server, killed four times: the report is that of a run that nobody killed, nothing is asked again that was
// recorded, and memory does not grow with the items. Some minutes.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  recordedIds,
  runEvalCommand,
  sumServer,
  type SumServer,
  untimedRun,
  writeSums,
} from "../evalHarness.ts";

const ITEMS = 3000;
const root = mkdtempSync(join(tmpdir(), "pyvision-eval-parity-"));
let server: SumServer;
let file: string;

before(async () => {
  server = await sumServer(2);
  file = writeSums(join(root, "sums"), ITEMS);
});
after(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

const args = (out: string): string[] => [
  ...["--tasks", file, "--engine", server.baseUrl, "--model", "adder", "--out", join(root, out)],
  ...["--set", "engine.apiKeyVariable=NO_KEY_AT_ALL", "--concurrent", "16"],
];

test("killed four times it ends as the run that nobody killed", async (context) => {
  const out = join(root, "killed");
  for (const records of [300, 1000, 1800, 2700]) {
    const known = recordedIds(out).map((id) => Number(/sum-(\d+)/.exec(id)?.[1]));
    const asked = new Map(server.asked);
    const { signal, stderr } = await runEvalCommand(root, args("killed"), { dir: out, records });
    assert.equal(signal, "SIGKILL", stderr);
    for (const n of known) assert.equal(server.asked.get(n), asked.get(n), `question ${n} was asked again`);
    context.diagnostic(`killed with ${recordedIds(out).length} of ${ITEMS} answers recorded`);
  }
  const last = await runEvalCommand(root, args("killed"));
  assert.equal(last.code, 0, last.stderr);

  const whole = join(root, "whole");
  const memory: { readonly records: number; readonly bytes: number }[] = [];
  const reference = await runEvalCommand(root, args("whole"), undefined, {
    dir: whole,
    // Without a bound what is not needed any more stays until there is a reason to look for it.
    env: { NODE_OPTIONS: "--max-old-space-size=110" },
    look: (pid, records) => memory.push({ records, bytes: residentBytes(pid) }),
  });
  assert.equal(reference.code, 0, reference.stderr);
  assert.deepEqual(untimedRun(out, "sums"), untimedRun(whole, "sums"));
  assert.equal(recordedIds(out).length, ITEMS);

  const between = (from: number, to: number): number => {
    const of = memory.filter(({ records }) => records >= from && records < to).map(({ bytes }) => bytes);
    assert.ok(of.length > 0, `no look between ${from} and ${to} answers`);
    return Math.min(...of) / 1e6;
  };
  const tenths = Array.from({ length: 10 }, (_, i) => between((i * ITEMS) / 10, ((i + 1) * ITEMS) / 10));
  context.diagnostic(`memory at least, MB, by tenths: ${tenths.map((mb) => mb.toFixed(0)).join(" ")}`);
  // What remains of an item is its record: a few kB.
  assert.ok((tenths[9] ?? Infinity) < (tenths[2] ?? 0) + 30, "memory grows with the items");
});

/** Linux alone tells. */
function residentBytes(pid: number): number {
  try {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
