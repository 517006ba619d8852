// A process that runs a graph leaves no trace of ONNX Runtime's telemetry.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

test("ONNX Runtime keeps no files to send", () => {
  const dir = mkdtempSync(join(tmpdir(), "pyvision-quiet-"));
  const script = `
    import { Graph } from ${JSON.stringify(new URL("graph.ts", import.meta.url).href)};
    import { GraphSession } from ${JSON.stringify(new URL("session.ts", import.meta.url).href)};
    const graph = new Graph();
    graph.output("y", graph.input("x", "float32", [1]));
    const session = await GraphSession.create(graph, 1).catch(() => undefined);
    await session?.dispose();
    console.log("loaded");`;
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
  const run = (more: NodeJS.ProcessEnv): string[] => {
    const options = { env: { ...env, ...more, TMPDIR: dir }, encoding: "utf8" } as const;
    const said = execFileSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", script],
      options,
    );
    assert.match(said, /loaded/);
    const names = readdirSync(dir).filter((name) => !name.startsWith("tsx-"));
    for (const name of names) rmSync(join(dir, name), { recursive: true });
    return names;
  };
  try {
    assert.deepEqual(run({}), []);
    if (process.platform === "linux" && process.arch === "x64")
      assert.notDeepEqual(
        run({ ORT_DISABLE_TELEMETRY: "0" }),
        [],
        "it would not have kept any: drop this test",
      );
  } finally {
    rmSync(dir, { recursive: true });
  }
});
