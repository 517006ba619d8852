// For tests: what the agent writes, as the chat messages that say the same. A codec listens to what the agent encodes as
// template, as foreign text and as image, a sampler to what it is answered, and the messages are read off that: an account
// of the conversation that shares no code with the server's.
import { encode } from "fast-png";
import type { RgbImage } from "../../core/image.ts";
import type { Codec, SampleRequest, SampleResult, Sampler } from "../../engines/engine.ts";

type Heard =
  | { readonly type: "template"; readonly text: string }
  | { readonly type: "content"; readonly text: string }
  | { readonly type: "sampled"; readonly text: string };

export type SentPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };

export interface SentMessage {
  readonly role: string;
  readonly content: string | readonly SentPart[];
}

/** One episode's. */
export class AgentTranscript {
  private readonly heard: Heard[] = [];
  private readonly images: RgbImage[] = [];

  constructor(private readonly inner: Codec) {}

  get codec(): Codec {
    const { inner, heard, images } = this;
    return {
      ...inner,
      encodeTemplate: (text) => {
        heard.push({ type: "template", text });
        return inner.encodeTemplate(text);
      },
      encodeText: (text) => {
        heard.push({ type: "content", text });
        return inner.encodeText(text);
      },
      viewImage: (image) => {
        const view = inner.viewImage(image);
        images.push(image);
        return view;
      },
    };
  }

  /** @param onTurn is given each request and its answer, before the answer is known to the transcript */
  sampler(inner: Sampler, onTurn: (request: SampleRequest, result: SampleResult) => Promise<void>): Sampler {
    return {
      release: (id) => inner.release(id),
      sample: async (requests) => {
        const results = await inner.sample(requests);
        for (const [i, request] of requests.entries()) {
          const result = results[i] as SampleResult;
          await onTurn(request, result);
          this.say(result);
        }
        return results;
      },
    };
  }

  say({ tokens }: Pick<SampleResult, "tokens">): void {
    const closed = tokens.at(-1) === this.inner.endOfTurnId;
    const text = this.inner.decode(closed ? tokens.slice(0, -1) : tokens);
    this.heard.push({ type: "sampled", text });
  }

  /** @param cut `parts`: what the agent encoded apart is a part of its own; `joined`: only pictures cut the text */
  messages(cut: "parts" | "joined"): SentMessage[] {
    const messages: { role: string; parts: SentPart[] }[] = [];
    const pictures = this.images.values();
    let opening = false;
    for (const { type, text } of this.heard) {
      const pieces = type === "template" ? text.split(/(<\|[a-z_]+\|>)/) : [text];
      for (const piece of pieces) {
        if (type === "template" && piece === "<|im_start|>") opening = true;
        else if (opening) {
          const end = piece.indexOf("\n");
          messages.push({ role: piece.slice(0, end), parts: [] });
          opening = false;
          addText(messages.at(-1)?.parts, piece.slice(end + 1), cut);
        } else if (type === "template" && piece === "<|im_end|>") messages.push({ role: "", parts: [] });
        else if (type === "template" && piece === "<|vision_start|>") {
          const image = pictures.next().value as RgbImage;
          messages.at(-1)?.parts.push({ type: "image_url", image_url: { url: pngUri(image) } });
        } else if (type === "template" && piece === "<|vision_end|>") continue;
        else addText(messages.at(-1)?.parts, piece, cut);
      }
      // What the template says between two messages is no part of either.
      if (type === "sampled") messages.push({ role: "", parts: [] });
    }
    return messages
      .filter(({ role, parts }) => role !== "" && !(role === "assistant" && parts.length === 0))
      .map(({ role, parts }) => {
        const [first] = parts;
        return { role, content: parts.length === 1 && first?.type === "text" ? first.text : parts };
      });
  }
}

function addText(parts: SentPart[] | undefined, text: string, cut: "parts" | "joined"): void {
  if (parts === undefined || text === "") return;
  const last = parts.at(-1);
  if (cut === "joined" && last?.type === "text")
    parts.splice(-1, 1, { type: "text", text: last.text + text });
  else parts.push({ type: "text", text });
}

export function pngUri({ width, height, data }: RgbImage): string {
  const bytes = encode({ width, height, data, channels: 3, depth: 8 });
  return `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
}
