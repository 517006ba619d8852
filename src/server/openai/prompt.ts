// Messages to the token sequence that the agent would make of them: Qwen2.5-VL's chat template
// (src/models/qwen2_5_vl/chatTemplate.ts), written as segments, so that no text of a message becomes a control token.
//
// The agent encodes what its template says and what a task or tool says apart, and pairs of bytes never merge across the
// joint. A message does the same for its text parts: each is encoded by itself. A client that sends the pieces as parts of
// their own therefore gets the agent's very tokens; one that joins them gets those of the joined text, which differ
// where a merge crosses the joint.
import { ASSISTANT_OPEN, MESSAGE_CLOSE, USER_OPEN } from "../../agent/prompt.ts";
import { SequenceBuilder } from "../../agent/sequence.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import { type Conversations, followedBy, NOTHING_SAID, type OpenSequence } from "./conversations.ts";
import type { ImageReader } from "./images.ts";
import type { Message } from "./requestBody.ts";

/** What the chat template puts first when no system message does. */
const DEFAULT_SYSTEM = "You are a helpful assistant.";

export interface Prompt {
  /** Ends with the open turn of the assistant. */
  readonly segments: readonly Segment[];
  /** Of the segments, placeholders expanded. */
  readonly tokens: readonly number[];
  /** Digest of the messages. */
  readonly conversation: string;
  /** Whether nothing was replied yet: then equal messages are equal tokens. */
  readonly isFirstTurn: boolean;
  /** A sequence of the engine that it goes on from. */
  readonly sequence: OpenSequence | undefined;
}

/** @throws RequestError for a picture that cannot be shown */
export function promptOf(
  messages: readonly Message[],
  codec: Codec,
  images: ImageReader,
  conversations: Conversations,
): Prompt {
  const segments: Segment[] = [];
  let builder = new SequenceBuilder(codec, "prompt");
  let conversation = NOTHING_SAID;
  let lastReply = NOTHING_SAID;
  if (messages[0]?.role !== "system") openSystem(builder, DEFAULT_SYSTEM).scaffold(MESSAGE_CLOSE);
  messages.forEach(({ role, content }, m) => {
    if (role === "assistant") {
      const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
      conversation = followedBy(conversation, role, [text]);
      builder.scaffold(ASSISTANT_OPEN);
      const given = conversations.find(conversation);
      if (given === undefined) builder.content(text).scaffold(MESSAGE_CLOSE);
      else {
        lastReply = conversation;
        segments.push(...builder.build(), { type: "sampled", ...given });
        builder = new SequenceBuilder(codec, "prompt");
        builder.scaffold(given.tokens.at(-1) === codec.endOfTurnId ? "\n" : MESSAGE_CLOSE);
      }
      return;
    }
    const said: string[] = [];
    if (role === "user") builder.scaffold(USER_OPEN);
    content.forEach((part, p) => {
      if (part.type === "text") {
        if (role === "system" && p === 0) openSystem(builder, part.text);
        else builder.content(part.text);
        said.push(`text ${part.text}`);
      } else {
        const image = images.read(part.image_url.url, `messages[${m}].content[${p}].image_url.url`);
        builder.image(image.view);
        said.push(`image ${image.digest}`);
      }
    });
    if (role === "system" && content.length === 0) openSystem(builder, "");
    builder.scaffold(MESSAGE_CLOSE);
    conversation = followedBy(conversation, role, said);
  });
  segments.push(...builder.scaffold(ASSISTANT_OPEN).build());
  const tokens = tokensOf(segments, codec.imagePadId);
  const sequence = lastReply === NOTHING_SAID ? undefined : conversations.take(lastReply, tokens);
  const isFirstTurn = messages.every(({ role }) => role !== "assistant");
  return { segments, tokens, conversation, isFirstTurn, sequence };
}

/** A system message is all template: its text and the line before it are encoded as one. */
function openSystem(builder: SequenceBuilder, text: string): SequenceBuilder {
  return builder.scaffold("<|im_start|>").content(`system\n${text}`);
}

/** Ids of a sequence, an image as its placeholders. */
export function tokensOf(segments: readonly Segment[], imagePadId: number): number[] {
  const tokens: number[] = [];
  for (const segment of segments) {
    if (segment.type === "image") for (let i = 0; i < segment.image.tokenCount; i++) tokens.push(imagePadId);
    else for (const token of segment.tokens) tokens.push(token);
  }
  return tokens;
}
