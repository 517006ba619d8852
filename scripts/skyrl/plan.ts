// The commands of the demonstration, and what of a finished run is shown.
import { z } from "zod";

export const RECIPE = "configs/skyrl-mini.yaml";

export interface PlanOptions {
  /** Folder of all runs and files. */
  readonly runs: string;
  readonly baseUrl: string;
  readonly modelFolder: string;
  readonly tasks: string;
  readonly dialogues: string;
  /** Further settings of every command, `key=value`. */
  readonly set: readonly string[];
}

export interface Command {
  readonly name: "sft" | "train";
  readonly run: string;
  /** Arguments of `pyvision`. */
  readonly args: readonly string[];
}

/** The cold start, and reinforcement learning from it. */
export function commandsOf(options: PlanOptions): Command[] {
  const { runs, baseUrl, modelFolder, tasks, dialogues, set } = options;
  const common = [
    `engine.baseUrl=${baseUrl}`,
    `engine.baseModel=${modelFolder}`,
    `tasks.path=${tasks}`,
    `sft.data=${dialogues}`,
    `model.init=${runs}/sft/checkpoints/final`,
    ...set,
  ];
  return (["sft", "train"] as const).map((name) => {
    const run = `${runs}/${name}`;
    return {
      name,
      run,
      args: [name, RECIPE, "--run", run, ...common.flatMap((setting) => ["--set", setting])],
    };
  });
}

const step = z.looseObject({
  step: z.number(),
  "reward/mean": z.number(),
  "accuracy/mean": z.number(),
  "tool_calls/mean": z.number(),
  "train/logprob_gap_max": z.number().nullish(),
  "time/step_s": z.number(),
});

/** A run's metrics.jsonl as a Markdown table, one row a step of reinforcement learning. */
export function rewardTable(metrics: string): string {
  const lines = metrics.split("\n").filter((line) => line !== "");
  const rows = lines.map((line) => {
    const r = step.parse(JSON.parse(line));
    return [
      String(r.step),
      r["reward/mean"].toFixed(3),
      r["accuracy/mean"].toFixed(3),
      r["tool_calls/mean"].toFixed(2),
      r["train/logprob_gap_max"]?.toExponential(1) ?? "",
      r["time/step_s"].toFixed(1),
    ];
  });
  const head = ["step", "reward", "accuracy", "calls", "largest gap (nats)", "seconds"];
  return [head, head.map(() => "---:"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
