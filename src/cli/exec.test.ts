import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { decode, encode } from "fast-png";
import { ConfigError, DataError } from "../core/errors.ts";
import { cellText, registerExec } from "./exec.ts";

const dir = mkdtempSync(join(tmpdir(), "exec-"));
after(() => rmSync(dir, { recursive: true }));
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
const PIXELS = Uint8Array.from([255, 0, 0, 0, 255, 0]);
const image = file("two.png", encode({ width: 2, height: 1, data: PIXELS, channels: 3 }));
const first = file("first.py", "x = image_clue_0.size\nimage_clue_0.show()\nx");
const second = file("second.py", "print('x is', x)\n1/0");

function exec(
  args: readonly string[],
  input = "",
): { status: number | null; stdout: string; stderr: string } {
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const loader = import.meta.resolve("tsx");
  return spawnSync(process.execPath, ["--import", loader, main, "exec", ...args], {
    cwd: dir,
    input,
    encoding: "utf8",
  });
}
const withoutTimes = (text: string): string => text.replace(/\d+\.\d ms/g, "T ms");

test("cells are the turns of one session; figures are saved; an error makes the exit code 1", () => {
  const { status, stdout, stderr } = exec(["--image", image, first, second]);
  assert.equal(
    withoutTimes(stdout),
    `== cell 1, ${first}: ok (T ms)
(2, 1)
figure 2x1: pyvision-exec/cell1-figure1.png
== cell 2, ${second}: error, ZeroDivisionError (T ms)
x is (2, 1)
Traceback (most recent call last):
  File "<cell 2>", line 2, in <module>
    1/0
ZeroDivisionError: division by zero
`,
    stderr,
  );
  assert.equal(status, 1);
  assert.deepEqual(decode(readFileSync(join(dir, "pyvision-exec/cell1-figure1.png"))).data, PIXELS);
});

test("--json, a cell from standard input, --save, --timeout; all ok is exit code 0", () => {
  const args = [
    "--json",
    "--image",
    image,
    "--save",
    join(dir, "figures"),
    "--timeout",
    "20",
    "--",
    first,
    "-",
  ];
  const { status, stdout, stderr } = exec(args, "print('from stdin', x)");
  const reports = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as { elapsedMs: number }); // prettier-ignore
  assert.ok(reports.every(({ elapsedMs }) => elapsedMs > 0), stderr); // prettier-ignore
  const common = { outcome: { type: "ok" }, alive: true, elapsedMs: 0 };
  const path = join(dir, "figures/cell1-figure1.png");
  assert.deepEqual(reports.map((report) => ({ ...report, elapsedMs: 0 })), [
    { number: 1, cell: first, ...common, stdout: "(2, 1)\n", figures: [{ path, width: 2, height: 1 }] },
    { number: 2, cell: "-", ...common, stdout: "from stdin (2, 1)\n", figures: [] },
  ]); // prettier-ignore
  assert.equal(status, 0);
  assert.ok(existsSync(path));
});

test("what cannot work ends before Python starts, with the remedy", async () => {
  const run = async (...args: string[]): Promise<void> => {
    const program = new Command().exitOverride();
    registerExec(program);
    await program.parseAsync(["exec", ...args], { from: "user" });
  };
  const fails = (
    args: string[],
    kind: typeof ConfigError | typeof DataError,
    message: RegExp,
  ): Promise<void> =>
    assert.rejects(run(...args), (error) => error instanceof kind && message.test(error.message));
  await fails(["--image", image], ConfigError, /needs at least one cell/);
  await fails(
    ["--image", join(dir, "none.png"), first],
    DataError,
    /none\.png: cannot be read \(there is no such file\)/,
  );
  await fails(
    [join(dir, "none.py")],
    DataError,
    /none\.py: cannot be read .*; name a Python file, or `-` for/,
  );
});

test("--video: a reader in the session; what is no video ends before the first cell with the file's name", () => {
  const make = `
import av, numpy as np
with av.open("grey.mp4", "w") as out:
    stream = out.add_stream("mpeg4", rate=5)
    stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
    for n in range(4):
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((16, 32, 3), 50 * n, np.uint8), format="rgb24")))
    out.mux(stream.encode(None))`;
  const python = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
  assert.equal(spawnSync(python, ["-c", make], { cwd: dir }).status, 0);
  const look = file(
    "look.py",
    "v = video_clue_0\nlen(v), v[-1].shape, v[2].mean().round(-1), image_clue_0.size",
  );
  const good = exec(["--image", image, "--json", "--video", "grey.mp4", look]);
  assert.equal(good.status, 0, good.stderr + good.stdout);
  assert.match(good.stdout, /\(4, \(16, 32, 3\), .*100\.0.*, \(2, 1\)\)/);
  const bad = exec(["--video", first, "--", look]); // a Python file after --video is a cell, so there is no video
  assert.match(bad.stdout, /NameError/);
  file("clip.mp4", "no film");
  const refused = exec(["--video", "grey.mp4", "clip.mp4", "--", look]);
  assert.deepEqual([refused.status !== 0, refused.stdout], [true, ""]);
  assert.match(refused.stderr, /video clip\.mp4: is not a video that can be read/);
});

test("a lost session is said in words", () => {
  const report = { number: 2, cell: "a.py", stdout: "hi\n", figures: [], elapsedMs: 1500, alive: false };
  assert.equal(
    cellText({ ...report, outcome: { type: "timeout", limitMs: 1000 } }),
    "== cell 2, a.py: stopped after 1000 ms (1500.0 ms)\nhi\n" +
      "the session ended with this cell; the next one starts without its variables",
  );
});
