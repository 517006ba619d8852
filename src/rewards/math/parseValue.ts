// What an answer in mathematics is as a whole: a term, a set or list, a pair or interval, an equation or inequality, a
// matrix, a ratio; each of them perhaps named ("x = 3"). Everything in it must be read, or nothing is.
import type { MathValue, RelationSign, Term } from "./expression.ts";
import { parseTerm } from "./parseTerm.ts";
import { NotMathematics, type Token, tokensOf } from "./tokens.ts";

const OPEN = new Set(["(", "[", "{", "\\{", "⟨"]);
const CLOSE = new Set([")", "]", "}", "\\}", "⟩"]);
const RELATIONS: Readonly<Record<string, RelationSign>> = {
  "=": "=",
  "!=": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
  "≈": "~",
};
const MAX_PARTS = 32;

const isSign = (token: Token | undefined, ...texts: readonly string[]): boolean =>
  token?.type === "sign" && texts.includes(token.text);
const isCommand = (token: Token | undefined, ...texts: readonly string[]): boolean =>
  token?.type === "command" && texts.includes(token.text);

/** @throws NotMathematics */
export function parseValue(text: string): MathValue {
  const tokens = tokensOf(text);
  if (tokens.length === 0) throw new NotMathematics("nothing");
  return listed(tokens);
}

/** Both values of a ±, or the one. */
function listed(tokens: readonly Token[]): MathValue {
  const parts = splitAt(tokens, isSeparator);
  if (parts.length > MAX_PARTS) throw new NotMathematics("too many parts");
  const of = parts.flatMap(bothSigns).map(single);
  if (of.length === 1) return of[0] as MathValue;
  return { type: "set", of: sameName(of), braces: false, anyOrder: hasAlternatives(tokens) };
}

const isSeparator = (token: Token): boolean =>
  isSign(token, ",", ";") ||
  (token.type === "word" && /^(?:and|or)$/i.test(token.text)) ||
  (token.type === "text" && /^(?:and|or|,|, and|, or)$/i.test(token.text));

const hasAlternatives = (tokens: readonly Token[]): boolean =>
  tokens.some(
    (token) =>
      isCommand(token, "pm", "mp") ||
      ((token.type === "word" || token.type === "text") && /^(?:, )?or$/i.test(token.text)),
  );

function bothSigns(tokens: readonly Token[]): readonly (readonly Token[])[] {
  if (!tokens.some((token) => isCommand(token, "pm", "mp"))) return [tokens];
  const withSigns = (pm: string, mp: string): readonly Token[] =>
    tokens.map((token) =>
      isCommand(token, "pm")
        ? { type: "sign", text: pm }
        : isCommand(token, "mp")
          ? { type: "sign", text: mp }
          : token,
    );
  return [withSigns("+", "-"), withSigns("-", "+")];
}

/** "x = 1 or 2" names both; so does "x = 1 or x = 2". */
function sameName(of: readonly MathValue[]): readonly MathValue[] {
  const [first, ...rest] = of;
  if (first?.type !== "named" || rest.some((value) => value.type === "named" || value.type === "relation"))
    return of;
  return [first, ...rest.map((value): MathValue => ({ type: "named", name: first.name, value }))];
}

function single(tokens: readonly Token[]): MathValue {
  if (tokens.length === 0) throw new NotMathematics("an empty part");
  const signs = tokens.map((token) =>
    token.type === "sign" && Object.hasOwn(RELATIONS, token.text) ? RELATIONS[token.text] : undefined,
  );
  const parts = splitAt(tokens, (_, at) => signs[at] !== undefined);
  if (parts.length === 1) return unnamed(tokens);
  const between = signs.filter((sign) => sign !== undefined);
  const name = between[0] === "=" ? nameOf(parts[0] as readonly Token[]) : undefined;
  if (name !== undefined) {
    const value = chain(parts.slice(1), between.slice(1));
    if (value.type !== "relation" || value.signs.every((sign) => sign === "=" || sign === "~"))
      return { type: "named", name, value };
  }
  return chain(parts, between);
}

function chain(parts: readonly (readonly Token[])[], signs: readonly RelationSign[]): MathValue {
  if (parts.length === 1) return unnamed(parts[0] as readonly Token[]);
  return { type: "relation", of: parts.map(parseTerm), signs };
}

