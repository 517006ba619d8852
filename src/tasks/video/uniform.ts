// The reader of N uniform frames: what can be answered by one who sees frames at equal distances perfectly, knows how
// clips are drawn, and thinks without a mistake. It bounds what any policy with such a context can learn, and it is the
// teacher of that baseline.
//
// One simplification: that no two discs show up in seconds next to each other counts only around discs that were seen.
import type { Random } from "../../core/random.ts";
import { answerBlock } from "../world/phrases.ts";
import { COLOURS, PLACES } from "../world/vocabulary.ts";
import { possibleSeconds, shownAt, validAnswers } from "./clip.ts";
import type { Clip, Showing } from "./clip.ts";
import { frameCaption } from "./phrases.ts";
import { COUNTED_DISCS, FPS } from "./vocabulary.ts";

/** The frames of the baseline (src/agent/context/videoFrames.ts): equally spaced from first to last, all of a shorter video. */
export function uniformFrames(frames: number, count: number): number[] {
  const taken = Math.min(frames, count);
  if (taken === 1) return [0];
  return Array.from({ length: taken }, (_, i) => roundHalfToEven((i * (frames - 1)) / (taken - 1)));
}

/** As numpy rounds. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

/** Whether an answer is right, as the world's grader has it. */
export type IsRight = (answer: string, truth: string) => boolean;

export interface UniformReading {
  /** Discs in the frames, in order; one that two frames show comes once. */
  readonly seen: readonly Showing[];
  /** Every answer whose chance of being right is the highest; the truth alone when there is no doubt. */
  readonly best: readonly string[];
  /** Whether the frames leave no doubt. */
  readonly certain: boolean;
}

/** @param frames numbers of the frames that are seen. */
export function readUniformly(clip: Clip, frames: readonly number[], isRight: IsRight): UniformReading {
  const sampled = new Set(frames.map((frame) => Math.floor(frame / FPS)));
  const seen = [...sampled].map((second) => shownAt(clip, second)).filter((showing) => showing !== undefined);
  const chances = beliefs(clip, seen, sampled);
  const possible = chances.filter(([, chance]) => chance > 0);
  const [only] = possible;
  if (possible.length === 1 && only !== undefined) return { seen, best: [only[0]], certain: true };
  const worth = validAnswers(clip).map((answer) => ({
    answer,
    chance: possible.reduce((sum, [truth, chance]) => sum + (isRight(answer, truth) ? chance : 0), 0),
  }));
  const top = Math.max(...worth.map(({ chance }) => chance));
  const best = worth.filter(({ chance }) => chance > top * (1 - 1e-9)).map(({ answer }) => answer);
  return { seen, best, certain: false };
}

/** The turn of the baseline's teacher: what it saw, and the best answer. */
export function uniformTurn(clip: Clip, frames: readonly number[], isRight: IsRight, random: Random): string {
  const { seen, best, certain } = readUniformly(clip, frames, isRight);
  const said =
    seen.length === 0 ? frameCaption(undefined) : seen.map(({ colour }) => frameCaption(colour)).join(" ");
  return `${said}${certain ? "" : " Guess."}${answerBlock(random.pick(best))}`;
}

/** Possible truths and how likely each is, not normalised. */
function beliefs(
  { question, seconds }: Clip,
  seen: readonly Showing[],
  sampled: ReadonlySet<number>,
): readonly (readonly [truth: string, chance: number])[] {
  const possible = possibleSeconds(seconds);
  const near = (second: number): boolean => seen.some((showing) => Math.abs(showing.second - second) <= 1);
  const hidden = possible.filter((second) => !sampled.has(second) && !near(second));
  const certainly = (truth: string): (readonly [string, number])[] => [[truth, 1]];
  const unseenColours = (): (readonly [string, number])[] =>
    COLOURS.filter((colour) => !seen.some((showing) => showing.colour === colour)).map((colour) => [
      colour,
      1,
    ]);

  switch (question.kind) {
    case "at": {
      const shown = seen.find((showing) => showing.second === question.second);
      return shown === undefined ? unseenColours() : certainly(shown.colour);
    }
    case "what": {
      const shown = seen.find(({ second }) => second >= question.from && second <= question.to);
      return shown === undefined ? unseenColours() : certainly(shown.colour);
    }
    case "when": {
      const shown = seen.find((showing) => showing.colour === question.colour);
      return shown === undefined
        ? hidden.map((second) => [String(second), 1])
        : certainly(String(shown.second));
    }
    case "order": {
      const named = seen.filter(({ colour }) => question.colours.includes(colour));
      const [first] = named;
      if (first === undefined) return question.colours.map((colour) => [colour, 1]);
      if (named.length === 2) return certainly(first.colour);
      const other = question.colours.find((colour) => colour !== first.colour) as string;
      const later = hidden.filter((second) => second > first.second).length;
      return [
        [first.colour, later],
        [other, hidden.length - later],
      ];
    }
    case "count": {
      const looked = possible.filter((second) => sampled.has(second)).length;
      return COUNTED_DISCS.map((discs) => [
        String(discs),
        hypergeometric(possible.length, looked, discs, seen.length),
      ]);
    }
    case "where": {
      const last = seen.at(-1);
      if (last === undefined) return PLACES.map((place) => [place, 1]);
      const mayLeave =
        seen.length === 1 && possible.includes(last.second + 1) && !sampled.has(last.second + 1);
      const mayHaveCome =
        seen.length === 2 || (last.second > (possible[0] as number) && !sampled.has(last.second - 1));
      const others = PLACES.filter((place) => place !== last.place);
      return [
        ...(mayHaveCome ? certainly(last.place) : []),
        ...(mayLeave ? others.map((place) => [place, 1 / others.length] as const) : []),
      ];
    }
  }
}

/** Chance that `hits` of `discs` discs lie in the `looked` of `all` seconds, up to a factor that is equal for all discs. */
function hypergeometric(all: number, looked: number, discs: number, hits: number): number {
  return (choose(looked, hits) * choose(all - looked, discs - hits)) / choose(all, discs);
}

function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let result = 1;
  for (let i = 0; i < k; i++) result *= (n - i) / (i + 1);
  return result;
}
