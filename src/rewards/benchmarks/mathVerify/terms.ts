// Terms as Math-Verify's grammar reads them. It is not how people do, which is why src/rewards/math has a parser of its own:
// "2 3" and "2(3)" are 5 (mixed numbers), "x^-1" is nothing, "f(2)" is a function, all letters are lower case, and "\sin x y"
// is the sine of the product.
import { evaluate } from "../../math/evaluate.ts";
import { isFunctionName, symbolsOf, type Term } from "../../math/expression.ts";
import { NotMathematics } from "../../math/tokens.ts";
import type { Token } from "./lexer.ts";
import { literal } from "./parsed.ts";

const MAX_DEPTH = 40;
const CLOSING: Readonly<Record<string, string>> = {
  "(": ")",
  "{": "}",
  "[": "]",
  "\\{": "\\}",
  "|": "|",
  "⌊": "⌋",
  "⌈": "⌉",
};
const OPENING = new Set(["(", "[", "{", "\\{"]);
const CLOSES = new Set([")", "]", "}", "\\}"]);
const ROUNDING: Readonly<Record<string, "abs" | "floor" | "ceil">> = {
  "|": "abs",
  "⌊": "floor",
  "⌈": "ceil",
};

const number = (text: string): Term => ({ type: "number", text: text.replace(/^0+(?=\d)/, "") });
const E: Term = { type: "constant", name: "e" };
const product = (...of: readonly Term[]): Term => ({ type: "product", of });

/**
 * The whole of `tokens` as one term. @throws NotMathematics
 * @param mixed whether "2\\frac12" is a mixed number, and "2 3" one too; else they are products
 */
export function readTerm(tokens: readonly Token[], mixed = true): Term {
  const reader = new Reader(tokens, mixed);
  const term = reader.sum();
  if (!reader.atEnd) throw new NotMathematics("something follows the term");
  return term;
}

/** A symbol with its index, `x`, `(x, y)`: what may stand before "=" or "∈" of a set. */
export const isSymbolAtom = (tokens: readonly Token[]): boolean => {
  const [first, next] = tokens;
  const begins = first !== undefined && /^(?:letter|greek|accent)$/.test(first.type) && first.text !== "e";
  if (!begins || first.text === "E") return false;
  return tokens.length === 1 || (next?.type === "sign" && (next.text === "_" || next.text === "^"));
};

