// `pyvision rollout CONFIG`: one episode of the checkpoint, printed turn by turn: on a task of the recipe, or on a file
// and a question of the user's own.
import { InvalidArgumentError, Option, type Command } from "commander";
import { formatTrajectory } from "../agent/printTrajectory.ts";
import { ConfigError } from "../core/errors.ts";
import type { Trajectory } from "../core/trajectory.ts";
import { loadConfig } from "../runs/config.ts";
import { createReporter } from "../runs/progress.ts";
import { openTrajectoryStore } from "../runs/trajectoryStore.ts";
import type { OwnRequest, RolloutRequest } from "./stages/rollout.ts";
import { setOption } from "./stageCommand.ts";

interface RolloutOptions {
  readonly set?: readonly string[];
  readonly task: number;
  readonly member: number;
  readonly split: RolloutRequest["split"];
  readonly image?: readonly string[];
  readonly video?: readonly string[];
  readonly question?: string;
  readonly save?: string;
}

export function registerRollout(program: Command): void {
  program
    .command("rollout")
    .summary("run one episode and print it turn by turn")
    .description(
      "Run one episode of the policy of model.init with the sampling of the evaluation section: on a task of the recipe, " +
        "or on files of your own with --question, which are not scored.",
    )
    .argument("<config>", "YAML config, e.g. configs/image-mini.yaml")
    .option(...setOption)
    .option("--task <number>", "position of the task in its split", parseIndex, 0)
    .option("--member <number>", "number of the rollout; picks its random stream", parseIndex, 0)
    .addOption(
      new Option("--split <name>", "tasks to take from")
        .choices(["train", "validation", "test"])
        .default("test"),
    )
    .addOption(
      new Option("--image <file...>", "ask about PNG or JPEG files instead of a task").conflicts([
        "task",
        "split",
        "video",
      ]),
    )
    .addOption(
      new Option("--video <file...>", "ask about video files instead of a task").conflicts(["task", "split"]),
    )
    .option("--question <text>", "the question about --image or --video")
    .option("--save <dir>", "also store the trajectory and its pictures there")
    .action(async (configPath: string, options: RolloutOptions) => {
      const own = ownRequest(options);
      const config = loadConfig(configPath, options.set);
      const reporter = createReporter();
      const { runRollout, runOwnRollout } = await import("./stages/rollout.ts");
      const { split, task, member } = options;
      const trajectory: Trajectory = own
        ? await runOwnRollout(config, own, reporter)
        : await runRollout(config, { split, taskIndex: task, member }, reporter);
      const format = { color: process.stdout.isTTY === true, ungraded: own !== undefined };
      reporter.print(formatTrajectory(trajectory, format).trimEnd());
      if (options.save === undefined) return;
      const name = `rollout-${trajectory.taskId}-${member}`.replace(/[^A-Za-z0-9._-]+/g, "-");
      openTrajectoryStore(options.save).save(name, [{ trajectories: [trajectory] }]);
      reporter.info(`stored as ${name} in ${options.save}`);
    });
}

/** What is asked about the user's own files; undefined when a task is asked for. @throws ConfigError */
function ownRequest({ image = [], video = [], question, member }: RolloutOptions): OwnRequest | undefined {
  if (image.length + video.length === 0) {
    if (question === undefined) return undefined;
    throw new ConfigError("--question: needs --image FILE or --video FILE to ask about, got neither");
  }
  if (question === undefined || question.trim() === "")
    throw new ConfigError(
      `--${image.length > 0 ? "image" : "video"}: needs a --question about it, e.g. --question "What color is the car?"`,
    );
  return { question, images: image, videos: video, member };
}

function parseIndex(text: string): number {
  const index = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(index))
    throw new InvalidArgumentError("Must be an integer of at least 0.");
  return index;
}
