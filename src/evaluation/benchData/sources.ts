// Where each benchmark is published on the Hugging Face Hub, and which of the files there are needed: the repositories also hold
// other splits, other forms of the same rows, and pages about them.
import { BENCHMARK_NAMES, type BenchmarkName } from "../../tasks/benchmarks/item.ts";

/** `*` stands for any characters but "/". */
export interface BenchmarkSource {
  /** Data set on the hub. */
  readonly dataset: string;
  /** Ways in which the items are published, best first; one is taken all of whose patterns have a file. */
  readonly files: readonly (readonly string[])[];
  /** Taken where they are published. */
  readonly optional?: readonly string[];
  /** To download, as the hub tells it on the data set's page; undefined where nobody wrote it down here. */
  readonly bytes?: number;
}

const GB = 1e9;

export const SOURCES: Readonly<Record<BenchmarkName, BenchmarkSource>> = {
  vstar: {
    dataset: "craigwu/vstar_bench",
    files: [
      ["test_questions.jsonl", "direct_attributes/*", "relative_position/*"],
      ["direct_attributes/*", "relative_position/*"],
    ],
  },
  "hrbench-4k": hrbench("4k", 0.43 * GB),
  "hrbench-8k": hrbench("8k", 2.83 * GB),
  mathverse: {
    dataset: "AI4Math/MathVerse",
    files: [["testmini.parquet"], ["testmini-*.parquet"], ["testmini.json", "images.zip"]],
  },
  mathvision: {
    dataset: "MathLLMs/MathVision",
    files: [
      ["data/test-*.parquet", "data/testmini-*.parquet"],
      ["test.jsonl", "testmini.jsonl", "images.zip"],
    ],
  },
  wemath: {
    dataset: "We-Math/We-Math",
    files: [["data/testmini-*.parquet"], ["testmini.json", "testmini.zip"]],
  },
  dynamath: { dataset: "DynaMath/DynaMath_Sample", files: [["data/sample*.parquet"]] },
  "tir-bench": { dataset: "Agents-X/TIR-Bench", files: [["TIR-Bench.json", "data.zip"]] },
  "vsi-bench": {
    dataset: "nyu-visionx/VSI-Bench",
    files: ["test.jsonl", "test-*.parquet", "data/test-*.parquet"].map((rows) => [
      rows,
      "arkitscenes.zip",
      "scannet.zip",
      "scannetpp.zip",
    ]),
    optional: ["test_debiased.parquet", "test_pruned.parquet"],
    bytes: 5.7 * GB,
  },
};

/** Parquet, which packs the base64 of its pictures, is a fifth of the TSV at 4K. */
function hrbench(size: "4k" | "8k", bytes: number): BenchmarkSource {
  const stems = [`hr_bench_${size}`, `hrbench_${size}`];
  const parquet = stems.flatMap((stem) =>
    ["", "data/", "hrbench_version_split/"].map((folder) => [`${folder}${stem}*.parquet`]),
  );
  return { dataset: "DreamMr/HR-Bench", files: [...parquet, [`hr_bench_${size}.tsv`]], bytes };
}

/** Those of a repository's files that are needed; undefined when none of the ways is complete. */
export function chosenFiles<F extends { readonly path: string }>(
  { files, optional = [] }: BenchmarkSource,
  published: readonly F[],
): readonly F[] | undefined {
  const having = (pattern: string): readonly F[] => {
    const matches = matcher(pattern);
    return published.filter(({ path }) => matches(path));
  };
  const way = files.find((patterns) => patterns.every((pattern) => having(pattern).length > 0));
  if (way === undefined) return undefined;
  return [...new Set([...way, ...optional].flatMap(having))];
}

function matcher(pattern: string): (path: string) => boolean {
  const literal = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${literal.join("[^/]*")}$`);
  return (path) => expression.test(path);
}

export function isBenchmarkName(name: string): name is BenchmarkName {
  return (BENCHMARK_NAMES as readonly string[]).includes(name);
}
