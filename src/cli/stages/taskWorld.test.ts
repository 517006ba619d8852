// What the stages get of each type of `tasks`.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { byteCodec } from "../../agent/scriptedFakes.ts";
import { extractBoxed } from "../../agent/parser.ts";
import { loadTemplate } from "../../agent/template.ts";
import { randomStream } from "../../core/random.ts";
import type { Task } from "../../core/task.ts";
import { loadConfig } from "../../runs/config.ts";
import { type TaskWorld, taskWorldOf } from "./taskWorld.ts";

const template = loadTemplate("mini");
const open = (recipe: string, ...set: string[]): TaskWorld =>
  taskWorldOf(loadConfig(`configs/${recipe}.yaml`, set));
const FLAWLESS = ["sft.teacher={impatient: 0, wrongPlace: 0, pythonError: 0}"];

/** The teacher's first turn about each task. */
async function firstTurns(world: TaskWorld, tasks: readonly Task[]): Promise<string[]> {
  const taskOf = (id: string): Task => tasks[Number(id)] as Task;
  const teacher = world.teacher({
    codec: byteCodec,
    taskOf,
    randomOf: (task) => randomStream("first", task.id),
  });
  const results = await teacher.sample(
    tasks.map((_, i) => ({
      sequenceId: String(i),
      segments: [],
      params: { maxNewTokens: 500, temperature: 1, topP: 1, topK: 0, stopStrings: [] },
      random: randomStream(0),
    })),
  );
  return results.map((result) => byteCodec.decode(result.tokens));
}

test("mixed: each medium has its own teacher, and a generation batch keeps to the cap", async () => {
  const world = open(
    "mixed-mini",
    ...FLAWLESS,
    "selection.genBatch=8",
    "selection.trainBatch=4",
    "tasks.maxVideos=3",
  );
  const source = world.tasks("train");
  const tasks = Array.from({ length: 80 }, (_, i) => source.at(i));
  const isVideo = tasks.map((task) => task.videos !== undefined);
  for (let start = 0; start + 8 <= 80; start++)
    assert.ok(isVideo.slice(start, start + 8).filter(Boolean).length <= 3);
  assert.ok(isVideo.filter(Boolean).length > 20);
  const turns = await firstTurns(world, tasks);
  turns.forEach((turn, i) => {
    if (isVideo[i]) assert.match(turn, /video_clue_0/);
    else assert.match(turn, /image_clue_0|The disc is/);
  });
  const [path] = tasks.find((task) => task.videos !== undefined)?.videos ?? [];
  assert.ok(existsSync(path ?? ""));
  world.close();
  assert.ok(!existsSync(dirname(path ?? "")));
});

test("numbers of the video world are graded by mean relative accuracy, those of the image world as they are", () => {
  const world = open("mixed-mini"); // 0.9: within 10%
  assert.deepEqual(
    [
      world.grade("44", "40", "video-when"),
      world.grade("45", "40", "video-when"),
      world.grade("Red", "red", "video-at"),
    ],
    [1, 0, 1],
  );
  assert.deepEqual([world.grade("3", "4", "video-count"), world.grade("3", "4", "count")], [0, 0]);
  const lenient = open("video-mini", "tasks.leastRelativeAccuracy=0.5");
  assert.deepEqual(
    [lenient.grade("28", "40", "video-when"), lenient.grade("27", "40", "video-when")],
    [1, 0],
  );
});

test("the baseline's teacher answers from its frames in one turn, and pretraining shows it frames", async () => {
  const set = ["agent.maxImages=400", "agent.context.type=videoFrames", "agent.context.frames=400"]; // more than any clip has
  const world = open("video-mini", ...set);
  const tasks = Array.from({ length: 12 }, (_, i) => world.tasks("test").at(i));
  const turns = await firstTurns(world, tasks);
  turns.forEach((turn, i) => {
    assert.equal(extractBoxed(turn), tasks[i]?.answer);
    assert.doesNotMatch(turn, /<code>|Guess/);
  });
  const few = open("video-mini", "agent.context.type=videoFrames", "agent.context.frames=5");
  const segments = few.pretrainSegments(template, byteCodec, randomStream("pretrain"));
  assert.equal(segments.filter((segment) => segment.type === "image").length, 5);
  assert.equal(segments.filter((segment) => segment.type === "sampled").length, 1);
  world.close();
});

test("pretrain.videoMix chooses what is pretrained on", () => {
  const said = (mix: string): string[] => {
    const world = open("video-mini", `pretrain.videoMix=${mix}`);
    const samples = Array.from({ length: 12 }, (_, i) =>
      world.pretrainSegments(template, byteCodec, randomStream("mix", i)),
    );
    return samples.map((segments) =>
      segments.map((s) => (s.type === "sampled" ? byteCodec.decode(s.tokens) : "")).join(""),
    );
  };
  for (const text of said("{frames: 1}")) assert.doesNotMatch(text, /<code>|<answer>/);
  for (const text of said("{first: 0.5}")) assert.match(text, /<\/code>$/);
  for (const text of said("{episode: 2}")) assert.match(text, /<\/answer>$/);
  assert.throws(() => said("{frames: 0}"), /pretrain\.videoMix must have at least one weight above 0/);
});

test("texts for the tokenizer are those of the worlds that are in", () => {
  const texts = (recipe: string): string => [...open(recipe).corpus(template, 60)].join("\n");
  assert.match(texts("video-mini"), /flatnonzero/);
  assert.doesNotMatch(texts("video-mini"), /image_clue_0/);
  assert.doesNotMatch(texts("image-mini"), /flatnonzero/);
  for (const word of [/flatnonzero/, /image_clue_0/]) assert.match(texts("mixed-mini"), word);
});
