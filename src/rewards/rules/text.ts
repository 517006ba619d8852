// Answers as text: what two spellings of one answer have in common. Used by itself for names and words, and by every other
// rule before it reads more into an answer.
import { extractBoxed } from "../../agent/parser.ts";
import { numberOf } from "../grade.ts";
import { type Graded, rightIf, type Verdict } from "../verdict.ts";

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const FRACTIONS: Readonly<Record<string, string>> = {
  "½": "1/2",
  "⅓": "1/3",
  "⅔": "2/3",
  "¼": "1/4",
  "¾": "3/4",
  "⅕": "1/5",
  "⅖": "2/5",
  "⅗": "3/5",
  "⅘": "4/5",
  "⅙": "1/6",
  "⅚": "5/6",
  "⅛": "1/8",
  "⅜": "3/8",
  "⅝": "5/8",
  "⅞": "7/8",
};

/**
 * One spelling of each character: compatibility forms folded (but 5² becomes 5^2, not 52), one minus, one kind of quote,
 * nothing invisible, spaces of one width. Case stays.
 */
export function plainCharacters(text: string): string {
  return text
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (run) => `^{${[...run].map((c) => SUPERSCRIPTS.indexOf(c)).join("")}}`)
    .replace(/(\d?)([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])/g, (_, whole: string, c: string) =>
      whole === "" ? (FRACTIONS[c] as string) : `${whole} ${FRACTIONS[c] as string}`,
    )
    .replaceAll("º", "°")
    .normalize("NFKC")
    .replace(/[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/g, "")
    .replace(/[‐‑‒–—−]/g, "-")
    .replace(/[‘’‛′]/g, "'")
    .replace(/[“”„″]/g, '"')
    .replace(/\s+/g, " ")
    .trim();
}

/** Each takes away one pair that wraps the whole text. */
const WRAPPERS: readonly RegExp[] = [
  /^\$\$((?:[^$\\]|\\.)*)\$\$$/,
  /^\$((?:[^$\\]|\\.)*)\$$/,
  /^\\\(((?:(?!\\\)).)*)\\\)$/,
  /^\\\[((?:(?!\\\]).)*)\\\]$/,
  /^\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|operatorname|mbox)\s?\{([^{}]*)\}$/,
  /^\*\*([^*]*)\*\*$/,
  /^\*([^*]*)\*$/,
  /^`([^`]*)`$/,
  /^"([^"]*)"$/,
  /^'([^']*)'$/,
];

/** What an answer may be led in by. Nothing else of a sentence is passed over. */
const LEAD =
  /^(?:so |thus |therefore,? )?(?:(?:the |my )?(?:(?:final|correct) )?answer(?: is| =|:)+|answer:)\s*:?\s*(?=\S)/i;

/** Without the marks around the whole of it (of mathematics, bold type, quotation) and without punctuation at its end. */
export function unwrapped(text: string): string {
  let result = plainCharacters(text);
  for (let pass = 0; pass < 8; pass++) {
    const before = result;
    result = result.replace(LEAD, "");
    const boxed = result.startsWith("\\boxed{") ? extractBoxed(result) : undefined;
    if (boxed?.length === result.length - "\\boxed{}".length) result = boxed.trim();
    for (const wrapper of WRAPPERS) result = (wrapper.exec(result)?.[1] ?? result).trim();
    result = result.replace(/^(?:\\ |\\,|~)+/, "").trim();
    let end = result.length;
    while (end > 0 && " .,;:!?~".includes(result[end - 1] as string)) end--;
    // What ends in a command such as "\," or "3!" keeps it.
    if (result[end - 1] !== "\\" && !/\d!$/.test(result)) result = result.slice(0, end);
    if (result === before) break;
  }
  return result;
}

/** For comparison of words: case folded, text commands opened, articles before it dropped (but "a b" and "a and b" may be letters). */
export function folded(text: string): string {
  return unwrapped(text)
    .toLowerCase()
    .replace(/\\(?:text|textbf|textit|textrm|mathrm|mathbf)\s?\{([^{}]*)\}/g, "$1")
    .replace(/[$~]/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/^(?:the|an?) (?!(?:and|or|but|nor)\b)(?=\S\S)/, "");
}

const YES: Readonly<Record<string, string>> = { y: "yes", yes: "yes", n: "no", no: "no" };
const TRUE: Readonly<Record<string, string>> = { true: "true", false: "false" };

/** The same text, letter by letter, after Unicode composition and without white space around it. */
export function gradeExact({ answer, truth }: Graded): Verdict {
  const given = answer.normalize("NFC").trim();
  return rightIf(given !== "" && given === truth.normalize("NFC").trim());
}

/**
 * The same words: case, width, articles before them and punctuation at the end do not count. Other words are wrong where
 * both are a yes or a no, a true or a false, or a number; else unknown, since a rule knows no synonyms.
 */
export function gradeText({ answer, truth }: Graded): Verdict {
  const given = folded(answer);
  const wanted = folded(truth);
  if (given === "" || wanted === "") return "wrong";
  if (given === wanted) return "right";
  for (const words of [YES, TRUE])
    if (Object.hasOwn(words, given) && Object.hasOwn(words, wanted))
      return rightIf(words[given] === words[wanted]);
  const [a, b] = [numberOf(given), numberOf(wanted)];
  if (a !== undefined && b !== undefined) return rightIf(a === b);
  return "unknown";
}
