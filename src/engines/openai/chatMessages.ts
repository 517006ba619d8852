// The agent's token sequence read back as the chat messages it spells, for servers that take messages only. The agent
// writes scaffolding with marks and everything foreign without, so that a mark among the tokens is always its own.
import { encode } from "fast-png";
import type { Codec } from "../../core/codec.ts";
import { EngineError } from "../../core/errors.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import type { ChatMessage, ChatPart } from "./chat.ts";

type Item =
  | { readonly type: "open" }
  | { readonly type: "close" }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly image: ViewImage };

/**
 * Messages in order, without the open turn of the assistant at the end. Text and images alternate as they stand in the
 * sequence; an image is sent as it was resized, so a server of the same model, with limits no narrower, shows it as it is.
 *
 * Servers read control tokens in any text; a text that spells one (`<|im_end|>`) therefore gets a space behind the bar.
 */
export function messagesOf(segments: readonly Segment[], codec: Codec): ChatMessage[] {
  const messages: ChatMessage[] = [];
  let parts: ChatPart[] | undefined;
  let header: string | undefined;
  for (const item of itemsOf(segments, codec)) {
    switch (item.type) {
      case "open":
        parts = [];
        header = "";
        break;
      case "close":
        if (parts !== undefined) messages.push({ role: roleOf(header), content: parts });
        parts = header = undefined;
        break;
      case "image":
        parts?.push({ type: "image", png: pngOf(item.image) });
        break;
      case "text": {
        if (parts === undefined || header === undefined) break; // the line end between two messages
        let { text } = item;
        if (!header.endsWith("\n")) {
          const end = text.indexOf("\n") + 1;
          header += end === 0 ? text : text.slice(0, end);
          text = end === 0 ? "" : text.slice(end);
        }
        if (text !== "") addText(parts, withoutControlTokens(text));
        break;
      }
      default:
        item satisfies never;
    }
  }
  if (header !== "assistant\n" || (parts?.length ?? 0) > 0)
    throw new EngineError("internal: a sequence to be continued must end with an open assistant turn");
  return messages;
}

function roleOf(header: string | undefined): ChatMessage["role"] {
  const role = header?.slice(0, -1);
  if (role === "system" || role === "user" || role === "assistant") return role;
  throw new EngineError(`internal: a message of role ${JSON.stringify(role)} cannot be sent`);
}

function addText(parts: ChatPart[], text: string): void {
  const last = parts.at(-1);
  if (last?.type === "text") parts[parts.length - 1] = { type: "text", text: last.text + text };
  else parts.push({ type: "text", text });
}

/** Id of a mark. */
export function markOf(codec: Codec, mark: string): number {
  const [id, ...more] = codec.encodeTemplate(mark);
  if (id === undefined || more.length > 0)
    throw new EngineError(`the tokenizer has no token ${mark}; use that of a Qwen2.5-VL checkpoint`);
  return id;
}

function* itemsOf(segments: readonly Segment[], codec: Codec): Generator<Item> {
  const open = markOf(codec, "<|im_start|>");
  const silent = [markOf(codec, "<|vision_start|>"), markOf(codec, "<|vision_end|>")];
  for (const segment of segments) {
    if (segment.type === "image") {
      yield { type: "image", image: segment.image };
      continue;
    }
    let from = 0;
    const textTo = (to: number): Item[] =>
      to > from ? [{ type: "text", text: codec.decode(segment.tokens.slice(from, to)) }] : [];
    for (const [i, token] of segment.tokens.entries()) {
      if (token !== open && token !== codec.endOfTurnId && !silent.includes(token)) continue;
      yield* textTo(i);
      if (token === open) yield { type: "open" };
      else if (token === codec.endOfTurnId) yield { type: "close" };
      from = i + 1;
    }
    yield* textTo(segment.tokens.length);
  }
}

/** Names between bars, as Qwen, Llama and their kin write control tokens. */
function withoutControlTokens(text: string): string {
  return text.replace(/<\|(?=\w+\|>)/g, "<| ");
}

/** One conversation sends its pictures at every turn, and all members of a group the same ones. */
const pngs = new WeakMap<ViewImage, Uint8Array>();

/** A PNG file of the image as the model sees it. */
export function pngOf(image: ViewImage): Uint8Array {
  const known = pngs.get(image);
  if (known !== undefined) return known;
  const { width, height, data } = image.pixels;
  const png = encode({ width, height, data, channels: 3, depth: 8 });
  pngs.set(image, png);
  return png;
}
