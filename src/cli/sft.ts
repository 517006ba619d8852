// `pyvision sft CONFIG`.
import type { Command } from "commander";
import { registerStage } from "./stageCommand.ts";

export function registerSft(program: Command): void {
  registerStage(program, {
    name: "sft",
    summary: "supervised fine-tuning on demonstrations",
    description:
      "Fine-tune the policy of sft.init on demonstrations that the scripted teacher makes with real Python.",
    runSuffix: "-sft",
    init: ({ sft }) => ({ key: "sft.init", path: sft.init }),
    load: async () => (await import("./stages/sft.ts")).runSft,
  });
}
