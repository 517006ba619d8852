import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeTemporaryFolder } from "./temporaryFolder.ts";

test("what a killed process left is removed by the next; what lives or is no such folder stays", () => {
  const parent = mkdtempSync(join(tmpdir(), "temporary-folder-"));
  try {
    const mine = makeTemporaryFolder("clips", parent);
    const unlocked = join(parent, "clips-unlocked");
    mkdirSync(unlocked);
    const module = JSON.stringify(new URL("temporaryFolder.ts", import.meta.url).href);
    const script = `
      const { makeTemporaryFolder } = await import(${module});
      const { writeSync } = await import("node:fs");
      writeSync(1, makeTemporaryFolder("clips", ${JSON.stringify(parent)}));
      process.kill(process.pid, "SIGKILL");`;
    let killed = "";
    assert.throws(
      () => execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]),
      (error: { signal?: string; stdout?: Buffer }) => {
        killed = String(error.stdout);
        return error.signal === "SIGKILL";
      },
    );
    assert.ok(killed.startsWith(join(parent, "clips-")) && existsSync(killed));
    const next = makeTemporaryFolder("clips", parent);
    assert.deepEqual(
      [mine, unlocked, killed, next].map((path) => existsSync(path)),
      [true, true, false, true],
    );
  } finally {
    rmSync(parent, { recursive: true });
  }
});
