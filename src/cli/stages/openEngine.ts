// The engine that a recipe trains on: in this process, or on a server that speaks the Tinker API. Where its weights are kept
// when a stage has ended differs between the two.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, EngineError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Engine } from "../../engines/engine.ts";
import { TINKER_FILE } from "../../engines/tinker/tinkerFolder.ts";
import { resolveInputPath, type ResolvedConfig } from "../../runs/config.ts";
import type { EmbeddedConfig, TinkerConfig } from "../../runs/engineSchema.ts";
import { tinkerStart } from "./tinkerStart.ts";

/**
 * @param init checkpoint folder to start from; `key` names the config key it came from
 * @throws ConfigError, DataError, EngineError
 */
export async function openEngine(
  engine: EmbeddedConfig | TinkerConfig,
  model: ResolvedConfig["model"],
  init: string | undefined,
  key: string,
  reporter: Reporter,
): Promise<Engine> {
  return engine.type === "tinker"
    ? openTinker(engine, model, init, key, reporter)
    : openEmbedded(engine, model, init, key, reporter);
}

async function openEmbedded(
  { threads }: EmbeddedConfig,
  { processor }: ResolvedConfig["model"],
  init: string | undefined,
  key: string,
  reporter: Reporter,
): Promise<Engine> {
  if (init === undefined)
    throw new ConfigError(
      `${key}: must name the checkpoint to start from, e.g. --set ${key}=checkpoints/image-mini/sft`,
    );
  const dir = resolveInputPath(init, key);
  if (existsSync(join(dir, TINKER_FILE)) && !existsSync(join(dir, "config.json")))
    throw new ConfigError(
      `${key}: ${dir} has no weights, but says in ${TINKER_FILE} where on a server they are; set engine.type=tinker`,
    );
  reporter.info(`loading ${dir}`);
  const { EmbeddedEngine } = await import("../../engines/embedded/embeddedEngine.ts");
  return EmbeddedEngine.load(dir, { threads, ...(processor !== undefined && { limits: processor }) });
}

async function openTinker(
  engine: TinkerConfig,
  { processor }: ResolvedConfig["model"],
  init: string | undefined,
  key: string,
  reporter: Reporter,
): Promise<Engine> {
  const { baseModel, tokenizer, path, warnings } = await tinkerStart(engine, init, key);
  for (const warning of warnings) reporter.warn(warning);
  const { baseUrl, dialect, apiKeyVariable } = engine;
  reporter.info(
    `opening ${path ?? baseModel} at ${baseUrl} (${dialect}), with the tokenizer of ${tokenizer}`,
  );
  const [{ createCodec }, { loadProcessor }, { openTinkerEngine }] = await Promise.all([
    import("../../models/qwen2_5_vl/codec.ts"),
    import("../../models/qwen2_5_vl/processor.ts"),
    import("../../engines/tinker/tinkerEngine.ts"),
  ]);
  const files = await loadProcessor(tokenizer);
  return openTinkerEngine({
    config: { ...engine, baseModel, apiKey: process.env[apiKeyVariable] },
    codec: createCodec(files.tokenizer, processor ?? files.limits),
    // The optimiser begins anew with each stage, as it does in this process.
    init: path === undefined ? undefined : { path, optimizer: false },
    reporter,
  });
}

/**
 * The result of a stage. In this process: the weights, with what the optimiser knows when `optimizer` is true. On a server
 * both stay there, `dir` says where (tinker.json), and has a copy of the weights when they can be downloaded.
 */
export async function saveResult(
  engine: Engine,
  type: ResolvedConfig["engine"]["type"],
  dir: string,
  optimizer: boolean,
  reporter: Reporter,
): Promise<void> {
  if (type === "embedded") return optimizer ? engine.saveState(dir) : engine.saveWeights(dir);
  await engine.saveState(dir);
  try {
    await engine.saveWeights(dir);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    reporter.warn(`the weights stay on the server, as ${join(dir, TINKER_FILE)} says: ${error.message}`);
  }
}
