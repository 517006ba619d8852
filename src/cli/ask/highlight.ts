// Python cut into what a person tells apart by colour, line by line, so that a program can be shown while it is written.
// Its sorts of tokens are those of Python's own `tokenize` (highlight.test.ts compares); names are told apart by lists.

export type PythonStyle =
  "plain" | "keyword" | "builtin" | "definition" | "decorator" | "number" | "string" | "comment";

export interface Span {
  readonly style: PythonStyle;
  readonly text: string;
}

/** The quotes of a string that goes on in the next line; undefined between strings. */
export type HighlightState = string | undefined;

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const KEYWORDS = words(
  "False None True and as assert async await break class continue def del elif else except finally for from global if " +
    "import in is lambda nonlocal not or pass raise return try while with yield",
);
const BUILTINS = words(
  "abs all any bool bytes dict display enumerate filter float format int isinstance len list map max min open print " +
    "range reversed round set sorted str sum super tuple type zip",
);

const SPACE = /[ \t\f]+/y;
const COMMENT = /#.*/y;
const STRING_OPEN = /(?:[rR][bBfFtT]?|[bBfFtT][rR]?|[uU])?("""|'''|"|')/y;
const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?[jJ]?)/y;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const DECORATOR = /@[\p{L}_][\p{L}\p{Nd}_.]*/uy;
const OTHER = /[^\s\w"'#@\p{L}]|./uy;

/** @returns the line in spans, and what the next line goes on with. The spans' texts joined are the line. */
export function highlightLine(
  line: string,
  before: HighlightState,
): { readonly spans: readonly Span[]; readonly state: HighlightState } {
  const spans: Span[] = [];
  let at = 0;
  const tell = (style: PythonStyle, length: number): void => {
    if (length > 0) spans.push({ style, text: line.slice(at, at + length) });
    at += length;
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(line)?.[0];
  };

  if (before !== undefined) {
    const { length, closed } = stringRest(line, 0, before);
    tell("string", length);
    if (!closed) return { spans, state: goesOn(before, line) };
  }
  let isFirst = line.slice(0, at).trim() === "";
  let defines = false;
  while (at < line.length) {
    const space = match(SPACE);
    if (space !== undefined) {
      tell("plain", space.length);
      continue;
    }
    const open = match(STRING_OPEN);
    const name = match(NAME);
    if (open !== undefined) {
      const quotes = /["']+$/.exec(open)?.[0] ?? "";
      const { length, closed } = stringRest(line, at + open.length, quotes);
      tell("string", open.length + length);
      if (!closed) return { spans, state: goesOn(quotes, line) };
    } else if (match(COMMENT) !== undefined) tell("comment", line.length - at);
    else if (isFirst && match(DECORATOR) !== undefined) tell("decorator", match(DECORATOR)?.length ?? 1);
    else if (name !== undefined) {
      const isAttribute = spans.at(-1)?.text === ".";
      tell(isAttribute ? "plain" : styleOf(name, defines), name.length);
      defines = name === "def" || name === "class";
    } else {
      const number = match(NUMBER);
      if (number !== undefined) tell("number", number.length);
      else tell("plain", match(OTHER)?.length ?? 1);
    }
    isFirst = false;
  }
  return { spans, state: undefined };
}

/** A string in single quotes ends with its line, closed or not, unless a backslash joins the next one. */
function goesOn(quotes: string, line: string): HighlightState {
  return quotes.length === 3 || line.endsWith("\\") ? quotes : undefined;
}

function styleOf(name: string, defines: boolean): PythonStyle {
  if (defines) return "definition";
  return KEYWORDS.has(name) ? "keyword" : BUILTINS.has(name) ? "builtin" : "plain";
}

/** Length up to and with the closing quotes, or to the end of the line. In raw strings too a backslash keeps a quote. */
function stringRest(line: string, from: number, quotes: string): { length: number; closed: boolean } {
  for (let i = from; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line.startsWith(quotes, i)) return { length: i + quotes.length - from, closed: true };
  }
  return { length: line.length - from, closed: false };
}
