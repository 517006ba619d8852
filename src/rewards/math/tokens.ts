// LaTeX and plain notation of mathematics as one stream of tokens: typesetting that has no meaning is dropped, and each
// sign has one spelling, whether it came as a command, as a Unicode character or in ASCII.
import { plainCharacters } from "../rules/text.ts";

export type Token =
  | { readonly type: "number"; readonly text: string }
  /** A run of letters of plain text. */
  | { readonly type: "word"; readonly text: string }
  /** A LaTeX command without its backslash. */
  | { readonly type: "command"; readonly text: string }
  /** The words inside \text{} and its like. */
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "sign"; readonly text: string };

/** Thrown by the readers of this folder and caught where they are entered: this text is not mathematics that is known. */
export class NotMathematics extends Error {}

/** Longer texts are not read. */
const MAX_CHARS = 1000;

const UNICODE: Readonly<Record<string, string>> = {
  "×": "*",
  "·": "*",
  "⋅": "*",
  "∙": "*",
  "∗": "*",
  "÷": "/",
  "⁄": "/",
  "∕": "/",
  "√": "\\sqrt ",
  "∞": "\\infty ",
  "≤": "<=",
  "≥": ">=",
  "⩽": "<=",
  "⩾": ">=",
  "≠": "!=",
  "∪": "\\cup ",
  "∈": "\\in ",
  "∅": "\\emptyset ",
  "°": "\\degree ",
  º: "\\degree ",
  "±": "\\pm ",
  "∶": ":",
  "〈": "⟨",
  "〉": "⟩",
  π: "\\pi ",
  θ: "\\theta ",
  α: "\\alpha ",
  β: "\\beta ",
  γ: "\\gamma ",
  "∠": "\\angle ",
  "△": "\\triangle ",
};

/** Commands that say how something looks. */
const LOOKS =
  /(?<!\\)\\(?:left|right|big[lr]?|Big[lr]?|bigg[lr]?|Bigg[lr]?|displaystyle|textstyle|limits|nolimits|quad|qquad|[,;:! ])(?![a-zA-Z])/g;

/** Signs of one meaning. */
const SIGNS: Readonly<Record<string, string>> = {
  times: "*",
  cdot: "*",
  ast: "*",
  div: "/",
  le: "<=",
  leq: "<=",
  leqslant: "<=",
  ge: ">=",
  geq: ">=",
  geqslant: ">=",
  lt: "<",
  gt: ">",
  ne: "!=",
  neq: "!=",
  approx: "≈",
  simeq: "≈",
  lbrace: "\\{",
  rbrace: "\\}",
  lbrack: "[",
  rbrack: "]",
  lvert: "|",
  rvert: "|",
  vert: "|",
  colon: ":",
  "%": "%",
  "{": "\\{",
  "}": "\\}",
  "|": "|",
  langle: "⟨",
  rangle: "⟩",
};

const TEXT_COMMANDS = new Set([
  "text",
  "textrm",
  "textbf",
  "textit",
  "mathrm",
  "mathbf",
  "mathit",
  "mathsf",
  "mbox",
  "operatorname",
  "rm",
]);
const FRACTIONS = new Set(["dfrac", "tfrac", "cfrac"]);

/** @throws NotMathematics for what is too long or holds a character that no token begins with */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > MAX_CHARS) throw new NotMathematics("too long");
  const source = spelledOut(text);
  const tokens: Token[] = [];
  const scan =
    /\s+|(?<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?![\d.a-zA-Z]))?)|\\(?<command>[a-zA-Z]+|.)|(?<word>\p{L}+)|(?<sign><=|>=|!=|\*\*|[-+*/^_(){}[\]⟨⟩|=<>≈!%:;,.&'])/uy;
  while (scan.lastIndex < source.length) {
    const at = scan.lastIndex;
    const groups = scan.exec(source)?.groups;
    if (groups === undefined) throw new NotMathematics(`character ${at}`);
    const { number, command, word, sign } = groups;
    if (number !== undefined) tokens.push({ type: "number", text: number });
    else if (word !== undefined) tokens.push({ type: "word", text: word });
    else if (sign !== undefined) tokens.push({ type: "sign", text: sign === "**" ? "^" : sign });
    else if (command !== undefined) scan.lastIndex = pushCommand(tokens, command, source, scan.lastIndex);
  }
  return tokens;
}

/** @returns where reading goes on. */
function pushCommand(tokens: Token[], command: string, source: string, after: number): number {
  if (TEXT_COMMANDS.has(command)) {
    const open = /^\s*\{([^{}]*)\}/.exec(source.slice(after));
    if (open === null) return after;
    const words = (open[1] as string).replace(/\\./g, " ").replace(/\s+/g, " ").trim();
    if (words !== "") tokens.push({ type: "text", text: words });
    return after + open[0].length;
  }
  const sign = Object.hasOwn(SIGNS, command) ? SIGNS[command] : undefined;
  if (sign !== undefined) tokens.push({ type: "sign", text: sign });
  else if (command === "\\") tokens.push({ type: "sign", text: "\\\\" });
  else tokens.push({ type: "command", text: FRACTIONS.has(command) ? "frac" : command });
  return after;
}

function spelledOut(text: string): string {
  return plainCharacters(text.replace(/[°º]/g, "\\degree "))
    .replace(/\p{L}|\P{L}/gu, (c) => (Object.hasOwn(UNICODE, c) ? (UNICODE[c] as string) : c))
    .replace(/(\d)(?:\\,|\\ |~|\{,\})(?=\d{3}(?!\d))/g, "$1")
    .replace(LOOKS, " ")
    .replace(/[~$]/g, " ")
    .replace(/\\circ(?![a-zA-Z])/g, "\\degree ");
}
