// `pyvision rollout CONFIG`: one episode of the checkpoint, printed turn by turn.
import { InvalidArgumentError, Option, type Command } from "commander";
import { formatTrajectory } from "../agent/printTrajectory.ts";
import { loadConfig } from "../runs/config.ts";
import { createReporter } from "../runs/progress.ts";
import { openTrajectoryStore } from "../runs/trajectoryStore.ts";
import type { RolloutRequest } from "./stages/rollout.ts";
import { setOption } from "./stageCommand.ts";

interface RolloutOptions {
  readonly set?: readonly string[];
  readonly task: number;
  readonly member: number;
  readonly split: RolloutRequest["split"];
  readonly save?: string;
}

export function registerRollout(program: Command): void {
  program
    .command("rollout")
    .summary("run one episode and print it turn by turn")
    .description("Run one episode of the policy of model.init with the sampling of the evaluation section.")
    .argument("<config>", "YAML config, e.g. configs/image-mini.yaml")
    .option(...setOption)
    .option("--task <number>", "position of the task in its split", parseIndex, 0)
    .option("--member <number>", "number of the rollout; picks its random stream", parseIndex, 0)
    .addOption(
      new Option("--split <name>", "tasks to take from")
        .choices(["train", "validation", "test"])
        .default("test"),
    )
    .option("--save <dir>", "also store the trajectory and its pictures there")
    .action(async (configPath: string, options: RolloutOptions) => {
      const config = loadConfig(configPath, options.set);
      const reporter = createReporter();
      const { runRollout } = await import("./stages/rollout.ts");
      const { split, task, member } = options;
      const trajectory = await runRollout(config, { split, taskIndex: task, member }, reporter);
      reporter.print(formatTrajectory(trajectory, { color: process.stdout.isTTY === true }).trimEnd());
      if (options.save === undefined) return;
      const name = `rollout-${trajectory.taskId}-${member}`.replace(/[^A-Za-z0-9._-]+/g, "-");
      openTrajectoryStore(options.save).save(name, [{ trajectories: [trajectory] }]);
      reporter.info(`stored as ${name} in ${options.save}`);
    });
}

function parseIndex(text: string): number {
  const index = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(index))
    throw new InvalidArgumentError("Must be an integer of at least 0.");
  return index;
}
