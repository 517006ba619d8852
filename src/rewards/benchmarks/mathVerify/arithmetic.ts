// Plain arithmetic as Python would read it, which Math-Verify hands it to: "3*4", "2^3", "(1+2)/3". No sign is left out in it.
import type { Term } from "../../math/expression.ts";
import { NotMathematics } from "../../math/tokens.ts";

const MAX_DEPTH = 40;

/** @throws NotMathematics where Python would refuse it */
export function readArithmetic(text: string): Term {
  const tokens = text.match(/\d+\.?\d*|\.\d+|\*\*|[-+*/()]|\S/g) ?? [];
  let at = 0;
  let depth = 0;

  const take = (sign: string): boolean => tokens[at] === sign && at++ >= 0;
  const sum = (): Term => {
    if (++depth > MAX_DEPTH) throw new NotMathematics("too deep");
    const of = [product()];
    while (tokens[at] === "+" || tokens[at] === "-")
      of.push(take("+") ? product() : (at++, { type: "negative", of: product() }));
    depth--;
    return of.length === 1 ? (of[0] as Term) : { type: "sum", of };
  };
  const product = (): Term => {
    let left = signed();
    for (;;) {
      if (take("*")) left = { type: "product", of: [left, signed()] };
      else if (take("/")) left = { type: "quotient", left, right: signed() };
      else return left;
    }
  };
  const signed = (): Term => {
    if (++depth > MAX_DEPTH) throw new NotMathematics("too deep");
    const term: Term = take("-") ? { type: "negative", of: signed() } : take("+") ? signed() : power();
    depth--;
    return term;
  };
  const power = (): Term => {
    const base = primary();
    return take("**") ? { type: "power", left: base, right: signed() } : base;
  };
  const primary = (): Term => {
    const token = tokens[at++];
    if (token === "(") {
      const of = sum();
      if (!take(")")) throw new NotMathematics("no )");
      return of;
    }
    // Whole numbers with zeros before them are an error of syntax.
    if (token === undefined || !/^[\d.]+$/.test(token) || /^0+[1-9]\d*$/.test(token))
      throw new NotMathematics(token ?? "ends too early");
    return { type: "number", text: token };
  };

  const term = sum();
  if (at < tokens.length) throw new NotMathematics("something follows");
  return term;
}
