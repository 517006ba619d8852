// `pyvision rollout` on files of the user's own, as a user meets it: the carried checkpoint, real Python, a real film.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { openTrajectoryStore } from "../runs/trajectoryStore.ts";
import { createWorld } from "../tasks/world/world.ts";

const root = mkdtempSync(join(tmpdir(), "rollout-"));
after(() => rmSync(root, { recursive: true, force: true }));
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const config = path("../../configs/image-mini.yaml");
const checkpoint = `model.init=${path("../../checkpoints/image-mini/sft")}`;

// 20 frames at 5 per second: 4 s.
const MAKE = `
import av, numpy as np
with av.open("clip.mp4", "w") as out:
    stream = out.add_stream("libx264", rate=5)
    stream.width, stream.height, stream.pix_fmt, stream.thread_count = 112, 84, "yuv420p", 1
    for n in range(20):
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((84, 112, 3), 12 * n, np.uint8), format="rgb24")))
    out.mux(stream.encode(None))
`;
assert.equal(spawnSync(path("../../.venv/bin/python"), ["-c", MAKE], { cwd: root }).status, 0);
const clip = join(root, "clip.mp4");
const [picture] = createWorld({ seed: 1, split: "test" }).at(0).images;
assert.ok(picture);
writeFileSync(join(root, "beads.png"), encode({ ...picture, channels: 3 }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function rollout(...args: string[]): Promise<Ended> {
  const all = [
    "--import",
    import.meta.resolve("tsx"),
    path("./main.ts"),
    "rollout",
    config,
    "--set",
    checkpoint,
  ];
  return new Promise((resolve) => {
    execFile(process.execPath, [...all, ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("pyvision rollout", { concurrency: 2 }, () => {
  test("--video: no visual token in the prompt, turn by turn, without a reward", async () => {
    const { code, stdout, stderr } = await rollout("--video", clip, "--question", "What color comes first?");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^task clip\.mp4 \(own file\), member 0\n {2}What color comes first\?\n\nturn 1 \(/);
    assert.match(stdout, /\nreward: not computed, the question has no known answer\ntool calls: \d/);
    assert.match(stdout, /visual \(0 in the prompt, \d+ observed\)\n$/);
    assert.doesNotMatch(stdout, /truth/);
  });

  test("--video with agent.context: the baseline's frames are in the prompt", async () => {
    const context = "agent.context={type: videoFrames, frames: 3}";
    const { code, stdout, stderr } = await rollout("--video", clip, "--question", "Which?", "--set", context);
    assert.equal(code, 0, stderr);
    // 112 x 84 pixels are 4 x 3 cells of 28.
    assert.match(
      stdout,
      /\n( {2}image_clue_\d: 112 x 84 px, 12 tokens\n){3}\nturn 1[^]*visual \(36 in the prompt, \d+ observed\)\n$/,
    );
  });

  test("--image: as in training; --save stores the trajectory unscored", async () => {
    const file = join(root, "beads.png");
    const saved = join(root, "saved");
    const args = ["--image", file, "--question", "What is the color of the bead?", "--save", saved];
    const { code, stdout, stderr } = await rollout(...args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\n {2}image_clue_0: \d+ x \d+ px, \d+ tokens\n/);
    const store = openTrajectoryStore(saved);
    assert.deepEqual(store.names(), ["rollout-beads.png-0"]);
    const [trajectory] = store.load("rollout-beads.png-0");
    assert.ok(trajectory !== undefined && !("reward" in trajectory));
    assert.equal(trajectory.question, "What is the color of the bead?");
  });

  for (const [args, message] of [
    [["--video", clip], /^error: --video: needs a --question about it/],
    [["--question", "Why?"], /^error: --question: needs --image FILE or --video FILE/],
    [["--video", clip, "--image", clip, "--question", "Q"], /'--image <file\.\.\.>' cannot be used with option '--video/], // prettier-ignore
    [["--image", clip, "--task", "3", "--question", "Q"], /'--image <file\.\.\.>' cannot be used with option '--task/], // prettier-ignore
    [["--video", "none.mp4", "--question", "Q"], /^error: video none\.mp4: cannot be read \(there is no such file\)/], // prettier-ignore
  ] as const)
    test(`refused before the checkpoint is loaded: ${args.map((arg) => arg.replace(/.*\//, "")).join(" ")}`, async () => {
      const { code, stdout, stderr } = await rollout(...args);
      assert.notEqual(code, 0);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /loading/);
    });
});
