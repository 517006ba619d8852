// `pyvision train CONFIG`.
import type { Command } from "commander";
import { registerStage } from "./stageCommand.ts";

export function registerTrain(program: Command): void {
  registerStage(program, {
    name: "train",
    summary: "reinforcement learning from a checkpoint",
    description:
      "Train the policy of model.init by reinforcement on the tasks of the config, and evaluate it before and after.",
    runSuffix: "",
    canStartFromScratch: true,
    init: ({ model }) => ({ key: "model.init", path: model.init }),
    load: async () => (await import("./stages/train.ts")).runTrain,
  });
}
