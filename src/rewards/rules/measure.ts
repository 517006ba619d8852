// A measured answer: mathematics with a unit, and how two of them stand to one another. Read by the graders of numbers and
// of mathematics alike.
import { evaluate } from "../math/evaluate.ts";
import { type MathValue, someTerm, type Term } from "../math/expression.ts";
import { parseValue } from "../math/parseValue.ts";
import { NotMathematics } from "../math/tokens.ts";
import { unwrapped } from "./text.ts";
import { splitUnit, type Unit } from "./units.ts";

export interface Measure {
  readonly value: MathValue;
  readonly unit?: Unit;
}

/** "Give it in terms of m": then m is a symbol, unlike in "in terms of \\pi". */
const hasSymbols = (question: string): boolean =>
  /\bin terms of\b(?!\s*[$\\({]*\s*(?:pi\b|π))/i.test(question);

/**
 * Readings of a text, the likelier first: "1,200" is a number, or else two of them. None when it is not mathematics. No unit is
 * read where the question wants an answer in terms of symbols.
 */
export function measuresOf(text: string, question = ""): readonly Measure[] {
  if (text.length > 1000) return [];
  const whole = unwrapped(text);
  const words = wordsAsNumber(whole);
  if (words !== undefined) return [{ value: numeric(words) }];
  if (isWord(whole) || isDateOrRange(whole)) return [];
  // A dollar sign before a number is money; elsewhere it is typesetting.
  const bare = /^\\?\$ ?[\d.][^$]*$/.test(whole) ? whole : whole.replace(/(?<!\\)\$/g, " ").trim();
  const joined = withoutThousands(bare);
  const readings = joined === bare ? [bare] : [joined, bare];
  if (hasSymbols(question))
    return readings.flatMap((reading) => {
      const value = read(reading);
      return value === undefined ? [] : [{ value }];
    });
  return readings.flatMap((reading) => measureOf(reading) ?? []);
}

export const numeric = (value: number): MathValue => ({ type: "term", term: numberTerm(value) });

export const numberTerm = (value: number): Term =>
  value < 0 ? { type: "negative", of: numberTerm(-value) } : { type: "number", text: String(value) };

/** With `factor` times its value, when it is a term. */
export function scaled(value: MathValue, factor: number): MathValue {
  if (factor === 1) return value;
  if (value.type === "named") return { ...value, value: scaled(value.value, factor) };
  if (value.type !== "term") return value;
  return { type: "term", term: { type: "product", of: [numberTerm(factor), value.term] } };
}

/** The number it is; undefined when it is none, or several. */
export function numberOfMeasure({ value }: Measure): number | undefined {
  const inner = value.type === "named" ? value.value : value;
  if (inner.type !== "term") return undefined;
  const number = evaluate(inner.term);
  return Number.isFinite(number) ? number : undefined;
}

function measureOf(text: string): Measure | undefined {
  const { body, unit } = splitUnit(text);
  const value = read(body);
  if (unit === undefined) return value === undefined ? undefined : { value };
  // "2m" is two meters, but the m of "x = 2m" or "n + m" is a symbol like the others.
  // The degrees of \sin 30^\circ are inside.
  const term = read(text);
  if (term?.type === "term" && someTerm(term.term, (part) => part.type === "call")) return { value: term };
  if (value !== undefined && (value.type !== "term" || Number.isFinite(evaluate(value.term))))
    return { value, unit };
  return term === undefined ? undefined : { value: term };
}

function read(text: string): MathValue | undefined {
  try {
    return parseValue(text);
  } catch (error) {
    if (error instanceof NotMathematics) return undefined;
    throw error;
  }
}

/** Letters alone are a word: "no" is not n times o. A single one is a symbol. */
const isWord = (text: string): boolean =>
  /^\p{L}[\p{L}\s'.-]+$/u.test(text) && !/^(?:pi|infinity)$/i.test(text);

/** "2023-05-01", "555-1234", "4-5", "1/2/2023": no differences and no quotients. */
const isDateOrRange = (text: string): boolean =>
  /^\d[\d.]*(?: ?- ?\d[\d.]*)+$/.test(text) || /^\d+\/\d+\/\d+$/.test(text);

/** "12:30" or "1:20:05", which is a ratio only where one is asked for. */
export const isTime = (text: string): boolean =>
  /^\d{1,2}:[0-5]\d(?::[0-5]\d)?(?: ?[ap]\.?m\.?)?$/i.test(text.trim());

/** Without the commas between thousands, unless they stand in brackets, where commas separate. */
function withoutThousands(text: string): string {
  if (/[([{]/.test(text.replace(/\\(?:text|mathrm|textrm)\s*\{[^{}]*\}/g, ""))) return text;
  return text.replace(/(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])/g, (digits) => digits.replaceAll(",", ""));
}

const ONES = (
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
  "eighteen nineteen"
).split(" ");
const TENS = ", ,twenty,thirty,forty,fifty,sixty,seventy,eighty,ninety".split(",");

/** "twenty-one", "one hundred and five", "half": the number in words, and nothing besides. */
export function wordsAsNumber(text: string): number | undefined {
  const words = text.toLowerCase().split(/[\s-]+/);
  if (words.length === 1 && words[0] === "half") return 0.5;
  if (words.length === 1 && (words[0] === "none" || words[0] === "zero")) return 0;
  if (words.length > 9) return undefined;
  let total = 0;
  let part = 0;
  let before: "start" | "one" | "ten" | "hundred" | "thousand" | "and" = "start";
  for (const word of words) {
    const one = ONES.indexOf(word);
    const ten = TENS.indexOf(word);
    if (one >= 0 && before !== "one" && (before !== "ten" || one < 10) && (one > 0 || words.length === 1))
      [part, before] = [part + one, "one"];
    else if (ten >= 2 && before !== "one" && before !== "ten") [part, before] = [part + 10 * ten, "ten"];
    else if (word === "hundred" && before === "one" && part < 10) [part, before] = [part * 100, "hundred"];
    else if (word === "thousand" && total === 0 && part > 0 && before !== "and")
      [total, part, before] = [part * 1000, 0, "thousand"];
    else if (word === "and" && (before === "hundred" || before === "thousand")) before = "and";
    else return undefined;
  }
  return before === "start" || before === "and" ? undefined : total + part;
}
