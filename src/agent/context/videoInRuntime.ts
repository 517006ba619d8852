// On-demand context construction, the method's video hint: the video is a reader in Python, video_clue_0, and no frame
// of it enters the context until the model's own code shows one.
import { addLine, buildPrompt } from "../prompt.ts";
import type { ContextStrategy } from "./context.ts";
import { textsOf } from "./texts.ts";
import { needsFacts, openVideo, videoValues, videosOf, type VideoFacts } from "./video.ts";

export const videoInRuntime: ContextStrategy = {
  medium: "video",
  async prepare(task, { template, codec, runtime }) {
    const videos = videosOf(task);
    const texts = textsOf(template, "videoInRuntime");
    const facts: (VideoFacts | undefined)[] = [];
    for (const path of videos)
      facts.push(
        needsFacts(texts.video) ? await openVideo(runtime, path, (video) => video.facts()) : undefined,
      );
    const prompt = buildPrompt(codec, texts, task.question, {
      videos: (builder) =>
        facts.forEach((of, i) => addLine(builder, texts.video, videoValues(template, i, of))),
    });
    return { prompt, session: { images: [], videos }, firstLabel: 0, seen: [] };
  },
};
