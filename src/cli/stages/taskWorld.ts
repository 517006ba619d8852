// The world a recipe's `tasks` section names, with all that the stages need of it: tasks, grading, texts for the tokenizer,
// sequences to pretrain on, and a scripted teacher. Data files are a world of tasks and grading only. Whoever opens a world
// closes it.
import { rmSync } from "node:fs";
import type { PromptTemplate } from "../../agent/template.ts";
import type { Random } from "../../core/random.ts";
import { type Reporter, silentReporter } from "../../core/reporter.ts";
import type { Task, TaskSource } from "../../core/task.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Codec, Sampler } from "../../engines/engine.ts";
import type { ScoredFields } from "../../rewards/benchmarks/scorer.ts";
import { gradeAnswer } from "../../rewards/grade.ts";
import { gradeNumber } from "../../rewards/meanRelativeAccuracy.ts";
import type { Grader } from "../../rewards/reward.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { makeTemporaryFolder } from "../../runs/temporaryFolder.ts";
import { createMixedSource } from "../../tasks/mixed.ts";
import { videoCorpus } from "../../tasks/video/corpus.ts";
import { videoPretrainSample } from "../../tasks/video/pretrain.ts";
import { videoScript } from "../../tasks/video/script.ts";
import type { ScriptTurn } from "../../tasks/video/script.ts";
import { VideoTeacher } from "../../tasks/video/teacher.ts";
import { uniformFrames, uniformTurn } from "../../tasks/video/uniform.ts";
import { FPS } from "../../tasks/video/vocabulary.ts";
import { createVideoWorld, isNumeric, isVideoTask } from "../../tasks/video/videoWorld.ts";
import type { VideoTask } from "../../tasks/video/videoWorld.ts";
import { worldCorpus } from "../../tasks/world/corpus.ts";
import { pretrainSample } from "../../tasks/world/pretrain.ts";
import { Teacher } from "../../tasks/world/teacher.ts";
import { createWorld } from "../../tasks/world/world.ts";
import type { Split, WorldTask } from "../../tasks/world/world.ts";
import { benchmarkWorld, type OpenedBenchmark } from "./benchmarkWorld.ts";
import { fileWorld } from "./fileWorld.ts";

export interface TaskWorld {
  tasks(split: Split): TaskSource;
  readonly grade: Grader;
  /** Whether answers to this kind of task are numbers that mean relative accuracy is reported of. */
  isNumeric(this: void, taskKind: string): boolean;
  /** Texts to train the tokenizer on. */
  corpus(template: PromptTemplate, episodes: number): Iterable<string>;
  /** One sequence to pretrain on. */
  pretrainSegments(template: PromptTemplate, codec: Codec, random: Random): readonly Segment[];
  /** Plays tasks of this world; says nothing but the script of `sft.teacher`. */
  teacher(request: TeacherRequest): Sampler;
  /** What the authors say of their benchmark; undefined for other worlds. */
  benchmark?(this: void): OpenedBenchmark;
  /** What scores a benchmark's item of this id, of those that were asked for. */
  scoredFields?(this: void, taskId: string): ScoredFields | undefined;
  /** Removes the clips it wrote. */
  close(): void;
}

export interface TeacherRequest {
  readonly codec: Codec;
  /** What the sequence of this id is about. */
  readonly taskOf: (sequenceId: string) => Task;
  readonly randomOf: (task: Task) => Random;
}

type TasksConfig = ResolvedConfig["tasks"];
type Of<T extends TasksConfig["type"]> = Extract<TasksConfig, { readonly type: T }>;
type ImageOptions = Omit<Of<"world">, "type">;
type VideoOptions = Omit<Of<"videoWorld">, "type">;

/** @param reporter is told which rows of data files are left out */
export function taskWorldOf(config: ResolvedConfig, reporter: Reporter = silentReporter): TaskWorld {
  const { tasks } = config;
  switch (tasks.type) {
    case "world":
      return imageWorld(config, tasks);
    case "videoWorld":
      return videoWorld(config, tasks);
    case "mixed":
      return mixedWorld(config, tasks);
    case "file":
      return fileWorld(tasks, reporter);
    case "benchmark":
      return benchmarkWorld(tasks);
    default:
      return tasks satisfies never;
  }
}