/** `x`, `f(x)`, `\angle A`, `\text{Volume}`, `Volume`: what may stand before "=" and name what follows. */
function nameOf(tokens: readonly Token[]): string | undefined {
  const texts = tokens.map((token) => token.text).join(" ");
  const isCall = /^\p{L} \( \p{L} \)$/u.test(texts);
  const isPlain = tokens.every(
    (token, at) =>
      token.type === "word" ||
      token.type === "text" ||
      (token.type === "command" && !["frac", "sqrt", "pi", "infty"].includes(token.text)) ||
      isSign(token, "_", "'") ||
      (at > 0 && (isSign(token, "{", "}") || token.type === "number")),
  );
  const oneSymbol = tokens.filter((token) => token.type === "word").every((token) => token.text !== "e");
  return (isCall || isPlain) && oneSymbol && tokens.length > 0 && tokens[0]?.type !== "number"
    ? texts
    : undefined;
}

function unnamed(tokens: readonly Token[]): MathValue {
  const inAt = tokens.findIndex((token) => isCommand(token, "in"));
  if (inAt > 0) {
    const name = nameOf(tokens.slice(0, inAt));
    if (name === undefined) throw new NotMathematics("an element that is no symbol");
    return { type: "named", name, value: unnamed(tokens.slice(inAt + 1)) };
  }
  const united = splitAt(tokens, (token) => isCommand(token, "cup"));
  if (united.length > 1) return { type: "union", of: united.map(unnamed) };
  if (tokens.length === 1 && isCommand(tokens[0], "emptyset", "varnothing"))
    return { type: "set", of: [], braces: true };
  if (isCommand(tokens[0], "begin")) return matrix(tokens);
  return bracketed(tokens) ?? ratio(tokens) ?? { type: "term", term: parseTerm(tokens) };
}

function bracketed(tokens: readonly Token[]): MathValue | undefined {
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (!isSign(first, ...OPEN) || !isSign(last, ...CLOSE) || closeOf(tokens) !== tokens.length - 1)
    return undefined;
  const inner = tokens.slice(1, -1);
  const braces = isSign(first, "\\{") && isSign(last, "\\}");
  if (braces && inner.length === 0) return { type: "set", of: [], braces: true };
  const parts = splitAt(inner, (token) => isSign(token, ",", ";"));
  if (parts.length > MAX_PARTS) throw new NotMathematics("too many parts");
  if (braces) return { type: "set", of: parts.flatMap(bothSigns).map(single), braces: true };
  const ends = `${first?.text ?? ""}${last?.text ?? ""}`;
  if (parts.length === 1) return ends === "⟨⟩" ? { type: "brackets", of: [single(inner)], ends } : undefined;
  return { type: "brackets", of: parts.map(single), ends };
}

function ratio(tokens: readonly Token[]): MathValue | undefined {
  const parts = splitAt(tokens, (token) => isSign(token, ":"));
  return parts.length < 2 ? undefined : { type: "ratio", of: parts.map(parseTerm) };
}

function matrix(tokens: readonly Token[]): MathValue {
  const kind = tokens
    .slice(1, 4)
    .map((token) => token.text)
    .join("");
  const end = tokens
    .slice(-3)
    .map((token) => token.text)
    .join("");
  if (!/^\{[pbvBV]?matrix\}$/.test(kind) || end !== kind || !isCommand(tokens.at(-4), "end"))
    throw new NotMathematics("an unknown environment");
  const rows = splitAt(tokens.slice(4, -4), (token) => isSign(token, "\\\\")).filter((row) => row.length > 0);
  if (rows.length > MAX_PARTS) throw new NotMathematics("too many rows");
  return {
    type: "matrix",
    rows: rows.map((row): readonly Term[] => splitAt(row, (token) => isSign(token, "&")).map(parseTerm)),
  };
}

/** Where the bracket that opens `tokens` closes; the kinds need not match, since intervals mix them. */
function closeOf(tokens: readonly Token[]): number {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (isSign(token, ...OPEN)) depth++;
    else if (isSign(token, ...CLOSE) && --depth === 0) return at;
  }
  throw new NotMathematics("brackets that do not close");
}

/** Pieces between the tokens outside of brackets that `at` takes. Pieces may be empty. */
function splitAt(
  tokens: readonly Token[],
  at: (token: Token, index: number) => boolean,
): readonly (readonly Token[])[] {
  const pieces: Token[][] = [[]];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (isSign(token, ...OPEN)) depth++;
    else if (isSign(token, ...CLOSE)) depth--;
    if (depth === 0 && at(token, index)) pieces.push([]);
    else pieces.at(-1)?.push(token);
  }
  return pieces;
}
