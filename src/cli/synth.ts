// `pyvision synth CONFIG`: demonstrations by a teacher, as dialogues for supervised fine-tuning.
import type { Command } from "commander";
import { loadTemplate } from "../agent/template.ts";
import { loadConfig } from "../runs/config.ts";
import { createReporter } from "../runs/progress.ts";
import { setOption } from "./stageCommand.ts";

interface SynthOptions {
  readonly set?: readonly string[];
  readonly out?: string;
}

export function registerSynth(program: Command): void {
  program
    .command("synth")
    .summary("make demonstrations with a teacher, for supervised fine-tuning")
    .description(
      "Let a teacher (the model of engine and model.init, or the script of a mini world) play the agent on the recipe's " +
        "tasks, choose the episodes worth learning from (synth.filter, perTask, balance), and write them as dialogues with " +
        "pictures that LLaMA-Factory and sft.data read. The same command goes on where it was stopped; with another filter " +
        "it chooses anew from what was played.",
    )
    .argument("<config>", "YAML config, e.g. configs/image-mini.yaml")
    .option(...setOption)
    .option("--out <dir>", "folder of the demonstrations (default: runs/<name>-synth)")
    .action(async (configPath: string, options: SynthOptions) => {
      const config = loadConfig(configPath, options.set);
      loadTemplate(config.agent.template);
      const { runSynth } = await import("./stages/synth.ts");
      await runSynth(config, options.out ?? `runs/${config.name}-synth`, createReporter());
    });
}
