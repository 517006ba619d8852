// Which engine a stage that changes weights runs on.
import { ConfigError } from "../../core/errors.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { EmbeddedConfig } from "../../runs/engineSchema.ts";

/** The engine section of a stage that changes weights. @throws ConfigError for an engine that only samples */
export function trainingEngine({ engine }: Pick<ResolvedConfig, "engine">, stage: string): EmbeddedConfig {
  if (engine.type === "embedded") return engine;
  throw new ConfigError(
    `engine.type: must be "embedded" for ${stage}, since a model behind a server cannot be trained, received ` +
      `"${engine.type}"; set engine.type=embedded, or use rollout, evaluate, ask or synth with this engine`,
  );
}
