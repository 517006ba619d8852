// The reward that PyVision-RL's reference implementation gives for geometry (geo3k): 0.9 for the answer as MathRuler grades
// it, 0.1 for the form. MathRuler's order of tests is kept: normal forms as text, then tuples part by part, where integers
// must be equal and fractions reduced, then terms by value. It has SymPy simplify their difference; here the terms are compared
// at fixed points. Of LaTeX it reads what pylatexenc renders; here fractions, roots, pi, infinity, products, unions, text.
import { gradeMathematics } from "../../rules/mathematics.ts";
import { pyFloat, pyInt, pyStrip } from "../python.ts";

export interface Geo3kScore {
  readonly score: number;
  readonly accuracy: 0 | 1;
  readonly format: 0 | 1;
}

export function geo3kScore(response: string, truth: string): Geo3kScore {
  const accuracy = gradeAsMathruler(lastBox(response), truth) ? 1 : 0;
  const format = hasForm(response) ? 1 : 0;
  return { score: 0.9 * accuracy + 0.1 * format, accuracy, format };
}

/** <think>…</think> from the start, then a box. */
function hasForm(response: string): boolean {
  if (!response.startsWith("<think>")) return false;
  const thought = response.indexOf("</think>");
  const box = thought < 0 ? -1 : response.indexOf("\\boxed{", thought);
  return box >= 0 && response.indexOf("}", box) >= 0;
}

/** Content of the last box that opens, escaped braces counted like others; "None" where it does not close. */
function lastBox(text: string): string {
  const at = text.lastIndexOf("\\boxed{");
  if (at < 0) return "None";
  const start = at + "\\boxed{".length;
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return pyStrip(text.slice(start, i));
  }
  return "None";
}

export function gradeAsMathruler(answer: string, truth: string): boolean {
  if (plainForm(answer) === plainForm(truth)) return true;
  const [given, wanted] = [normalForm(answer), normalForm(truth)];
  if (given === wanted) return true;
  if (given === "") return false;
  const [parts, wantedParts] = [partsOf(given), partsOf(wanted)];
  if (wantedParts.length > 1 && (given[0] !== wanted[0] || given.at(-1) !== wanted.at(-1))) return false;
  return (
    parts.length === wantedParts.length && parts.every((part, i) => samePart(part, wantedParts[i] as string))
  );
}

function samePart(given: string, wanted: string): boolean {
  if (isFraction(given) && isFraction(wanted)) return given === wanted;
  if (isInteger(given) !== isInteger(wanted)) return false;
  return isReadable(`(${wanted})-(${given})`) && sameValue(given, wanted);
}

const sameValue = (answer: string, truth: string): boolean =>
  gradeMathematics({ question: "", answer, truth, kind: "" }, { decimals: 14 }) === "right";

