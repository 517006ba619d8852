// Math-Verify's `parse`: the first place of a text, in the order of its anchors, that can be read.
import { NotMathematics } from "../../math/tokens.ts";
import { type Find, findsIn, FOLLOWING } from "./anchors.ts";
import { readArithmetic } from "./arithmetic.ts";
import { normalised } from "./normalise.ts";
import { ofTerm, type Parsed, setOf } from "./parsed.ts";
import { readLatex } from "./values.ts";

export interface Extraction {
  /** undefined: nothing that was found could be read. */
  readonly value: Parsed | undefined;
  /** Of the first place, read or not; undefined when nothing was found. */
  readonly text: string | undefined;
}

export interface ParseOptions {
  /** Numbers and arithmetic outside of LaTeX as well. */
  readonly plain: boolean;
}

/** Of longer texts only this many characters at the end are searched: the search takes the square of their number. */
const MAX_CHARS = 4000;

export function parseAnswer(text: string, { plain }: ParseOptions = { plain: true }): Extraction {
  let first: string | undefined;
  for (const finds of findsIn(text.slice(-MAX_CHARS), plain))
    for (const find of finds) {
      const { value, text: written } = find.kind === "latex" ? ofLatex(find) : ofPlain(find);
      if (written !== "") first ??= written;
      if (value !== undefined) return { value, text: first };
    }
  return { value: undefined, text: first };
}

type Read = { readonly value: Parsed | undefined; readonly text: string };

function ofPlain({ groups }: Find): Read {
  const group = (name: string): string | undefined =>
    Object.entries(groups).find(
      ([key, value]) => key.startsWith(name) && value !== undefined && value !== "",
    )?.[1];
  const [integer, decimal] = [group("integer"), group("decimal")];
  if (integer === undefined && decimal === undefined) {
    const expression = groups["expr"] ?? "";
    return {
      value: attempt(() => ofTerm(readArithmetic(expression.replaceAll("\n", " ").replaceAll("^", "**")))),
      text: expression,
    };
  }
  const digits = (integer ?? "").replace(/[ ,]/g, "").replace(/^0+/, "") || "0";
  const text = `${digits}${(decimal ?? "").replace(",", ".")}`;
  const number = readNumber(text);
  return { value: groups["percent"] === undefined ? number : asPercent(number), text };
}

const readNumber = (text: string): Parsed =>
  text.startsWith("-")
    ? ofTerm({ type: "negative", of: { type: "number", text: text.slice(1) } })
    : ofTerm({ type: "number", text });

const asPercent = (value: Parsed): Parsed =>
  value.type === "term" ? ofTerm({ type: "percent", of: value.term }) : value;

function ofLatex({ groups }: Find): Read {
  const reads = ["first_", ...FOLLOWING].flatMap((name): readonly Read[] => {
    const [key, latex] =
      Object.entries(groups).find(([key, value]) => key.startsWith(`${name}latex`) && value) ?? [];
    if (key === undefined || latex === undefined) return [];
    const text = normalised(latex, key.endsWith("latexboxed") ? "last" : "all");
    const value = attempt(() => readLatex(text)) ?? lastOfChain(text);
    return [
      {
        value: value !== undefined && groups[`${name}percent`] !== undefined ? asPercent(value) : value,
        text,
      },
    ];
  });
  const values = reads.flatMap(({ value }) => (value === undefined ? [] : [value]));
  if (reads.length > 1 && values.length === reads.length)
    return {
      value: setOf(values.flatMap((value) => (value.type === "set" ? value.of : [value]))),
      text: reads.map(({ text }) => text).join(" and "),
    };
  return reads[0] ?? { value: undefined, text: "" };
}

/** "(a) = b = 3" as 3. */
function lastOfChain(latex: string): Parsed | undefined {
  if (/[,;]/.test(latex)) return undefined;
  const parts = latex.split(/(?<![\\<!>])=/);
  return parts.length > 2 ? attempt(() => readLatex(parts.at(-1) as string)) : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotMathematics) return undefined;
    throw error;
  }
}
