// `pyvision evaluate CONFIG`: how well the recipe's model does on held-out tasks, without training it.
import type { Command } from "commander";
import { formatEvaluation } from "../learning/formatEvaluation.ts";
import { loadConfig } from "../runs/config.ts";
import { createReporter } from "../runs/progress.ts";
import { openTrajectoryStore } from "../runs/trajectoryStore.ts";
import { setOption } from "./stageCommand.ts";

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
    .option("--save <dir>", "also store all trajectories and their pictures there")
    .option("--json", "print the report as JSON")
    .action(async (configPath: string, options: EvaluateOptions) => {
      const config = loadConfig(configPath, options.set);
      const reporter = createReporter();
      const { runEvaluation } = await import("./stages/evaluate.ts");
      const { report, trajectories, served } = await runEvaluation(config, reporter);
      reporter.print(
        options.json === true
          ? JSON.stringify({ engine: config.engine, report, ...(served && { served }) }, undefined, 2)
          : formatEvaluation(report, served),
      );
      if (options.save === undefined) return;
      const name = `evaluation-${config.evaluation.split}`;
      openTrajectoryStore(options.save).save(
        name,
        trajectories.map((trajectory) => ({ trajectories: [trajectory] })),
      );
      reporter.info(`stored as ${name} in ${options.save}`);
    });
}
