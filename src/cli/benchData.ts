// `pyvision bench-data`: public benchmarks from the Hugging Face Hub to a folder that `pyvision eval --bench` reads.
import type { Command } from "commander";
import { distance } from "fastest-levenshtein";
import { ConfigError } from "../core/errors.ts";
import { isBenchmarkName, SOURCES } from "../evaluation/benchData/sources.ts";
import { formatBytes } from "../runs/format.ts";
import { createReporter } from "../runs/progress.ts";
import { renderTable } from "../runs/table.ts";
import { benchmarks } from "../tasks/benchmarks/all.ts";
import { BENCHMARK_NAMES, type BenchmarkName } from "../tasks/benchmarks/item.ts";

interface BenchDataOptions {
  readonly dir: string;
  readonly revision?: string;
  readonly tokenEnv: string;
  readonly hub?: string;
  readonly keepArchives?: true;
  readonly list?: true;
}

export function registerBenchData(program: Command): void {
  program
    .command("bench-data")
    .argument("[names]", "benchmarks, with commas between them")
    .summary("download public benchmarks")
    .description(
      "Download public benchmarks from the Hugging Face Hub, unpack them, and check that every item can be asked.\n" +
        "What is there already is kept, and a download that was cut goes on where it ended: run the same command again.",
    )
    .option("--list", "list the benchmarks, where they come from and what they take")
    .option("--dir <dir>", "each benchmark gets a folder of its name in this one", "data/benchmarks")
    .option("--revision <revision>", "branch, tag or commit of the data set (default: its main branch)")
    .option(
      "--token-env <variable>",
      "environment variable with a token, for data sets that need one",
      "HF_TOKEN",
    )
    .option("--hub <url>", "a mirror of the hub (default: HF_ENDPOINT, or https://huggingface.co)")
    .option("--keep-archives", "keep archives once they are unpacked")
    .addHelpText(
      "after",
      `\nBenchmarks: ${BENCHMARK_NAMES.join(", ")}.\n` +
        "Size, licence and the disk space needed are said before anything is fetched.\n\n" +
        "Examples:\n" +
        "  pyvision bench-data vstar\n" +
        "  pyvision bench-data hrbench-4k,hrbench-8k --dir /data/benchmarks\n" +
        "  HF_TOKEN=hf_... pyvision bench-data vsi-bench --revision main",
    )
    .action((names: string | undefined, options: BenchDataOptions) => benchData(names, options));
}

async function benchData(names: string | undefined, options: BenchDataOptions): Promise<void> {
  const reporter = createReporter();
  if (options.list === true) return reporter.print(listOf());
  const { dir, revision, tokenEnv, keepArchives } = options;
  const chosen = chosenNames(names);
  const token = tokenIn(tokenEnv);
  const hubUrl = (options.hub ?? process.env["HF_ENDPOINT"])?.replace(/\/+$/, "");
  // The hub's client takes longer to load than other commands to start.
  const { prepareBenchmark } = await import("../evaluation/benchData/prepare.ts");
  for (const name of chosen) {
    const { folder, items, fetchedBytes } = await prepareBenchmark(name, {
      dir,
      reporter,
      keepArchives: keepArchives === true,
      ...(revision !== undefined && { revision }),
      ...(token !== undefined && { token }),
      ...(hubUrl !== undefined && hubUrl !== "" && { hubUrl }),
    });
    const fetched = fetchedBytes === 0 ? "nothing had to be fetched" : `${formatBytes(fetchedBytes)} fetched`;
    reporter.print(`${benchmarks[name].title}: ${items} items in ${folder} (${fetched})`);
  }
}

/** @throws ConfigError naming the closest name to one that there is not */
function chosenNames(text: string | undefined): readonly BenchmarkName[] {
  const names = (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0)
    throw new ConfigError(`bench-data: names must be one or more of ${BENCHMARK_NAMES.join(", ")}, got none`);
  return [...new Set(names)].map((name) => {
    if (isBenchmarkName(name)) return name;
    const [closest] = BENCHMARK_NAMES.map((known) => ({
      known,
      edits: distance(name.toLowerCase(), known),
    })).sort((a, b) => a.edits - b.edits);
    const hint = closest !== undefined && closest.edits <= 4 ? `; did you mean ${closest.known}?` : "";
    throw new ConfigError(
      `bench-data: there is no benchmark ${JSON.stringify(name)}${hint} (there are ${BENCHMARK_NAMES.join(", ")})`,
    );
  });
}

function tokenIn(variable: string): string | undefined {
  const token = process.env[variable]?.trim();
  if (token === undefined || token === "") {
    if (variable !== "HF_TOKEN") throw new ConfigError(`--token-env ${variable}: the variable is not set`);
    return undefined;
  }
  if (token.startsWith("hf_")) return token;
  throw new ConfigError(`--token-env ${variable}: must hold a token that begins with hf_`);
}

function listOf(): string {
  return renderTable(
    ["name", "benchmark", "data set", "to fetch"],
    BENCHMARK_NAMES.map((name) => {
      const { dataset, bytes } = SOURCES[name];
      return [name, benchmarks[name].title, dataset, bytes === undefined ? "said first" : formatBytes(bytes)];
    }),
  );
}
