// The first two messages of an episode, in the ChatML of Qwen: system, then the user's media and question, then the open
// assistant turn. What stands for the media is the business of src/agent/context/.
import type { Task } from "../core/task.ts";
import type { Segment, ViewImage } from "../core/trajectory.ts";
import type { Codec } from "../engines/engine.ts";
import { SequenceBuilder } from "./sequence.ts";
import { cutAtSlots, fillSlots } from "./template.ts";
import type { PromptTemplate } from "./template.ts";

export const ASSISTANT_OPEN = "<|im_start|>assistant\n";
export const USER_OPEN = "<|im_start|>user\n";
export const MESSAGE_CLOSE = "<|im_end|>\n";

/** The template's texts for one way of showing media. */
export interface PromptTexts {
  /** An empty one is left out. */
  readonly system: string;
  /** Slots {question} and those of `media`. */
  readonly user: string;
}

/** @param media writes what stands in the place of each slot of the user message besides {question} */
export function buildPrompt(
  codec: Codec,
  texts: PromptTexts,
  question: string,
  media: Readonly<Record<string, (builder: SequenceBuilder) => void>>,
): Segment[] {
  const builder = new SequenceBuilder(codec, "prompt");
  if (texts.system !== "") builder.scaffold(`<|im_start|>system\n${texts.system}${MESSAGE_CLOSE}`);
  builder.scaffold(USER_OPEN);
  for (const piece of cutAtSlots(texts.user, ["question", ...Object.keys(media)])) {
    if (piece.type === "literal") builder.scaffold(piece.text);
    else if (piece.name === "question") builder.content(question);
    else media[piece.name]?.(builder);
  }
  return builder.scaffold(MESSAGE_CLOSE + ASSISTANT_OPEN).build();
}

/** The prompt with the task's images in it. @throws DataError when the image processor refuses one. */
export function promptSegments(
  task: Pick<Task, "question" | "images">,
  template: PromptTemplate,
  codec: Codec,
): Segment[] {
  return buildPrompt(codec, template, task.question, {
    images: (builder) =>
      task.images.forEach((image, i) =>
        addImage(builder, template, template.image, i, codec.viewImage(image)),
      ),
  });
}

/** One labelled image by the given line template ({label}, {image}); `index` counts images in the whole context. */
export function addImage(
  builder: SequenceBuilder,
  template: PromptTemplate,
  line: string,
  index: number,
  view: ViewImage,
): void {
  addLine(builder, line, { label: fillSlots(template.figureLabel, { i: index }) }, view);
}

/** One line of a template with its slots filled; {image} takes the view. */
export function addLine(
  builder: SequenceBuilder,
  line: string,
  values: Readonly<Record<string, string | number>>,
  view?: ViewImage,
): void {
  for (const piece of cutAtSlots(line, [...Object.keys(values), ...(view === undefined ? [] : ["image"])])) {
    if (piece.type === "literal") builder.scaffold(piece.text);
    else if (piece.name === "image" && view !== undefined) builder.image(view);
    else builder.scaffold(String(values[piece.name]));
  }
}
