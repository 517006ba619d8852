// A model behind a server as a recipe's engine section names it: what samples, and the codec its sequences are made with.
import type { Codec, Sampler } from "../../engines/engine.ts";
import { createCodec } from "../../models/qwen2_5_vl/codec.ts";
import { referenceLimits } from "../../models/qwen2_5_vl/imageProcessor.ts";
import { loadProcessor } from "../../models/qwen2_5_vl/processor.ts";
import { resolveInputPath, type ResolvedConfig } from "../../runs/config.ts";
import type { ServedConfig } from "../../runs/engineSchema.ts";

export interface ServedModel {
  /** For people. */
  readonly name: string;
  readonly codec: Codec;
  readonly sampler: Sampler;
}

/**
 * A model behind an OpenAI-compatible server, as text, or with `engine.tokenizer` as token ids. Nothing is sent yet.
 * @throws ConfigError; DataError for a tokenizer that cannot be read
 */
export async function openServedModel(
  engine: ServedConfig,
  { processor }: Pick<ResolvedConfig["model"], "processor">,
): Promise<ServedModel> {
  const { tokenizer, type: _, ...options } = engine;
  const { openAiClient } = await import("../../engines/openai/client.ts");
  const client = openAiClient(options);
  const name = `${engine.model} at ${client.baseUrl}`;
  if (tokenizer === undefined) {
    const { chatCodec } = await import("../../engines/openai/chatCodec.ts");
    const { chatSampler } = await import("../../engines/openai/chatSampler.ts");
    const codec = chatCodec(processor ?? referenceLimits);
    return { name, codec, sampler: chatSampler(client, codec) };
  }
  const { tokenSampler } = await import("../../engines/openai/tokenSampler.ts");
  const files = await loadProcessor(resolveInputPath(tokenizer, "engine.tokenizer"));
  const codec = createCodec(files.tokenizer, processor ?? files.limits);
  return { name, codec, sampler: tokenSampler(client, codec) };
}
