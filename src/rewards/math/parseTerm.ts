// Terms by recursive descent over tokens: sums of products of powers, with LaTeX's ways to leave signs out ("2\frac12",
// "\sin 2x", "\sqrt3"). Depth and size are bounded, so that a hostile answer costs microseconds and never the process.
import { isFunctionName, type Term } from "./expression.ts";
import { NotMathematics, type Token } from "./tokens.ts";

const MAX_DEPTH = 40;

const GREEK = new Set(
  (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon " +
    "phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell"
  ).split(" "),
);
const INVERSE: Readonly<Record<string, string>> = { sin: "arcsin", cos: "arccos", tan: "arctan" };
/** Plain names of what has a command in LaTeX. */
const PLAIN = new Set(["sqrt", "pi", "infinity", "inf", "log", "theta", "alpha", "beta"]);
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

const number = (text: string): Term => ({ type: "number", text });
const isInteger = (token: Token | undefined): boolean => token?.type === "number" && /^\d+$/.test(token.text);

/** The whole of `tokens` as one term. @throws NotMathematics */
export function parseTerm(tokens: readonly Token[]): Term {
  const reader = new TermReader(tokens);
  const term = reader.sum();
  if (!reader.atEnd) throw new NotMathematics("something follows the term");
  return term;
}

