// `pyvision study CONFIG…`: the runs of one or several studies, side by side, and the report that their numbers make.
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, type Command } from "commander";
import { ConfigError, Interrupted, PyVisionError } from "../core/errors.ts";
import type { Reporter } from "../core/reporter.ts";
import { explainDiskError } from "../runs/diskErrors.ts";
import { makeFolder } from "../runs/files.ts";
import { formatDuration } from "../runs/format.ts";
import { createReporter } from "../runs/progress.ts";
import { lockRun } from "../runs/runLock.ts";
import { renderTable } from "../runs/table.ts";
import { collectStudy } from "../studies/collect.ts";
import { loadData, type StudyData } from "../studies/data.ts";
import { planSeconds, runSeconds, studyOf } from "../studies/estimate.ts";
import { planStudies, type StudyPlan } from "../studies/grid.ts";
import { parallelRuns, thisMachineNow } from "../studies/limits.ts";
import { originNow } from "../studies/origin.ts";
import { HTML, MARKDOWN, writeReport } from "../studies/report/write.ts";
import type { RunOutcome } from "../studies/pool.ts";
import { studyFolder, type StudyFolder } from "../studies/runFolder.ts";
import { runStudies } from "../studies/runStudies.ts";
import { loadStudy } from "../studies/studyFile.ts";
import { judge, verdictWords } from "../studies/verdict.ts";
import { setOption } from "./stageCommand.ts";
import { listenForStop } from "./stages/stopRequest.ts";

interface StudyOptions {
  readonly out?: string;
  readonly report?: string;
  readonly parallel?: number;
  readonly seeds?: readonly number[];
  readonly set?: readonly string[];
  readonly dryRun?: true;
  readonly soFar?: true;
  readonly reportOnly?: true;
}

const OUT = "runs/studies";
const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

export function registerStudy(program: Command): void {
  program
    .command("study")
    .summary("test claims of the method: a grid of runs over seeds, and a report with intervals")
    .description(
      "Make the runs of one or several studies (configs/studies/*.yaml), side by side within the machine's limits, and write a report " +
        "(Markdown, one HTML file, pictures, small JSON data). Runs that several studies ask for are made once. Stopped or killed, " +
        "the same command goes on.",
    )
    .argument("<file...>", "study files; with --report-only the .json data of reports")
    .option("--out <dir>", `where runs go (default: ${OUT})`)
    .option(
      "--report <dir>",
      "where the report goes (default: report/ in --out; with --report-only the folder of the data)",
    )
    .option("--parallel <n>", "runs side by side (default: what cores and memory allow)", parseCount)
    .option("--seeds <list>", "in place of the studies' own, e.g. 0,1,2", parseSeeds)
    .option(...setOption)
    .option("--dry-run", "print the runs and how long they will take, and make none")
    .option("--so-far", "write the report of the runs that are over, and make none")
    .option("--report-only", "make the report again from its data, without runs")
    .action(async (files: readonly string[], options: StudyOptions) => {
      const reporter = createReporter();
      if (options.reportOnly === true) reportAgain(files, options, reporter);
      else await study(files, options, reporter);
    });
}

function reportAgain(files: readonly string[], options: StudyOptions, reporter: Reporter): void {
  const useless = (["out", "parallel", "seeds", "set", "dryRun", "soFar"] as const).find(
    (key) => options[key] !== undefined,
  );
  if (useless !== undefined)
    throw new ConfigError(
      `--report-only: makes no runs, so that --${useless.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)} must be left out; ` +
        "the report goes to --report",
    );
  const dir = resolve(options.report ?? dirname(files[0] as string));
  tell(files.map(loadData), dir, reporter);
}

