// The number that lmms-eval reads from an answer to VSI-Bench: the first in digits or in English words, wherever it stands.
const DIGITS = /-?\d+(?:\.\d+)?/;

const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen";
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety";

const WORDS: ReadonlyMap<string, number> = new Map([
  ...ONES.split(" ").map((word, i) => [word, i] as const),
  ...TENS.split(" ").map((word, i) => [word, 20 + 10 * i] as const),
  ["hundred", 100],
  ["thousand", 1000],
]);

/** undefined when there is none. */
export function lmmsNumber(answer: string): number | undefined {
  const text = answer.toLowerCase();
  const digits = DIGITS.exec(text);
  const words = [...text.matchAll(/[a-z]+/g)];
  const first = words.findIndex(([word]) => WORDS.has(word));
  const wordsAt = words[first]?.index;
  if (digits !== null && (wordsAt === undefined || digits.index < wordsAt)) return Number(digits[0]);
  return wordsAt === undefined ? undefined : valueOf(words.slice(first).map(([word]) => word));
}

/** Of a run of number words with "and" between them. What stands between words, digits too, is passed over. */
function valueOf(words: readonly string[]): number {
  let total = 0;
  let part = 0;
  for (const word of words) {
    const value = WORDS.get(word);
    if (value === undefined) {
      if (word === "and") continue;
      break;
    }
    if (value === 100) part = Math.max(part, 1) * 100;
    else if (value === 1000) [total, part] = [total + Math.max(part, 1) * 1000, 0];
    else part += value;
  }
  return total + part;
}
