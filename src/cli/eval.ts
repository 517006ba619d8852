// `pyvision eval`: a model on public benchmarks or on data of one's own, with reports that can be compared with published ones.
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { loadTemplate } from "../agent/template.ts";
import { compareControl, type Control, CONTROLS, type ControlResult } from "../evaluation/compareControl.ts";
import { closingTable, type Report, reportMarkdown, reportOf, reportText } from "../evaluation/report.ts";
import type { EvaluationSummary } from "../evaluation/summary.ts";
import { PROFILES } from "../rewards/benchmarks/scorer.ts";
import { resolveInputPath, type ResolvedConfig } from "../runs/config.ts";
import { explainDiskError } from "../runs/diskErrors.ts";
import { writeFileAtomic } from "../runs/files.ts";
import { createReporter } from "../runs/progress.ts";
import { BENCHMARK_NAMES } from "../tasks/benchmarks/item.ts";
import { benchNames, controlConfig, evalConfig, type EvalOptions, inOptions } from "./evalConfig.ts";
import { setOption } from "./stageCommand.ts";
import type { EvalRequest, EvaluatedRun, PlannedEvaluation } from "./stages/benchmarkEval.ts";
import { listenForStop, type StopRequest } from "./stages/stopRequest.ts";
import { parseWhole } from "./untilStopped.ts";

interface CommandOptions extends EvalOptions {
  readonly limit?: number;
  readonly control?: readonly Control[];
  readonly out?: string;
  readonly new?: true;
  readonly json?: true;
  readonly trajectories: boolean;
}

const BIG = 1_000_000_000;

export function registerEval(program: Command): void {
  program
    .command("eval")
    .summary("measure a model on public benchmarks, or on data of your own")
    .description(
      "Let a model answer a benchmark with the Python tool and report its score with 95% intervals beside published ones: " +
        "by category, with what it took and how the model looked. Every item counts: one that cannot be read, or whose answer nobody " +
        "decided, counts as wrong, and the report says so. Stopped or killed, the same command asks only what is missing; " +
        "when all is answered it prints the report again.",
    )
    .option("--bench <names>", `benchmarks, with commas between: ${BENCHMARK_NAMES.join(", ")}`)
    .option(
      "--tasks <file>",
      "questions of your own instead: JSON, JSON Lines or parquet, as for tasks.type file",
    )
    .option(
      "--data <path>",
      "where the benchmark is (default: data/benchmarks/NAME, where bench-data puts it); of several, the folder above them",
    )
    .option("--split <name>", "split of the benchmark (default: the one that papers report)")
    .requiredOption(
      "--engine <what>",
      "a checkpoint folder; the address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1, with --model; or a YAML " +
        "config, of which engine, model, agent, python and reward.judge are used",
    )
    .option("--model <name>", "the name by which the server at --engine knows the model")
    .option(...setOption)
    .option(
      "--limit <n>",
      "ask about n items, drawn by the seed, instead of all; fewer where items that belong together would be parted",
      parseCount,
    )
    .option("--repeats <k>", "answers to each item, for avg@k and pass@k", parseCount, 1)
    .option(
      "--temperature <t>",
      "0 is greedy (default: 0; with --repeats above 1: 0.5, as the paper has it on most image benchmarks)",
      parseTemperature,
    )
    .option("--max-turns <n>", "turns of an episode, the answer's own included", parseCount, 30)
    .option("--concurrent <n>", "episodes at once; their pictures are in memory together", parseCount, 16)
    .option("--profile <name>", `whose rules score: ${PROFILES.join(", ")} (default: default, ours)`)
    .option(
      "--judge <url>",
      "a model that decides what rules cannot: address of its OpenAI-compatible server",
    )
    .option("--judge-model <name>", "the name by which that server knows the judge")
    .option(
      "--shuffle-options <seed>",
      "put lettered options into an order that this seed draws",
      parseWhole(BIG),
    )
    .option(
      "--control <names>",
      `ask the same items once more without something, beside the real run: ${CONTROLS.join(", ")}, with commas between`,
      parseControls,
    )
    .option(
      "--out <dir>",
      "folder of the run, or of one folder for each of several benchmarks (default: runs/eval-NAME, numbered when settings differ)",
    )
    .option("--new", "begin anew although the same evaluation is there; with --out it is replaced")
    .option(
      "--no-trajectories",
      "keep no trajectories and pictures, which pyvision view shows and which can take gigabytes",
    )
    .option("--json", "print the report as JSON")
    .option("--seed <n>", "of sampling, drawn items and intervals", parseWhole(BIG), 0)
    .addHelpText("after", EXAMPLES)
    .action(runCommand);
}

const EXAMPLES = `
Examples:
  pyvision eval --bench vstar,hrbench-4k --engine http://127.0.0.1:8000/v1 --model pyvision-7b
  pyvision eval --bench mathvision --engine runs/image-7b/checkpoints/final --limit 200 --control no-image,no-tool
  pyvision eval --tasks questions.jsonl --engine configs/image-mini.yaml --repeats 8
  pyvision view runs/eval-vstar`;

async function runCommand(options: CommandOptions): Promise<void> {
  try {
    await evaluate(options);
  } catch (error) {
    throw inOptions(error, options);
  }
}

