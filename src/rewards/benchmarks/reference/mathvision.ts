// MATH-V's evaluation as its authors published it (revision a1f5cc3), and VLMEvalKit's check of the same benchmark (e8e78f05).
// Both are rules alone. Texts are lower case from the extraction on.
import { evaluate } from "../../math/evaluate.ts";
import { symbolsOf } from "../../math/expression.ts";
import { NotMathematics } from "../../math/tokens.ts";
import { readArithmetic } from "../mathVerify/arithmetic.ts";
import { ofTerm, written } from "../mathVerify/parsed.ts";
import { pyFloat, pyInt, pyStrip, pyStripEnd, roundHalfEven } from "../python.ts";
import type { ScoredFields } from "../scorer.ts";
import { latexNumber, type LatexNumber } from "./latexNumber.ts";
import { canInfer } from "./vlmevalkitChoice.ts";

const LETTERS = "ABCDE";
const FLAGS = ["the final answer is", "the answer is", "the correct answer is", "the answer should be"];

/** What is compared of a response. */
export function mathvisionAnswer(response: string): string {
  let answer = pyStrip(response);
  for (const c of LETTERS) if (isLetter(answer, c)) answer = c;
  const tail = pyStripEnd(answer.split("is ").at(-1) ?? "", ".");
  if (pyFloat(tail) !== undefined) answer = tail;
  const pieces = answer.split("oxed{");
  if (pieces.length === 1) answer = afterFlags(answer);
  else if (pieces.length > 2) answer = `\\boxed{${pieces.at(-1) ?? ""}`;
  const plain = cleaned(answer)
    .replace(/\(([a-e])\)/g, "$1")
    .replace(/\{([a-e])\}/g, "$1");
  return pyStrip(pyStripEnd(plain, ".").replace(/^:+/, ""));
}

const isLetter = (text: string, c: string): boolean =>
  text.endsWith(` ${c}.`) ||
  text.endsWith(` (${c}).`) ||
  text.startsWith(`${c}\n`) ||
  text.startsWith(`(${c})\n`) ||
  text.startsWith(`(${c}) ${c}\n`);

function afterFlags(text: string): string {
  let answer = text;
  for (const flag of FLAGS.flatMap((words) => [words, words.replaceAll("the", "The")])) {
    const pieces = answer.split(flag);
    answer = pyStrip(pieces.at(-1) ?? "");
    if (pieces.length > 1) answer = (answer.split("\n")[0] ?? "").split(". ")[0] ?? "";
  }
  return answer;
}

/** Deleted in this order. */
const DELETED = [" ", "\\,"] as const;
const LATER_DELETED = [
  "\\text",
  "\\mbox",
  "\\left",
  "\\right",
  "^{\\circ}",
  "^\\circ",
  "{m}^3",
  "m^3",
  "{units}",
  "units",
  "{km}",
  "km",
] as const;

function cleaned(response: string): string {
  const text = response.toLowerCase().replaceAll("{}", "");
  let answer = /oxed\{(.*)\}/s.exec(text)?.[1] ?? text;
  const [open, close] = [answer.indexOf("{"), answer.indexOf("}")];
  if (close >= 0 && (open < 0 || close < open)) answer = answer.slice(0, close);
  answer = answer.split("=").at(-1)?.split("\\approx").at(-1) ?? "";
  for (const mark of DELETED) answer = answer.replaceAll(mark, "");
  answer = answer
    .replaceAll("∞", "\\infty")
    .replaceAll("+\\infty", "\\infty")
    .replaceAll("\\\\", "\\")
    .replaceAll("\n", "");
  for (const mark of LATER_DELETED) {
    answer = answer.replaceAll(mark, "");
    if (mark === "\\mbox") answer = answer.replaceAll("bmatrix", "pmatrix");
  }
  return stripped(answer);
}

function stripped(text: string): string {
  let answer = text
    .replaceAll("\\!", "")
    .replaceAll("\\\\", "\\")
    .replace(/[td]frac/g, "frac");
  for (const mark of ["\\left", "\\right", "^{\\circ}", "^\\circ", "\\$", "$"])
    answer = answer.replaceAll(mark, "");
  answer = answer.replaceAll("\\%", "").replaceAll("{.", "{0.");
  if (answer.startsWith(".")) answer = `0${answer}`;
  if (answer.includes("sqrt")) answer = withFractions(withRoots(answer));
  if (answer === "0.5") return "\\frac{1}{2}";
  return withSlash(answer);
}