/** Between the commas outside of brackets. */
function partsOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.type === "sign" && OPENING.has(token.text)) depth++;
    else if (token.type === "sign" && CLOSES.has(token.text)) depth--;
    if (depth === 0 && token.type === "sign" && token.text === ",") parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  readonly #mixed: boolean;

  constructor(tokens: readonly Token[], mixed: boolean) {
    this.#tokens = tokens;
    this.#mixed = mixed;
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #is(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token?.type === "sign" && token.text === text;
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw new NotMathematics(`no ${text}`);
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new NotMathematics("too deep");
    const result = read();
    this.#depth--;
    return result;
  }

  sum(): Term {
    return this.#deeper(() => {
      const of = [this.#factors(false)];
      while (this.#is("+") || this.#is("-")) {
        const isMinus = this.#is("-");
        this.#at++;
        const next = this.#factors(false);
        of.push(isMinus ? { type: "negative", of: next } : next);
      }
      return of.length === 1 ? (of[0] as Term) : { type: "sum", of };
    });
  }

  /** `plainOnly`: as a function's argument, in which only the first factor may be a function. */
  #factors(plainOnly: boolean): Term {
    let left = this.#signed(plainOnly);
    for (;;) {
      if (this.#take("*")) left = product(left, this.#signed(plainOnly));
      else if (this.#take("/") || this.#take(":"))
        left = { type: "quotient", left, right: this.#signed(plainOnly) };
      else return left;
    }
  }

  #signed(plainOnly: boolean): Term {
    if (this.#take("+")) return this.#deeper(() => this.#signed(plainOnly));
    if (this.#take("-")) return this.#deeper(() => ({ type: "negative", of: this.#signed(plainOnly) }));
    const factors = [this.#postfix()];
    while (this.#startsFactor(plainOnly)) factors.push(this.#postfix());
    return factors.reduceRight((right, left) =>
      this.#mixed ? juxtaposed(left, right) : product(left, right),
    );
  }

  #startsFactor(plainOnly: boolean): boolean {
    const token = this.#next;
    if (token === undefined) return false;
    if (token.type === "function") return !plainOnly;
    if (token.type === "command") return token.text !== "end" && !(plainOnly && token.text === "sqrt");
    if (token.type === "letter" && token.text === "e") return !plainOnly;
    if (token.type === "sign") return ["(", "{", "[", "\\{", "⌊", "⌈"].includes(token.text);
    return true;
  }

  #postfix(): Term {
    let base = this.#power();
    for (;;) {
      if (this.#take("!")) base = { type: "factorial", of: base };
      else if (!this.#take("°")) return base;
    }
  }

  #power(): Term {
    return this.#deeper(() => {
      let base = this.#primary();
      while (this.#take("^")) base = powered(base, this.#script());
      return base;
    });
  }

  /** After "^" or "_": one atom or a group. */
  #script(): Term {
    if (this.#take("{")) {
      const of = this.sum();
      this.#expect("}");
      return of;
    }
    const token = this.#next;
    const isAtom = token !== undefined && !/^(?:function|command|sign)$/.test(token.type);
    const isInfinity = token?.type === "command" && token.text === "infty";
    if (!(isAtom && token.text !== "e") && !isInfinity) throw new NotMathematics("no exponent");
    return this.#primary(true);
  }

  #primary(alone = false): Term {
    const token = this.#next;
    if (token === undefined) throw new NotMathematics("ends too early");
    this.#at++;
    switch (token.type) {
      case "number":
        this.#index();
        return number(token.text);
      case "percent":
        return { type: "percent", of: number(token.text) };
      case "letter":
        if (token.text === "e") return E;
        return this.#symbol(token.text, alone);
      case "greek":
      case "accent":
        return this.#symbol(token.text, alone);
      case "differential":
        return { type: "symbol", name: token.text };
      case "function":
        return this.#call(token.text);
      case "command":
        return this.#command(token.text);
      case "sign":
        return this.#group(token.text);
      default:
        return token satisfies never;
    }
  }

  #symbol(text: string, alone: boolean): Term {
    const name = `${text.trim()}${this.#index()}`.toLowerCase();
    if (name === "pi" || name === "π") return { type: "constant", name: "pi" };
    if (!alone && text !== "E" && (this.#is("(") || this.#is("["))) {
      const called = this.#arguments(name);
      if (called !== undefined) return called;
    }
    // The imaginary unit is a symbol to whoever evaluates.
    return { type: "symbol", name: text === "I" ? "\\I" : name };
  }

  /** `f(2)`, `f(x)`, `f(x, y)` as a symbol of its own; undefined where the bracket holds a sum, and so is a factor. */
  #arguments(name: string): Term | undefined {
    const close = CLOSING[this.#next?.text ?? ""] ?? "";
    const inner = this.#tokens.slice(this.#at + 1, this.#closeOfGroup());
    const hasComma = partsOf(inner).length > 1;
    const isAtom =
      isSymbolAtom(inner) || (inner.length === 1 && /^(?:number|percent)$/.test(inner[0]?.type ?? ""));
    if (!hasComma && !isAtom) return undefined;
    this.#at += inner.length + 1;
    this.#expect(close);
    const of = this.#deeper(() => partsOf(inner).map((part) => JSON.stringify(readTerm(part))));
    return { type: "symbol", name: `${name}(${of.join()})` };
  }

  #closeOfGroup(): number {
    let depth = 0;
    for (let at = this.#at; at < this.#tokens.length; at++) {
      const token = this.#tokens[at];
      if (token?.type !== "sign") continue;
      if (OPENING.has(token.text)) depth++;
      else if (CLOSES.has(token.text) && --depth === 0) return at;
    }
    throw new NotMathematics("a bracket that does not close");
  }

  #index(): string {
    if (!this.#take("_")) return "";
    const start = this.#at;
    if (this.#take("{")) {
      while (!this.#take("}")) {
        if (this.atEnd) throw new NotMathematics("an index without end");
        this.#at++;
      }
      const inner = this.#tokens.slice(start + 1, this.#at - 1).map((token) => token.text);
      return `_${inner.join("")}`;
    }
    const token = this.#next;
    if (token === undefined || token.type === "sign") throw new NotMathematics("no index");
    this.#at++;
    return `_${token.text}`;
  }

  #command(name: string): Term {
    switch (name) {
      case "frac": {
        const [left, right] = [this.#braced(), this.#braced()];
        return { type: "quotient", left, right };
      }
      case "binom": {
        const [left, right] = [this.#braced(), this.#braced()];
        return { type: "binomial", left, right };
      }
      case "infty":
        return { type: "constant", name: "infinity" };
      case "boxed":
        return this.#braced();
      case "sqrt": {
        let index: Term = number("2");
        if (this.#take("[")) {
          index = this.sum();
          this.#expect("]");
        }
        return rooted(this.#braced(), index);
      }
      default:
        throw new NotMathematics(name);
    }
  }

  #braced(): Term {
    this.#expect("{");
    const of = this.sum();
    this.#expect("}");
    return of;
  }

  #call(name: string): Term {
    let base: Term | undefined;
    let exponent: Term | undefined;
    while (this.#is("_") || this.#is("^"))
      if (this.#take("_")) base = this.#script();
      else if (this.#take("^")) exponent = this.#script();
    const called = this.#deeper(() => this.#argument());
    const isInverse =
      exponent !== undefined && literal(exponent)?.n === -1n && /^(?:sin|cos|tan)$/.test(name);
    const full = isInverse ? `arc${name}` : name;
    if (isInverse) exponent = undefined;
    const of = callOf(full, base, called);
    return exponent === undefined ? of : { type: "power", left: of, right: exponent };
  }

  #argument(): Term {
    if (!this.#take("(")) return this.#factors(true);
    const of = this.sum();
    this.#expect(")");
    return of;
  }

  #group(open: string): Term {
    const close = CLOSING[open];
    if (close === undefined) throw new NotMathematics(`${open} begins no term`);
    const of = this.sum();
    this.#expect(close);
    const name = ROUNDING[open];
    return name === undefined ? of : { type: "call", name, of };
  }
}

function callOf(name: string, base: Term | undefined, of: Term): Term {
  if (name === "log" || name === "ln")
    return { type: "logarithm", base: base ?? (name === "ln" ? E : number("10")), of };
  if (!isFunctionName(name)) throw new NotMathematics(name);
  return { type: "call", name, of };
}

/** Side by side: a mixed number where a whole one stands before a positive one, else a product. */
function juxtaposed(left: Term, right: Term): Term {
  const [a, b] = [literal(left), literal(right)];
  if (a?.d !== 1n || b === undefined || b.n <= 0n) return product(left, right);
  const n = a.n < 0n ? a.n * b.d - b.n : a.n * b.d + b.n;
  const size: Term = { type: "quotient", left: ofBigint(n < 0n ? -n : n), right: ofBigint(b.d) };
  const positive = b.d === 1n ? size.left : size;
  return n < 0n ? { type: "negative", of: positive } : positive;
}

const ofBigint = (n: bigint): Term => number(String(n));

/** Not real where SymPy's principal value is not: the cube root of -8 is no number here. */
const complexIfNegative = (base: Term, term: Term): Term =>
  symbolsOf(base).size === 0 && evaluate(base) < 0 ? { type: "root", index: number("2"), of: base } : term;

const rooted = (of: Term, index: Term): Term => {
  if (literal(index)?.n === 2n) return { type: "root", index, of };
  return complexIfNegative(of, {
    type: "power",
    left: of,
    right: { type: "quotient", left: number("1"), right: index },
  });
};

const powered = (left: Term, right: Term): Term => {
  const term: Term = { type: "power", left, right };
  const exponent = evaluate(right);
  return Number.isInteger(exponent) || Number.isNaN(exponent) ? term : complexIfNegative(left, term);
};
