// What `train`, `sft` and `pretrain` have in common: a config, overrides, and a run directory to fill.
import type { Command } from "commander";
import type { Reporter } from "../core/reporter.ts";
import { loadTemplate } from "../agent/template.ts";
import { loadConfig, resolveInputPath, type ResolvedConfig } from "../runs/config.ts";
import { chooseRun } from "../runs/chooseRun.ts";
import { explainDiskError } from "../runs/diskErrors.ts";
import { createReporter } from "../runs/progress.ts";
import type { RunDirectory } from "../runs/runDirectory.ts";
import type { StageContext } from "./stages/runLife.ts";
import { listenForStop } from "./stages/stopRequest.ts";
import { ownEngine, trainingEngine } from "./stages/trainingEngine.ts";

export type Stage = (
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  context: StageContext,
) => Promise<string>;

export interface StageCommand {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** Added to the config's name for the run directory. */
  readonly runSuffix: string;
  /** Makes a new model, which only the embedded engine can. */
  readonly beginsModel?: boolean;
  /** Offers `--from-scratch`. */
  readonly canStartFromScratch?: boolean;
  /** The checkpoint the stage starts from, and its config key. */
  readonly init: (
    config: ResolvedConfig,
  ) => { readonly key: string; readonly path: string | undefined } | undefined;
  /** Loads the stage when it is run, so that `--help` and config errors come at once. */
  readonly load: () => Promise<Stage>;
}

interface StageOptions {
  readonly set?: readonly string[];
  readonly run?: string;
  readonly new?: true;
  readonly overwrite?: true;
  readonly fromScratch?: true;
}

export function registerStage(
  program: Command,
  { name, summary, description, runSuffix, beginsModel, canStartFromScratch, init, load }: StageCommand,
): void {
  const command = program
    .command(name)
    .summary(summary)
    .description(description)
    .argument("<config>", "YAML config, e.g. configs/image-mini.yaml")
    .option(...setOption)
    .option(
      "--run <dir>",
      "directory of the run (default: one under runs/: that of a run of this config that is not over, or else a new one)",
    )
    .option("--new", "begin a run, although one of this config is not over")
    .option("--overwrite", "replace the run that --run already holds")
    .action(async (configPath: string, options: StageOptions) => {
      const config = loadConfig(configPath, options.set);
      const fromScratch = options.fromScratch ?? false;
      if (beginsModel === true || fromScratch) ownEngine(config, fromScratch ? "--from-scratch" : name);
      else trainingEngine(config, name);
      checkInputs(config, fromScratch ? undefined : init(config));
      const reporter = createReporter();
      const { run, lock, said, warnings } = chooseRun({
        ...{ stage: name, fromScratch, config, name: `${config.name}${runSuffix}` },
        ...(options.run !== undefined && { dir: options.run }),
        ...{ overwrite: options.overwrite ?? false, anew: options.new ?? false },
      });
      reporter.info(said);
      for (const warning of warnings) reporter.warn(warning);
      const stop = listenForStop(reporter);
      try {
        const stage = await load();
        await stage(config, run, reporter, { fromScratch, stop });
      } catch (error) {
        throw explainDiskError(
          error,
          run.path,
          "checkpoints are intact, the same command goes on from the last of them",
        );
      } finally {
        stop.close();
        lock.release();
      }
    });
  if (canStartFromScratch === true)
    command.option(
      "--from-scratch",
      "first run pretrain and sft of the same config, inside the run directory",
    );
}

/** What the config names must be there before a run directory is made for it. */
function checkInputs(config: ResolvedConfig, init: ReturnType<StageCommand["init"]>): void {
  loadTemplate(config.agent.template);
  if (init?.path !== undefined) resolveInputPath(init.path, init.key);
}

/** `--set`, repeatable; the arguments of commander's `option`. */
export const setOption = [
  "--set <key=value>",
  "set a config key, e.g. --set reward.toolCall=0 (repeatable)",
  (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value],
] as const;
