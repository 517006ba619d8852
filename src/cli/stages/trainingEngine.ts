// Which engines a stage that changes weights runs on.
import { ConfigError } from "../../core/errors.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { EmbeddedConfig, TinkerConfig } from "../../runs/engineSchema.ts";

/** The engine section of a stage that changes weights. @throws ConfigError for an engine that only samples */
export function trainingEngine(
  { engine }: Pick<ResolvedConfig, "engine">,
  stage: string,
): EmbeddedConfig | TinkerConfig {
  if (engine.type !== "openai") return engine;
  throw new ConfigError(
    `engine.type: must be "embedded" or "tinker" for ${stage}, since a model behind a server of the OpenAI protocol cannot ` +
      `be trained, received "${engine.type}"; set engine.type=embedded, or use rollout, evaluate, ask or synth with this engine`,
  );
}

/** The engine section of a stage that begins a new model. @throws ConfigError for an engine whose models a server has */
export function ownEngine({ engine }: Pick<ResolvedConfig, "engine">, stage: string): EmbeddedConfig {
  if (engine.type === "embedded") return engine;
  throw new ConfigError(
    `engine.type: must be "embedded" for ${stage}, since a server trains the models that it has and begins no new one, ` +
      `received "${engine.type}"; set engine.type=embedded`,
  );
}

/** What summary.json says of where the model was. */
export function engineRecord({ engine }: Pick<ResolvedConfig, "engine">): Readonly<Record<string, string>> {
  if (engine.type === "embedded") return { type: engine.type };
  const { type, baseUrl, dialect } = engine;
  return { type, baseUrl, dialect };
}
