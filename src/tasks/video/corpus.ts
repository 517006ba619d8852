// Raw text for training the tokenizer: everything a policy of the video world reads and writes, in about the frequencies in
// which it meets them.
import { fillSlots } from "../../agent/template.ts";
import type { PromptTemplate } from "../../agent/template.ts";
import { randomStream } from "../../core/random.ts";
import { drawClip } from "./clip.ts";
import type { VideoWeights } from "./clip.ts";
import { questionOf } from "./phrases.ts";
import { expectedResult, videoScript } from "./script.ts";
import { DEFAULT_VIDEO_WEIGHTS } from "./videoWorld.ts";

export interface VideoCorpusOptions {
  readonly seed: number;
  readonly template: PromptTemplate;
  /** Number of episodes. */
  readonly episodes: number;
  readonly weights?: VideoWeights;
}

/** Texts without special tokens, one after another; a text never spans two messages. */
export function* videoCorpus({
  seed,
  template,
  episodes,
  weights,
}: VideoCorpusOptions): Generator<string, undefined> {
  const { errors, emptyOutput, sessionLost } = template;
  const empty = { stdout: "", error: "", figures: "", image: "", label: "" };
  for (let i = 0; i < episodes; i++) {
    const random = randomStream(seed, "video corpus", i);
    const clip = drawClip(weights ?? DEFAULT_VIDEO_WEIGHTS, random);
    yield `system\n${template.contexts.videoInRuntime?.system ?? template.system}`;
    yield `user\n${questionOf(clip)}`;
    for (const { text, expects } of videoScript(clip, random, { wrongPlace: 0.1, pythonError: 0.1 })) {
      yield `assistant\n${text}`;
      if (expects === undefined) continue;
      const { stdout, outcome } = expectedResult(clip, expects);
      const error =
        outcome.type === "pythonError"
          ? fillSlots(errors.pythonError, { ...outcome, type: outcome.errorType })
          : "";
      yield `user\n${fillSlots(template.observation, { ...empty, stdout: stdout.trimEnd(), error })}`;
    }
    if (i % 50 === 0)
      yield* [
        emptyOutput,
        sessionLost,
        errors.timeout,
        errors.outOfMemory,
        errors.outputLimit,
        errors.killed,
      ];
  }
}
