// What a clip contains and what is asked about it, drawn by lot. On a ground that never changes a coloured disc shows up
// now and then, each time for one second of 60 to 100: whoever reads a few frames at equal distances mostly misses it,
// whoever compares all frames by code never does. A clip is a complete, small description; frames are a pure function of it.
import type { Random } from "../../core/random.ts";
import { drawWeighted } from "../world/drawWeighted.ts";
import { ALIGNMENT, TILE_SIZE } from "../world/ground.ts";
import { COLOURS, PLACES } from "../world/vocabulary.ts";
import type { Colour, Place } from "../world/vocabulary.ts";
import {
  COUNTED_DISCS,
  FIRST_SECOND,
  LONGEST_CLIP,
  OTHER_DISCS,
  SHORTEST_CLIP,
  VIDEO_KINDS,
} from "./vocabulary.ts";
import type { VideoKind } from "./vocabulary.ts";

/** A disc that is there from `second` up to the next one. */
export interface Showing {
  readonly second: number;
  readonly colour: Colour;
  readonly place: Place;
  /** Centre relative to the middle of the place, in px. */
  readonly dx: number;
  readonly dy: number;
  readonly radius: number;
}

export type ClipQuestion =
  | { readonly kind: "at"; readonly second: number }
  /** Seconds `from` to `to`, both included. */
  | { readonly kind: "what"; readonly from: number; readonly to: number }
  | { readonly kind: "when"; readonly colour: Colour }
  | { readonly kind: "order"; readonly colours: readonly [Colour, Colour] }
  | { readonly kind: "count" }
  | { readonly kind: "where" };

/** Privileged: everything that is in the video. For the teacher, the oracle, the contact sheet and tests only. */
export interface Clip {
  readonly question: ClipQuestion;
  readonly seconds: number;
  /** In order of time. Colours differ, but for `where`, whose two showings are one disc. */
  readonly showings: readonly Showing[];
  /** Offsets into the ground tiles (see ../world/ground.ts). */
  readonly ground: readonly number[];
}

/** Relative frequencies; a kind that is left out has weight 0. */
export type VideoWeights = Readonly<Partial<Record<VideoKind, number>>>;

const PLACE_JITTER = 5;
const SMALLEST_RADIUS = 10;
const LARGEST_RADIUS = 13;

export function drawClip(weights: VideoWeights, random: Random): Clip {
  const kind = drawWeighted(VIDEO_KINDS, weights, random);
  const seconds = SHORTEST_CLIP + random.below(LONGEST_CLIP - SHORTEST_CLIP + 1);
  const ground = Array.from({ length: 6 }, () => random.below(TILE_SIZE / ALIGNMENT) * ALIGNMENT);
  const showings = kind === "where" ? drawJump(seconds, random) : drawShowings(kind, seconds, random);
  return { question: drawQuestion(kind, seconds, showings, random), seconds, showings, ground };
}

/** The disc that is to be seen at a second, if any. */
export function shownAt(clip: Clip, second: number): Showing | undefined {
  return clip.showings.find((showing) => showing.second === second);
}

/** The answer that grades the clip's question. */
export function answerOf(clip: Clip): string {
  const { question, showings } = clip;
  switch (question.kind) {
    case "at":
      return known(shownAt(clip, question.second)).colour;
    case "what":
      return known(showings.find((s) => s.second >= question.from && s.second <= question.to)).colour;
    case "when":
      return String(known(showings.find((s) => s.colour === question.colour)).second);
    case "order":
      return known(showings.find((s) => question.colours.includes(s.colour))).colour;
    case "count":
      return String(showings.length);
    case "where":
      return known(showings.at(-1)).place;
  }
}

/** Every answer the question admits, to one who has seen nothing but the clip's length. */
export function validAnswers({ question, seconds }: Clip): readonly string[] {
  switch (question.kind) {
    case "at":
    case "what":
      return COLOURS;
    case "when":
      return possibleSeconds(seconds).map(String);
    case "order":
      return question.colours;
    case "count":
      return COUNTED_DISCS.map(String);
    case "where":
      return PLACES;
  }
}

/** Seconds at which a disc may show up in a clip of this length. */
export function possibleSeconds(seconds: number): number[] {
  return Array.from({ length: lastSecond(seconds) - FIRST_SECOND + 1 }, (_, i) => FIRST_SECOND + i);
}

/** One second of ground stays behind the last disc. */
function lastSecond(seconds: number): number {
  return seconds - 2;
}

function drawShowings(kind: VideoKind, seconds: number, random: Random): Showing[] {
  const times = drawTimes(kind, seconds, random);
  const colours = random.shuffle(COLOURS);
  return times.map((second, i) => ({
    second,
    colour: colours[i] as Colour,
    ...drawSpot(random.pick(PLACES), random),
  }));
}

/** Seconds in order, none next to another; for `what` no two with the same tens, since those are what is asked for. */
function drawTimes(kind: VideoKind, seconds: number, random: Random): number[] {
  const count = random.pick(kind === "count" ? COUNTED_DISCS : OTHER_DISCS);
  const possible = possibleSeconds(seconds);
  const apart = (time: number, before: number): boolean =>
    kind === "what"
      ? Math.floor(time / 10) > Math.floor(before / 10) && time - before >= 2
      : time - before >= 2;
  for (;;) {
    const times = Array.from({ length: count }, () => random.pick(possible)).sort((a, b) => a - b);
    if (times.every((time, i) => i === 0 || apart(time, times[i - 1] as number))) return times;
  }
}

function drawJump(seconds: number, random: Random): Showing[] {
  const second = random.pick(possibleSeconds(seconds).slice(0, -1));
  const colour = random.pick(COLOURS);
  const [from, to] = random.shuffle(PLACES) as [Place, Place];
  return [
    { second, colour, ...drawSpot(from, random) },
    { second: second + 1, colour, ...drawSpot(to, random) },
  ];
}

function drawSpot(place: Place, random: Random): Pick<Showing, "place" | "dx" | "dy" | "radius"> {
  const jitter = (): number => random.below(2 * PLACE_JITTER + 1) - PLACE_JITTER;
  const radius = SMALLEST_RADIUS + random.next() * (LARGEST_RADIUS - SMALLEST_RADIUS);
  return { place, dx: jitter(), dy: jitter(), radius };
}

function drawQuestion(
  kind: VideoKind,
  seconds: number,
  showings: readonly Showing[],
  random: Random,
): ClipQuestion {
  const { second, colour } = random.pick(showings);
  switch (kind) {
    case "at":
      return { kind, second };
    case "what": {
      const from = second - (second % 10);
      return { kind, from, to: Math.min(from + 9, seconds - 1) };
    }
    case "when":
      return { kind, colour };
    case "order": {
      const [first, other] = random.shuffle(showings) as [Showing, Showing];
      return { kind, colours: [first.colour, other.colour] };
    }
    case "count":
    case "where":
      return { kind };
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("internal: the clip lacks what its question asks for");
  return value;
}
