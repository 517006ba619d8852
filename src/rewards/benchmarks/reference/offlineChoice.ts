// The rules of the reference implementation's scripts for V* and HR-Bench, to reproduce what they count as right without their
// judge. Quirks are kept: a box is cut at its first closing brace, and `holds` may stand anywhere in the answer.

/**
 * 1 or 0, or "JUDGE" where the scripts ask their judge.
 * @param letter of the right option
 * @param holds the text that is right wherever it stands: the option in full for V*, the letter alone for HR-Bench
 */
export function offlineChoice(prediction: string, letter: string, holds: string): 0 | 1 | "JUDGE" {
  const answer = cutBox(prediction);
  const length = [...answer].length;
  if (length === 1) return answer === letter ? 1 : 0;
  if (length === 2 && answer.includes(".")) return answer.includes(letter) ? 1 : 0;
  return answer.includes(holds) ? 1 : "JUDGE";
}

/** Where the word stands without a brace behind it the scripts stop with an error; here the text stays as it is. */
function cutBox(text: string): string {
  const inside = text.split("\\boxed{")[1];
  return inside === undefined ? text : (inside.split("}")[0] as string);
}
