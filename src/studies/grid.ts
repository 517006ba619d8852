// From study files to runs: every arm with every seed is a config of its own, and what resolves to the same config is one run,
// whichever studies ask for it. An arm with a cold start needs two runs more, once for all its seeds.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { stepsOfEpochs } from "../learning/supervised.ts";
import { parseConfig, resolveInputPath, type ResolvedConfig } from "../runs/config.ts";
import type { Arm, Study } from "./studyFile.ts";

export type RunStage = "pretrain" | "sft" | "train";

/** One call of `pyvision STAGE`. */
export interface StudyRun {
  /** Of stage, config and what it starts from; names its folder. */
  readonly digest: string;
  readonly stage: RunStage;
  /** For a person: the first arm and seed that ask for it. */
  readonly label: string;
  /** Without the checkpoint that it needs from another run. */
  readonly config: ResolvedConfig;
  /** Digest of the run whose result it starts from. */
  readonly needs?: string;
  /** Optimiser steps, as progress counts them. */
  readonly steps: number;
  /** Held-out tasks asked over the whole run. */
  readonly heldOutTasks: number;
}

export interface PlannedArm {
  readonly arm: Arm;
  /** By seed. */
  readonly runs: ReadonlyMap<number, string>;
}

export interface PlannedStudy {
  readonly study: Study;
  readonly arms: readonly PlannedArm[];
}

export interface StudyPlan {
  readonly studies: readonly PlannedStudy[];
  /** Each once, what others need before them; seed after seed, so that an interrupted study has whole seeds. */
  readonly runs: readonly StudyRun[];
}

export interface PlanOptions {
  /** In place of each study's own. */
  readonly seeds?: readonly number[];
  /** `key=value`, over everything. */
  readonly set?: readonly string[];
}

/** What a cold start does not depend on stays as the recipe has it, so that arms share it. */
const COLD_START_SECTIONS: Readonly<Record<"pretrain" | "sft", readonly string[]>> = {
  pretrain: ["engine", "model", "tasks", "python", "agent", "pretrain"],
  sft: ["engine", "model", "tasks", "python", "agent", "pretrain", "sft", "evaluation"],
};

/** @throws ConfigError when a recipe or an override is wrong, or a config cannot be reproduced */
export function planStudies(studies: readonly Study[], options: PlanOptions = {}): StudyPlan {
  const names = studies.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new ConfigError(
      `study: two files have the name ${JSON.stringify(twice)}; give each a name of its own`,
    );
  const found = new Map<string, { readonly run: StudyRun; readonly seed: number }>();
  const add = (run: StudyRun, seed: number): string => {
    const known = found.get(run.digest);
    if (known === undefined || seed < known.seed) found.set(run.digest, { run: known?.run ?? run, seed });
    return run.digest;
  };
  const planned = studies.map((study): PlannedStudy => {
    const recipe = readRecipe(study);
    const seeds = options.seeds ?? study.seeds;
    const arms = study.arms.map((arm): PlannedArm => {
      const sets = [...Object.entries(study.set), ...Object.entries(arm.set)].map(
        ([key, value]) => `${key}=${JSON.stringify(value)}`,
      );
      if ([...sets, ...(options.set ?? [])].some((text) => /^seed\s*=/.test(text)))
        throw new ConfigError(
          `study ${study.name}, arm ${arm.name}: seed must not be set, since a study gives every run its own; name the seeds in the ` +
            "file's seeds or with --seeds",
        );
      const resolve = (
        more: readonly string[],
        keep: (key: string) => boolean = () => true,
      ): ResolvedConfig =>
        resolveArm(study, arm, recipe, [...[...sets, ...(options.set ?? [])].filter(keep), ...more]);
      const weights = arm.coldStart
        ? coldStart(study, arm, resolve)
            .map((run) => add(run, -1))
            .at(-1)
        : undefined;
      const runs = seeds.map((seed): [number, string] => {
        const config = resolve([`seed=${seed}`]);
        return [seed, add(trainRun(`${study.name} ${arm.name} seed ${seed}`, config, weights), seed)];
      });
      return { arm, runs: new Map(runs) };
    });
    return { study, arms };
  });
  const runs = [...found.values()].sort((a, b) => a.seed - b.seed).map(({ run }) => run);
  return { studies: planned, runs };
}

