// The model that is asked: the embedded engine on a checkpoint of this machine, or a model on a server.
import { ConfigError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Codec, Sampler } from "../../engines/engine.ts";
import { resolveInputPath, type ResolvedConfig } from "../../runs/config.ts";
import { openEngine } from "../stages/openEngine.ts";
import { openServedModel } from "../stages/servedModel.ts";
import { StreamingSampler } from "./streamingSampler.ts";

export interface AskModel {
  /** For people. */
  readonly name: string;
  readonly codec: Codec;
  /** Tells each turn's text as it comes, as far as the engine does. */
  readonly sampler: Sampler;
  close(): Promise<void>;
}

/** @throws ConfigError, DataError, EngineError. A server is not asked anything yet. */
export async function openModel({ engine, model }: ResolvedConfig, reporter: Reporter): Promise<AskModel> {
  if (engine.type === "openai")
    return { ...(await openServedModel(engine, model)), close: async () => undefined };
  if (engine.type === "tinker") {
    const opened = await openEngine(engine, model, model.init, "model.init", reporter);
    const name = engine.baseModel ?? model.init ?? "";
    return {
      ...{ name: `${name} at ${engine.baseUrl}`, codec: opened.codec, sampler: opened },
      close: () => opened.dispose(),
    };
  }
  const { init, processor } = model;
  if (init === undefined)
    throw new ConfigError(
      "model.init: names no checkpoint to ask; give --checkpoint DIR, e.g. checkpoints/image-mini/sft, or --engine openai",
    );
  const dir = resolveInputPath(init, "model.init");
  reporter.info(`loading ${dir}`);
  const { EmbeddedEngine } = await import("../../engines/embedded/embeddedEngine.ts");
  const { threads } = engine;
  const embedded = await EmbeddedEngine.load(dir, { threads, ...(processor && { limits: processor }) });
  return {
    name: init,
    codec: embedded.codec,
    sampler: new StreamingSampler(embedded, embedded.codec),
    close: () => embedded.dispose(),
  };
}