async function study(files: readonly string[], options: StudyOptions, reporter: Reporter): Promise<void> {
  const set = options.set ?? [];
  const plan = planStudies(files.map(loadStudy), { set, ...(options.seeds && { seeds: options.seeds }) });
  const folder = studyFolder(resolve(options.out ?? OUT));
  const threads = Math.max(
    ...plan.runs.map(({ config: { engine } }) => (engine.type === "embedded" ? engine.threads : 1)),
  );
  const parallel = options.parallel ?? parallelRuns(thisMachineNow(), threads, plan.runs.length);
  const left = plan.runs.filter((run) => !folder.isFinished(run));
  if (options.dryRun === true) return reporter.print(planTable(plan, folder, parallel));
  const report = (outcomes: ReadonlyMap<string, RunOutcome>): void => {
    const all = plan.studies.map((planned) => collectStudy(planned, folder, outcomes, set));
    tell(all, resolve(options.report ?? `${folder.path}/report`), reporter);
  };
  if (options.soFar === true)
    return report(
      new Map(
        plan.runs.filter((run) => folder.isFinished(run)).map(({ digest }) => [digest, { type: "done" }]),
      ),
    );
  reporter.info(
    `${plan.runs.length} runs, ${plan.runs.length - left.length} of them made; ${parallel} side by side; about ` +
      `${formatDuration(1000 * planSeconds(plan, left, parallel))} on a quiet machine like that of the study files`,
  );
  makeFolder(folder.path);
  const lock = lockRun(folder.path, "--out");
  const stop = listenForStop(reporter, "the runs at work have finished their steps and saved");
  try {
    const outcomes = await runStudies(plan, {
      folder,
      main: MAIN,
      parallel,
      origin: originNow(),
      reporter,
      stop,
    });
    if (stop.asked)
      throw new Interrupted(`stopped; every run in ${folder.path} is saved, and the same command goes on`);
    report(outcomes);
    const failed = [...outcomes].filter(([, { type }]) => type === "failed").map(([digest]) => digest);
    if (failed.length > 0)
      throw new PyVisionError(
        `study: ${failed.length} of ${plan.runs.length} runs failed (${failed.join(", ")}); the report says what is missing, their ` +
          `logs are in ${folder.path}/logs, and the same command tries them again`,
      );
  } catch (error) {
    throw explainDiskError(error, folder.path, "finished runs are kept, and the same command goes on");
  } finally {
    stop.close();
    lock.release();
  }
}

function tell(all: readonly StudyData[], dir: string, reporter: Reporter): void {
  try {
    writeReport(all, dir);
  } catch (error) {
    throw explainDiskError(error, dir, "the runs are kept");
  }
  const rows = all.map((data) => {
    const { verdict, parts } = judge(data);
    const holding = parts.filter(({ result }) => result === "supported").length;
    return [
      data.study.name,
      verdictWords[verdict],
      `${holding} of ${parts.length}`,
      data.runs.length,
      data.missing.length,
    ];
  });
  reporter.print(renderTable(["study", "verdict", "parts that hold", "runs", "missing"], rows));
  reporter.info(`report: ${dir}/${MARKDOWN}, ${dir}/${HTML}`);
}

function planTable(plan: StudyPlan, folder: StudyFolder, parallel: number): string {
  const asked = plan.studies.reduce((n, { arms }) => n + arms.reduce((m, { runs }) => m + runs.size, 0), 0);
  const left = plan.runs.filter((run) => !folder.isFinished(run));
  const rows = plan.runs.map((run) => [
    run.digest,
    run.stage,
    run.label,
    run.steps,
    run.heldOutTasks,
    Math.round(runSeconds(run, studyOf(plan, run))),
    left.includes(run) ? "" : "made",
  ]);
  const table = renderTable(
    ["digest", "stage", "first asked for by", "steps", "held-out tasks", "seconds", ""],
    rows,
  );
  const training = plan.runs.filter(({ stage }) => stage === "train").length;
  return [
    table,
    "",
    `${asked} arms with seeds are ${training} runs of RL, and ${plan.runs.length - training} of cold starts; ${left.length} are to be made`,
    `estimate: ${formatDuration(1000 * planSeconds(plan, left, parallel))}, ${parallel} side by side on a quiet machine like that of the study files`,
  ].join("\n");
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1024)
    throw new InvalidArgumentError("Must be a whole number from 1 to 1024.");
  return count;
}

function parseSeeds(text: string): readonly number[] {
  const seeds = text.split(",").map((part) => part.trim());
  if (!seeds.every((seed) => /^\d{1,9}$/.test(seed)) || new Set(seeds).size < seeds.length)
    throw new InvalidArgumentError("Must be different whole numbers with commas between them, e.g. 0,1,2.");
  return seeds.map(Number);
}
