// What the teacher says about a clip, turn by turn, and what it expects of Python each time: the last turn holds the
// answer. The expectation makes the teacher honest (it never claims what the sequence does not show) and lets pretraining
// write whole episodes without running Python.
import { ConfigError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import type { ToolResult } from "../../core/trajectory.ts";
import { answerBlock, codeBlock } from "../world/phrases.ts";
import { checkedBehaviour } from "../world/teacherScript.ts";
import type { TeacherBehaviour } from "../world/teacherScript.ts";
import { PLACES } from "../world/vocabulary.ts";
import type { Colour, Place } from "../world/vocabulary.ts";
import { answerOf, shownAt, validAnswers } from "./clip.ts";
import type { Clip, Showing } from "./clip.ts";
import { renderSecond } from "./frames.ts";
import {
  COUNT_CODE,
  discCode,
  FIND_CODE,
  frameCaption,
  frameCode,
  watchCode,
  windowCode,
} from "./phrases.ts";

/** What a cell is to bring. */
export type Expectation =
  | { readonly type: "figure"; readonly second: number; readonly printed?: string }
  | { readonly type: "stdout"; readonly text: string }
  | { readonly type: "nameError"; readonly name: string };

export interface ScriptTurn {
  readonly text: string;
  /** Missing in the last turn. */
  readonly expects?: Expectation;
}

/** The video, as every session has it. */
const VIDEO_NAME = "video_clue_0";
/** The undefined name of the teacher's Python error. */
const WRONG_NAME = "video";

/**
 * The turns of one episode. `wrongPlace` looks at a second that was not asked for (`at`), `order` says in which order
 * discs are looked at where it does not matter (`when`).
 * @throws ConfigError for a probability outside [0, 1], and for `needless`, which this world does not have.
 */
export function* videoScript(
  clip: Clip,
  random: Random,
  options: Partial<TeacherBehaviour> = {},
): Generator<ScriptTurn, undefined> {
  const behaviour = checkedBehaviour(options);
  if (behaviour.needless > 0)
    throw new ConfigError(
      `teacher.needless is of the world of pictures, got ${behaviour.needless}; leave it out for the world of video`,
    );

  const giveUp = behaviour.impatient === 1 || random.next() < behaviour.impatient ? behaviour.giveUp : 0;
  const calls = neededCalls(clip, behaviour.order, random);
  const spare = behaviour.maxCalls - calls.length;
  const wrongPlace = random.next() < behaviour.wrongPlace && clip.question.kind === "at" && spare > 0;
  const pythonError = random.next() < behaviour.pythonError && !wrongPlace && spare > 0;
  let said = "";
  for (const [i, call] of calls.entries()) {
    if (random.next() < giveUp) {
      yield { text: `${said}Guess.${answerBlock(random.pick(validAnswers(clip)))}` };
      return;
    }
    if (i === 0 && wrongPlace) {
      const second = 10 + random.below(clip.seconds - 10);
      yield { text: `Look ${second}.${codeBlock(frameCode(second))}`, expects: { type: "figure", second } };
      said = "Wrong second. ";
    }
    if (i === 0 && pythonError) {
      yield {
        text: `${call.intent}${codeBlock(call.codeWith(WRONG_NAME))}`,
        expects: { type: "nameError", name: WRONG_NAME },
      };
      yield { text: `Fix the name.${codeBlock(call.codeWith(VIDEO_NAME))}`, expects: call.expects };
    } else {
      yield { text: `${said}${call.intent}${codeBlock(call.codeWith(VIDEO_NAME))}`, expects: call.expects };
    }
    said = call.caption === "" ? "" : `${call.caption} `;
  }
  yield { text: said.trimEnd() + answerBlock(answerOf(clip)) };
}

interface Call {
  /** The words before the code. */
  readonly intent: string;
  /** The code, in which only the first call of an episode names the video. */
  codeWith(videoName: string): string;
  readonly expects: Expectation;
  /** What the teacher says of it in its next turn. */
  readonly caption: string;
}

/** The calls after which the question can be answered. */
function neededCalls(clip: Clip, order: TeacherBehaviour["order"], random: Random): readonly Call[] {
  const { question, showings } = clip;
  switch (question.kind) {
    case "at": {
      const { second } = question;
      const code = (name: string): string => frameCode(second, name);
      return [look(clip, `Look ${second}.`, code, { type: "figure", second })];
    }
    case "what": {
      const shown = showings.find(({ second }) => second >= question.from);
      if (shown === undefined) throw new Error("internal: nothing shows up in the window that is asked for");
      const code = (): string => windowCode(question.from);
      const call = look(clip, `Look from ${question.from}.`, code, { type: "figure", second: shown.second });
      return [watch(clip), call];
    }
    case "when": {
      const numbers = showings.map((_, number) => number);
      const scan = order === "random" ? random.shuffle(numbers) : numbers;
      return [watch(clip), ...discsUntil(clip, scan, [question.colour])];
    }
    case "order": {
      const numbers = showings.map((_, number) => number);
      return [watch(clip), ...discsUntil(clip, numbers, question.colours)];
    }
    case "count":
      return [watch(clip), plain("Count.", COUNT_CODE, String(showings.length))];
    case "where": {
      const place = showings.at(-1)?.place as Place;
      return [watch(clip), plain("Find.", FIND_CODE, `${PLACES.indexOf(place)}.0`)];
    }
  }
}

function watch(clip: Clip): Call {
  const seconds = clip.showings.map((showing) => showing.second);
  const expects = { type: "stdout", text: `[${seconds.join(" ")}]` } as const;
  return { intent: "Watch.", codeWith: watchCode, expects, caption: "" };
}

/** Looks at discs in this order until one has one of the colours. */
function discsUntil(clip: Clip, numbers: readonly number[], colours: readonly Colour[]): Call[] {
  const shown = numbers.map((number) => ({ number, ...(clip.showings[number] as Showing) }));
  return shown
    .slice(0, shown.findIndex(({ colour }) => colours.includes(colour)) + 1)
    .map(({ number, second }) => {
      const expects = { type: "figure", second, printed: String(second) } as const;
      return look(clip, `Disc ${number}.`, () => discCode(number), expects);
    });
}

function look(
  clip: Clip,
  intent: string,
  codeWith: Call["codeWith"],
  expects: Extract<Expectation, { type: "figure" }>,
): Call {
  return { intent, codeWith, expects, caption: frameCaption(shownAt(clip, expects.second)?.colour) };
}

function plain(intent: string, code: string, text: string): Call {
  return { intent, codeWith: () => code, expects: { type: "stdout", text }, caption: "" };
}

/** What an observation holds that meets the expectation, as the tool gives it. */
export function expectedResult(clip: Clip, expects: Expectation): ToolResult {
  const nothing = { outcome: { type: "ok" }, alive: true, stdout: "", figures: [], elapsedMs: 0 } as const;
  switch (expects.type) {
    case "figure":
      return {
        ...nothing,
        stdout: expects.printed === undefined ? "" : `${expects.printed}\n`,
        figures: [renderSecond(clip, expects.second)],
      };
    case "stdout":
      return { ...nothing, stdout: `${expects.text}\n` };
    case "nameError": {
      const message = `name '${expects.name}' is not defined`;
      const traceback = `NameError: ${message}`;
      return { ...nothing, outcome: { type: "pythonError", errorType: "NameError", message, traceback } };
    }
  }
}