class TermReader {
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens.flatMap(split);
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  #is(type: Token["type"], text?: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token?.type === type && (text === undefined || token.text === text);
  }

  #sign(text: string): boolean {
    if (!this.#is("sign", text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#sign(text)) throw new NotMathematics(`no ${text}`);
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new NotMathematics("ends too early");
    return token;
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new NotMathematics("too deep");
    const result = read();
    this.#depth--;
    return result;
  }

  sum(): Term {
    return this.#deeper(() => {
      const of: Term[] = [this.#product()];
      while (this.#is("sign", "+") || this.#is("sign", "-"))
        of.push(this.#sign("+") ? this.#product() : this.#negated());
      return of.length === 1 ? (of[0] as Term) : { type: "sum", of };
    });
  }

  #negated(): Term {
    this.#expect("-");
    return { type: "negative", of: this.#product() };
  }

  #product(): Term {
    let left = this.#signed();
    for (;;) {
      if (this.#sign("*")) left = { type: "product", of: [left, this.#signed()] };
      else if (this.#sign("/")) left = { type: "quotient", left, right: this.#signed() };
      else if (this.#startsFactor() || this.#numberAfterGroup())
        left = { type: "product", of: [left, this.#power()] };
      else return left;
    }
  }

  #signed(): Term {
    if (this.#sign("+")) return this.#deeper(() => this.#signed());
    if (this.#sign("-")) return this.#deeper(() => ({ type: "negative", of: this.#signed() }));
    return this.#power();
  }

  /** Whether what follows is multiplied without a sign. A number is not: "4 5" is two of them. */
  #startsFactor(): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined) return false;
    if (token.type === "word") return true;
    if (token.type === "command")
      return !["cup", "cap", "in", "pm", "mp", "degree", "to"].includes(token.text);
    return token.type === "sign" && (token.text === "(" || token.text === "[" || token.text === "{");
  }

  /** "2^{12} 13^{2}" */
  #numberAfterGroup(): boolean {
    const before = this.#tokens[this.#at - 1];
    return this.#is("number") && before?.type === "sign" && before.text === "}";
  }

  #power(): Term {
    return this.#deeper(() => {
      let base = this.#primary();
      for (;;) {
        if (this.#is("sign", "^") && this.#degreesFollow()) base = { type: "degrees", of: base };
        else if (this.#is("command", "degree")) {
          this.#at++;
          base = { type: "degrees", of: base };
        } else if (this.#sign("^")) base = { type: "power", left: base, right: this.#exponent() };
        else if (this.#sign("!")) base = { type: "factorial", of: base };
        else if (this.#sign("%")) base = { type: "percent", of: base };
        else return base;
      }
    });
  }

  #degreesFollow(): boolean {
    const braced = this.#is("sign", "{", 1);
    if (!this.#is("command", "degree", braced ? 2 : 1)) return false;
    if (braced && !this.#is("sign", "}", 3)) return false;
    this.#at += braced ? 4 : 2;
    return true;
  }

  #exponent(): Term {
    if (this.#sign("-")) return { type: "negative", of: this.#exponent() };
    const base = this.#primary();
    return this.#sign("^")
      ? { type: "power", left: base, right: this.#deeper(() => this.#exponent()) }
      : base;
  }

  #primary(): Term {
    const token = this.#next();
    switch (token.type) {
      case "number":
        return this.#mixed(token.text);
      case "word":
        return this.#name(token.text);
      case "command":
        return this.#command(token.text);
      case "sign":
        return this.#group(token.text);
      case "text":
        throw new NotMathematics("words in a term");
      default:
        return token satisfies never;
    }
  }

  /** A number, or a mixed one: "2\\frac{1}{2}", "2 1/2". */
  #mixed(text: string): Term {
    const whole = number(text);
    if (!/^\d+$/.test(text)) return whole;
    const plain = this.#integersAt(0, "sign", "/");
    if (plain !== undefined || this.#isIntegerFraction()) {
      const fraction: Term =
        plain === undefined ? this.#primary() : { type: "quotient", left: plain[0], right: plain[1] };
      if (plain !== undefined) this.#at += 3;
      return { type: "sum", of: [whole, fraction] };
    }
    return whole;
  }

  #integersAt(ahead: number, type: Token["type"], between: string): readonly [Term, Term] | undefined {
    const [left, middle, right] = this.#tokens.slice(this.#at + ahead, this.#at + ahead + 3);
    const fits = isInteger(left) && middle?.type === type && middle.text === between && isInteger(right);
    return fits ? [number((left as Token).text), number((right as Token).text)] : undefined;
  }

  /** `\frac` of whole numbers, with or without braces. */
  #isIntegerFraction(): boolean {
    if (!this.#is("command", "frac")) return false;
    const marks = this.#tokens
      .slice(this.#at + 1, this.#at + 7)
      .map((token) => (isInteger(token) ? token.text : token.type === "sign" ? token.text : "?"))
      .join(" ");
    return /^(?:\d\d(?: |$)|\d \d|\d \{ \d+ \}|\{ \d+ \} \d|\{ \d+ \} \{ \d+ \})/.test(marks);
  }

  #name(name: string): Term {
    if (name === "e") return { type: "constant", name: "e" };
    return [...name].length === 1 ? this.#symbol(name) : this.#command(name);
  }

  /** With its index and primes: `a_1`, `x'`. */
  #symbol(name: string): Term {
    let full = name;
    if (this.#sign("_")) {
      const braced = this.#sign("{");
      do full += `_${this.#next().text}`;
      while (braced && !this.#is("sign", "}") && full.length < 40);
      if (braced) this.#expect("}");
    }
    while (this.#sign("'")) full += "'";
    return { type: "symbol", name: full };
  }

  #command(name: string): Term {
    switch (name) {
      case "frac":
        return { type: "quotient", left: this.#argument(), right: this.#argument() };
      case "binom":
      case "dbinom":
        return { type: "binomial", left: this.#argument(), right: this.#argument() };
      case "sqrt":
        return this.#root();
      case "pi":
        return { type: "constant", name: "pi" };
      case "infty":
      case "infinity":
      case "inf":
        return { type: "constant", name: "infinity" };
      case "log":
        return this.#logarithm();
    }
    if (isFunctionName(name)) return this.#call(name);
    if (GREEK.has(name)) return this.#symbol(name);
    throw new NotMathematics(`unknown name ${name}`);
  }

  #root(): Term {
    let index: Term = number("2");
    if (this.#is("sign", "[")) {
      this.#at++;
      index = this.sum();
      this.#expect("]");
    }
    return { type: "root", index, of: this.#primary() };
  }

  #logarithm(): Term {
    const base = this.#sign("_") ? this.#argument() : number("10");
    return { type: "logarithm", base, of: this.#functionArgument() };
  }

  #call(name: string): Term {
    let called = name;
    let exponent: Term | undefined;
    if (this.#sign("^")) {
      exponent = this.#deeper(() => this.#exponent());
      const isInverse =
        exponent.type === "negative" && exponent.of.type === "number" && exponent.of.text === "1";
      const inverse = isInverse ? INVERSE[name] : undefined;
      if (inverse !== undefined) [called, exponent] = [inverse, undefined];
    }
    if (!isFunctionName(called)) throw new NotMathematics(`unknown function ${called}`);
    const call: Term = { type: "call", name: called, of: this.#functionArgument() };
    return exponent === undefined ? call : { type: "power", left: call, right: exponent };
  }

  /** A group, or the factors up to the next sign or function: `\sin 2x`. */
  #functionArgument(): Term {
    return this.#deeper(() => {
      if (this.#is("sign", "(") || this.#is("sign", "{") || this.#is("sign", "[")) return this.#power();
      let argument = this.#signed();
      while (this.#startsFactor() && !this.#functionFollows())
        argument = { type: "product", of: [argument, this.#power()] };
      return argument;
    });
  }

  #functionFollows(): boolean {
    const token = this.#tokens[this.#at];
    return token !== undefined && (isFunctionName(token.text) || token.text === "log");
  }

  /** What a command takes: a group, or one digit or name. */
  #argument(): Term {
    const token = this.#tokens[this.#at];
    if (token?.type === "number" && token.text.length > 1 && /^\d+$/.test(token.text)) {
      this.#tokens[this.#at] = { type: "number", text: token.text.slice(1) };
      return number(token.text.slice(0, 1));
    }
    return this.#deeper(() => this.#primary());
  }

  #group(open: string): Term {
    if (open === "|") {
      const of = this.sum();
      this.#expect("|");
      return { type: "call", name: "abs", of };
    }
    const close = CLOSING[open];
    if (close === undefined) throw new NotMathematics(`${open} begins no term`);
    const of = this.sum();
    this.#expect(close);
    return of;
  }
}

/** Letters side by side are a product of symbols, as long as they could not be a word. */
function split(token: Token): readonly Token[] {
  if (token.type !== "word") return [token];
  const { text } = token;
  const name = text.toLowerCase();
  if (isFunctionName(name) || PLAIN.has(name)) return [{ type: "word", text: name }];
  const letters = [...text];
  if (letters.length > 3) throw new NotMathematics(`the word ${text}`);
  return letters.map((letter) => ({ type: "word", text: letter }));
}
