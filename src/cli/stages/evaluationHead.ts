// What stands at the head of an evaluation's report: what was asked of whom, under which rules.
import { readFileSync } from "node:fs";
import type { EvaluationRun } from "../../evaluation/evaluationRun.ts";
import { digest } from "../../evaluation/itemRecord.ts";
import { publishedOf } from "../../evaluation/published.ts";
import type { EvaluationHead } from "../../evaluation/summary.ts";
import { scorers } from "../../rewards/benchmarks/all.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

export function headOf(config: ResolvedConfig, run: EvaluationRun): EvaluationHead {
  const { tasks, evaluation, reward, seed, name } = config;
  const isBenchmark = tasks.type === "benchmark";
  return {
    name: isBenchmark ? tasks.name : name.replace(/^eval-/, ""),
    title: run.title,
    ...(run.split !== undefined && { split: run.split }),
    items: {
      asked: run.positions.length,
      wanted: evaluation.tasks,
      available: run.available,
      ...(run.published !== undefined && { published: run.published }),
    },
    repeats: run.repeats,
    ...(isBenchmark && { profile: tasks.profile }),
    differences: isBenchmark && tasks.profile === "default" ? scorers[tasks.name].differences : [],
    changes: changesOf(config),
    published: isBenchmark ? publishedOf(tasks.name) : [],
    engine: engineName(config),
    ...(reward.judge !== undefined && { judge: { model: reward.judge.model } }),
    seed,
    temperature: evaluation.temperature,
    maxTurns: evaluation.maxTurns ?? config.agent.maxTurns,
    isolation: run.isolation,
    configDigest: digest(JSON.stringify(config)),
    version: packageVersion(),
  };
}

function changesOf({ tasks }: ResolvedConfig): string[] {
  if (tasks.type !== "benchmark" && tasks.type !== "file") return [];
  return [
    ...("shuffleOptions" in tasks && tasks.shuffleOptions !== undefined
      ? [`lettered options stand in an order drawn by seed ${tasks.shuffleOptions}`]
      : []),
    ...(tasks.media === "none" ? ["the question alone, without its images and videos"] : []),
    ...(tasks.tool === "none" ? ["one turn without the tool, videos as frames at uniform distances"] : []),
  ];
}

function engineName({ engine, model }: ResolvedConfig): string {
  switch (engine.type) {
    case "embedded":
      return `${model.init ?? "no checkpoint"} (embedded)`;
    case "openai":
      return `${engine.model} at ${engine.baseUrl}`;
    case "tinker":
      return `${model.init ?? engine.baseModel ?? "its base model"} at ${engine.baseUrl} (${engine.dialect})`;
    default:
      return engine satisfies never;
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
