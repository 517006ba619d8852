// Which rule grades an answer: named by the recipe, or told by the look of question and truth. The look is that of what
// the trainer knows, never of the answer, so that a model cannot choose how it is graded.
import type { Graded, RuleGrader, Verdict } from "../verdict.ts";
import { chosenBy, gradeChoice } from "./choice.ts";
import { gradeMathematics } from "./mathematics.ts";
import { isTime, measuresOf, numberOfMeasure } from "./measure.ts";
import { gradeNumeric, gradeRelative, type NumberOptions } from "./number.ts";
import { optionsOf } from "./options.ts";
import { folded, gradeExact, gradeText } from "./text.ts";

export type LeafGraderOptions =
  | { readonly type: "auto" | "choice" | "text" | "exact" }
  | ({ readonly type: "number" } & NumberOptions)
  | { readonly type: "mathematics"; readonly decimals: number }
  | { readonly type: "meanRelativeAccuracy"; readonly least: number };

export type GraderOptions =
  | LeafGraderOptions
  | {
      readonly type: "byKind";
      readonly kinds: Readonly<Record<string, LeafGraderOptions>>;
      readonly otherwise: LeafGraderOptions;
    };

/** What kind of answer a question wants. */
export type AnswerForm = "choice" | "number" | "mathematics" | "text";

export function ruleGrader(options: GraderOptions): RuleGrader {
  return guarded((graded) => gradeBy(leafOf(options, graded.kind), graded));
}

/** The rule for tasks of one kind. */
export function leafOf(options: GraderOptions, kind: string): LeafGraderOptions {
  if (options.type !== "byKind") return options;
  return Object.hasOwn(options.kinds, kind) ? (options.kinds[kind] as LeafGraderOptions) : options.otherwise;
}

/** Whether answers to this kind of task are numbers that mean relative accuracy is told of. */
export const isNumericKind = (options: GraderOptions, kind: string): boolean =>
  ["number", "meanRelativeAccuracy"].includes(leafOf(options, kind).type);

export function answerForm({ question, truth }: Pick<Graded, "question" | "truth">): AnswerForm {
  const options = optionsOf(question);
  const isLetter = /^[([]?[A-Z][)\].]?$/.test(truth.trim());
  if (isLetter || (options.length > 0 && chosenBy(truth, options).type === "letters")) return "choice";
  if (isTime(truth) && !/\b(?:ratio|proportion|scale)\b/i.test(question)) return "text";
  const measures = measuresOf(truth, question);
  const [first] = measures;
  if (first?.value.type === "term" && numberOfMeasure(first) !== undefined) return "number";
  return measures.length > 0 && /[\d\\^=<>+*/()[\]{}-]/.test(truth) ? "mathematics" : "text";
}

/** The form that a rule reads an answer in, which the judge's prompt is chosen by. */
export function formOf(options: GraderOptions, graded: Graded): AnswerForm {
  const { type } = leafOf(options, graded.kind);
  switch (type) {
    case "choice":
    case "mathematics":
    case "text":
    case "number":
      return type;
    case "meanRelativeAccuracy":
      return "number";
    case "exact":
      return "text";
    case "auto":
      return answerForm(graded);
    default:
      return type satisfies never;
  }
}

function gradeBy(options: LeafGraderOptions, graded: Graded): Verdict {
  switch (options.type) {
    case "auto":
      return gradeByForm(graded);
    case "choice":
      return gradeChoice(graded);
    case "number":
      return gradeNumeric(graded, options);
    case "mathematics":
      return gradeMathematics(graded, options);
    case "meanRelativeAccuracy":
      return gradeRelative(graded, options.least);
    case "text":
      return gradeText(graded);
    case "exact":
      return gradeExact(graded);
    default:
      return options satisfies never;
  }
}

const EXACTLY: NumberOptions = { relativeTolerance: 0, absoluteTolerance: 0, units: "convert" };

function gradeByForm(graded: Graded): Verdict {
  switch (answerForm(graded)) {
    case "choice":
      return gradeChoice(graded);
    case "number":
      return gradeNumeric(graded, EXACTLY);
    case "mathematics":
      return gradeMathematics(graded, { decimals: 6 });
    case "text":
      return gradeText(graded);
  }
}

/** Control tokens of chats and marks of the protocol: no answer holds them, and a judge shall not read them. */
const MARKS =
  /<\|[^|>]{1,40}\|>|<\/?(?:answer|code|think|tool_response|tool_call|interpreter|judge|system)\b[^>]*>/i;

/** What no rule has to think of: an empty answer, marks of the protocol, and a truth that is empty. */
function guarded(grade: RuleGrader): RuleGrader {
  return (graded) => {
    if (folded(graded.truth) === "" && graded.truth.trim() === "") return "unknown";
    if (graded.answer.trim() === "" || MARKS.test(graded.answer)) return "wrong";
    return grade(graded);
  };
}

/**
 * Why a task cannot be graded: its own truth, given as the answer, is not right by the rule. undefined when it is. With a judge,
 * such a truth may still be decided; by rules alone nobody can answer it.
 */
export function truthProblem(grade: RuleGrader, task: Omit<Graded, "answer">): string | undefined {
  if (task.truth.trim() === "") return "the answer is empty";
  const verdict = grade({ ...task, answer: task.truth });
  return verdict === "right"
    ? undefined
    : `the grader finds the answer itself ${verdict}: ${JSON.stringify(task.truth.slice(0, 80))}`;
}