async function evaluate(options: CommandOptions): Promise<void> {
  const names = benchNames(options);
  const several = names.length > 1;
  const wanted = (several ? names : [names[0]]).map((name) => evalConfig(options, name));
  for (const config of wanted) await checkInputs(config, options.out);
  const reporter = createReporter();
  const { planEvaluation, runEval } = await import("./stages/benchmarkEval.ts");
  const { checkProfile } = await import("./stages/itemGrading.ts");
  for (const { tasks } of wanted) if (tasks.type === "benchmark") checkProfile(tasks);
  const stop = listenForStop(reporter, "what is being asked has been answered");
  const { limit, repeats, out } = options;
  const asked = { repeats, ...(limit !== undefined && { limit }) };
  try {
    // All of them are opened before the first is asked: what is missing is told now.
    const plans: PlannedEvaluation[] = [];
    for (const config of wanted) plans.push(await planEvaluation({ config, ...asked }, reporter));
    const summaries: EvaluationSummary[] = [];
    const results: object[] = [];
    const failures: Error[] = [];
    for (const [i, plan] of plans.entries()) {
      const folder = out === undefined ? undefined : several ? join(out, names[i] ?? "") : out;
      const request = requestOf(options, plan.config, folder, stop);
      const real = await runEval(request, plan, reporter);
      writeReports(real); // controls may take as long again
      const controls = await runControls(options, plan, real, async (config, dir) => {
        const controlled = await planEvaluation({ config, ...asked }, reporter);
        const run = await runEval(requestOf(options, config, dir, stop), controlled, reporter);
        if (run.failure !== undefined) failures.push(run.failure);
        return run;
      });
      const report = writeReports(real, controls);
      if (real.failure !== undefined) failures.unshift(real.failure);
      summaries.push(real.summary);
      results.push({ dir: real.dir, ...real.summary, controls });
      if (options.json !== true)
        reporter.print(`${reportText(report)}\n\nin ${join(real.dir, "report.md")}${several ? "\n" : ""}`);
    }
    if (options.json === true) reporter.print(JSON.stringify({ evaluations: results }, undefined, 2));
    else if (several) reporter.print(closingTable(summaries));
    const [failure] = failures;
    if (failure !== undefined) throw failure;
  } catch (error) {
    throw explainDiskError(error, out ?? "runs", "what was answered before is kept");
  } finally {
    stop.close();
  }
}

function requestOf(
  { limit, repeats, new: anew, trajectories }: CommandOptions,
  config: ResolvedConfig,
  dir: string | undefined,
  stop: StopRequest,
): EvalRequest {
  return {
    ...{ config, repeats, anew: anew ?? false, keepTrajectories: trajectories, stop },
    ...(limit !== undefined && { limit }),
    ...(dir !== undefined && { dir }),
  };
}

async function runControls(
  { control = [] }: CommandOptions,
  { config }: PlannedEvaluation,
  real: EvaluatedRun,
  run: (config: ResolvedConfig, dir: string) => Promise<EvaluatedRun>,
): Promise<ControlResult[]> {
  const results: ControlResult[] = [];
  for (const name of control) {
    const controlled = await run(controlConfig(config, name), join(real.dir, name));
    writeReports(controlled);
    results.push(compareControl(name, real.records, controlled.records, real.aggregator, config.seed));
  }
  return results;
}

function writeReports({ dir, summary }: EvaluatedRun, controls: readonly ControlResult[] = []): Report {
  const report = reportOf(summary, controls);
  const write = (name: string, value: object): void =>
    writeFileAtomic(join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
  writeFileAtomic(join(dir, "report.md"), reportMarkdown(report));
  write("report.json", { ...summary, controls });
  write("summary.json", shortOf(summary));
  return report;
}

/** What a list of runs shows. */
function shortOf({ title, headline, items, answers, unjudged }: EvaluationSummary): object {
  return { evaluation: title, headline, items, answers, unjudged };
}

/** What the config names must be there before a folder is made for it. */
async function checkInputs(config: ResolvedConfig, out: string | undefined): Promise<void> {
  const { agent, engine, model } = config;
  loadTemplate(agent.template);
  if (engine.type === "embedded" && model.init !== undefined) resolveInputPath(model.init, "--engine");
  const { checkHidden } = await import("./stages/hiddenFromPrograms.ts");
  await checkHidden(config, out);
}

const parseCount = (value: string): number => {
  const count = Number(value);
  if (!/^\d+$/.test(value) || count < 1 || count > BIG)
    throw new InvalidArgumentError(
      `must be a whole number of at least 1, received ${JSON.stringify(value)}.`,
    );
  return count;
};

const parseTemperature = (value: string): number => {
  const temperature = Number(value);
  if (value.trim() === "" || !(temperature >= 0 && temperature <= 10))
    throw new InvalidArgumentError(`must be a number from 0 to 10, received ${JSON.stringify(value)}.`);
  return temperature;
};

function parseControls(value: string): readonly Control[] {
  const names = value.split(",").filter((name) => name !== "");
  for (const name of names)
    if (!(CONTROLS as readonly string[]).includes(name))
      throw new InvalidArgumentError(`must be of ${CONTROLS.join(", ")}, received ${JSON.stringify(name)}.`);
  return [...new Set(names)] as Control[];
}
