// Between a token sequence and a dialogue. Out: an episode's sequence, cut at the ids that open and close messages (never at
// text that only looks like them), becomes messages with image marks. In: a dialogue becomes the sequence an episode would
// have had, ready to be trained on, with the assistant's text as the sampled part.
import { SequenceBuilder } from "../../agent/sequence.ts";
import { ASSISTANT_OPEN, MESSAGE_CLOSE, USER_OPEN } from "../../agent/prompt.ts";
import type { ProtocolMarks } from "../../agent/parser.ts";
import type { Codec } from "../../core/codec.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import { countMarks, type Dialogue, type DialogueMessage, IMAGE_MARK } from "./shareGpt.ts";

/** A dialogue whose pictures are still pictures. */
export interface DialogueWithViews extends Omit<Dialogue, "images"> {
  readonly images: readonly ViewImage[];
}

export type DialogueOrReason =
  | { readonly type: "dialogue"; readonly dialogue: DialogueWithViews }
  /** The layout cannot say it; `reason` is a word or two for the report. */
  | { readonly type: "unwritable"; readonly reason: string };

/** Marks that trainers replace by media wherever they stand, and forms that tokenizers take for control tokens. */
const FOREIGN_MARKS = /<image>|<video>|<audio>|<\|[^|<>\s]{1,40}\|>/;

/**
 * The messages of a finished sequence. Turns of the assistant hold what was sampled, without an end-of-turn token.
 * @throws Error for a sequence that no prompt template writes
 */
export function dialogueOf(segments: readonly Segment[], codec: Codec): DialogueOrReason {
  const startIds = codec.encodeTemplate("<|im_start|>");
  const [visionStart, visionEnd] = ["<|vision_start|>", "<|vision_end|>"].map((mark) =>
    codec.encodeTemplate(mark),
  ) as [number[], number[]];
  for (const ids of [startIds, visionStart, visionEnd])
    if (ids.length !== 1) throw new Error("internal: marks of messages and images must be one token each");
  const open = new Message(codec, [visionStart[0], visionEnd[0]]);
  const messages: RawMessage[] = [];
  const images: ViewImage[] = [];
  let inside = false;
  const close = (): void => {
    if (inside) messages.push(open.finish());
    inside = false;
  };
  for (const segment of segments) {
    if (segment.type === "image") {
      open.image();
      images.push(segment.image);
      continue;
    }
    for (const token of segment.tokens) {
      if (token === codec.endOfTurnId) close();
      else if (segment.type === "text" && token === startIds[0]) {
        close();
        inside = true;
      } else if (inside) open.token(token, segment.type === "sampled");
    }
  }
  close();
  return checked(messages, images);
}

interface RawMessage {
  readonly role: string;
  readonly text: string;
  /** Text without the marks of its own pictures. */
  readonly foreign: string;
}

/** Collects the tokens of one message. */
class Message {
  #header: number[] = [];
  #sampled = false;
  /** Text between pictures. */
  #pieces: number[][] = [[]];

  constructor(
    private readonly codec: Codec,
    private readonly visionMarks: readonly (number | undefined)[],
  ) {}

  token(token: number, sampled: boolean): void {
    if (sampled && !this.#sampled) {
      this.#header = this.#pieces.flat();
      this.#pieces = [[]];
      this.#sampled = true;
    }
    if (sampled || !this.visionMarks.includes(token)) this.#pieces.at(-1)?.push(token);
  }

  image(): void {
    this.#pieces.push([]);
  }

  finish(): RawMessage {
    const texts = this.#pieces.map((tokens) => this.codec.decode(tokens));
    let role = this.codec.decode(this.#header);
    if (!this.#sampled) {
      const first = texts[0] ?? "";
      const end = first.indexOf("\n");
      role = first.slice(0, end);
      texts[0] = first.slice(end + 1);
    }
    const message = { role: role.trimEnd(), text: texts.join(IMAGE_MARK), foreign: texts.join("\n") };
    this.#header = [];
    this.#sampled = false;
    this.#pieces = [[]];
    return message;
  }
}

function checked(messages: readonly RawMessage[], images: readonly ViewImage[]): DialogueOrReason {
  const unwritable = (reason: string): DialogueOrReason => ({ type: "unwritable", reason });
  const mark = messages
    .map(({ foreign }) => FOREIGN_MARKS.exec(foreign)?.[0])
    .find((found) => found !== undefined);
  if (mark !== undefined) return unwritable(`text holds ${mark}`);
  const rest = [...messages];
  const system = rest[0]?.role === "system" ? (rest.shift()?.text ?? "") : "";
  const turns: DialogueMessage[] = [];
  for (const { role, text } of rest) {
    const expected = turns.length % 2 === 0 ? "user" : "assistant";
    if (role !== expected) return unwritable("roles out of turn");
    if (text.trim() === "") return unwritable("empty message");
    turns.push({ role: expected, text });
  }
  if (turns.length === 0 || turns.length % 2 !== 0) return unwritable("no turn of the model at the end");
  return { type: "dialogue", dialogue: { system, messages: turns, images } };
}

/**
 * The sequence of a dialogue. Sampled, so trained on, is the assistant's text, and the end-of-turn token where the text
 * does not end with a mark at which sampling stops: there the model has to say it by itself.
 * @param images of the dialogue, in order
 */
export function segmentsOf(
  { system, messages }: Pick<Dialogue, "system" | "messages">,
  images: readonly ViewImage[],
  codec: Codec,
  { codeClose, answerClose }: Pick<ProtocolMarks, "codeClose" | "answerClose">,
): Segment[] {
  const segments: Segment[] = [];
  let builder = new SequenceBuilder(codec, "prompt");
  if (system !== "") builder.scaffold("<|im_start|>system\n").content(system).scaffold(MESSAGE_CLOSE);
  let used = 0;
  let closing = "";
  for (const { role, text } of messages) {
    if (role === "user") {
      builder.scaffold(closing + USER_OPEN);
      for (const [i, piece] of text.split(IMAGE_MARK).entries()) {
        const image = i === 0 ? undefined : images[used++];
        if (image !== undefined) builder.image(image);
        if (piece !== "") builder.content(piece);
      }
      segments.push(...builder.scaffold(MESSAGE_CLOSE + ASSISTANT_OPEN).build());
      builder = new SequenceBuilder(codec, "observation");
      continue;
    }
    const stops = [codeClose, answerClose].some((mark) => text.endsWith(mark));
    const tokens = [...codec.encodeText(text), ...(stops ? [] : [codec.endOfTurnId])];
    segments.push({ type: "sampled", tokens, logprobs: tokens.map(() => 0) });
    closing = stops ? MESSAGE_CLOSE : "\n";
  }
  const marks = messages.reduce((n, { text }) => n + countMarks(text), 0);
  if (used !== images.length || marks !== used)
    throw new Error(`internal: ${marks} image marks in the user's messages for ${images.length} images`);
  return segments;
}
