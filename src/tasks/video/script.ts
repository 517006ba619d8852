// What the teacher says about a clip, turn by turn, and what it expects of Python each time: the last turn holds the
// answer. The expectation makes the teacher honest (it never claims what the sequence does not show) and lets pretraining
// write whole episodes without running Python.
import { ConfigError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import type { ToolResult } from "../../core/trajectory.ts";
import { answerBlock, codeBlock } from "../world/phrases.ts";
import { DEFAULT_BEHAVIOUR } from "../world/teacherScript.ts";
import type { TeacherBehaviour } from "../world/teacherScript.ts";
import { PLACES } from "../world/vocabulary.ts";
import type { Place } from "../world/vocabulary.ts";
import { answerOf, shownAt, validAnswers } from "./clip.ts";
import type { Clip } from "./clip.ts";
import { renderSecond } from "./frames.ts";
import {
  COUNT_CODE,
  findCode,
  frameCaption,
  frameCode,
  frameTurn,
  showTurn,
  watchCode,
  watchTurn,
} from "./phrases.ts";

/** What a cell is to bring. */
export type Expectation =
  | { readonly type: "figure"; readonly second: number }
  | { readonly type: "stdout"; readonly text: string }
  | { readonly type: "nameError"; readonly name: string };

export interface ScriptTurn {
  readonly text: string;
  /** Missing in the last turn. */
  readonly expects?: Expectation;
}

/** The undefined name of the teacher's Python error. */
const WRONG_NAME = "video";

/**
 * The turns of one episode. `wrongPlace` looks at a second that was not asked for (`at`), `order` says in which order
 * discs are looked at where it does not matter (`when`).
 * @throws ConfigError for a probability outside [0, 1].
 */
export function* videoScript(
  clip: Clip,
  random: Random,
  options: Partial<TeacherBehaviour> = {},
): Generator<ScriptTurn, undefined> {
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options };
  for (const field of ["impatient", "giveUp", "wrongPlace", "pythonError"] as const)
    if (!(behaviour[field] >= 0 && behaviour[field] <= 1))
      throw new ConfigError(
        `teacher.${field} must be a probability, got ${behaviour[field]}; use 0 to switch it off`,
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
      yield { text: frameTurn(second), expects: { type: "figure", second } };
      said = "Wrong second. ";
    }
    if (i === 0 && pythonError) {
      yield {
        text: `${call.intent}${codeBlock(call.codeWith(WRONG_NAME))}`,
        expects: { type: "nameError", name: WRONG_NAME },
      };
      yield { text: `Fix the name.${codeBlock(call.codeWith("video_clue_0"))}`, expects: call.expects };
    } else {
      yield { text: said + call.text, expects: call.expects };
    }
    said = call.caption === "" ? "" : `${call.caption} `;
  }
  yield { text: said.trimEnd() + answerBlock(answerOf(clip)) };
}

interface Call {
  readonly text: string;
  /** The words before the code, and the code, of a call that may name the video wrongly. */
  readonly intent: string;
  codeWith(videoName: string): string;
  readonly expects: Expectation;
  /** What the teacher says of it in its next turn. */
  readonly caption: string;
}

/** The calls after which the question can be answered. */
function neededCalls(clip: Clip, order: TeacherBehaviour["order"], random: Random): readonly Call[] {
  const { question, showings } = clip;
  const all = showings.map((showing) => showing.second);
  const until = (seconds: readonly number[], wanted: (second: number) => boolean): Call[] =>
    seconds.slice(0, seconds.findIndex(wanted) + 1).map((second) => showCall(clip, second));
  const colourAt = (second: number): string => shownAt(clip, second)?.colour ?? "";
  switch (question.kind) {
    case "at":
      return [frameCall(clip, question.second)];
    case "what":
      return [watchCall(clip), ...all.filter((s) => s >= question.from && s <= question.to).map((s) => showCall(clip, s))]; // prettier-ignore
    case "when": {
      const seconds = order === "random" ? random.shuffle(all) : all;
      return [watchCall(clip), ...until(seconds, (second) => colourAt(second) === question.colour)];
    }
    case "order":
      return [watchCall(clip), ...until(all, (second) => (question.colours as readonly string[]).includes(colourAt(second)))]; // prettier-ignore
    case "count":
      return [watchCall(clip), plainCall("Count.", COUNT_CODE, { type: "stdout", text: String(all.length) })];
    case "where": {
      const last = all.at(-1) as number;
      const place = shownAt(clip, last)?.place as Place;
      return [
        watchCall(clip),
        plainCall(`Find ${last}.`, findCode(last), { type: "stdout", text: halvesOf(place) }),
      ];
    }
  }
}

function frameCall(clip: Clip, second: number): Call {
  return {
    text: frameTurn(second),
    intent: `Look ${second}.`,
    codeWith: (name) => frameCode(second, name),
    expects: { type: "figure", second },
    caption: frameCaption(shownAt(clip, second)?.colour),
  };
}

function watchCall(clip: Clip): Call {
  return {
    text: watchTurn(),
    intent: "Watch.",
    codeWith: watchCode,
    expects: { type: "stdout", text: `[${clip.showings.map((showing) => showing.second).join(" ")}]` },
    caption: "",
  };
}

function showCall(clip: Clip, second: number): Call {
  return { ...frameCall(clip, second), text: showTurn(second) };
}

function plainCall(intent: string, code: string, expects: Expectation): Call {
  return { text: intent + codeBlock(code), intent, codeWith: () => code, expects, caption: "" };
}

/** As findCode prints a place: row, column, and the mean channel's half, which is always 0. */
function halvesOf(place: Place): string {
  const number = PLACES.indexOf(place);
  return `[${number >> 1}. ${number & 1}. 0.]`;
}

/** What an observation holds that meets the expectation, as the tool gives it. */
export function expectedResult(clip: Clip, expects: Expectation): ToolResult {
  const nothing = { outcome: { type: "ok" }, alive: true, stdout: "", figures: [], elapsedMs: 0 } as const;
  switch (expects.type) {
    case "figure":
      return { ...nothing, figures: [renderSecond(clip, expects.second)] };
    case "stdout":
      return { ...nothing, stdout: `${expects.text}\n` };
    case "nameError": {
      const message = `name '${expects.name}' is not defined`;
      const traceback = `NameError: ${message}`;
      return { ...nothing, outcome: { type: "pythonError", errorType: "NameError", message, traceback } };
    }
  }
}
