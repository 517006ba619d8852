// The first two messages of an episode, in the ChatML of Qwen: system, then the user's images and question, then the
// open assistant turn. All members of a group share these segments.
import type { Task } from "../core/task.ts";
import type { Segment, ViewImage } from "../core/trajectory.ts";
import type { Codec } from "../engines/engine.ts";
import { SequenceBuilder } from "./sequence.ts";
import { cutAtSlots, fillSlots } from "./template.ts";
import type { PromptTemplate } from "./template.ts";

export const ASSISTANT_OPEN = "<|im_start|>assistant\n";
export const USER_OPEN = "<|im_start|>user\n";
export const MESSAGE_CLOSE = "<|im_end|>\n";

/** @throws DataError when the image processor refuses an image of the task. */
export function promptSegments(
  task: Pick<Task, "question" | "images">,
  template: PromptTemplate,
  codec: Codec,
): Segment[] {
  const builder = new SequenceBuilder(codec, "prompt");
  if (template.system !== "") builder.scaffold(`<|im_start|>system\n${template.system}${MESSAGE_CLOSE}`);
  builder.scaffold(USER_OPEN);
  for (const piece of cutAtSlots(template.user, ["images", "question"])) {
    if (piece.type === "literal") builder.scaffold(piece.text);
    else if (piece.name === "question") builder.content(task.question);
    else
      task.images.forEach((image, i) =>
        addImage(builder, template, template.image, i, codec.viewImage(image)),
      );
  }
  return builder.scaffold(MESSAGE_CLOSE + ASSISTANT_OPEN).build();
}

/** One labelled image by the given line template ({label}, {image}); `index` counts images in the whole context. */
export function addImage(
  builder: SequenceBuilder,
  template: PromptTemplate,
  line: string,
  index: number,
  view: ViewImage,
): void {
  const label = fillSlots(template.figureLabel, { i: index });
  for (const piece of cutAtSlots(line, ["label", "image"])) {
    if (piece.type === "literal") builder.scaffold(piece.text);
    else if (piece.name === "label") builder.scaffold(label);
    else builder.image(view);
  }
}
