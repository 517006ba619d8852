// The number that LaTeX2SymPy2 1.9.0 and Python's eval make of an answer, as MATH-V and VLMEvalKit use them. It is an older
// grammar than Math-Verify's: no mixed numbers ("2\frac12" is 1), and "1,200" is 1200.
import { evaluate, exactly } from "../../math/evaluate.ts";
import { hasDecimal, partsOf, someTerm, symbolsOf, type Term } from "../../math/expression.ts";
import { NotMathematics } from "../../math/tokens.ts";
import { tokensOf } from "../mathVerify/lexer.ts";
import { readTerm } from "../mathVerify/terms.ts";

export interface LatexNumber {
  readonly value: number;
  /** Python has an int of it, which prints without ".0". */
  readonly isInteger: boolean;
  readonly term: Term;
}

/** undefined where their program raises: what is not read, has symbols, or is no finite real number. */
export function latexNumber(latex: string): LatexNumber | undefined {
  const term = termOf(latex);
  if (term === undefined || symbolsOf(term).size > 0 || isUnknownToEval(term)) return undefined;
  const value = valueOf(term);
  if (!Number.isFinite(value)) return undefined;
  const divides = someTerm(term, ({ type }) => ["quotient", "root", "logarithm"].includes(type));
  return { value, isInteger: Number.isInteger(value) && !divides, term };
}

function termOf(latex: string): Term | undefined {
  const read = beginning(latex);
  // What this grammar does not know: signs beyond ASCII, degrees, a bare per cent, boxes.
  if (/[^\t\n\r -~]|(?<!\\)%|\\(?:circ|degree|boxed|!)/.test(read)) return undefined;
  const plain = read
    .replace(/\\displaystyle|\\q?quad|~|\\,|\$/g, " ")
    .replace(/(?<=\d),(?=\d{3}(?!\d))/g, "");
  try {
    return readTerm(tokensOf(plain), false);
  } catch (error) {
    if (error instanceof NotMathematics) return undefined;
    throw error;
  }
}

/** Up to what no term goes on with, a bracket that was not opened or a full stop: this grammar does not mind what follows. */
function beginning(latex: string): string {
  let depth = 0;
  for (let at = 0; at < latex.length; at++) {
    const c = latex[at] as string;
    if ("({[".includes(c)) depth++;
    else if (")}]".includes(c) && --depth < 0) return latex.slice(0, at);
    else if (c === "." && depth === 0 && at > 0 && !/\d/.test(latex[at + 1] ?? "")) return latex.slice(0, at);
  }
  return latex;
}

/** SymPy prints names that Python's math lacks: Abs, oo, and E where it is not the base of a power. */
function isUnknownToEval(term: Term): boolean {
  if (isE(term)) return true;
  if (term.type === "call" && (term.name === "abs" || term.name === "ceil")) return true;
  if (term.type === "constant" && term.name === "infinity") return true;
  return partsOf(term).some(
    (part, at) => !(term.type === "power" && at === 0 && isE(part)) && isUnknownToEval(part),
  );
}

const isE = (term: Term): boolean => term.type === "constant" && term.name === "e";

/** Fractions of numbers that no double holds, too. */
function valueOf(term: Term): number {
  const value = evaluate(term);
  if (Number.isFinite(value) || hasDecimal(term)) return value;
  const exact = exactly(term);
  return exact === undefined ? value : Number((exact.n * 10n ** 20n) / exact.d) / 1e20;
}