/** The form of the MATH data set: commands of layout and units dropped, fractions and roots with their braces. */
function plainForm(text: string): string {
  const bare = inText(pyStrip(text))
    .replace(/\n|\\!/g, "")
    .replaceAll("\\\\", "\\")
    .replace(/[td]frac/g, "frac")
    .replace(/\\left|\\right|\^\{\\circ\}|\^\\circ|\\\$/g, "")
    .replace(/\\text\{ .*$/s, "")
    .replace(/\\?%/g, "")
    .replace(/(^|[ {])\./g, "$10.");
  const [left = "", right, ...more] = bare.split("=");
  const value = right !== undefined && more.length === 0 && left.length <= 2 ? right : bare;
  const braced = value
    .replace(/\\sqrt([^{])/g, "\\sqrt{$1}")
    .replaceAll(" ", "")
    .replace(/\\frac([^{])([^{])/g, "\\frac{$1}{$2}")
    .replace(/\\frac([^{])\{/g, "\\frac{$1}{");
  if (braced === "0.5") return "\\frac{1}{2}";
  const [, a, b] = /^(-?\d+)\/(-?\d+)$/.exec(braced) ?? [];
  const isPlain = [a, b].every((number) => number !== undefined && String(pyInt(number)) === number);
  return isPlain ? `\\frac{${a as string}}{${b as string}}` : braced;
}

const inText = (text: string): string => pyStrip(/^\\text\{(.+?)\}$/.exec(text)?.[1] ?? text);

const UNITS =
  /(?:degree|cm|centimeter|meter|mile|second|minute|hour|day|week|month|year|foot|feet|inch|yard)(?:es)?s? *(?:\^[0-9]+)?/g;

/** The form of PRM800K's grader: units, signs of money and percent dropped, large numbers written out, no spaces, small letters. */
function normalForm(text: string): string {
  let form = (/^\\text\{(.+?)\}$/.exec(text)?.[1] ?? text)
    .replace(/\\?[%$]/g, "")
    .replace(/ or | and /g, " , ")
    .replaceAll("million", "*10^6")
    .replaceAll("billion", "*10^9")
    .replaceAll("trillion", "*10^12")
    .replace(UNITS, "")
    .replace(/\^ *\\circ/g, "");
  if (form.startsWith("{") && form.endsWith("}")) form = form.slice(1, -1);
  form = form.replace(/,\\! */g, "");
  const number = pyFloat(form);
  if (number !== undefined && isWhole(number)) form = String(Math.round(number));
  if (form.includes("\\")) form = withoutLatex(form);
  form = form
    .replace(/- */g, "-")
    .replace(/([0-9]) +(?=[0-9])/g, "$1+")
    .replace(/[ {}]/g, "")
    .toLowerCase();
  return isInteger(form) ? String(Math.trunc(Number(form.replaceAll(",", "")))) : form;
}

/** As it is typed on one line. A fraction's parts get no brackets of their own, which the original lacks as well. */
function withoutLatex(text: string): string {
  let form = text.replace(/\\[td]?frac/g, " \\frac").replace(/\\left|\\right|\\[!,;: ]/g, "");
  const inner = /\\(frac|sqrt|text|mathrm|textbf|mathbf|mbox)\s*\{([^{}]*)\}(?:\s*\{([^{}]*)\})?/;
  for (let match = inner.exec(form); match !== null; match = inner.exec(form)) {
    const [whole, name, first = "", second] = match;
    const typed =
      name === "frac"
        ? `${first}/${second ?? ""}`
        : `${name === "sqrt" ? `sqrt(${first})` : first}${second === undefined ? "" : `{${second}}`}`;
    form = form.slice(0, match.index) + typed + form.slice(match.index + whole.length);
  }
  const symbols: readonly (readonly [RegExp, string])[] = [
    [/\\pi(?![A-Za-z])/g, "pi"],
    [/\\infty(?![A-Za-z])/g, "inf"],
    [/\\cup(?![A-Za-z])/g, "U"],
    [/\\(?:cdot|times)(?![A-Za-z])/g, "*"],
    [/\\(?=[{}])/g, ""],
  ];
  return pyStrip(symbols.reduce((typed, [command, symbol]) => typed.replace(command, symbol), form));
}

/** Parts of a tuple or interval; else the whole. Commas between thousands part nothing. */
function partsOf(form: string): readonly string[] {
  const joined = withoutThousands(form);
  if (joined === "") return [];
  return /^[()[\]][^()[\]]+[()[\]]$/.test(joined)
    ? joined
        .slice(1, -1)
        .split(",")
        .map((part) => pyStrip(part))
    : [joined];
}

const withoutThousands = (text: string): string => text.replace(/(?<=\d),(?=\d{3}(?!\d))/g, "");

const isWhole = (number: number): boolean =>
  Number.isFinite(number) && Math.abs(number - Math.round(number)) <= 1e-7;

function isInteger(text: string): boolean {
  const number = pyFloat(withoutThousands(text));
  return number !== undefined && isWhole(number);
}

const isFraction = (text: string): boolean => /^-?[0-9]+.?\/0*[1-9][0-9]*.?$/.test(text);

/** No more than two letters beside the names of functions, and no powers of several digits. */
const isReadable = (text: string): boolean =>
  new Set(text.replace(/sqrt|frac/g, "").match(/\p{L}/gu)).size <= 2 &&
  !/\^[{(]|\^[0-9]+\^|\^[0-9][0-9]+/.test(text);
