// The image hint of the method: the images stand in the context and lie in Python as image_clue_0, image_clue_1, ...
import { imageKey } from "../novelty.ts";
import { promptSegments } from "../prompt.ts";
import type { ContextStrategy } from "./context.ts";

export const imageInBoth: ContextStrategy = {
  medium: "image",
  async prepare(task, { template, codec }) {
    return {
      prompt: promptSegments(task, template, codec),
      session: { images: task.images },
      firstLabel: 0,
      seen: task.images.map(imageKey),
    };
  },
};
