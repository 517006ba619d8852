// Images in Python only: the model knows their names and sizes, and sees what its programs show.
import { addLine, buildPrompt } from "../prompt.ts";
import { fillSlots } from "../template.ts";
import type { ContextStrategy } from "./context.ts";
import { textsOf } from "./texts.ts";

export const imageInRuntime: ContextStrategy = {
  medium: "image",
  async prepare(task, { template, codec }) {
    const texts = textsOf(template, "imageInRuntime");
    const prompt = buildPrompt(codec, texts, task.question, {
      images: (builder) =>
        task.images.forEach(({ width, height }, i) =>
          addLine(builder, texts.image, { label: fillSlots(template.figureLabel, { i }), width, height }),
        ),
    });
    return { prompt, session: { images: task.images }, firstLabel: task.images.length, seen: [] };
  },
};
