// What `pyvision eval` is told, as configs: one a benchmark. The engine's side comes from a checkpoint's own recipe, a server's
// address or a recipe that is named; everything about training is left out, so that a report depends on nothing of it.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, DataError } from "../core/errors.ts";
import type { Control } from "../evaluation/compareControl.ts";
import { findInputPath, parseConfig, type ResolvedConfig } from "../runs/config.ts";
import { isSection, parseYaml } from "../runs/overrides.ts";
import { BENCHMARK_NAMES, type BenchmarkName } from "../tasks/benchmarks/item.ts";

export interface EvalOptions {
  readonly bench?: string;
  readonly tasks?: string;
  readonly data?: string;
  readonly split?: string;
  readonly engine: string;
  readonly model?: string;
  readonly set?: readonly string[];
  readonly repeats: number;
  readonly temperature?: number;
  readonly maxTurns: number;
  readonly concurrent: number;
  readonly profile?: string;
  readonly judge?: string;
  readonly judgeModel?: string;
  readonly shuffleOptions?: number;
  readonly seed: number;
}

/** With several answers to each item and no --temperature: what the paper samples with on most image benchmarks. */
const SAMPLED = 0.5;

/** @throws ConfigError */
export function benchNames({ bench, tasks }: Pick<EvalOptions, "bench" | "tasks">): readonly BenchmarkName[] {
  if ((bench === undefined) === (tasks === undefined))
    throw new ConfigError("--bench NAME[,NAME…] or --tasks FILE: give one of them, to say what is asked");
  const names = (bench ?? "").split(",").filter((name) => name !== "");
  for (const name of names)
    if (!(BENCHMARK_NAMES as readonly string[]).includes(name))
      throw new ConfigError(
        `--bench: must be of ${BENCHMARK_NAMES.join(", ")}; received ${JSON.stringify(name)}`,
      );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ConfigError(`--bench: names ${twice} twice`);
  if (bench !== undefined && names.length === 0)
    throw new ConfigError(
      `--bench: must be of ${BENCHMARK_NAMES.join(", ")}, with commas between; received none`,
    );
  return names as readonly BenchmarkName[];
}

/**
 * The config of one evaluation. `evaluation.tasks` is for the caller to set, who knows how many items there are.
 * @param name benchmark; undefined for --tasks
 * @throws ConfigError
 */
export function evalConfig(options: EvalOptions, name: BenchmarkName | undefined): ResolvedConfig {
  const { repeats, maxTurns, concurrent, seed } = options;
  const base = engineSide(options);
  const { judge, judgeModel } = options;
  if ((judge === undefined) !== (judgeModel === undefined))
    throw new ConfigError("--judge URL and --judge-model NAME: must be given together");
  const root: Record<string, unknown> = {
    ...base,
    name: `eval-${name ?? fileName(options.tasks ?? "")}`,
    seed,
    tasks: name === undefined ? ownTasks(options) : benchmarkTasks(options, name),
    evaluation: { temperature: temperatureOf(options), maxTurns, concurrent },
  };
  if (judge !== undefined)
    root["reward"] = { ...sectionOf(base, "reward"), judge: { baseUrl: judge, model: judgeModel } };
  const config = parseConfig(JSON.stringify(root), "pyvision eval", options.set);
  if (repeats > 1 && config.evaluation.temperature === 0)
    throw new ConfigError(
      `--repeats ${repeats}: at temperature 0 all answers to an item are the same; give a --temperature above 0, or leave it out ` +
        `for ${SAMPLED}`,
    );
  return config;
}

function temperatureOf({ temperature, repeats }: EvalOptions): number {
  return temperature ?? (repeats > 1 ? SAMPLED : 0);
}

function benchmarkTasks(options: EvalOptions, name: BenchmarkName): Record<string, unknown> {
  const { bench, data, split, profile, shuffleOptions } = options;
  return {
    type: "benchmark",
    name,
    path: dataOf(data, name, bench),
    ...(split !== undefined && { split }),
    ...(profile !== undefined && { profile }),
    ...(shuffleOptions !== undefined && { shuffleOptions }),
  };
}

/** With several benchmarks, or where it has a folder of that name, a folder of benchmarks; else the benchmark itself. */
function dataOf(data: string | undefined, name: BenchmarkName, bench = ""): string {
  if (data === undefined) return join("data/benchmarks", name);
  const inside = join(data, name);
  return bench.includes(",") || findInputPath(inside) !== undefined ? inside : data;
}

/** The whole file, rows that cannot be asked included: with rows held out of it, none are set aside. */
function ownTasks({
  tasks: path = "",
  data,
  split,
  profile,
  shuffleOptions,
}: EvalOptions): Record<string, unknown> {
  for (const [option, value] of [
    ["--data", data],
    ["--split", split],
    ["--profile", profile],
    ["--shuffle-options", shuffleOptions],
  ] as const)
    if (value !== undefined)
      throw new ConfigError(`${option}: goes with --bench; --tasks reads the file as it is`);
  if (findInputPath(path) === undefined)
    throw new ConfigError(`--tasks: ${JSON.stringify(path)} does not exist`);
  return { type: "file", path, heldOut: path, brokenRows: "counted" };
}

