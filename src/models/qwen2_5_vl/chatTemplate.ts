// Qwen2.5-VL's chat format. The Jinja template is data for export (tokenizer_config.json); the renderer here produces the
// same characters, but as pieces that keep apart what is a control token, what is plain text and what is an image, so
// that a message can never smuggle in a control token.
import type { Codec } from "../../core/codec.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";

export const qwenChatTemplate =
  "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}" +
  "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n" +
  "You are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n" +
  "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}" +
  "{% for content in message['content'] %}" +
  "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}" +
  "{% set image_count.value = image_count.value + 1 %}" +
  "{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>" +
  "{% elif content['type'] == 'video' or 'video' in content %}" +
  "{% set video_count.value = video_count.value + 1 %}" +
  "{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}<|vision_start|><|video_pad|><|vision_end|>" +
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n" +
  "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

const defaultSystemPrompt = "You are a helpful assistant.";

export type MessagePart<Image> =
  { readonly type: "text"; readonly text: string } | { readonly type: "image"; readonly image: Image };

/** `Image` is whatever the caller carries: a ViewImage to encode, anything to render. */
export interface Message<Image = ViewImage> {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly MessagePart<Image>[];
}

/** Neighbouring plain texts are one piece, as a tokenizer of the whole string would see them. */
export type Piece<Image = ViewImage> =
  | { readonly type: "special"; readonly text: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly image: Image };

/** The whole conversation from its start, with the default system prompt unless the first message is a system one. */
export function renderMessages<Image>(
  messages: readonly Message<Image>[],
  { addGenerationPrompt = true }: { readonly addGenerationPrompt?: boolean } = {},
): Piece<Image>[] {
  const first = messages[0];
  const system: Message<Image>[] =
    first !== undefined && first.role !== "system" ? [{ role: "system", content: defaultSystemPrompt }] : [];
  return joinTexts([
    ...[...system, ...messages].flatMap(renderMessage),
    ...generationPrompt(addGenerationPrompt),
  ]);
}

/** What follows a sampled turn that ended with `<|im_end|>`: the line break the template puts there, then messages. */
export function renderContinuation<Image>(
  messages: readonly Message<Image>[],
  { addGenerationPrompt = true }: { readonly addGenerationPrompt?: boolean } = {},
): Piece<Image>[] {
  const lineBreak: Piece<Image> = { type: "text", text: "\n" };
  return joinTexts([lineBreak, ...messages.flatMap(renderMessage), ...generationPrompt(addGenerationPrompt)]);
}

/** The string of pieces, an image shown as its one placeholder. Equal to what the Jinja template renders. */
export function piecesToString(pieces: readonly Piece<unknown>[]): string {
  return pieces.map((piece) => (piece.type === "image" ? "<|image_pad|>" : piece.text)).join("");
}

/** Pieces as segments; only special pieces can become special tokens. */
export function encodePieces(
  pieces: readonly Piece[],
  codec: Pick<Codec, "encodeText" | "encodeTemplate">,
  source: "prompt" | "observation",
): Segment[] {
  const segments: Segment[] = [];
  let tokens: number[] = [];
  const flush = (): void => {
    if (tokens.length > 0) segments.push({ type: "text", source, tokens });
    tokens = [];
  };
  for (const piece of pieces) {
    if (piece.type === "image") {
      flush();
      segments.push({ type: "image", source, image: piece.image });
    } else {
      const ids = piece.type === "special" ? codec.encodeTemplate(piece.text) : codec.encodeText(piece.text);
      tokens = tokens.concat(ids);
    }
  }
  flush();
  return segments;
}

function renderMessage<Image>({ role, content }: Message<Image>): Piece<Image>[] {
  const parts: readonly MessagePart<Image>[] =
    typeof content === "string" ? [{ type: "text", text: content }] : content;
  return [
    special("<|im_start|>"),
    { type: "text", text: `${role}\n` },
    ...parts.flatMap((part): Piece<Image>[] =>
      part.type === "text" ? [part] : [special("<|vision_start|>"), part, special("<|vision_end|>")],
    ),
    special("<|im_end|>"),
    { type: "text", text: "\n" },
  ];
}

function generationPrompt(wanted: boolean): Piece<never>[] {
  return wanted ? [special("<|im_start|>"), { type: "text", text: "assistant\n" }] : [];
}

function special(text: string): Piece<never> {
  return { type: "special", text };
}

function joinTexts<Image>(pieces: readonly Piece<Image>[]): Piece<Image>[] {
  const joined: Piece<Image>[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (piece.type === "text" && last?.type === "text")
      joined[joined.length - 1] = { type: "text", text: last.text + piece.text };
    else if (piece.type !== "text" || piece.text !== "") joined.push(piece);
  }
  return joined;
}
