// A process that runs a graph has told ONNX Runtime to send nothing before its library is loaded, and no file to be sent is
// left behind. What the runtime keeps depends on the machine, so that the first is tested by itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const of = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** Notes what the environment says at the moment at which the native library is loaded. */
const SCRIPT = `
  const load = process.dlopen;
  process.dlopen = (module, file, ...more) => {
    if (file.includes("onnxruntime")) console.log("loaded with " + process.env.ORT_DISABLE_TELEMETRY);
    return load(module, file, ...more);
  };
  const { Graph } = await import(${of("graph.ts")});
  const { GraphSession } = await import(${of("session.ts")});
  const graph = new Graph();
  graph.output("y", graph.input("x", "float32", [1]));
  const session = await GraphSession.create(graph, 1);
  await session.dispose();`;

function run(environment: NodeJS.ProcessEnv): { readonly said: string; readonly left: readonly string[] } {
  const dir = mkdtempSync(join(tmpdir(), "pyvision-quiet-"));
  const { ORT_DISABLE_TELEMETRY: _, ...inherited } = process.env;
  try {
    const said = execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", SCRIPT], {
      env: { ...inherited, ...environment, TMPDIR: dir },
      encoding: "utf8",
    });
    return { said, left: readdirSync(dir).filter((name) => !name.startsWith("tsx-")) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("ONNX Runtime is told to send nothing before it is loaded, and keeps no files to send", () => {
  assert.deepEqual(run({}), { said: "loaded with 1\n", left: [] });
});

test("whoever wants to send says so", () => {
  assert.equal(run({ ORT_DISABLE_TELEMETRY: "0" }).said, "loaded with 0\n");
});