function imageWorld(config: ResolvedConfig, { seed, weights, places, contrast }: ImageOptions): TaskWorld {
  return {
    tasks: (split) => createWorld({ seed, split, weights, places, contrast }),
    grade: gradeAnswer,
    isNumeric: () => false,
    corpus: (template, episodes) => worldCorpus({ seed: config.seed, template, episodes }),
    pretrainSegments: (template, codec, random) =>
      pretrainSample({ template, contrast }, codec, random).segments,
    teacher: ({ codec, taskOf, randomOf }) =>
      new Teacher({
        codec,
        behaviour: behaviourOf(config),
        episodeOf: (sequenceId) => {
          const task = taskOf(sequenceId);
          return { task: task as WorldTask, random: randomOf(task) };
        },
      }),
    close: () => undefined,
  };
}

function videoWorld(config: ResolvedConfig, options: VideoOptions): TaskWorld {
  const { seed, weights, leastRelativeAccuracy } = options;
  const grade: Grader = (answer, truth, kind) =>
    isNumeric(kind) ? gradeNumber(answer, truth, leastRelativeAccuracy) : gradeAnswer(answer, truth);
  const { context } = config.agent;
  /** Of the baseline without the tool: what stands in the context is all there is. */
  const frames = context?.type === "videoFrames" && !context.inRuntime ? context.frames : undefined;
  // The oracle weighs answers to questions of one kind: only numeric ones are numbers.
  const isRight = (answer: string, truth: string): boolean =>
    gradeNumber(answer, truth, leastRelativeAccuracy) === 1;
  const uniform = frames === undefined ? {} : { uniform: { frames, isRight } };
  const { videoMix } = config.pretrain;
  const mix = videoMix === undefined ? {} : { mix: videoMix };
  function* script(task: VideoTask, random: Random): Generator<ScriptTurn, undefined> {
    if (frames === undefined) return yield* videoScript(task.clip, random, behaviourOf(config));
    const seen = uniformFrames(task.clip.seconds * FPS, frames);
    yield { text: uniformTurn(task.clip, seen, isRight, random) };
  }
  let folder: string | undefined;
  return {
    tasks: (split) => {
      folder ??= makeTemporaryFolder("pyvision-clips");
      return createVideoWorld({ seed, split, weights, folder });
    },
    grade,
    isNumeric,
    corpus: (template, episodes) => videoCorpus({ seed: config.seed, template, episodes, weights }),
    pretrainSegments: (template, codec, random) =>
      videoPretrainSample({ template, weights, ...mix, ...uniform }, codec, random).segments,
    teacher: ({ codec, taskOf, randomOf }) =>
      new VideoTeacher({
        codec,
        scriptOf: (sequenceId) => {
          const task = taskOf(sequenceId);
          return script(task as VideoTask, randomOf(task));
        },
      }),
    close: () => {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      folder = undefined;
    },
  };
}

function mixedWorld(
  config: ResolvedConfig,
  { seed, videoShare, maxVideos, ...tasks }: Of<"mixed">,
): TaskWorld {
  const image = imageWorld(config, { seed, ...tasks.world });
  const video = videoWorld(config, { seed, ...tasks.videoWorld });
  return {
    tasks: (split) => {
      const [images, videos] = [image.tasks(split), video.tasks(split)];
      return createMixedSource({
        name: `mixed-${split}`,
        seed,
        imageAt: (position) => images.at(position),
        videoAt: (position) => videos.at(position),
        videoShare,
        batch: config.selection.genBatch,
        maxVideos,
      });
    },
    grade: video.grade,
    isNumeric: video.isNumeric,
    *corpus(template, episodes) {
      yield* image.corpus(template, Math.ceil(episodes / 2));
      yield* video.corpus(template, Math.ceil(episodes / 2));
    },
    pretrainSegments: (template, codec, random) =>
      (random.next() < 0.5 ? image : video).pretrainSegments(template, codec, random),
    teacher: (request) =>
      bothTeachers(image.teacher(request), video.teacher(request), (id) => isVideoTask(request.taskOf(id))),
    close: () => video.close(),
  };
}

/** Hands each request to the teacher of its medium. */
function bothTeachers(image: Sampler, video: Sampler, isVideo: (sequenceId: string) => boolean): Sampler {
  return {
    sample: async (requests) =>
      Promise.all(
        requests.map(async (request) => {
          const [result] = await (isVideo(request.sequenceId) ? video : image).sample([request]);
          if (result === undefined) throw new Error("internal: a teacher gave no turn");
          return result;
        }),
      ),
    release: (sequenceId) => {
      image.release(sequenceId);
      video.release(sequenceId);
    },
  };
}

function behaviourOf({
  sft,
  agent,
}: ResolvedConfig): ResolvedConfig["sft"]["teacher"] & { readonly maxCalls: number } {
  return { ...sft.teacher, maxCalls: agent.maxTurns - 1 };
}
