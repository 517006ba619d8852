import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { randomStream } from "../../core/random.ts";
import { SPLITS } from "../world/world.ts";
import { answerOf, drawClip, possibleSeconds, validAnswers } from "./clip.ts";
import type { Clip } from "./clip.ts";
import { renderSecond } from "./frames.ts";
import { VIDEO_KINDS } from "./vocabulary.ts";
import { createVideoWorld, DEFAULT_VIDEO_WEIGHTS, isNumeric, isVideoTask } from "./videoWorld.ts";
import type { VideoTask } from "./videoWorld.ts";

const dir = mkdtempSync(join(tmpdir(), "videos-"));
after(() => rmSync(dir, { recursive: true }));
const folder = join(dir, "clips");
const at = (index: number, more: Partial<Parameters<typeof createVideoWorld>[0]> = {}): VideoTask =>
  createVideoWorld({ seed: 1, split: "train", folder, ...more }).at(index);

test("a task is a function of seed, split and position; its file is written when it is asked for", () => {
  const task = at(3);
  assert.deepEqual({ ...at(3), videos: [] }, { ...task, videos: [] });
  assert.equal(existsSync(folder), true); // the spread above asked
  const [path] = task.videos;
  assert.deepEqual(readdirSync(folder).map((name) => join(folder, name)), [path]); // prettier-ignore
  assert.match(path ?? "", /clip-[0-9a-f]{24}\.mp4$/);
  assert.deepEqual([task.id, task.images], ["video-train-3", []]);
  assert.equal(isVideoTask(task), true);
  assert.equal(isVideoTask({ id: "i", kind: "look", question: "Q", answer: "A", images: [] }), false);
});

test("who asks the same clip shares one file, written once", () => {
  const [path] = at(3).videos;
  writeFileSync(path ?? "", "marked");
  assert.deepEqual(at(3).videos, [path]);
  assert.equal(readFileSync(path ?? "", "utf8"), "marked");
  rmSync(path ?? "");
  assert.ok(statSync(at(3).videos[0] ?? "").size > 10_000);
});

test("equal clips are equal bytes, and another second is another name", () => {
  const digest = (task: VideoTask): string =>
    createHash("sha256").update(readFileSync(task.videos[0] ?? "")).digest("hex"); // prettier-ignore
  assert.equal(digest(at(5)), digest(at(5, { folder: join(dir, "elsewhere") })));
  const names = Array.from({ length: 30 }, (_, i) => at(i).videos[0]);
  assert.equal(new Set(names).size, 30);
});

test("the clip is kept from copies of the task", () => {
  const task = at(0);
  assert.ok("clip" in task && !Object.keys(task).includes("clip"));
  assert.doesNotMatch(JSON.stringify(task), /showings|ground/);
});

test("splits and seeds share no clip", () => {
  const seen = new Set<string>();
  for (const split of SPLITS)
    for (const seed of [0, 1])
      for (let i = 0; i < 700; i++) {
        const { seconds, showings, ground } = at(i, { seed, split }).clip;
        seen.add(JSON.stringify([seconds, showings, ground]));
      }
  assert.equal(seen.size, 3 * 2 * 700);
});

test("kinds come as often as their weights say", () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 2000; i++) counts.set(at(i).kind, (counts.get(at(i).kind) ?? 0) + 1);
  for (const kind of VIDEO_KINDS) {
    const share = (counts.get(`video-${kind}`) ?? 0) / 2000;
    assert.ok(Math.abs(share - DEFAULT_VIDEO_WEIGHTS[kind]) < 0.03, `${kind}: ${share}`);
  }
  assert.deepEqual(
    VIDEO_KINDS.filter((kind) => isNumeric(`video-${kind}`)),
    ["when", "count"],
  );
  assert.equal(isNumeric("count"), false); // a kind of the image world
});

test("clips keep to what the questions rest on", () => {
  for (let i = 0; i < 3000; i++) {
    const clip = drawClip(DEFAULT_VIDEO_WEIGHTS, randomStream("clip test", i));
    const { question, seconds, showings } = clip;
    assert.ok(seconds >= 60 && seconds <= 100);
    const times = showings.map((showing) => showing.second);
    times.forEach((time, k) => {
      assert.ok(time >= 10 && time <= seconds - 2 && time <= 98, `second ${time} of ${seconds}`);
      if (k > 0) assert.ok(time - (times[k - 1] ?? 0) >= (question.kind === "where" ? 1 : 2));
    });
    const answers = validAnswers(clip);
    assert.ok(answers.includes(answerOf(clip)), JSON.stringify(clip));
    assert.equal(new Set(answers).size, answers.length);
    const colours = new Set(showings.map((showing) => showing.colour)).size;
    if (question.kind === "where") {
      assert.deepEqual([showings.length, colours], [2, 1]);
      assert.notEqual(showings[0]?.place, showings[1]?.place);
    } else assert.equal(colours, showings.length);
    if (question.kind === "what") {
      assert.equal(times.filter((time) => Math.floor(time / 10) === question.from / 10).length, 1);
      assert.ok(question.to < seconds && question.to - question.from <= 9);
    }
  }
  assert.deepEqual(
    possibleSeconds(60),
    Array.from({ length: 49 }, (_, i) => i + 10),
  );
});

test("every answer comes up", () => {
  for (const kind of VIDEO_KINDS) {
    const drawn = Array.from({ length: 1500 }, (_, i) =>
      drawClip({ [kind]: 1 }, randomStream("answers", kind, i)),
    );
    const given = new Set(drawn.map(answerOf));
    const expected = { at: 6, what: 6, when: 80, order: 6, count: 5, where: 4 }[kind];
    assert.ok(given.size >= expected, `${kind}: ${[...given].sort().join(", ")}`);
  }
});

test("a disc is drawn where and when it shows up, and nothing else changes", () => {
  const clip: Clip = {
    question: { kind: "count" },
    seconds: 60,
    showings: [{ second: 20, colour: "yellow", place: "top right", dx: 2, dy: -1, radius: 10 }],
    ground: [4, 8, 12, 16, 20, 24],
  };
  const [bare, shown] = [19, 20].map((second) => renderSecond(clip, second).data) as [Uint8Array, Uint8Array];
  assert.deepEqual(renderSecond(clip, 59).data, bare);
  for (let y = 0; y < 84; y++)
    for (let x = 0; x < 84; x++) {
      const inside = Math.hypot(x + 0.5 - 65, y + 0.5 - 20) <= 10;
      const change = [0, 1, 2].map(
        (c) => (shown[(y * 84 + x) * 3 + c] ?? 0) - (bare[(y * 84 + x) * 3 + c] ?? 0),
      );
      assert.deepEqual(change, inside ? [100, 100, -100] : [0, 0, 0], `${x}, ${y}`);
    }
});

test("what is out of range is refused by name", () => {
  for (const weights of [{}, { at: 0 }, { at: -1 }, { at: Infinity }])
    assert.throws(
      () => createVideoWorld({ seed: 0, split: "train", folder, weights }),
      /videoWorld\.weights must be/,
    );
  assert.throws(() => at(-1), RangeError);
  assert.throws(() => at(1.5), /an integer >= 0, got 1\.5/);
  writeFileSync(join(dir, "file"), "");
  assert.throws(
    () => at(0, { folder: join(dir, "file") }).videos,
    /DataError.*cannot be written: .*give a folder/s,
  );
});
