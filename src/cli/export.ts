// `pyvision export --hf DIR`: a checkpoint for other people's tools.
import type { Command } from "commander";
import { exportToTransformers } from "../models/qwen2_5_vl/export.ts";
import { resolveInputPath } from "../runs/config.ts";
import { createReporter } from "../runs/progress.ts";

interface ExportOptions {
  readonly hf: string;
  readonly checkpoint: string;
}

export function registerExport(program: Command): void {
  program
    .command("export")
    .summary("write a checkpoint as a folder that Hugging Face Transformers loads")
    .description(
      "Write a checkpoint as a folder that Hugging Face Transformers (and what builds on it) loads as it is: weights in " +
        "float32, config, generation defaults, tokenizer, image processor and chat template.",
    )
    .requiredOption("--hf <dir>", "folder to write; it must be empty or not exist")
    .option("--checkpoint <dir>", "checkpoint to take", "checkpoints/image-mini/sft")
    .action(async ({ hf, checkpoint }: ExportOptions) => {
      const source = resolveInputPath(checkpoint, "--checkpoint");
      const { files, parameters } = await exportToTransformers(source, hf);
      const reporter = createReporter();
      reporter.print(`${hf}: ${parameters.toLocaleString("en")} parameters of ${checkpoint}`);
      reporter.print(`  ${files.join(", ")}`);
      reporter.print("  Load it with AutoProcessor and AutoModelForImageTextToText.");
    });
}
