// `pyvision pretrain CONFIG`.
import type { Command } from "commander";
import { registerStage } from "./stageCommand.ts";

export function registerPretrain(program: Command): void {
  registerStage(program, {
    name: "pretrain",
    summary: "a new base checkpoint from nothing",
    description: "Make a base checkpoint of model.architecture from captions and tool syntax.",
    runSuffix: "-pretrain",
    beginsModel: true,
    init: () => undefined,
    load: async () => (await import("./stages/pretrain.ts")).runPretrain,
  });
}
