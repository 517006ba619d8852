// Where in a text Math-Verify looks for an answer: mathematics between marks, boxes, numbers and plain arithmetic; first behind
// "final answer is", then in boxes, behind "answer:", "answer", and at last anywhere.

import { PY_SPACE } from "../python.ts";

/** Matches of less `priority` are tried first. */
export interface Anchor {
  readonly pattern: RegExp;
  readonly priority: number;
  readonly kind: "latex" | "plain";
}

const anyCase = (words: string): string =>
  words.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
const ANSWER = anyCase("answer");
const FINAL_ANSWER = anyCase("final answer");
const FINAL_ANSWER_IS = `${FINAL_ANSWER} ${anyCase("is")}`;
const PERCENT_WORD = "[Pp]ercent|[Pp]ercentage|[Pp]ct";

/** What may stand between each pair of marks. */
const WITHIN = {
  displayDollar: String.raw`(?:[^$]|\$(?!\$))`,
  displayBracket: String.raw`(?:[^\\]|\\(?!\]))`,
  inlineDollar: String.raw`(?:\\[$]|[^\n$])`,
  inlineParenthesis: String.raw`(?:[^\\\n]|\\(?!\)))`,
  inlineBracket: String.raw`[^\n\]\[]`,
} as const;

/** Mathematics between marks. Its groups are `latex…` and `percent` behind `name`. */
function between(name: string, boxed: boolean): string {
  const inside = (within: keyof typeof WITHIN): string => {
    const one = WITHIN[within];
    // What may stand within ends where the closing mark does, so that it can be taken whole: quadratic, where to go back would be cubic.
    const content = boxed ? `(?=${one}*?\\\\boxed\\{${one}+?\\})${one}+` : `${one}+?`;
    return `(?<${name}latex${within}>${content})`;
  };
  const marked = [
    String.raw`(?<!\\)\$\$${inside("displayDollar")}(?<!\\)\$\$`,
    String.raw`(?<!\\)\\\[${inside("displayBracket")}(?<!\\)\\\]`,
    String.raw`(?<!\\|\d)\$${inside("inlineDollar")}(?<!\\)\$`,
    String.raw`(?<!\\)\\\(${inside("inlineParenthesis")}(?<!\\)\\\)`,
    String.raw`\s\[${inside("inlineBracket")}\]\s`,
  ];
  const number = String.raw`-?\d+(?:[.,]\d+)?`;
  if (!boxed) marked.push(String.raw`(?<${name}latexfraction>-?\\frac\{${number}\}\{${number}\})`);
  return String.raw`(?:(?:${marked.join("|")})\s*(?<${name}percent>\\?%|${PERCENT_WORD})?)`;
}

export const FOLLOWING = [1, 2, 3, 4, 5].map((at) => `next${String(at)}_`);
const LISTED = String.raw`\s*(?:,?and|,?or|,)\s*`;
const LATEX = `(?:${between("first_", false)}${FOLLOWING.map((name) => `(?:${LISTED}${between(name, false)})?`).join("")})`;
const BOXED = `${between("first_", true)}${FOLLOWING.map((name) => String.raw`\s*(?:${LISTED}${between(name, true)})?`).join("")}`;

const NUMBER =
  String.raw`(?<!\d)(?:(?<integer1>-?[1-9]\d{0,2}(?:[ ,]\d{3})+)(?<decimal1>\.\d+)?|(?<integer2>-?\d+)(?<decimal2>[.,]\d+)` +
  String.raw`|(?<decimal3>\.\d+)|(?<integer3>-?\d+))(?<percent>\s*(?:%|[Pp]ercent|\s*[Pp]ercentage|\s*[Pp]ct))?`;
const OPERATORS = String.raw`+\-*×\/^()÷`;
const ARITHMETIC = String.raw`(?<expr>-?\(?-?\d[\d.\s${OPERATORS}]*[${OPERATORS}][\d.\s${OPERATORS}]+\)?)`;
const BEFORE = String.raw`(?:^|\s|=)(?:\*\*)?`;
const AFTER = String.raw`(?:\*\*)?(?:[.,:\s)$]|$)`;
const CURRENCY = "[$€£¥₹₽₪₩₫฿₡₢₣₤₥₦₧₨₭₮₯₰₱₲₳₴₵₶₷₸₺₻₼₾₿]";
const ARITHMETIC_APART = `(?:${BEFORE}${ARITHMETIC}${AFTER})`;
const NUMBER_APART = `(?:${BEFORE}${CURRENCY}?${NUMBER})`;
const PLAIN = `(?:${ARITHMETIC_APART}|${NUMBER_APART})`;

/** `\s` as Python takes it. */
function withPythonSpaces(pattern: string): string {
  let inClass = false;
  return pattern.replace(/\\.|[[\]]/gs, (token) => {
    if (token === "[" || token === "]") inClass = token === "[";
    return token !== "\\s" ? token : inClass ? PY_SPACE : `[${PY_SPACE}]`;
  });
}

const latex = (pattern: string, priority: number): Anchor => ({
  pattern: new RegExp(withPythonSpaces(pattern), "gs"),
  priority,
  kind: "latex",
});
const plain = (pattern: string, priority: number): Anchor => ({
  pattern: new RegExp(withPythonSpaces(pattern), "g"),
  priority,
  kind: "plain",
});

const OF_LATEX: readonly Anchor[] = [
  latex(String.raw`${FINAL_ANSWER_IS}:?\s*${LATEX}\.?\s?I hope`, 0),
  latex(String.raw`${FINAL_ANSWER}.{0,100}?\s+is:?\s*${LATEX}`, 50),
  latex(`${ANSWER}:.{0,50}?${LATEX}`, 100),
  latex(`${ANSWER}.{0,50}?${LATEX}`, 200),
  latex(LATEX, 300),
  latex(BOXED, 50),
  latex(String.raw`(?<first_latexboxed>\\boxed\{.+\})`, 50),
];
const OF_PLAIN: readonly Anchor[] = [
  plain(String.raw`${FINAL_ANSWER_IS}:?\s*${PLAIN}\.?\s?I hope`, 0),
  plain(String.raw`${FINAL_ANSWER}.{0,100}?\s+is:?${PLAIN}`, 50),
  plain(String.raw`${ANSWER}:(?:.{0,100}=\s*|.{0,50}?)${PLAIN}(?!\s*=)`, 100),
  plain(String.raw`${ANSWER}(?:.{0,100}=\s*|.{0,50}?)${PLAIN}(?!\s*=)`, 200),
  plain(ARITHMETIC_APART, 300),
  plain(NUMBER_APART, 300),
];

export interface Find {
  readonly kind: Anchor["kind"];
  readonly groups: Readonly<Record<string, string | undefined>>;
}

/** In the order in which they are tried, by priority; of equal priority the one that ends last, and of these the longest. */
export function* findsIn(text: string, plainToo: boolean): Generator<readonly Find[]> {
  const anchors = [...OF_LATEX, ...(plainToo ? OF_PLAIN : [])];
  for (const priority of [0, 50, 100, 200, 300]) {
    const matches = anchors
      .filter((anchor) => anchor.priority === priority)
      .flatMap(({ pattern, kind }) =>
        [...text.matchAll(pattern)].map((match) => ({
          kind,
          groups: match.groups ?? {},
          start: match.index,
          end: match.index + match[0].length,
        })),
      );
    yield matches.sort((a, b) => b.end - a.end || a.start - b.start);
  }
}
