// An `optimizer` section of the config as the loops take it: AdamW's constants and the learning rate's schedule.
import type { AdamWParams } from "../../engines/engine.ts";
import type { ScheduleOptions } from "../../learning/schedule.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

export function splitOptimizer(section: ResolvedConfig["optimizer"]): {
  readonly optimizer: Omit<AdamWParams, "learningRate">;
  readonly schedule: Omit<ScheduleOptions, "totalSteps">;
} {
  const { learningRate, warmupSteps, schedule, finalFraction, ...optimizer } = section;
  return { optimizer, schedule: { type: schedule, peak: learningRate, warmupSteps, finalFraction } };
}
