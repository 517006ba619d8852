// The prompts of video tasks without a file or Python: for pretraining, which draws its frames itself. They are token for
// token those of src/agent/context/.
import { addLine, buildPrompt } from "../../agent/prompt.ts";
import { textsOf } from "../../agent/context/texts.ts";
import { shareView } from "../../agent/context/video.ts";
import { fillSlots } from "../../agent/template.ts";
import type { PromptTemplate } from "../../agent/template.ts";
import type { RgbImage } from "../../core/image.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import { FPS, FRAME_SIZE } from "./vocabulary.ts";

/** The video in Python only: nothing but words. */
export function onDemandPrompt(
  question: string,
  seconds: number,
  template: PromptTemplate,
  codec: Codec,
): Segment[] {
  const texts = textsOf(template, "videoInRuntime");
  return buildPrompt(codec, texts, question, {
    videos: (builder) =>
      addLine(builder, texts.video, {
        label: fillSlots(template.videoLabel, { i: 0 }),
        frames: seconds * FPS,
        fps: FPS,
        seconds,
        width: FRAME_SIZE,
        height: FRAME_SIZE,
      }),
  });
}

/** Frames, with their numbers in the video, in the context only. */
export function uniformPrompt(
  question: string,
  frames: readonly { readonly index: number; readonly image: RgbImage }[],
  template: PromptTemplate,
  codec: Codec,
): Segment[] {
  const texts = textsOf(template, "videoFrames");
  const views = new Map<string, ViewImage>();
  return buildPrompt(codec, texts, question, {
    frames: (builder) =>
      frames.forEach(({ index, image }, i) => {
        const values = {
          label: fillSlots(template.figureLabel, { i }),
          video: fillSlots(template.videoLabel, { i: 0 }),
          index,
          seconds: (index / FPS).toFixed(1),
        };
        addLine(builder, texts.frame, values, shareView(views, image, codec));
      }),
  });
}
