// Accuracy by rules: the answer as a whole must equal the ground truth after normalisation. Nothing is searched inside
// prose ("it is 4 or 5" is not 4), so that hedging and listing never pay.

/** 1 when the answer equals the ground truth as text, as a number, as yes/no or as an option letter. */
export function gradeAnswer(answer: string, groundTruth: string): 0 | 1 {
  const given = normalise(answer);
  const truth = normalise(groundTruth);
  if (given === "") return 0;
  if (given === truth) return 1;
  const givenNumber = numberOf(given);
  const truthNumber = numberOf(truth);
  if (givenNumber !== undefined && truthNumber !== undefined) return givenNumber === truthNumber ? 1 : 0;
  return canonicalWord(given) === canonicalWord(truth) ? 1 : 0;
}

/** Trims, folds case and width, unwraps $..$ and \text{..}, drops trailing punctuation, collapses spaces. */
export function normalise(text: string): string {
  let result = text.normalize("NFKC").trim().toLowerCase();
  result = /^\$(.*)\$$/s.exec(result)?.[1] ?? result;
  result = /^\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}$/.exec(result.trim())?.[1] ?? result;
  result = result.replace(/\s+/g, " ").trim();
  let end = result.length;
  while (end > 0 && " .,;:!?".includes(result[end - 1] as string)) end--;
  return result.slice(0, end);
}

const NUMBER_WORDS = (
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
  "seventeen eighteen nineteen twenty"
).split(" ");

/** Value of a text that is a number and nothing else: digits (thousands commas allowed) or a word up to twenty. */
export function numberOf(text: string): number | undefined {
  const word = NUMBER_WORDS.indexOf(text);
  if (word >= 0) return word;
  if (!/^[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?(e[+-]?\d+)?$/.test(text) || !/^[+-]?[\d.]/.test(text))
    return undefined;
  const value = Number(text.replaceAll(",", ""));
  return Number.isFinite(value) ? value : undefined;
}

/** y/yes and n/no are one; an option letter may stand in parentheses or before one. */
function canonicalWord(text: string): string {
  if (text === "y") return "yes";
  if (text === "n") return "no";
  return /^\(?([a-z])\)$/.exec(text)?.[1] ?? text;
}