/** The config of a control, which is the same but for what it takes away. */
export function controlConfig(config: ResolvedConfig, control: Control): ResolvedConfig {
  const { tasks, agent } = config;
  if (tasks.type !== "benchmark" && tasks.type !== "file")
    throw new Error("internal: controls are of benchmarks and files");
  switch (control) {
    case "no-image":
      return { ...config, tasks: { ...tasks, media: "none" } };
    case "no-tool": {
      // Without Python a video can only be seen as frames, and an image only in the context.
      const frames =
        agent.context?.type === "videoFrames" ? agent.context.frames : Math.min(16, agent.maxImages);
      return {
        ...config,
        tasks: { ...tasks, tool: "none" },
        agent: { ...agent, context: { type: "videoFrames", frames, inRuntime: false } },
        evaluation: { ...config.evaluation, maxTurns: 1 },
      };
    }
    default:
      return control satisfies never;
  }
}

/** Fields of the config and the options that they come from. */
const OPTIONS: Readonly<Record<string, string>> = {
  "tasks.path": "--data",
  "tasks.heldOut": "--tasks",
  "tasks.split": "--split",
  "tasks.profile": "--profile",
  "tasks.shuffleOptions": "--shuffle-options",
  "evaluation.tasks": "--limit",
  "evaluation.temperature": "--temperature",
  "evaluation.maxTurns": "--max-turns",
  "evaluation.concurrent": "--concurrent",
};

/** The same error, speaking of what was typed instead of the config that it made. */
export function inOptions(error: unknown, { tasks }: Pick<EvalOptions, "tasks">): unknown {
  if (!(error instanceof ConfigError || error instanceof DataError)) return error;
  const message = error.message.replace(/\b(tasks|evaluation)\.[A-Za-z]+\b/g, (field) =>
    field === "tasks.path" && tasks !== undefined ? "--tasks" : (OPTIONS[field] ?? field),
  );
  if (message === error.message) return error;
  return new (error instanceof ConfigError ? ConfigError : DataError)(message, { cause: error });
}

const SECTIONS = ["engine", "model", "agent", "python"] as const;

/** Sections of a recipe that say how turns are made. */
function engineSide({ engine, model, tasks }: EvalOptions): Record<string, unknown> {
  if (/^https?:\/\//.test(engine)) {
    if (model === undefined)
      throw new ConfigError(`--engine ${engine}: needs --model NAME, by which the server knows the model`);
    return {
      engine: { type: "openai", baseUrl: engine, model },
      agent: { template: "standard", schedule: "eager" },
    };
  }
  if (model !== undefined)
    throw new ConfigError(
      `--model: goes with an --engine that is an address, received ${JSON.stringify(engine)}`,
    );
  const path = findInputPath(engine);
  if (path === undefined)
    throw new ConfigError(
      `--engine: ${JSON.stringify(engine)} is neither an address (http://host:port/v1) nor a checkpoint folder or YAML config ` +
        "that is there",
    );
  if (statSync(path).isDirectory()) return checkpointSide(engine, path);
  if (![".yaml", ".yml"].includes(extname(path)))
    throw new ConfigError(
      `--engine: a file must be a YAML config (.yaml), received ${JSON.stringify(engine)}; a checkpoint is named by its folder`,
    );
  return recipeSide(path, tasks !== undefined);
}

function recipeSide(path: string, withGrader: boolean): Record<string, unknown> {
  const root = parseYaml(readFileSync(path, "utf8"), path);
  if (!isSection(root)) throw new ConfigError(`${path}: must hold sections of keys`);
  const { judge, grader } = sectionOf(root, "reward");
  const kept = Object.fromEntries(
    SECTIONS.flatMap((key) => (isSection(root[key]) ? [[key, root[key]] as const] : [])),
  );
  return {
    ...kept,
    reward: { ...(judge !== undefined && { judge }), ...(withGrader && grader !== undefined && { grader }) },
  };
}

/** A checkpoint with the recipe that it came from: that of its run, or of the carried checkpoints. Else the usual settings. */
function checkpointSide(engine: string, path: string): Record<string, unknown> {
  const recipe = recipeOf(path);
  const side = recipe === undefined ? { agent: { template: "standard" } } : recipeSide(recipe, false);
  const found = sectionOf(side, "engine");
  const embedded = found["type"] === undefined || found["type"] === "embedded";
  return {
    ...side,
    engine: embedded ? found : { type: "embedded" },
    model: { ...sectionOf(side, "model"), init: engine },
    reward: {},
  };
}

/** config.yaml above a checkpoint, or configs/NAME.yaml of checkpoints/NAME/…; undefined when there is neither. */
export function recipeOf(checkpoint: string): string | undefined {
  const path = resolve(checkpoint);
  const above = [join(path, "../config.yaml"), join(path, "../../config.yaml")].find((file) =>
    existsSync(file),
  );
  if (above !== undefined) return above;
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const [folder, name] = relative(root, path).split(/[/\\]/);
  const carried = join(root, "configs", `${name}.yaml`);
  return folder === "checkpoints" && existsSync(carried) ? carried : undefined;
}

function sectionOf(root: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const section = root[key];
  return isSection(section) ? section : {};
}

/** As a run's name may be. */
function fileName(path: string): string {
  const name = basename(path, extname(path))
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
  return name === "" ? basename(dirname(resolve(path))) || "tasks" : name;
}
