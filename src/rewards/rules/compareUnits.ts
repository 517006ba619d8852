// What the number of an answer is multiplied by before it is compared with the truth's, given the units of both and the
// unit the question asks for. A missing unit is the other's; a wrong one is a wrong answer.
import { someTerm } from "../math/expression.ts";
import type { Measure } from "./measure.ts";
import { askedUnit, namesDimension, parseUnit, type Unit } from "./units.ts";

export type UnitComparison =
  | { readonly type: "different" }
  | {
      readonly type: "comparable";
      /** The answer is right when it is with one of these. */
      readonly factors: readonly number[];
      /** When it is right with one of these only, nobody can tell. */
      readonly doubtful: readonly number[];
    };

const comparable = (factors: readonly number[], doubtful: readonly number[] = []): UnitComparison => ({
  type: "comparable",
  factors,
  doubtful,
});

const PERCENT = "percent^1";
const DEGREE = "degree^1";

/**
 * By the units as written, the angles in radians that their pi gives away, and the question. A lone letter on one side only,
 * "2m" for "2", may be a unit or a symbol: nobody can tell, unless the question speaks of what it measures.
 */
export function compareMeasures(
  given: Measure,
  truth: Measure,
  question: string,
  letters: "units" | "open" = "open",
): UnitComparison {
  const left = temperature(inRadians(given, truth), truth.unit, question);
  const right = temperature(inRadians(truth, given), given.unit, question);
  const units = compareUnits(left, right, askedUnit(question));
  const only = left === undefined ? right : right === undefined ? left : undefined;
  if (
    letters === "units" ||
    units.type === "different" ||
    only?.isLetter !== true ||
    namesDimension(question, only)
  )
    return units;
  return comparable([], [...units.factors, ...units.doubtful]);
}

/** The unit; radians for a bare multiple of pi beside degrees. */
function inRadians({ value, unit }: Measure, other: Measure): Unit | undefined {
  if (unit !== undefined || other.unit?.dimension !== DEGREE) return unit;
  const inner = value.type === "named" ? value.value : value;
  const hasPi =
    inner.type === "term" && someTerm(inner.term, (term) => term.type === "constant" && term.name === "pi");
  return hasPi ? parseUnit("rad") : undefined;
}

/** "25 degrees" is a temperature where one is asked for and the other side says of which scale. */
function temperature(unit: Unit | undefined, other: Unit | undefined, question: string): Unit | undefined {
  if (unit?.dimension !== DEGREE || unit.factor !== 1 || other === undefined) return unit;
  if (!/^(?:celsius|fahrenheit)\^1$/.test(other.dimension)) return unit;
  return /temperature|thermometer|celsius|fahrenheit|° ?[CF]\b/i.test(question) ? other : unit;
}

export function compareUnits(
  given: Unit | undefined,
  truth: Unit | undefined,
  asked: Unit | undefined,
): UnitComparison {
  if (given?.dimension === PERCENT || truth?.dimension === PERCENT)
    return comparePercent(given, truth, asked);
  // Where the truth has no unit it is in the one that was asked for.
  const wanted = truth ?? (asked?.dimension === PERCENT ? undefined : asked);
  if (given === undefined) {
    // An answer without a unit is in the one that was asked for, else in the truth's.
    const meant = asked !== undefined && asked.dimension === truth?.dimension ? asked : wanted;
    return comparable([meant === undefined || wanted === undefined ? 1 : meant.factor / wanted.factor]);
  }
  if (wanted === undefined) return comparable([1]);
  if (given.dimension === wanted.dimension) return comparable([given.factor / wanted.factor]);
  // The question's unit was guessed from its words; the truth's own was not.
  return truth === undefined ? comparable([], [1]) : { type: "different" };
}

/** 50% is 0.5, and 50 when the truth has no unit; 50 is 50% only when per cent was asked for. */
function comparePercent(
  given: Unit | undefined,
  truth: Unit | undefined,
  asked: Unit | undefined,
): UnitComparison {
  const [answered, wanted] = [given?.dimension, truth?.dimension];
  if (answered === PERCENT && wanted === PERCENT) return comparable([1]);
  if (answered === PERCENT) return wanted === undefined ? comparable([1, 0.01]) : { type: "different" };
  if (answered !== undefined) return { type: "different" };
  return asked?.dimension === PERCENT ? comparable([1, 100]) : comparable([100], [1]);
}
