// The baseline that on-demand context construction is measured against: N frames at uniform distances in the context,
// each as an image with its time. Python has nothing of the video unless `inRuntime` says so.
import type { RgbImage } from "../../core/image.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import { addLine, buildPrompt } from "../prompt.ts";
import { fillSlots } from "../template.ts";
import type { ContextStrategy } from "./context.ts";
import { textsOf } from "./texts.ts";
import { openVideo, shareView, type ShownFrame, type VideoFacts, videoValues, videosOf } from "./video.ts";

export interface VideoFramesOptions {
  /** Frames of each video; all of one that has fewer. At least 1. */
  readonly frames: number;
  /** Whether the video is in Python as well, as video_clue_0. */
  readonly inRuntime: boolean;
}

export function videoFrames({ frames: wanted, inRuntime }: VideoFramesOptions): ContextStrategy {
  return {
    medium: "video",
    async prepare(task, { template, codec, runtime }) {
      const videos = videosOf(task);
      const texts = textsOf(template, inRuntime ? "videoFramesInBoth" : "videoFrames");
      const seen = new Map<string, ViewImage>();
      const view = (image: RgbImage): ViewImage => shareView(seen, image, codec);
      const sampled: { readonly facts: VideoFacts; readonly frames: readonly ShownFrame[] }[] = [];
      for (const path of videos)
        sampled.push(
          await openVideo(runtime, path, async (video) => ({
            facts: await video.facts(),
            frames: await video.uniformFrames(wanted, view),
          })),
        );
      let label = 0;
      const prompt = buildPrompt(codec, texts, task.question, {
        videos: (builder) =>
          sampled.forEach(({ facts }, i) => addLine(builder, texts.video, videoValues(template, i, facts))),
        frames: (builder) =>
          sampled.forEach(({ frames }, i) => {
            for (const { index, seconds, view } of frames) {
              const values = {
                label: fillSlots(template.figureLabel, { i: label++ }),
                video: fillSlots(template.videoLabel, { i }),
                index,
                seconds: seconds.toFixed(1),
              };
              addLine(builder, texts.frame, values, view);
            }
          }),
      });
      const session = inRuntime ? { images: [], videos } : { images: [] };
      return { prompt, session, firstLabel: 0, seen: [...seen.keys()] };
    },
  };
}