const withRoots = (text: string): string =>
  text.replace(/\\sqrt(?!\{)([^]?)/gu, (_, c: string) => (c === "" ? "\\sqrt" : `\\sqrt{${c}}`));

/** `\frac12`; all or none. */
function withFractions(text: string): string {
  const [before = "", ...after] = text.split("\\frac");
  if (after.some((piece) => !piece.startsWith("{") && piece.length < 2)) return text;
  const pieces = after.map((piece) => {
    if (piece.startsWith("{")) return piece;
    const [a = "", b = ""] = piece;
    return b === "{" ? `{${a}}${piece.slice(1)}` : `{${a}}{${b}}${piece.slice(2)}`;
  });
  return [before, ...pieces].join("\\frac");
}

function withSlash(text: string): string {
  const [a, b, more] = text.split("/").map((side) => (pyInt(side)?.toString() === side ? side : undefined));
  return a === undefined || b === undefined || more !== undefined || text.split("/").length !== 2
    ? text
    : `\\frac{${a}}{${b}}`;
}

/** The same text, tuples of the same rounded members, or numbers that round to the same two decimals. */
export function equalAsMathvision(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  if (a.replaceAll(" ", "") === "" || b.replaceAll(" ", "") === "") return false;
  if (pyStrip(a) === pyStrip(b)) return true;
  const [left, right] = [tupleOf(a), tupleOf(b)];
  if (left === right) return true;
  const [x, y] = [latexNumber(left), latexNumber(right)];
  return x !== undefined && y !== undefined && roundHalfEven(x.value, 2) === roundHalfEven(y.value, 2);
}

/** With its members rounded, when all of them are numbers. */
function tupleOf(text: string): string {
  const members = text.slice(1, -1).split(",");
  const ends = `${text[0] ?? ""}${text.at(-1) ?? ""}`;
  if (members.length < 2 || (ends !== "()" && ends !== "[]")) return text;
  const rounded = members.map((member) => {
    if (member.includes("infty") || member === "a" || member === "-a") return member;
    const number = latexNumber(member);
    return number && printed(number);
  });
  return rounded.includes(undefined) ? text : `${ends[0] ?? ""}${rounded.join()}${ends[1] ?? ""}`;
}

function printed({ value, isInteger }: LatexNumber): string {
  const rounded = roundHalfEven(value, 2);
  return Number.isInteger(rounded) && !isInteger ? `${String(rounded)}.0` : String(rounded);
}

/** The authors' verdict: equal to the truth's letter, or to its option's text. */
export function mathvisionScore(
  response: string,
  { answer, options }: Pick<ScoredFields, "answer" | "options">,
): 0 | 1 {
  const given = mathvisionAnswer(response);
  const text = options.find(({ letter }) => letter === answer)?.text ?? "";
  return equalAsMathvision(answer, given) || equalAsMathvision(text, given) ? 1 : 0;
}

/** VLMEvalKit's verdict on a response before it asks a language model. */
export function vlmevalkitMathvision(
  response: string,
  { answer, options }: Pick<ScoredFields, "answer" | "options">,
): 0 | 1 {
  const text = /\\boxed\{([^}]*)\}/.exec(response)?.[1] ?? response;
  const given = options.length > 0 ? canInfer(text, options) : text;
  return given !== undefined && equalAsVlmevalkit(given, answer) ? 1 : 0;
}

function equalAsVlmevalkit(given: string, truth: string): boolean {
  const [a, b] = [given, truth].map((text) => pyStrip(text.toLowerCase())) as [string, string];
  if (a === b) return true;
  const [x, y] = [evaluated(a), evaluated(b)];
  if (x !== undefined && y !== undefined && Math.abs(x - y) < 1e-6) return true;
  const [left, right] = [latexNumber(a), latexNumber(b)];
  if (left === undefined || right === undefined) return false;
  const difference = Math.abs(left.value - right.value);
  // Of roots and \pi only SymPy's own difference is known, and it does not see that two forms are one number.
  const isPlain = [left, right].every(
    ({ term }) => !/"(?:root|constant|call|logarithm)"/.test(JSON.stringify(term)),
  );
  return (
    difference < 1e-6 &&
    (isPlain || difference > 1e-12 || written(ofTerm(left.term)) === written(ofTerm(right.term)))
  );
}

/** As Python's eval has it. */
function evaluated(text: string): number | undefined {
  try {
    const term = readArithmetic(text);
    return symbolsOf(term).size === 0 ? evaluate(term) : undefined;
  } catch (error) {
    if (error instanceof NotMathematics) return undefined;
    throw error;
  }
}
