// What a policy of the video world learns first: short sequences in which nearly every learned token says something about
// the frame in front of it, copies a number, or is the syntax of a call. Prompts and observations are those of episodes;
// frames and outputs are made without running Python (a test holds them against the real tool).
import { observationSegments } from "../../agent/observation.ts";
import type { PromptTemplate } from "../../agent/template.ts";
import type { Random } from "../../core/random.ts";
import type { Segment, ToolResult } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import { drawWeighted } from "../world/drawWeighted.ts";
import { drawClip } from "./clip.ts";
import type { Clip, Showing, VideoWeights } from "./clip.ts";
import { renderFrame, renderSecond } from "./frames.ts";
import { frameCaption, questionOf } from "./phrases.ts";
import { onDemandPrompt, uniformPrompt } from "./prompts.ts";
import { expectedResult, videoScript } from "./script.ts";
import { uniformFrames, uniformTurn } from "./uniform.ts";
import type { IsRight } from "./uniform.ts";
import { FPS } from "./vocabulary.ts";
import { DEFAULT_VIDEO_WEIGHTS } from "./videoWorld.ts";

/**
 * `frames`: pictures, each with its caption. `first`: a question and the first call. `episode`: a whole flawless episode.
 * Of the baseline, whose frames stand in the prompt, `frames` has all captions in one turn, and `first` is left out.
 */
export const VIDEO_PRETRAIN_KINDS = ["frames", "first", "episode"] as const;
export type VideoPretrainKind = (typeof VIDEO_PRETRAIN_KINDS)[number];

export interface VideoPretrainOptions {
  readonly template: PromptTemplate;
  /** Relative frequencies of the samples. */
  readonly mix?: Readonly<Partial<Record<VideoPretrainKind, number>>>;
  /** Relative frequencies of the questions. */
  readonly weights?: VideoWeights;
  /** Left out: the video is in Python only. Else the baseline's uniform frames are in the context. */
  readonly uniform?: { readonly frames: number; readonly isRight: IsRight };
}

export interface VideoPretrainSample {
  readonly kind: VideoPretrainKind;
  readonly segments: readonly Segment[];
}

const DEFAULT_MIX: Readonly<Record<VideoPretrainKind, number>> = { frames: 0.45, first: 0.15, episode: 0.4 };
const UNIFORM_MIX = { frames: 0.6, episode: 0.4 } as const;
/** Frames of a `frames` sample in the order they are shown one after another. */
const CAPTIONED = 4;
const EMPTY_SHARE = 0.25;
const FLAWLESS = { giveUp: 0, wrongPlace: 0, pythonError: 0 } as const;

/** One sample; give each a stream of its own to address samples by number. */
export function videoPretrainSample(
  options: VideoPretrainOptions,
  codec: Codec,
  random: Random,
): VideoPretrainSample {
  const mix = options.mix ?? (options.uniform === undefined ? DEFAULT_MIX : UNIFORM_MIX);
  const kind = drawWeighted(VIDEO_PRETRAIN_KINDS, mix, random);
  const clip = drawClip(options.weights ?? DEFAULT_VIDEO_WEIGHTS, random);
  const samples = options.uniform === undefined ? onDemand : uniform;
  return { kind, segments: samples(kind, clip, options, codec, random) };
}

function onDemand(
  kind: VideoPretrainKind,
  clip: Clip,
  { template }: VideoPretrainOptions,
  codec: Codec,
  random: Random,
): Segment[] {
  const segments = onDemandPrompt(questionOf(clip), clip.seconds, template, codec);
  let imagesBefore = 0;
  const observe = (result: ToolResult): void => {
    segments.push(...observationSegments({ result, template, codec, imagesBefore, turnClosed: false }));
    imagesBefore += result.figures.length;
  };
  if (kind === "frames") {
    for (let i = 0; i < CAPTIONED; i++) {
      const shown = drawShown(random);
      const figures = [renderFrame(clip.ground, shown)];
      observe({ outcome: { type: "ok" }, alive: true, stdout: "", figures, elapsedMs: 0 });
      segments.push(say(frameCaption(shown?.colour), codec));
    }
    return segments;
  }
  for (const { text, expects } of videoScript(clip, random, FLAWLESS)) {
    segments.push(say(text, codec));
    if (expects === undefined || kind === "first") break;
    observe(expectedResult(clip, expects));
  }
  return segments;
}

function uniform(
  kind: VideoPretrainKind,
  clip: Clip,
  { template, uniform: baseline }: VideoPretrainOptions,
  codec: Codec,
  random: Random,
): Segment[] {
  if (baseline === undefined) throw new Error("internal: the baseline's samples need its number of frames");
  const indices = uniformFrames(clip.seconds * FPS, baseline.frames);
  if (kind !== "frames") {
    const frames = indices.map((index) => ({ index, image: renderSecond(clip, Math.floor(index / FPS)) }));
    const prompt = uniformPrompt(questionOf(clip), frames, template, codec);
    return [...prompt, say(uniformTurn(clip, indices, baseline.isRight, random), codec)];
  }
  const shown = indices.map(() => drawShown(random));
  const frames = indices.map((index, i) => ({ index, image: renderFrame(clip.ground, shown[i]) }));
  const captions = shown.map((disc) => frameCaption(disc?.colour)).join(" ");
  return [...uniformPrompt(questionOf(clip), frames, template, codec), say(captions, codec)];
}

/** A disc of some clip, or none. */
function drawShown(random: Random): Showing | undefined {
  const { showings } = drawClip({ count: 1 }, random);
  return random.next() < EMPTY_SHARE ? undefined : random.pick(showings);
}

function say(text: string, codec: Codec): Segment {
  const tokens = codec.encodeText(text);
  return { type: "sampled", tokens, logprobs: tokens.map(() => 0) };
}
