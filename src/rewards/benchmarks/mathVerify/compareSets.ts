// Sets, tuples and intervals of Math-Verify: members in any order where the truth is a set, in order where it is a tuple, and
// an open interval of two numbers may have been meant as a pair.
import type { MathValue } from "../../math/expression.ts";
import { equalRealSets, realSetOf } from "../../math/realSets.ts";
import { ofTerm, type Parsed, type Relation, written } from "./parsed.ts";

type Equal = (gold: Parsed, answer: Parsed) => boolean;

export function equalSets(gold: Parsed, answer: Parsed, equal: Equal): boolean {
  const [g, a] = [asSet(gold, answer), asSet(answer)];
  if (written(g) === written(a)) return true;
  if (g.type === "interval" && a.type === "interval")
    return (
      g.openLow === a.openLow &&
      g.openHigh === a.openHigh &&
      equal(ofTerm(g.low), ofTerm(a.low)) &&
      equal(ofTerm(g.high), ofTerm(a.high))
    );
  const [realG, realA] = [g, a].map((set) => {
    const value = mathValueOf(set);
    return value && realSetOf(value);
  });
  if (realG !== undefined && realA !== undefined) return equalRealSets(realG, realA);
  const [left, right] = [membersOf(g), membersOf(a)];
  if (left === undefined || right === undefined || left.length !== right.length) return false;
  if (g.type !== "set") return left.every((one, at) => equal(one, right[at] as Parsed));
  const remaining = [...right];
  return left.every((one) => {
    const at = remaining.findIndex((other) => equal(one, other));
    if (at >= 0) remaining.splice(at, 1);
    return at >= 0;
  });
}

/** A lone value is the set of it; a relation as a truth is the set that it describes. */
function asSet(value: Parsed, other?: Parsed): Parsed {
  if (value.type === "term" || value.type === "matrix") return { type: "set", of: [value] };
  const isRelation = value.type === "relation" || value.type === "and";
  if (!isRelation || (other !== undefined && mathValueOf(value) !== undefined)) return value;
  return { type: "set", of: [value] };
}

function membersOf(set: Parsed): readonly Parsed[] | undefined {
  if (set.type === "set" || set.type === "tuple") return set.of;
  return set.type === "interval" && set.openLow && set.openHigh
    ? [ofTerm(set.low), ofTerm(set.high)]
    : undefined;
}

function mathValueOf(set: Parsed): MathValue | undefined {
  switch (set.type) {
    case "interval": {
      const { low, high, openLow, openHigh } = set;
      return {
        type: "brackets",
        of: [
          { type: "term", term: low },
          { type: "term", term: high },
        ],
        ends: `${openLow ? "(" : "["}${openHigh ? ")" : "]"}`,
      };
    }
    case "union": {
      const of = set.of.map(mathValueOf);
      return of.every((part) => part !== undefined) ? { type: "union", of } : undefined;
    }
    case "relation":
      return inequality([set]);
    case "and":
      return inequality(set.of);
    case "named":
      return set.name === "ℝ" ? REALS : undefined;
    default:
      return undefined;
  }
}

const INFINITY = { type: "constant", name: "infinity" } as const;
const REALS: MathValue = {
  type: "brackets",
  of: [
    { type: "term", term: { type: "negative", of: INFINITY } },
    { type: "term", term: INFINITY },
  ],
  ends: "()",
};

function inequality(relations: readonly Relation[]): MathValue | undefined {
  const sides = [relations[0]?.left, ...relations.map(({ right }) => right)];
  const of = sides.flatMap((side) => (side?.type === "term" ? [side.term] : []));
  if (of.length !== sides.length || relations.some(({ sign }) => sign === "=" || sign === "!="))
    return undefined;
  return { type: "relation", of, signs: relations.map(({ sign }) => sign) };
}
