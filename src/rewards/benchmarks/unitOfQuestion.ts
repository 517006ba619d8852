// The unit that an answer is due in, by its truth and question, and what a unit in the answer is worth: one of another size is
// converted, one of another kind is wrong. Where neither truth nor question tells of a unit, any is passed over.
import { compareMeasures } from "../rules/compareUnits.ts";
import type { Measure } from "../rules/measure.ts";
import { askedUnit, parseUnit, type Unit } from "../rules/units.ts";

/** For the `differences` of the scorers that use it. */
export const UNITS_DIFFER =
  "A unit in an answer is compared where the truth or the question tells of one: another size is converted, another kind is wrong, " +
  "and so is any where things are counted; per cent are hundredths unless they are asked for. Where neither tells of a unit, any is " +
  "passed over.";

const PERCENT = "percent^1";

/** What the answer's number may be multiplied by before it is compared with the truth's; none when its unit is wrong. */
export function unitFactors(given: Measure, truth: Measure, question: string): readonly number[] {
  const plain = plainQuestion(question);
  const { unit } = given;
  if (unit === undefined || truth.unit !== undefined) {
    const compared = compareMeasures(given, truth, plain, "units");
    return compared.type === "comparable" ? compared.factors : [];
  }
  if (unit.dimension === PERCENT) return /per ?cent|%/i.test(question) ? [1, 0.01] : [0.01];
  const asked = askedUnit(plain) ?? unitAskedFor(plain);
  if (asked !== undefined) {
    const compared = compareMeasures(given, { ...truth, unit: asked }, plain, "units");
    return compared.type === "comparable" ? compared.factors : [];
  }
  return isCount(plain) ? [] : besideNamed(unit, namedUnits(question, plain), plain);
}

/** Without the marks of mathematics: "(in $\mathrm{cm}^{2}$)" as "(in cm^2)". */
const plainQuestion = (question: string): string =>
  question
    .replace(/\\(?:text|mathrm|textrm|rm)\s*\{[\s~]*([^{}]*?)[\s~]*\}/g, " $1")
    .replace(/\^?\{?\\circ\}?/g, "°")
    .replace(/\^\{(-?\d)\}/g, "^$1")
    .replace(/(?<!\\)\$/g, "")
    .replace(/~|\\[,;! ]/g, " ")
    .replace(/\(\s+/g, "(")
    .replace(/\s+/g, " ");

const COUNTED = /\b(?:how many|number of)\s+(?:(?:more|fewer|extra|total|whole|full|additional)\s+)*/i;

/** "How many degrees", "the number of square inches". */
function unitAskedFor(question: string): Unit | undefined {
  for (const match of question.matchAll(
    new RegExp(`${COUNTED.source}((?:square |cubic )?[a-zµ]{2,}(?:\\^\\d|[²³])?)`, "gi"),
  )) {
    const unit = parseUnit(match[1] as string);
    if (unit !== undefined && unit.dimension !== "") return unit;
  }
  return undefined;
}

/** Whether the question itself, not a clause before it, asks how many there are. */
function isCount(question: string): boolean {
  const sentences = question.split(/(?<=[.?!])\s/);
  return COUNTED.test(sentences.findLast((sentence) => sentence.includes("?")) ?? question);
}

/** Ordinals, prepositions, minima: too often no units. */
const AMBIGUOUS = /^(?:in|second|min|mi|ms|yd|mark|foot|st|um|nm|cc|ha)$/i;

/** Behind numbers, "10 cm", and those that are set as units, "1.7 \mathrm{~m}". */
function namedUnits(question: string, plain: string): readonly Unit[] {
  const found: Unit[] = [];
  const add = (text: string): void => {
    for (const part of [text, ...text.split(/\/| per /)]) {
      const unit = parseUnit(part);
      if (unit !== undefined && !["", PERCENT].includes(unit.dimension)) found.push(unit);
    }
  };
  for (const match of question.matchAll(
    /(?<=[\d})]\s*~?\s*)\\(?:text|mathrm|textrm|rm)\s*\{[\s~]*([^{}]*?)\s*\}(?:\^\{?(\d)\}?)?/g,
  ))
    add(`${match[1] as string}${match[2] === undefined ? "" : `^${match[2]}`}`);
  for (const match of plain.matchAll(
    /(?<=[\d})])[\s-]*((?:square |cubic |sq\.? )?([a-zµ]{2,12})(?:\^\d|[²³])?(?:\/[a-z]{1,6}| per [a-z]+)?)(?![a-z])/gi,
  ))
    if (!AMBIGUOUS.test(match[2] as string)) add(match[1] as string);
  if (/\d\s*°/.test(plain)) add("°");
  const [money] = /(?:\\\$|[€£¥])(?=[\s$]*\d)/.exec(question) ?? [];
  if (money !== undefined) add(money);
  return found;
}

/** Words by which a question speaks of a kind of unit without naming one. */
const SPEAKS_OF: Readonly<Record<string, RegExp>> = {
  m: /length|long|distance|\bfar\b|wid(?:e|th)|\btall|high|height|area|volume|perimeter|\bsides?\b|radius|diameter|circumference|deep|depth|size|surface|capacity/i,
  kg: /weigh|mass|heav/i,
  s: /time|\blong\b|speed|clock|duration|\bwhen\b|\blast\b|fast/i,
  month: /\bage\b|\bold\b|\blong\b|time/i,
  degree: /angle|∠|degree|°|rotat|\bturn|\barc\b|bearing|slope|inclin/i,
  dollar: /cost|price|pa(?:y|id)|money|earn|worth|budget|spend|spent|sales|profit|revenue|\$/i,
  euro: /cost|price|pa(?:y|id)|money|earn|worth|budget|spend|spent|sales|profit|revenue|€/i,
};

const isMoney = ({ dimension }: Unit): boolean => /^(?:dollar|euro|sterling|yuan)\^1$/.test(dimension);

/** Where the question names units, though not the answer's: of its sizes, or of a kind that the question speaks of. */
function besideNamed(unit: Unit, named: readonly Unit[], question: string): readonly number[] {
  if (named.length === 0) return [1];
  let sizes: readonly number[] = named
    .filter(({ dimension }) => dimension === unit.dimension)
    .map(({ factor }) => factor);
  if (sizes.length === 0) {
    if (isMoney(unit) && named.some(isMoney)) return [];
    sizes = [1];
    for (const part of unit.dimension.split(" ")) {
      const [basic = "", power = "1"] = part.split("^");
      const own = sizesOf(basic, named);
      if (own.length === 0) return SPEAKS_OF[basic]?.test(question) === true ? [1] : [];
      sizes = sizes.flatMap((size) => own.map((one) => size * one ** Number(power)));
    }
  }
  const factors = sizes.slice(0, 50).map((size) => unit.factor / size);
  return factors.some((factor) => Math.abs(factor - 1) < 1e-9) ? [1] : factors;
}

/** Of one basic unit: of "10 cm" and "5 cm^2" 0.01 each. */
const sizesOf = (basic: string, named: readonly Unit[]): readonly number[] =>
  named.flatMap(({ dimension, factor }) => {
    const [, power] = new RegExp(`^${basic}\\^(-?\\d+)$`).exec(dimension) ?? [];
    return power === undefined ? [] : [factor ** (1 / Number(power))];
  });
