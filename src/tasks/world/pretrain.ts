// What a policy learns first: short sequences in which nearly every learned token says something about the picture in
// front of it or about the syntax of a call. (One supervised answer token in a long trajectory teaches the eye
// nothing in the time we have.) They use the same prompts and observations as episodes do, so nothing is unlearned
// later; crops are drawn as matplotlib would show them, without running Python.
import { observationSegments } from "../../agent/observation.ts";
import { promptSegments } from "../../agent/prompt.ts";
import type { PromptTemplate } from "../../agent/template.ts";
import type { RgbImage } from "../../core/image.ts";
import type { Random } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import { drawInterpolation, figureOf } from "./cropView.ts";
import { drawWeighted } from "./drawWeighted.ts";
import { answerBlock, cropCaption, discCaption, questionOf } from "./phrases.ts";
import { renderScene } from "./render.ts";
import { answerOf, beadAt, drawScene } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { teacherScript } from "./teacherScript.ts";
import { PLACES, PLACE_BOXES } from "./vocabulary.ts";
import type { Colour, Kind, Place } from "./vocabulary.ts";

/**
 * `crops`: four crops, each followed by its caption. `disc`: a first view and the caption of its disc. `syntax`: a
 * question and the first turn that looks. `answer`: a question, one crop, its caption and the answer.
 */
export const PRETRAIN_KINDS = ["crops", "disc", "syntax", "answer"] as const;
export type PretrainKind = (typeof PRETRAIN_KINDS)[number];

export interface PretrainOptions {
  readonly template: PromptTemplate;
  /** Relative frequencies. */
  readonly mix?: Readonly<Record<PretrainKind, number>>;
  /** As in WorldOptions. */
  readonly contrast?: number;
  /** Share of `syntax` samples that hold the first view too (the picture makes them slower to draw). */
  readonly viewShare?: number;
}

export interface PretrainSample {
  readonly kind: PretrainKind;
  readonly segments: readonly Segment[];
}

const DEFAULT_MIX: Readonly<Record<PretrainKind, number>> = {
  crops: 0.5,
  disc: 0.15,
  syntax: 0.2,
  answer: 0.15,
};
const EMPTY_SHARE = 0.25;
const LOOKING: Readonly<Partial<Record<Kind, number>>> = { look: 2, search: 2, compare: 1, count: 1 };

/** One sample; give each a stream of its own to address samples by number. */
export function pretrainSample(options: PretrainOptions, codec: Codec, random: Random): PretrainSample {
  const kind = drawWeighted(PRETRAIN_KINDS, options.mix ?? DEFAULT_MIX, random);
  return { kind, segments: buildSegments(kind, options, codec, random) };
}

function buildSegments(
  kind: PretrainKind,
  options: PretrainOptions,
  codec: Codec,
  random: Random,
): Segment[] {
  const { template } = options;
  const scene = (weights: Readonly<Partial<Record<Kind, number>>>): Scene =>
    drawScene({ weights, places: PLACES.length, contrast: options.contrast ?? 1 }, random);
  const prompt = (of: Scene, images: readonly RgbImage[]): Segment[] =>
    promptSegments({ question: questionOf(of), images }, template, codec);
  const crop = (of: Scene, place: Place, imagesBefore: number): Segment[] => {
    const figure = figureOf(renderScene(of, PLACE_BOXES[place]), drawInterpolation(random));
    const result = {
      outcome: { type: "ok" },
      alive: true,
      stdout: "",
      figures: [figure],
      elapsedMs: 0,
    } as const;
    return observationSegments({ result, template, codec, imagesBefore, turnClosed: false });
  };
  const say = (text: string): Segment => {
    const tokens = codec.encodeText(text);
    return { type: "sampled", tokens, logprobs: tokens.map(() => 0) };
  };

  switch (kind) {
    case "crops": {
      const question = scene(LOOKING);
      const shown = someEmptied(scene({ look: 1 }), random);
      const looks = PLACES.flatMap((place, i) => [
        ...crop(shown, place, i),
        say(cropCaption(beadAt(shown, place))),
      ]);
      return [...prompt(question, []), ...looks];
    }
    case "disc": {
      const shown = scene({ plain: 1 });
      return [...prompt(shown, [renderScene(shown)]), say(discCaption(answerOf(shown) as Colour))];
    }
    case "syntax": {
      const asked = scene(LOOKING);
      const images = random.next() < (options.viewShare ?? 0.25) ? [renderScene(asked)] : [];
      const flawless = { giveUp: 0, wrongPlace: 0, pythonError: 0 };
      const firstTurn = teacherScript(asked, random, flawless).next().value ?? "";
      return [...prompt(asked, images), say(firstTurn)];
    }
    case "answer": {
      const asked = scene({ look: 1, search: 1 });
      const bead = answerOf(asked) as Colour;
      const place = asked.asked[0] ?? PLACES.find((candidate) => beadAt(asked, candidate) === bead);
      if (place === undefined) throw new Error("internal: no place of the scene holds the answer");
      return [...prompt(asked, []), ...crop(asked, place, 0), say(cropCaption(bead) + answerBlock(bead))];
    }
  }
}

/** Some places emptied, so that captions of crops say that too. */
function someEmptied(scene: Scene, random: Random): Scene {
  const places = scene.places.map(({ place, bead, dx, dy }) =>
    bead === undefined || random.next() < EMPTY_SHARE ? { place, dx, dy } : { place, bead, dx, dy },
  );
  return { ...scene, places };
}
