// What a kill, a full disk and a flipped bit leave behind: the checkpoint before, whole.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { DataError } from "../core/errors.ts";
import { clearUnfinished, latestCheckpoint, saveCheckpoint, verifyCheckpoint } from "./checkpoints.ts";

let parent: string;
beforeEach(
  async () => (parent = join(await mkdtemp(join(tmpdir(), "pyvision-checkpoints-")), "checkpoints")),
);
afterEach(() => rm(join(parent, ".."), { recursive: true }));

const weights = (step: number) => async (dir: string) => {
  await mkdir(join(dir, "engine"));
  await writeFile(join(dir, "engine", "weights.bin"), Buffer.alloc(4096, step));
  await writeFile(join(dir, "optimizer.bin"), `moments of ${step}`);
};
const save = (step: number, keep = 0) =>
  saveCheckpoint(parent, { step, keep, state: { step, cursor: step * 8 }, write: weights(step) });

async function latest() {
  const damaged: string[] = [];
  const found = await latestCheckpoint(parent, (reason) => damaged.push(reason));
  return { step: found?.step, state: found?.state, damaged };
}

test("the newest is found with its state, by number and not by name", async () => {
  assert.deepEqual(await latest(), { step: undefined, state: undefined, damaged: [] });
  const dir = await save(5);
  await save(999_999);
  await save(1_000_000);
  assert.equal(dir, join(parent, "step-000005"));
  assert.deepEqual((await readdir(dir)).sort(), ["checksums.json", "engine", "loop.json", "optimizer.bin"]);
  assert.deepEqual(await latest(), {
    step: 1_000_000,
    state: { step: 1_000_000, cursor: 8_000_000 },
    damaged: [],
  });
});

test("as many stay as are kept; a step that is saved again replaces itself", async () => {
  for (const step of [5, 10, 15, 20]) await save(step, 2);
  assert.deepEqual((await readdir(parent)).sort(), ["step-000015", "step-000020"]);
  await saveCheckpoint(parent, { step: 20, keep: 2, state: "again", write: weights(21) });
  assert.deepEqual((await readdir(parent)).sort(), ["step-000015", "step-000020"]);
  assert.equal((await latest()).state, "again");
});

const damages: Readonly<Record<string, readonly [(dir: string) => Promise<void>, RegExp]>> = {
  "a bit is flipped": [
    async (dir) => {
      const path = join(dir, "engine", "weights.bin");
      const bytes = await readFile(path);
      bytes[4000]! ^= 1;
      await writeFile(path, bytes);
    },
    /step-000010: engine\/weights\.bin is not what was written \(SHA-256\); it is damaged/,
  ],
  "a file is cut": [
    (dir) => truncate(join(dir, "engine", "weights.bin"), 100),
    /engine\/weights\.bin has 100 bytes and was written with 4096/,
  ],
  "a file is gone": [(dir) => rm(join(dir, "optimizer.bin")), /optimizer\.bin is missing/],
  "the list of checksums is gone": [(dir) => rm(join(dir, "checksums.json")), /checksums\.json is missing/],
  "the list of checksums is cut": [
    (dir) => truncate(join(dir, "checksums.json"), 40),
    /checksums\.json is not what was written/,
  ],
};
for (const [name, [damage, reason]] of Object.entries(damages))
  test(`${name}: the one before is used, and the reason is told`, async () => {
    await save(5);
    await damage(await save(10));
    const { step, damaged } = await latest();
    assert.equal(step, 5);
    assert.equal(damaged.length, 1);
    assert.match(damaged[0] as string, reason);
    await assert.rejects(verifyCheckpoint(join(parent, "step-000010")), DataError);
  });

test("a full disk: the error says so, nothing half-written is left, and what was there is used", async () => {
  await save(5, 1);
  const write = async (dir: string) => {
    await weights(10)(dir);
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  await assert.rejects(
    saveCheckpoint(parent, { step: 10, keep: 1, state: 0, write }),
    (error) =>
      error instanceof DataError && /step-000010 cannot be written, the disk is full/.test(error.message),
  );
  assert.deepEqual(await readdir(parent), ["step-000005"]);
  assert.equal((await latest()).step, 5);
});

test("an engine's own error comes through as it is", async () => {
  const write = () => Promise.reject(new TypeError("boom"));
  await assert.rejects(saveCheckpoint(parent, { step: 1, keep: 0, state: 0, write }), TypeError);
});

test("killed while it writes, again and again: the last whole checkpoint is there, and the rest is cleared", async () => {
  await save(1, 2);
  const script = `
    import { saveCheckpoint } from ${JSON.stringify(new URL("checkpoints.ts", import.meta.url).href)};
    import { writeFile } from "node:fs/promises";
    import { join } from "node:path";
    for (let step = 2; ; step++)
      await saveCheckpoint(${JSON.stringify(parent)}, { step, keep: 2, state: { step },
        write: async (dir) => { for (let i = 0; i < 4; i++) await writeFile(join(dir, "part" + i), Buffer.alloc(200_000, step)); } }).then(() => console.log(step));`;
  for (const milliseconds of [0, 7, 23, 41]) {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data"); // one is saved; the next is being written
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    child.kill("SIGKILL");
    await once(child, "exit");
    const { step, damaged } = await latest();
    assert.deepEqual(damaged, []);
    assert.ok(step !== undefined && step >= 2);
    await clearUnfinished(parent);
    assert.ok((await readdir(parent)).every((name) => /^step-\d{6}$/.test(name)));
  }
});
