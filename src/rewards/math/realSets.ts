// Sets of real numbers with known ends, so that "x >= 3" and "[3, \infty)" are one answer.
import { evaluate } from "./evaluate.ts";
import { type MathValue, type RelationSign, symbolsOf, type Term } from "./expression.ts";

/** From `low` to `high`, which may be infinite. */
interface Stretch {
  readonly low: number;
  readonly high: number;
  readonly hasLow: boolean;
  readonly hasHigh: boolean;
}

/** Ascending, none touching the next. */
export type RealSet = readonly Stretch[];

/** undefined when it is none, or an end is no number. */
export function realSetOf(value: MathValue): RealSet | undefined {
  switch (value.type) {
    case "brackets":
      return interval(value);
    case "relation":
      return ofRelation(value.of, value.signs);
    case "union": {
      const parts = value.of.map(realSetOf);
      return parts.every((part) => part !== undefined) ? joined(parts.flat()) : undefined;
    }
    case "set":
      // "x < 1 or x > 2", without braces.
      return !value.braces && value.of.length > 0 && value.of.every((part) => part.type === "relation")
        ? realSetOf({ type: "union", of: value.of })
        : undefined;
    case "named":
      return value.value.type === "brackets" || value.value.type === "union"
        ? realSetOf(value.value)
        : undefined;
    default:
      return undefined;
  }
}

export function equalRealSets(a: RealSet, b: RealSet): boolean {
  const near = (x: number, y: number): boolean =>
    x === y || Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(y));
  return (
    a.length === b.length &&
    a.every((s, i) => {
      const t = b[i] as Stretch;
      return near(s.low, t.low) && near(s.high, t.high) && s.hasLow === t.hasLow && s.hasHigh === t.hasHigh;
    })
  );
}

function interval({ of, ends }: Extract<MathValue, { type: "brackets" }>): RealSet | undefined {
  const [left, right] = of;
  if (of.length !== 2 || left?.type !== "term" || right?.type !== "term" || !/^[([][)\]]$/.test(ends))
    return undefined;
  const [low, high] = [evaluate(left.term), evaluate(right.term)];
  if (!(low < high)) return undefined;
  return [stretch(low, high, ends.startsWith("["), ends.endsWith("]"))];
}

const stretch = (low: number, high: number, hasLow: boolean, hasHigh: boolean): Stretch => ({
  low,
  high,
  hasLow: hasLow && low !== -Infinity,
  hasHigh: hasHigh && high !== Infinity,
});

/** `x > 3`, `3 < x`, `1 <= x < 2`. */
function ofRelation(of: readonly Term[], signs: readonly RelationSign[]): RealSet | undefined {
  const at = of.findIndex((term) => term.type === "symbol");
  if (at < 0 || of.length > 3 || (of.length === 3 && at !== 1)) return undefined;
  let [low, high, hasLow, hasHigh] = [-Infinity, Infinity, false, false];
  for (const [i, sign] of signs.entries()) {
    const isLeft = i < at;
    const bound = of[isLeft ? i : i + 1] as Term;
    if (symbolsOf(bound).size > 0 || !/^[<>]=?$/.test(sign)) return undefined;
    const end = evaluate(bound);
    if (Number.isNaN(end)) return undefined;
    const closed = sign.endsWith("=");
    if (sign.startsWith("<") === isLeft) {
      if (low !== -Infinity) return undefined;
      [low, hasLow] = [end, closed];
    } else {
      if (high !== Infinity) return undefined;
      [high, hasHigh] = [end, closed];
    }
  }
  return low < high ? [stretch(low, high, hasLow, hasHigh)] : undefined;
}

function joined(parts: readonly Stretch[]): RealSet {
  const result: Stretch[] = [];
  for (const part of parts.toSorted((a, b) => a.low - b.low || Number(b.hasLow) - Number(a.hasLow))) {
    const last = result.at(-1);
    const touches =
      last !== undefined &&
      (part.low < last.high || (part.low === last.high && (part.hasLow || last.hasHigh)));
    if (!touches) result.push(part);
    else if (part.high > last.high || (part.high === last.high && part.hasHigh))
      result[result.length - 1] = { ...last, high: part.high, hasHigh: part.hasHigh };
  }
  return result;
}
