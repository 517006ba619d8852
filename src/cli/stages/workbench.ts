// What every stage works with, built from the config: the engine on a checkpoint, the Python runtime, the prompt
// template, tasks by split, and rollouts of them. Whoever opens a workbench closes it.
import { withoutTool } from "../../agent/noTool.ts";
import { loadTemplate, type PromptTemplate } from "../../agent/template.ts";
import { ConfigError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Task, TaskSource } from "../../core/task.ts";
import type { TrajectoryGroup } from "../../core/trajectory.ts";
import type { Codec, Engine, Sampler } from "../../engines/engine.ts";
import type { RewardFunction } from "../../rewards/reward.ts";
import { collectGroups, type CollectProgress } from "../../rollout/collect.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { Split } from "../../tasks/world/world.ts";
import { formatJudged, gradingOf, type RunGrading } from "./grading.ts";
import { openEngine, saveResult } from "./openEngine.ts";
import { type PythonTool, startPythonTool } from "./pythonTool.ts";
import { computesInOrder, warnIfNotReproducible } from "./reproducibility.ts";
import { checkSandboxFailures } from "./sandboxFailures.ts";
import { openServedModel, type ServedModel } from "./servedModel.ts";
import { type TaskWorld, taskWorldOf } from "./taskWorld.ts";

export interface RolloutOptions {
  readonly tasks: readonly Task[];
  /** Rollouts of each task. */
  readonly n: number;
  /** Names the random streams, e.g. `train/3/0`: the same label, task and member draw the same numbers. */
  readonly label: string;
  readonly sampling: { readonly temperature: number; readonly topP: number; readonly topK: number };
  readonly maxTurns?: number;
  /** Replaces the engine as the source of turns (the scripted teacher). */
  readonly sampler?: Sampler;
  /** Replaces the recipe's reward. */
  readonly reward?: RewardFunction;
  readonly onProgress?: (progress: CollectProgress) => void;
  /** One of many that overlap: it waits for none of the others, and `check` is left to the caller. Default: false. */
  readonly background?: boolean;
  /** `check` is left to the caller. Default: as `background`. */
  readonly unchecked?: boolean;
  /** Names the random streams in the place of the member's number. */
  readonly memberOf?: (task: Task) => number;
}

export interface Workbench {
  /** To train with. @throws ConfigError when a server that only samples computes the turns */
  readonly engine: Engine;
  readonly codec: Codec;
  readonly template: PromptTemplate;
  /** What isolates the Python tool and which packages it has besides its own. */
  readonly python: PythonTool["record"];
  readonly world: TaskWorld;
  tasks(split: Split): TaskSource;
  /** The recipe's, with the run's one judge: who grades besides `rollout` asks and checks it here. */
  readonly grading: Pick<RunGrading, "reward" | "check" | "score">;
  /** What the judge was asked so far; undefined without one. */
  readonly judged: RunGrading["judged"];
  rollout(options: RolloutOptions): Promise<TrajectoryGroup[]>;
  /** Looks at a round of rollouts. @throws SandboxError, EngineError when tool or judge failed in too many of them */
  check(groups: readonly TrajectoryGroup[], label: string): void;
  /** Keeps what the engine has learnt, as `saveResult` says. */
  saveResult(dir: string, options: { readonly optimizer: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** Where turns come from. */
type Source =
  { readonly type: "engine"; readonly engine: Engine } | ({ readonly type: "openai" } & ServedModel);

/** @param init checkpoint folder of the engine; `key` names the config key it came from. */
export async function openWorkbench(
  config: ResolvedConfig,
  init: string | undefined,
  key: string,
  reporter: Reporter,
): Promise<Workbench> {
  const source = await openSource(config, init, key, reporter);
  try {
    const tool = await startPythonTool(config, reporter);
    try {
      return workbench(config, source, tool, reporter);
    } catch (error) {
      await tool.runtime.close();
      throw error;
    }
  } catch (error) {
    if (source.type === "engine") await source.engine.dispose();
    throw error;
  }
}

async function openSource(
  config: ResolvedConfig,
  init: string | undefined,
  key: string,
  reporter: Reporter,
): Promise<Source> {
  const { engine, model } = config;
  if (engine.type === "openai") {
    const served = await openServedModel(engine, model);
    reporter.info(`asking ${served.name}`);
    return { type: "openai", ...served };
  }
  warnIfNotReproducible(config, reporter);
  return { type: "engine", engine: await openEngine(engine, model, init, key, reporter) };
}

function workbench(
  config: ResolvedConfig,
  source: Source,
  { runtime, record }: PythonTool,
  reporter: Reporter,
): Workbench {
  const hasTool = !("tool" in config.tasks && config.tasks.tool === "none");
  const loaded = loadTemplate(config.agent.template);
  const template = hasTool ? loaded : withoutTool(loaded);
  const tasks = taskWorldOf(config, reporter);
  const grading = gradingOf(config, tasks);
  const world: TaskWorld = { ...tasks, isNumeric: grading.isNumeric };
  const { maxTurns, maxTurnTokens, maxContextTokens, maxImages, onPythonError, schedule, concurrent } =
    config.agent;
  // The turns of most servers differ from run to run whatever they wait for.
  const waits = computesInOrder(config.engine);
  const { codec, sampler } =
    source.type === "openai" ? source : { codec: source.engine.codec, sampler: source.engine };
  const trainable = (): Engine => {
    if (source.type === "engine") return source.engine;
    throw new ConfigError(`engine.type: must be "embedded" or "tinker" to train, received "${source.type}"`);
  };
  const check = (groups: readonly TrajectoryGroup[], label: string): void => {
    checkSandboxFailures(groups, label, reporter);
    grading.check(label, reporter);
  };
  return {
    get engine() {
      return trainable();
    },
    codec,
    template,
    python: record,
    world,
    tasks: (split) => world.tasks(split),
    grading,
    judged: grading.judged,
    rollout: async (o) => {
      const groups = await collectGroups({
        tasks: o.tasks,
        ...(config.agent.context !== undefined && { context: config.agent.context }),
        n: o.n,
        template,
        codec,
        sampler: o.sampler ?? sampler,
        runtime,
        limits: {
          maxTurns: hasTool ? (o.maxTurns ?? maxTurns) : 1,
          maxTurnTokens,
          maxContextTokens,
          maxImages,
        },
        errorPolicy: onPythonError,
        sampling: o.sampling,
        reward: o.reward ?? grading.reward,
        randomFor: (task, member) =>
          randomStream(config.seed, o.label, task.id, o.memberOf?.(task) ?? member),
        batching: { schedule: waits && o.background !== true ? schedule : "eager" },
        ...(concurrent !== undefined && { concurrency: concurrent }),
        ...(o.onProgress !== undefined && { onProgress: o.onProgress }),
      });
      if (!(o.unchecked ?? o.background ?? false)) check(groups, o.label);
      return groups;
    },
    check,
    saveResult: (dir, { optimizer }) => saveResult(trainable(), config.engine.type, dir, optimizer, reporter),
    close: async () => {
      const judged = grading.judged();
      if (judged !== undefined) reporter.info(formatJudged(judged));
      await runtime.close();
      world.close();
      if (source.type === "engine") await source.engine.dispose();
    },
  };
}
