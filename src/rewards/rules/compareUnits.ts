// What the number of an answer is multiplied by before it is compared with the truth's, given the units of both and the
// unit the question asks for. A missing unit is the other's; a wrong one is a wrong answer.
import type { Unit } from "./units.ts";

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
