// A free answer without what may stand around its value: "The answer is about 60, because …" as "60". One place for all numeric
// rules. What may be passed over is listed here; anything else stays, and the answer is then no clean value.
import { wordsAsNumber } from "../rules/measure.ts";
import { plainCharacters, unwrapped } from "../rules/text.ts";

/** Each leads a value in without changing it. */
const LEADS: readonly RegExp[] = [
  /^(?:so|thus|hence|therefore|then)\b,?\s+/i,
  /^(?:it|this|that|there|(?:the|my)(?: (?:final|correct|total|exact|approximate))? (?:answer|result|value|number|count|total))(?: is|'s| are| equals)\b(?: equal to\b)?\s*:?\s*/i,
  /^(?:(?:final|correct) )?(?:answer|result)\s*:\s*/i,
  /^(?:I|we) (?:get|count|find|obtain|see)\b\s*/i,
  /^答案(?:是|为)?\s*:?\s*/,
  /^(?:about|around|approximately|approx\.?|roughly|nearly|almost|circa|exactly|equals)\s+/i,
  /^(?:\\(?:approx|simeq|cong|doteq|sim)(?![a-zA-Z])|[≈≃≅~=])\s*/,
];
const TAIL =
  /[\s,]+(?:\(?(?:exactly|approximately|approx\.?|exact|rounded)\)?|in total|total|altogether|overall|apart)$/i;

const DENIALS =
  "nor?|not|never|neither|but|instead|rather|maybe|perhaps|possibly|probably|unlikely|unsure|unclear|wrong|incorrect|false|" +
  "impossible|mistaken?|wait|actually|cannot|oder|nicht|nein";
const OTHERS =
  "or|either|than|except|without|unless|if|between|versus|vs|less|more|fewer|least|most|only|half|quarter|third|double|" +
  "twice|triple|dozens?|hundreds?|thousands?|millions?|billions?|minus|plus|negative|opposite";
const anyOf = (words: string): RegExp => new RegExp(`\\b(?:${words})\\b|n't\\b|[或不否非]`, "i");

/** Words beside a name that make it say something else, "half of AB"; the languages are those that models slip into. */
export const DENIES = anyOf(`${DENIALS}|${OTHERS}`);
/** Words beside a number that make it another one, deny it or leave it open. */
export const CHANGES = anyOf(`${DENIALS}|${OTHERS}|and|to|per|of|is|are|was|be|over|under|above|below|times`);
/** Where a reason may name another value in words. */
const NAMED =
  /(?<=^|\b(?:is|are|be|equals?|answer|gets?|gives?|makes?|so|to)\b:?\s+|[,;:.]\s*)\b[a-z]+(?:-[a-z]+)?/gi;
/** Words by which a reason takes back what it is given for. */
const TAKES_BACK = anyOf(`${DENIALS}|none|however|mistakes?|correction|should`);
const STRUCK = /^~~.*~~$|\\(?:b|x)?cancel(?![a-zA-Z])|\\(?:sout|not)(?![a-zA-Z])/;
/** A longer answer is taken as it is. */
const MOST_CHARS = 1000;
const NUMBER = /\d+(?:[.,]\d+)*|\.\d+/g;

/** Digits of all scripts as 0 to 9, and thousands that a thin space parts as one number. */
function withPlainDigits(text: string): string {
  return text.replace(/(?<=\d)[\u2009\u202f](?=\d{3}(?!\d))/g, "").replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) as number;
    if (code < 0x80) return digit;
    let before = 0;
    while (/^\p{Nd}$/u.test(String.fromCodePoint(code - before - 1))) before++;
    return String(before % 10);
  });
}

/**
 * Without leads, marks, a reason behind it, and with plain digits. A question ("60?") and what is struck out are none.
 * @param isClean whether a text is one value: only behind such a one is a reason cut; none by default
 */
export function bareAnswer(
  answer: string,
  isClean: (text: string) => boolean = () => false,
): string | undefined {
  if (answer.length > MOST_CHARS) return unwrapped(answer);
  const text = withPlainDigits(answer).trim();
  if (STRUCK.test(text) || /\?[\s$*"')}\]]*$/.test(text)) return undefined;
  const [, head = "", reason = ""] = /^(.+?)(?:[\s,;.]+(?:because|since)\b|,?\s*\n)(.*)$/isu.exec(text) ?? [];
  const value = withoutLead(head);
  if (value !== "" && isReason(reason, value) && isClean(value)) return value;
  return withoutLead(text);
}

/** Nothing in it takes the value back, and the last number that it comes to, if any, is the value. */
function isReason(reason: string, value: string): boolean {
  const plain = plainCharacters(reason);
  if (TAKES_BACK.test(plain)) return false;
  for (const [word] of plain.matchAll(NAMED)) {
    const number = wordsAsNumber(word);
    if (number !== undefined && number !== (wordsAsNumber(value) ?? Number(value))) return false;
  }
  const [last, given] = [plain.match(NUMBER)?.at(-1), value.match(NUMBER)?.at(-1)];
  return last === undefined || last === given;
}

export function withoutLead(text: string): string {
  let result = unwrapped(text);
  for (let pass = 0; pass < 6; pass++) {
    const before = result;
    for (const lead of LEADS) result = result.replace(lead, "");
    result = unwrapped(result.replace(TAIL, "")).replace(/^(?:minus|negative) (?=[\d.])/i, "-");
    if (result === before) break;
  }
  return result;
}

const OTHER_RELATION = /[<>≠≤≥]|!=|\\(?:neq?|lt|gt|leq?|geq?|leqslant|geqslant|not)(?![a-zA-Z])/;
const EQUAL = /\\(?:approx|simeq|cong|doteq)(?![a-zA-Z])|[≈≃≅]|(?<![:=])=(?!=)/;

/** Between the signs "=" and "≈" of a chain; the text itself where another relation stands in it. */
export const sidesOf = (text: string): readonly string[] =>
  OTHER_RELATION.test(text) ? [text] : text.split(EQUAL).map((side) => side.trim());
