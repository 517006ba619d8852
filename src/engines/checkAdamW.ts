// Settings that would spoil every weight at once are refused before the step, by the name of their config key.
import { EngineError } from "../core/errors.ts";
import type { AdamWParams } from "./engine.ts";

/** @throws EngineError naming the first setting that is out of its range. */
export function checkAdamW(params: AdamWParams): void {
  const finite = (value: number, most = Infinity): boolean =>
    Number.isFinite(value) && value >= 0 && value <= most;
  const rules: Readonly<Record<keyof AdamWParams, readonly [boolean, string]>> = {
    learningRate: [finite(params.learningRate), "finite and at least 0"],
    beta1: [finite(params.beta1) && params.beta1 < 1, "at least 0 and less than 1"],
    beta2: [finite(params.beta2) && params.beta2 < 1, "at least 0 and less than 1"],
    epsilon: [params.epsilon > 0 && finite(params.epsilon), "finite and more than 0"],
    weightDecay: [finite(params.weightDecay), "finite and at least 0"],
    maxGradNorm: [finite(params.maxGradNorm), "finite and at least 0 (0 is off)"],
  };
  for (const [name, [holds, rule]] of Object.entries(rules))
    if (!holds)
      throw new EngineError(
        `optimStep: ${name} must be ${rule}, got ${params[name as keyof AdamWParams]}; nothing was applied`,
      );
}
