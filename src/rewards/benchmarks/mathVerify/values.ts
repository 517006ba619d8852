// Whole answers as Math-Verify's grammar reads them: lists, tuples, intervals, sets and their unions, equations, chains of
// relations, matrices.
import { evaluate } from "../../math/evaluate.ts";
import type { Term } from "../../math/expression.ts";
import { NotMathematics } from "../../math/tokens.ts";
import { type Token, tokensOf } from "./lexer.ts";
import { isOnlySymbols, ofTerm, type Parsed, type Relation, setOf, type Sign } from "./parsed.ts";
import { isSymbolAtom, readTerm } from "./terms.ts";

const OPEN = new Set(["(", "[", "{", "\\{"]);
const CLOSE = new Set([")", "]", "}", "\\}"]);
const SIGNS = new Set(["=", "!=", "<", "<=", ">", ">=", "≈"]);
const NAMED = new Set(["ℕ", "ℤ", "ℚ", "ℝ", "ℂ", "∅"]);
const MAX_PARTS = 64;

const isSign = (token: Token | undefined, ...texts: readonly string[]): boolean =>
  token?.type === "sign" && texts.includes(token.text);

/** `latex` is normalised. @throws NotMathematics */
export function readLatex(latex: string): Parsed {
  const tokens = tokensOf(latex);
  if (tokens.length === 0) throw new NotMathematics("nothing");
  const assigned = assignedList(tokens);
  if (assigned !== undefined) return assigned;
  if (/^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/.test(latex)) return readLatex(latex.replaceAll(",", ""));
  return attempt(() => listOf(tokens)) ?? setExpression(tokens);
}

/** `x = 1, 2`: one name for all of it. undefined when more relations follow, or it is none. */
function assignedList(tokens: readonly Token[]): Parsed | undefined {
  const at = tokens.findIndex((token) => isSign(token, "=", "∈"));
  if (at < 1) return undefined;
  const left = symbolsBefore(tokens.slice(0, at));
  if (left === undefined) return undefined;
  const right = attempt(() => {
    const of = groupsOf(tokens.slice(at + 1)).map((group) => group.flatMap((part) => elements(part, false)));
    return together(of);
  });
  return right && { type: "relation", left, sign: "=", right };
}

/** A symbol, or several in brackets. */
function symbolsBefore(tokens: readonly Token[]): Parsed | undefined {
  if (isSymbolAtom(tokens)) return attempt(() => ofTerm(readTerm(tokens)));
  if (!isSign(tokens[0], "(") || !isSign(tokens.at(-1), ")")) return undefined;
  const parts = splitAt(tokens.slice(1, -1), (token) => isSign(token, ","));
  if (!parts.every(isSymbolAtom)) return undefined;
  const of = attempt(() => parts.map((part) => ofTerm(readTerm(part))));
  return of && (of.length === 1 ? of[0] : { type: "tuple", of });
}

const groupsOf = (tokens: readonly Token[]): readonly (readonly (readonly Token[])[])[] => {
  const groups = splitAt(tokens, (token) => isSign(token, ";")).map((group) =>
    splitAt(group, (token) => isSign(token, ",")),
  );
  if (groups.flat().length > MAX_PARTS) throw new NotMathematics("too many parts");
  return groups;
};

const listOf = (tokens: readonly Token[]): Parsed =>
  together(groupsOf(tokens).map((group) => group.flatMap((part) => elements(part, true))));

function together(groups: readonly (readonly Parsed[])[]): Parsed {
  const [first] = groups;
  if (groups.length === 1 && first !== undefined)
    return first.length === 1 ? (first[0] as Parsed) : setOf(first);
  if (groups.every((group) => group.length === 1)) return setOf(groups.flat());
  return setOf(groups.map((of): Parsed => ({ type: "tuple", of })));
}

/** Two for a ±. */
function elements(tokens: readonly Token[], relations: boolean): readonly Parsed[] {
  if (tokens.length === 0) throw new NotMathematics("an empty part");
  const halves = splitAt(tokens, (token) => isSign(token, "±"));
  if (halves.length > 2) throw new NotMathematics("two ±");
  if (halves.length === 2) {
    const [before = [], after = []] = halves;
    const term = readTerm(after);
    const minus: Term = { type: "negative", of: term };
    if (before.length === 0) return [ofTerm(minus), ofTerm(term)];
    const base = readTerm(before);
    return [term, minus].map((part) => ofTerm({ type: "sum", of: [base, part] }));
  }
  return [setAtom(tokens) ?? (relations ? relation(tokens) : ofTermOrMatrix(tokens))];
}

