// `pyvision tasks`: a contact sheet of the mini world, to see what a policy is asked.
import { tmpdir } from "node:os";
import { InvalidArgumentError, Option, type Command } from "commander";
import { encode } from "fast-png";
import { DataError } from "../core/errors.ts";
import { writeFileAtomic } from "../runs/files.ts";
import { createReporter } from "../runs/progress.ts";
import type { RgbImage } from "../core/image.ts";
import { videoContactSheet, videoSheetTasks } from "../tasks/video/contactSheet.ts";
import { createVideoWorld } from "../tasks/video/videoWorld.ts";
import { contactSheet, sheetTasks } from "../tasks/world/contactSheet.ts";
import { createWorld, SPLITS, type Split } from "../tasks/world/world.ts";

interface TasksOptions {
  readonly world: "image" | "video";
  readonly count: number;
  readonly seed: number;
  readonly split: Split;
  readonly out: string;
}

export function registerTasks(program: Command): void {
  program
    .command("tasks")
    .summary("draw a contact sheet of a mini world's tasks")
    .description(
      "Draw tasks of a mini world, kind after kind, as a PNG: pictures with what the policy sees of them, or clips second by second.",
    )
    .addOption(new Option("--world <name>", "which mini world").choices(["image", "video"]).default("image"))
    .option("--count <number>", "tasks to draw", wholeNumber(1, 200), 10)
    .option("--seed <number>", "seed of the task stream", wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .addOption(new Option("--split <name>", "tasks to take from").choices([...SPLITS]).default("train"))
    .option("--out <file>", "picture to write", "tasks.png")
    .action(({ world, count, seed, split, out }: TasksOptions) => {
      const { tasks, sheet } =
        world === "image" ? imageSheet(seed, split, count) : videoSheet(seed, split, count);
      const png = encode({ ...sheet, channels: 3, depth: 8 });
      try {
        writeFileAtomic(out, png);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new DataError(
          `--out ${out} cannot be written: ${reason}; give a path in a directory that exists`,
          {
            cause: error,
          },
        );
      }
      createReporter().print(`${tasks} tasks of ${split}, seed ${seed}: ${out}`);
    });
}

interface Sheet {
  /** Number of tasks on it. */
  readonly tasks: number;
  readonly sheet: RgbImage;
}

function imageSheet(seed: number, split: Split, count: number): Sheet {
  const tasks = sheetTasks(createWorld({ seed, split }), count);
  return { tasks: tasks.length, sheet: contactSheet(tasks) };
}

/** No clip is written: a sheet is drawn from what clips are made of. */
function videoSheet(seed: number, split: Split, count: number): Sheet {
  const tasks = videoSheetTasks(createVideoWorld({ seed, split, folder: tmpdir() }), count);
  return { tasks: tasks.length, sheet: videoContactSheet(tasks) };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`Must be an integer from ${least} to ${most}.`);
    return value;
  };
}
