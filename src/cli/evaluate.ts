// `pyvision evaluate CONFIG`: how well the recipe's model does on held-out tasks, without training it.
import { resolve } from "node:path";
import type { Command } from "commander";
import { formatEvaluation } from "../learning/formatEvaluation.ts";
import { loadConfig } from "../runs/config.ts";
import { explainDiskError } from "../runs/diskErrors.ts";
import { makeFolder } from "../runs/files.ts";
import { createReporter } from "../runs/progress.ts";
import { lockRun, type RunLock } from "../runs/runLock.ts";
import { setOption } from "./stageCommand.ts";
import { listenForStop } from "./stages/stopRequest.ts";

interface EvaluateOptions {
  readonly set?: readonly string[];
  readonly save?: string;
  readonly json?: true;
}

export function registerEvaluate(program: Command): void {
  program
    .command("evaluate")
    .summary("measure a model on held-out tasks")
    .description(
      "Let the model of model.init, or of a server (engine.type openai), answer the tasks of the evaluation section, one " +
        "rollout each, and print accuracy by kind with 95% intervals, tool calls, tokens and end reasons.",
    )
    .argument("<config>", "YAML config, e.g. configs/image-mini.yaml")
    .option(...setOption)
    .option(
      "--save <dir>",
      "also store all trajectories and their pictures there, as they come: the same command goes on after an interruption",
    )
    .option("--json", "print the report as JSON")
    .action(async (configPath: string, options: EvaluateOptions) => {
      const config = loadConfig(configPath, options.set);
      const reporter = createReporter();
      const { runEvaluation } = await import("./stages/evaluate.ts");
      const stop = listenForStop(reporter, "those that are asked have been answered");
      const lock = options.save === undefined ? undefined : lockSave(options.save);
      try {
        const { report, served, stored } = await runEvaluation(config, reporter, {
          ...{ stop, ...(options.save !== undefined && { save: options.save }) },
        });
        reporter.print(
          options.json === true
            ? JSON.stringify({ engine: config.engine, report, ...(served && { served }) }, undefined, 2)
            : formatEvaluation(report, served),
        );
        if (stored !== undefined) reporter.info(`stored as ${stored} in ${options.save}`);
      } catch (error) {
        throw explainDiskError(error, options.save ?? ".", "what was answered before is kept");
      } finally {
        stop.close();
        lock?.release();
      }
    });
}

/** Two processes would mix their records. */
function lockSave(dir: string): RunLock {
  try {
    makeFolder(resolve(dir));
    return lockRun(dir, "--save");
  } catch (error) {
    throw explainDiskError(error, dir, "nothing was begun");
  }
}
