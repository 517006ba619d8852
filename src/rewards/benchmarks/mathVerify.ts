// Math-Verify 0.8.0 with LaTeX2SymPy2-extended 1.10.2 and SymPy 1.13.3, emulated: what TIR-Bench, lmms-eval and rewards of other
// projects decide with. Its quirks are kept, since numbers were published with them; our own graders do not use it. What SymPy
// simplifies is decided by values at fixed points; integrals, sums, limits, matrices' functions and gcd are not read, and then
// equal only letter by letter.
import { equalAnswers } from "./mathVerify/compare.ts";
import { parseAnswer } from "./mathVerify/parse.ts";

export interface MathVerifyOptions {
  /** Of the truth only LaTeX is read, as `compute_score` does. Default: numbers outside of it as well. */
  readonly goldLatexOnly?: boolean;
}

/**
 * `verify(parse(gold), parse(prediction))`. Not symmetric. Never throws, and takes less than a second for any text.
 * @param gold with its marks: LaTeX is only seen within $…$, \(…\), \[…\] or \boxed{}
 */
export function mathVerify(gold: string, prediction: string, options: MathVerifyOptions = {}): boolean {
  const truth = parseAnswer(gold, { plain: options.goldLatexOnly !== true });
  const given = parseAnswer(prediction);
  if (truth.text !== undefined && truth.text.trim() !== "" && truth.text.trim() === given.text?.trim())
    return true;
  return truth.value !== undefined && given.value !== undefined && equalAnswers(truth.value, given.value);
}

/** verl's `math_verify.compute_score`: the truth put into a box. */
export const mathVerifyBoxed = (truth: string, prediction: string): boolean =>
  mathVerify(`\\boxed{${truth}}`, prediction, { goldLatexOnly: true });
