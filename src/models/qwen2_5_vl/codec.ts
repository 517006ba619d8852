// Tokenizer and image processor behind the Codec contract.
import type { Codec } from "../../core/codec.ts";
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