/** Interval, tuple, set in braces, or a set with a sign; undefined when it is none as a whole. */
function setAtom(tokens: readonly Token[]): Parsed | undefined {
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (tokens.length === 1 && first !== undefined && NAMED.has(first.text))
    return { type: "named", name: first.text };
  const boxed = first?.type === "command" && first.text === "boxed";
  const body = boxed ? tokens.slice(1) : tokens;
  if (!isSign(body[0], ...OPEN) || !isSign(last, ...CLOSE) || closeOf(body) !== body.length - 1)
    return undefined;
  const [open, close] = [body[0]?.text ?? "", last?.text ?? ""];
  const inner = body.slice(1, -1);
  if (inner.length === 0) return /\{/.test(open) ? { type: "named", name: "∅" } : undefined;
  if (/[([]/.test(open) && /[)\]]/.test(close)) {
    const between = attempt(() => interval(inner, open, close));
    if (between !== undefined) return between;
    if (`${open}${close}` !== "()" && `${open}${close}` !== "[]") return undefined;
    const of = attempt(() =>
      groupsOf(inner)
        .flat()
        .flatMap((part) => elements(part, true)),
    );
    return of && (of.length === 1 ? of[0] : { type: "tuple", of });
  }
  if (`${open}${close}` !== "{}" && `${open}${close}` !== "\\{\\}") return undefined;
  if (boxed) return attempt(() => listOf(inner));
  const of = attempt(() =>
    groupsOf(inner)
      .flat()
      .flatMap((part) => elements(part, true)),
  );
  return of && setOf(of);
}

function interval(inner: readonly Token[], open: string, close: string): Parsed | undefined {
  const [low, high, ...rest] = splitAt(inner, (token) => isSign(token, ",")).map((part) => readTerm(part));
  if (low === undefined || high === undefined || rest.length > 0) return undefined;
  const [from, to] = [evaluate(low), evaluate(high)];
  const [openLow, openHigh] = [open === "(", close === ")"];
  if (openLow === openHigh && (openLow ? to <= from : to < from))
    return { type: "tuple", of: [ofTerm(low), ofTerm(high)] };
  if (to < from || (to === from && openLow !== openHigh)) return { type: "named", name: "∅" };
  if (from === to) return setOf([ofTerm(low)]);
  return {
    type: "interval",
    low,
    high,
    openLow: openLow || from === -Infinity,
    openHigh: openHigh || to === Infinity,
  };
}

function relation(tokens: readonly Token[]): Parsed {
  const parts = splitAt(tokens, (token) => token.type === "sign" && SIGNS.has(token.text));
  const signs = signsBetween(tokens, parts);
  return parts
    .map(ofTermOrMatrix)
    .reduce((left, right, at) => joined(left, signs[at - 1] as Sign | "≈", right));
}

function signsBetween(
  tokens: readonly Token[],
  parts: readonly (readonly Token[])[],
): readonly (Sign | "≈")[] {
  let at = -1;
  return parts.slice(0, -1).map((part) => tokens[(at += part.length + 1)]?.text as Sign | "≈");
}

function joined(left: Parsed, sign: Sign | "≈", right: Parsed): Parsed {
  if (sign === "≈") return isOnlySymbols(left) ? right : left;
  if (left.type === "relation")
    return { type: "and", of: [left, { type: "relation", left: left.right, sign, right }] };
  if (left.type !== "and") return { type: "relation", left, sign, right };
  const last = left.of.at(-1) as Relation;
  return { type: "and", of: [...left.of, { type: "relation", left: last.right, sign, right }] };
}

function ofTermOrMatrix(all: readonly Token[]): Parsed {
  // Degrees say nothing, even of a matrix.
  const tokens = isSign(all.at(-1), "°") ? all.slice(0, -1) : all;
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first?.type !== "command" || first.text !== "begin" || last?.text !== "end")
    return ofTerm(readTerm(all));
  const rows = splitAt(tokens.slice(1, -1), (token) => isSign(token, "\\\\")).filter((row) => row.length > 0);
  if (rows.length > MAX_PARTS) throw new NotMathematics("too many rows");
  return {
    type: "matrix",
    rows: rows.map((row) => splitAt(row, (token) => isSign(token, "&")).map((part) => readTerm(part))),
  };
}

/** Unions and their like, perhaps named: `x \in A \cup B`. */
function setExpression(tokens: readonly Token[]): Parsed {
  const at = tokens.findIndex((token) => isSign(token, "=", "∈"));
  const left = at > 0 ? symbolsBefore(tokens.slice(0, at)) : undefined;
  if (left !== undefined)
    return { type: "relation", left, sign: "=", right: setExpression(tokens.slice(at + 1)) };
  for (const [sign, type] of [
    ["∖", "difference"],
    ["∪", "union"],
    ["∩", "intersection"],
  ] as const) {
    const parts = splitAt(tokens, (token) => isSign(token, sign));
    if (parts.length > 1) return { type, of: parts.map(setExpression).map(tupleAsSet) };
  }
  const atom = setAtom(tokens);
  if (atom === undefined || atom.type === "term") throw new NotMathematics("no set");
  return atom;
}

const tupleAsSet = (value: Parsed): Parsed => (value.type === "tuple" ? setOf(value.of) : value);

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotMathematics) return undefined;
    throw error;
  }
}

/** Where the bracket that opens `tokens` closes; the kinds need not match, since intervals mix them. */
function closeOf(tokens: readonly Token[]): number {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (isSign(token, ...OPEN)) depth++;
    else if (isSign(token, ...CLOSE) && --depth === 0) return at;
  }
  return -1;
}

/** Pieces between the tokens outside of brackets that `at` takes. Pieces may be empty. */
function splitAt(tokens: readonly Token[], at: (token: Token) => boolean): readonly (readonly Token[])[] {
  const pieces: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isSign(token, ...OPEN)) depth++;
    else if (isSign(token, ...CLOSE)) depth--;
    if (depth === 0 && at(token)) pieces.push([]);
    else pieces.at(-1)?.push(token);
  }
  return pieces;
}