/** The digest of a checkpoint's weights: a path may hold others tomorrow. */
export function weightsDigest(dir: string): string {
  return sha256(readFileSync(join(dir, "model.safetensors"))).slice(0, 12);
}

function readRecipe({ recipe, name }: Study): { readonly text: string; readonly path: string } {
  const path = resolveInputPath(recipe, `study ${name}: recipe`);
  return { text: readFileSync(path, "utf8"), path: recipe };
}

function resolveArm(
  study: Study,
  arm: Arm,
  recipe: { readonly text: string; readonly path: string },
  sets: readonly string[],
): ResolvedConfig {
  const where = `study ${study.name}, arm ${arm.name}`;
  try {
    const config = parseConfig(recipe.text, recipe.path, sets);
    checkReproducible(config, where);
    return config;
  } catch (error) {
    if (error instanceof ConfigError && !error.message.startsWith(where))
      throw new ConfigError(`${where}: ${error.message}`);
    throw error;
  }
}

/** The number of runs side by side, and the machine's cores, must not change what comes out. */
function checkReproducible({ engine, agent, train }: ResolvedConfig, where: string): void {
  if (engine.type === "embedded" && engine.threads === 0)
    throw new ConfigError(
      `${where}: engine.threads must be fixed in the study's set, received 0 (every core): rounding depends on the number ` +
        "of threads, and so would the result on the machine; set engine.threads: 1",
    );
  if (agent.schedule !== "lockstep")
    throw new ConfigError(
      `${where}: agent.schedule must be lockstep, received ${JSON.stringify(agent.schedule)}: with it a run that is killed and ` +
        "continued ends as one that was not",
    );
  if (train.maxStaleness !== 0)
    throw new ConfigError(
      `${where}: train.maxStaleness must be 0, received ${train.maxStaleness}: groups collected in the background depend on timing`,
    );
}

function coldStart(
  study: Study,
  arm: Arm,
  resolve: (more: readonly string[], keep: (key: string) => boolean) => ResolvedConfig,
): StudyRun[] {
  const of = (stage: "pretrain" | "sft"): ResolvedConfig =>
    resolve([], (set) => COLD_START_SECTIONS[stage].includes(/^[^.=]*/.exec(set)?.[0] ?? ""));
  const label = `${study.name} ${arm.name}`;
  const base = of("pretrain");
  const pretrain: StudyRun = {
    ...{ digest: digestOf("pretrain", base, "nothing"), stage: "pretrain", label: `${label} pretrain` },
    ...{ config: base, steps: base.pretrain.steps, heldOutTasks: 0 },
  };
  const tuned = of("sft");
  if (tuned.sft.data !== undefined)
    throw new ConfigError(`study ${study.name}, arm ${arm.name}: sft.data must be left out of a cold start, received ${JSON.stringify(tuned.sft.data)}`); // prettier-ignore
  const sft: StudyRun = {
    ...{ digest: digestOf("sft", tuned, pretrain.digest), stage: "sft", label: `${label} sft` },
    ...{ config: tuned, needs: pretrain.digest, heldOutTasks: tuned.evaluation.tasks },
    steps: stepsOfEpochs(tuned.sft.demonstrations, tuned.sft),
  };
  return [pretrain, sft];
}

function trainRun(label: string, config: ResolvedConfig, needs: string | undefined): StudyRun {
  const { steps, evaluateEvery } = config.train;
  const onTheWay = evaluateEvery > 0 ? Math.max(0, Math.ceil(steps / evaluateEvery) - 1) : 0;
  return {
    digest: digestOf("train", config, needs ?? initOf(config)),
    ...{ stage: "train", label, config, steps },
    ...(needs !== undefined && { needs }),
    heldOutTasks: config.evaluation.tasks * (2 + onTheWay),
  };
}

function initOf({ model }: ResolvedConfig): string {
  if (model.init === undefined) throw new ConfigError("study: model.init is missing; name a checkpoint, or give the arm coldStart: true"); // prettier-ignore
  return weightsDigest(resolveInputPath(model.init, "model.init"));
}

/** The name says nothing about a run, and where it starts is in `from`. */
function digestOf(stage: RunStage, config: ResolvedConfig, from: string): string {
  const { init: _, ...model } = config.model;
  const { init: __, ...sft } = config.sft;
  const text = JSON.stringify(sorted({ stage, from, config: { ...config, name: "", model, sft } }));
  return sha256(text).slice(0, 12);
}

/** With keys in one order at every depth. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
