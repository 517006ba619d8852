import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { holdLifeline } from "./lifeline.ts";

test(
  "a command ends when its launcher is killed, and keeps running while it lives",
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "pyvision-lifeline-"));
    const program = join(folder, "program.mjs");
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    writeFileSync(
      program,
      `const { holdLifeline } = await import(${url("./lifeline.ts")});
     holdLifeline();
     process.stdout.write(process.pid + "\\n");
     setInterval(() => process.stdout.write("."), 20);`,
    );
    const start = `const { launch } = await import(${url("../../scripts/launch.mjs")}); await launch([${JSON.stringify(program)}]);`;
    const launcher = spawn(process.execPath, ["--input-type=module", "-e", start], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let told = "";
    launcher.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
    while (!/\d+\n\.{5}/.test(told)) await once(launcher.stdout, "data");
    launcher.kill("SIGKILL");
    await once(launcher.stdout, "close"); // the program held it too, and is gone
    rmSync(folder, { recursive: true });
  },
);

test("without a pipe nothing happens, and the variable is not handed on", () => {
  const gone = (): never => assert.fail("nobody is gone");
  for (const value of [undefined, "", "two", "1"]) {
    const env = { PYVISION_LIFELINE: value };
    holdLifeline(env, gone);
    assert.ok(!("PYVISION_LIFELINE" in env));
  }
});
