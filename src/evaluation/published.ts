// Figures that others printed, to stand beside one's own. Each with where it was read, since protocols differ: a model's answers
// are drawn at other temperatures, judged by other judges, over other subsets.
import type { BenchmarkName } from "../tasks/benchmarks/item.ts";

export interface PublishedFigure {
  readonly benchmark: BenchmarkName;
  readonly model: string;
  /** As the benchmark's aggregator names it. */
  readonly metric: string;
  /** As printed. */
  readonly percent: number;
  /** What was done otherwise, where that is known. */
  readonly conditions?: string;
  readonly source: string;
}

const PAPER = "PyVision-RL (arXiv 2602.20739)";
const TABLES = `${PAPER}, tables of results, as summaries of the paper give them`;
const TEXT = `${PAPER}, text, as notes on the paper quote it`;
const PAGE = `${PAPER}, as wizwand.com lists it`;

const BASE = "Qwen2.5-VL-7B";
const IMAGE = "PyVision-Image-7B";
const VIDEO = "PyVision-Video-7B";

/** Benchmark, metric, the base model's figure (undefined where none is known) and PyVision-Image's. */
const IMAGE_RESULTS: readonly (readonly [BenchmarkName, string, number | undefined, number, string])[] = [
  ["vstar", "accuracy", 78.5, 88.7, TABLES],
  ["hrbench-4k", "all", 71.6, 78.1, TABLES],
  ["hrbench-8k", "all", 67.9, 74.3, TABLES],
  ["mathverse", "overall", 45.6, 55.8, TABLES],
  ["mathvision", "all", undefined, 28.7, PAGE],
  ["wemath", "score (strict)", 34.6, 47.7, TABLES],
  ["dynamath", "average", 53.3, 61.6, TABLES],
  ["tir-bench", "accuracy", 16, 19.8, TABLES],
];

/** What the paper says of how its image models were sampled, and what its size alone tells of a number. */
function conditionsOf(benchmark: BenchmarkName): string {
  if (benchmark === "vstar") return "mean of 32 answers to each question, temperature 0.01";
  const sampling = "temperature 0.5, top-k 20";
  if (benchmark === "wemath") return `${sampling}; taken for the strict score by its size`;
  if (benchmark === "dynamath") return `${sampling}; taken for the average by its size`;
  if (benchmark === "mathverse") return `${sampling}; whether of all five versions is not said`;
  return sampling;
}

function imageFigures(): readonly PublishedFigure[] {
  return IMAGE_RESULTS.flatMap(([benchmark, metric, base, image, source]) => {
    const conditions = conditionsOf(benchmark);
    const figure = (model: string, percent: number): PublishedFigure => ({
      benchmark,
      model,
      metric,
      percent,
      conditions,
      source,
    });
    return [...(base === undefined ? [] : [figure(BASE, base)]), figure(IMAGE, image)];
  });
}

const VIDEO_SAMPLING = "temperature 0.01";

/** VSI-Bench: model, metric, percent, source, conditions. */
const VIDEO_RESULTS: readonly (readonly [string, string, number, string, string?])[] = [
  [BASE, "average", 36.7, TABLES],
  [BASE, "average", 38, TEXT, "frames at 1 per second"],
  [BASE, "object_counting", 41.9, TABLES],
  [BASE, "object_rel_direction", 38.5, TABLES],
  [BASE, "route_planning", 29.9, TABLES],
  [BASE, "obj_appearance_order", 34.1, TABLES],
  ["SpaceR", "average", 45.6, TEXT, "no tools"],
  ["VITAL", "average", 41.8, TABLES, "a fixed set of tools"],
  [VIDEO, "average", 44, TEXT, VIDEO_SAMPLING],
  [VIDEO, "object_counting", 53.8, TABLES, VIDEO_SAMPLING],
  [VIDEO, "object_rel_direction", 46.3, TABLES, VIDEO_SAMPLING],
  [VIDEO, "route_planning", 26.3, TABLES, VIDEO_SAMPLING],
  [VIDEO, "obj_appearance_order", 58.6, TABLES, VIDEO_SAMPLING],
];

const videoFigures = (): readonly PublishedFigure[] =>
  VIDEO_RESULTS.map(([model, metric, percent, source, conditions]) => ({
    benchmark: "vsi-bench",
    model,
    metric,
    percent,
    source,
    ...(conditions !== undefined && { conditions }),
  }));

export const published: readonly PublishedFigure[] = [...imageFigures(), ...videoFigures()];

/** Of one benchmark, in the order of models. */
export const publishedOf = (benchmark: BenchmarkName): readonly PublishedFigure[] =>
  published.filter((figure) => figure.benchmark === benchmark);
