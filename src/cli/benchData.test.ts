// `pyvision bench-data` as a user meets it, with a server that answers as the hub does.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { startFakeHub } from "../evaluation/benchData/fakeHub.ts";
import { zipOf } from "../evaluation/benchData/testZip.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function benchData(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--import", "tsx", main, "bench-data", ...args],
      { encoding: "utf8", env: { ...process.env, HF_ENDPOINT: "", HF_TOKEN: "", ...environment } },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test("a benchmark comes from the hub that the environment names", async () => {
  const rows = Array.from({ length: 1215 }, (_, id) => ({
    id,
    task: "ocr",
    prompt: "Read.",
    answer: "x",
    image_1: "data/1.png",
  }));
  const picture = encode({ width: 1, height: 1, data: Uint8Array.from([1, 2, 3]), channels: 3 });
  const hub = await startFakeHub({
    dataset: "Agents-X/TIR-Bench",
    files: {
      "TIR-Bench.json": JSON.stringify(rows),
      "data.zip": zipOf([{ name: "1.png", content: picture }]),
    },
    licence: "cc-by-4.0",
    token: { value: "hf_x", status: 401 },
  });
  const dir = mkdtempSync(join(tmpdir(), "pyvision-cli-bench-data-"));
  after(async () => {
    rmSync(dir, { recursive: true, force: true });
    await hub.close();
  });
  const environment = { HF_ENDPOINT: `${hub.url}/`, MY_TOKEN: "hf_x" };
  const args = ["tir-bench", "--dir", dir, "--token-env", "MY_TOKEN"];
  const first = await benchData(args, environment);
  assert.equal(first.code, 0, first.stderr);
  assert.match(
    first.stderr,
    /TIR-Bench: http.*\n {2}licence: cc-by-4\.0; .*\n {2}to fetch: [\d.]+ kB in 2 files\n {2}disk: /,
  );
  assert.match(first.stdout, /^TIR-Bench: 1215 items in .*\/tir-bench \([\d.]+ kB fetched\)\n$/);
  const without = await benchData(["tir-bench", "--dir", dir], { HF_ENDPOINT: hub.url });
  assert.equal(without.code, 1);
  assert.match(
    without.stderr,
    /^error: Agents-X\/TIR-Bench: the hub refuses it \(401\): .* then set HF_TOKEN/,
  );
});

test("the list needs no network; a wrong name gives the closest; tokens are looked at first", async () => {
  const [list, wrong, none, variable, token] = await Promise.all([
    benchData(["--list"]),
    benchData(["vstar,hrbench4k"]),
    benchData([]),
    benchData(["vstar", "--token-env", "PYVISION_NO_SUCH"]),
    benchData(["vstar"], { HF_TOKEN: "secret" }),
  ]);
  assert.match(list.stdout, /vsi-bench +VSI-Bench +nyu-visionx\/VSI-Bench +5\.7 GB/);
  assert.deepEqual([list.code, wrong.code, none.code, variable.code, token.code], [0, 2, 2, 2, 2]);
  assert.match(
    wrong.stderr,
    /there is no benchmark "hrbench4k"; did you mean hrbench-4k\? \(there are vstar, /,
  );
  assert.match(none.stderr, /names must be one or more of vstar, .*, got none/);
  assert.match(variable.stderr, /--token-env PYVISION_NO_SUCH: the variable is not set/);
  assert.match(token.stderr, /--token-env HF_TOKEN: must hold a token that begins with hf_/);
  assert.ok(!token.stderr.includes("secret"));
});
