// Sessions stand beside each other, open and close in order, and refuse what they cannot be given.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError, SandboxError } from "../../core/errors.ts";
import { ISOLATION_LEVELS } from "../runtime.ts";
import { type Case, OK, pattern, texts } from "./case.ts";

/** A film of grey frames, uncompressed. */
function film(levels: readonly number[]): Buffer {
  const frame = (level: number): Buffer =>
    Buffer.concat([Buffer.from("FRAME\n"), Buffer.alloc(16 * 16, level), Buffer.alloc(2 * 16 * 16, 128)]);
  return Buffer.concat([Buffer.from("YUV4MPEG2 W16 H16 F10:1 Ip C444\n"), ...levels.map(frame)]);
}

async function inFolder(task: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  await task(folder).finally(() => rmSync(folder, { recursive: true }));
}

export const SESSIONS: readonly Case[] = [
  {
    name: "the isolation is named",
    check({ runtime: { isolation } }) {
      assert.ok(ISOLATION_LEVELS.includes(isolation.level));
      assert.ok(isolation.by !== "" && isolation.shortfalls.every((reason) => reason !== ""));
      return Promise.resolve();
    },
  },
  {
    name: "sessions share no variables",
    async check({ runtime }) {
      const [a, b] = [await runtime.open({ images: [] }), await runtime.open({ images: [] })];
      assert.deepEqual((await a.run("import math\nsecret = 1; math.secret = 2")).outcome, OK);
      const { stdout } = await b.run("import math\nprint('secret' in globals(), hasattr(math, 'secret'))");
      assert.equal(stdout, "False False\n");
      await Promise.all([a.close(), b.close()]);
    },
  },
  {
    name: "sessions share no files",
    async check({ runtime }) {
      const [a, b] = [await runtime.open({ images: [] }), await runtime.open({ images: [] })];
      assert.deepEqual((await a.run("open('note', 'w').write('x');")).outcome, OK);
      assert.equal((await b.run("import os\nprint(os.listdir('.'))")).stdout, "[]\n");
      await Promise.all([a.close(), b.close()]);
    },
  },
  {
    name: "calls on one session run in order",
    async check({ runtime }) {
      const session = await runtime.open({ images: [] });
      const results = await Promise.all(
        ["x = 1", "x += 1\nx", "x *= 10\nx"].map((cell) => session.run(cell)),
      );
      assert.deepEqual(results.map(({ stdout }) => stdout), ["", "2\n", "20\n"]); // prettier-ignore
      await session.close();
    },
  },
  {
    name: "many sessions at once",
    async check({ runtime }) {
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          texts(runtime, [`x = ${i}`, "print(x, image_clue_0.getpixel((0, 0))[0])"], [pattern(2, 2, i)]),
        ),
      );
      // the first byte of pattern i is 101 i mod 256
      const expected = [0, 101, 202, 47, 148, 249, 94, 195].map((byte, i) => `${i} ${byte}\n`);
      assert.deepEqual(all.map(([, second]) => second), expected); // prettier-ignore
    },
  },
  {
    name: "closing twice is fine, running after it is not",
    async check({ runtime }) {
      const session = await runtime.open({ images: [] });
      assert.deepEqual((await session.run("x = 1")).outcome, OK);
      await Promise.all([session.close(), session.close()]);
      await session.close();
      await assert.rejects(session.run("x"), SandboxError);
    },
  },
  {
    name: "bad image data is refused",
    async check({ runtime }) {
      const data = Uint8Array.of(1, 2, 3, 4, 5);
      for (const image of [
        { width: 1, height: 1, data },
        { width: 0, height: 4, data: new Uint8Array() },
      ])
        // prettier-ignore
        await assert.rejects(runtime.open({ images: [pattern(2, 2), image] }), SandboxError);
      assert.deepEqual(await texts(runtime, ["1"]), ["1\n"]);
    },
  },
  {
    name: "a video's frames are there",
    check: ({ runtime }) =>
      inFolder(async (folder) => {
        const path = join(folder, "grey.y4m");
        writeFileSync(path, film([50, 100, 150, 200]));
        const session = await runtime.open({ images: [], videos: [path] });
        const cell =
          "v = video_clue_0\nprint(v, [int(v[i].asnumpy().mean()) for i in (3, 0, -2)], v[0].shape)";
        const { outcome, stdout } = await session.run(cell);
        assert.deepEqual(outcome, OK);
        // luma 16..235 is 0..255: (200 - 16) * 255 / 219 = 214.2, 39.6, 156.0
        const [, ...numbers] = /^<video_clue_0: 4 frames at 10 fps> \[(\d+), (\d+), (\d+)\] \(16, 16, 3\)\n$/.exec(stdout) ?? []; // prettier-ignore
        const off = numbers.map((number, i) => Math.abs(Number(number) - ([214, 40, 156][i] ?? NaN)));
        assert.ok(off.length === 3 && off.every((difference) => difference <= 1), stdout);
        await session.close();
      }),
  },
  {
    name: "what is no video is refused with its name",
    check: ({ runtime }) =>
      inFolder(async (folder) => {
        writeFileSync(join(folder, "noise.mp4"), pattern(100, 60).data);
        writeFileSync(join(folder, "empty.mp4"), "");
        for (const [name, message] of [
          ["noise.mp4", /^video noise\.mp4: is not a video that can be read/],
          ["empty.mp4", /^video empty\.mp4: is empty$/],
          ["none.mp4", /^video none\.mp4: cannot be read \(.*no such file or directory/i],
        ] as const)
          await assert.rejects(runtime.open({ images: [], videos: [join(folder, name)] }), (error) => {
            assert.ok(error instanceof DataError, String(error));
            assert.match(error.message, message);
            return true;
          });
        assert.deepEqual(await texts(runtime, ["'video_clue_0' in dir()"]), ["False\n"]);
      }),
  },
  {
    name: "closing the runtime ends everything",
    async check({ start }) {
      const own = await start();
      const sessions = [await own.open({ images: [] }), await own.open({ images: [] })];
      const running = sessions[0]?.run("import time\ntime.sleep(50)");
      await new Promise((resolve) => setTimeout(resolve, 200));
      await own.close();
      assert.deepEqual([(await running)?.outcome.type, (await running)?.alive], ["killed", false]);
      await own.close();
      for (const session of sessions) await session.close();
      await assert.rejects(own.open({ images: [] }), SandboxError);
    },
  },
];
