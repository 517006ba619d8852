// LaTeX as Math-Verify tidies it before it is read: boxes opened, looks dropped, units and words of them cut off at the end,
// careless fractions and roots given braces. The order of the steps is part of the rules.
import { boxedContent } from "./boxes.ts";
import { UNIT_AT_END } from "./units.ts";

type Rule = readonly [RegExp, string];

const apply = (text: string, rules: readonly Rule[]): string =>
  rules.reduce((result, [pattern, by]) => result.replace(pattern, by), text);

const DELIMITER_LEFT = String.raw`\\\{|\{|\\\||\||\[|\(|\\(?:lgroup|lbrace|lbrack|vert|lvert|lceil|lfloor|langle|llcorner|ulcorner)`;
const DELIMITER_RIGHT = String.raw`\\\}|\}|\\\||\||\]|\)|\\(?:rgroup|rbrace|rbrack|vert|rvert|rceil|rfloor|rangle|lrcorner|urcorner)`;

const LOOKS: readonly Rule[] = [
  [/\\mathrm\{T\}/g, "T"],
  [/\\mathrm\{d\}|\{\\rm d\}/g, "d"],
  [/\\left\[\\begin\{matrix\}/g, "\\begin{bmatrix}"],
  [/\\end\{matrix\}\\right\]/g, "\\end{bmatrix}"],
  [new RegExp(String.raw`\\m?left(?=${DELIMITER_LEFT})`, "g"), ""],
  [new RegExp(String.raw`\\m?right(?=${DELIMITER_RIGHT})`, "g"), ""],
  [/\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|(?<!\\)["']|\\displaystyle/g, ""],
];

/** All at once: what one puts in is not read by another. */
const SPELLINGS: readonly (readonly [string, string])[] = [
  [String.raw`\\math(?:rm|it|bf)`, "\\text"],
  [String.raw`\\text(?:normal|bf|it|rm)`, "\\text"],
  [String.raw`\\[dtc]frac`, "\\frac"],
  [String.raw`\s\.`, " 0."],
  [String.raw`\{\.`, "{0."],
  ["~=", "\\approx"],
  [String.raw`\s*\{\s*,\s*\}`, ","],
  [String.raw`(?<![a-zA-Z]),?\s*(?:and|or)(?![a-zA-Z])`, ","],
  [String.raw`,?\s*\\text\{\s*(?:and|or)\s*\}`, ","],
  [String.raw`(?<!\\)\\\s`, " "],
  ["infinity", "\\infty"],
  [String.raw`,?\\ldots`, " "],
  [String.raw`\s*percentage`, "\\%"],
  [String.raw`\\text\{percentage\}`, "\\%"],
  [String.raw`\s*percent`, "\\%"],
  [String.raw`\\text\{percent\}`, "\\%"],
  [String.raw`\s*pct`, "\\%"],
  [String.raw`\\text\{pct\}`, "\\%"],
  [String.raw`(?<!\\)inf(?!inity)`, "\\infty"],
  [" sqrt", "\\sqrt"],
];
const ANY_SPELLING = new RegExp(SPELLINGS.map(([pattern]) => `(${pattern})`).join("|"), "g");

const respelled = (text: string): string =>
  text.replace(ANY_SPELLING, (...found: unknown[]) => {
    const at = found.slice(1, SPELLINGS.length + 1).findIndex((group) => group !== undefined);
    return SPELLINGS[at]?.[1] ?? "";
  });

const CARELESS: readonly Rule[] = [
  [/\^\s?\((.*?)\)/g, "^{$1}"],
  [/sqrt\s?\((.*?)\)/g, "\\sqrt{$1}"],
  [/\\frac\s?(\d)\s?(\d+)/g, "\\frac{$1}{$2}"],
  [/\\log_\s?(\d)\s?(\d+)/g, "\\log_{$1}{$2}"],
  [/\\frac\s?\{(.*?)\}\s?(\d)/g, "\\frac{$1}{$2}"],
  [/\\frac\s?(\d)\s?\{(.*?)\}/g, "\\frac{$1}{$2}"],
  [/\\sqrt\s?(\d)/g, "\\sqrt{$1}"],
  [/ sqrt/g, "\\sqrt"],
];

/** What is longer is not read, and so only compared letter by letter. */
export const MOST_LATEX = 2000;

export function normalised(latex: string, boxes: "all" | "last"): string {
  if (latex.length > MOST_LATEX) return latex.trim();
  let text = respelled(apply(boxedContent(latex, boxes), LOOKS)).replace(/[\n\t]/g, " ");
  if (!text.includes("matrix")) text = text.replace(/\\\\(?=[a-zA-Z])/g, "\\");
  text = withoutUnits(text);
  if (text.startsWith(".")) text = `0${text}`;
  if (text === "0.5") text = "\\frac{1}{2}";
  return withSlash(withFractions(withRoots(apply(text, CARELESS)))).trim();
}

/** Unless nothing would remain. */
function withoutUnits(text: string): string {
  const bare = text.replace(/\\(?:text|mbox)\{.*?\}(?:\^\d|\{\^\d\})?$/, "").trim();
  let result = bare === "" ? text : bare;
  for (let pass = 0; pass < 2; pass++) {
    const cut = result.replace(UNIT_AT_END, "$1");
    if (cut !== "") result = cut;
  }
  return result;
}

/** `\sqrt3`, `\sqrt x`. */
function withRoots(text: string): string {
  const [before = "", ...after] = text.split("\\sqrt");
  const pieces = after.map((piece) => {
    const rest = piece.trimStart();
    return rest === "" || /^[{[]/.test(rest) ? rest : `{${rest[0] as string}}${rest.slice(1)}`;
  });
  return [before, ...pieces].join("\\sqrt");
}

/** `\frac12`, `\frac1{2}`; all or none. */
function withFractions(text: string): string {
  const [before = "", ...after] = text.split("\\frac");
  const pieces = after.map((piece) => {
    const rest = piece.trimStart();
    if (rest.startsWith("{")) return rest;
    if (rest.length < 2) return undefined;
    const [a, b] = rest;
    return b === "{"
      ? `{${a as string}}${rest.slice(1)}`
      : `{${a as string}}{${b as string}}${rest.slice(2)}`;
  });
  return pieces.includes(undefined) ? text : [before, ...pieces].join("\\frac");
}

const withSlash = (text: string): string =>
  /^(?:0|-?[1-9]\d*)\/(?:0|-?[1-9]\d*)$/.test(text) ? text.replace(/^(.+)\/(.+)$/, "\\frac{$1}{$2}") : text;
