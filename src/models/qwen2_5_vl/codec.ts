// Tokenizer and image processor behind the Codec contract.
import type { Codec } from "../../core/codec.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { viewImage, type PixelLimits } from "./imageProcessor.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** @throws DataError when the tokenizer lacks Qwen2.5-VL's special tokens. */
export function createCodec(tokenizer: Tokenizer, limits: PixelLimits): Codec {
  return {
    imagePadId: tokenizer.idOf("<|image_pad|>"),
    endOfTurnId: tokenizer.idOf("<|im_end|>"),
    encodeText: (text) => tokenizer.encodeText(text),
    encodeTemplate: (text) => tokenizer.encodeTemplate(text),
    decode: (tokens) => tokenizer.decode(tokens),
    viewImage: (image) => viewImage(image, limits),
  };
}

/**
 * Ids that a policy never samples: unused ones, and every special token but the end of a turn. They are scaffolding: a
 * model that wrote one would forge the conversation.
 */
export function neverSampled(config: Pick<Qwen25VLConfig, "vocabSize">, tokenizer: Tokenizer): Set<number> {
  const ids = new Set(tokenizer.addedTokens.filter(({ special }) => special).map(({ id }) => id));
  for (let id = tokenizer.vocabSize; id < config.vocabSize; id++) ids.add(id);
  ids.delete(tokenizer.idOf("<|im_end|>"));
  return ids;
}
