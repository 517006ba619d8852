// What VLMEvalKit reads from a whole response to a benchmark of space such as VSI-Bench: an option's letter, or a number. Its
// many forms are tried in its order. Its patterns are searched in one pass each here, whatever the text; they know the
// digits and letters of ASCII, where Python's know those of all scripts.
import { pySplitLines, pyStrip } from "../python.ts";

/** Zero-width characters, which it drops first. */
const INVISIBLE = /\u200b|\u200c|\u200d|\ufeff/g;
/** Characters and lines that count as the end of a response. */
const TAIL = 800;
const TAIL_LINES = 6;

/** The letter, or undefined. */
export function matchOption(response: string): string | undefined {
  const text = pyStrip(response).replace(INVISIBLE, "");
  const tail = [...text.slice(-2 * TAIL)].slice(-TAIL).join("");
  return (
    startOfTag(text, /\s*([A-J])/iy) ??
    BEFORE_ANSWER.exec(tail)?.[1]?.toUpperCase() ??
    BEFORE_THINK.exec(tail)?.[1]?.toUpperCase() ??
    inLastLines(afterThink(text)) ??
    inLastLines(tail) ??
    PHRASE.exec(text)?.[1]?.toUpperCase() ??
    onlyLetter(text)
  );
}

const BEFORE_ANSWER = /(?<![A-Za-z])([A-F])\s*[)\]}）】]?\s*<\/\s*answer\s*>/i;
const BEFORE_THINK = /(?<![A-Za-z])([A-F])\s*[)\]}）】]?\s*<\/\s*think\s*>/i;
const PHRASE =
  /(?:final\s*answer|the\s*answer\s*is|answer(?:\s*is)?|correct\s*answer|答案|最终答案|结论|所以|因此|我选(?:择)?|选择|选)\s*(?:[:：>＝=]\s*)?(?:[([{（【]\s*)?([A-F])(?![\p{L}\p{N}_])/iu;

/** A line of the list of options, which says nothing of the choice. */
const OPTION_LINE = /^[*_>\-\s]*(?:option|选项)\s+[A-J]\s*[:：]/i;
const LONE = /^[*_`>（）[\]【】()]*\s*([A-Fa-f])\s*[*_`（）[\]【】()]*$/;
const LABELED = /^([A-F])\s*[.．:：)\]】、-]\s+/i;
const INLINE = /(?<![A-Za-z])([A-F])(?=$|\s|[*_`）\]})]*(?:$|[\s.,:;!?)\]】》」』，。；、：）]))/g;

/** From the last line up: a letter alone, one that labels the line, or the only one in capitals that stands by itself. */
function inLastLines(text: string): string | undefined {
  for (const raw of pySplitLines(text).slice(-TAIL_LINES).reverse()) {
    const line = pyStrip(raw);
    if (line === "" || OPTION_LINE.test(line)) continue;
    const letter = LONE.exec(line)?.[1] ?? LABELED.exec(line)?.[1] ?? onlyOf(line.matchAll(INLINE));
    if (letter !== undefined) return letter.toUpperCase();
  }
  return undefined;
}

const onlyLetter = (text: string): string | undefined =>
  onlyOf(
    pySplitLines(text)
      .filter((line) => !OPTION_LINE.test(line))
      .join("\n")
      .matchAll(/(?<![A-Za-z])([A-F])(?![A-Za-z])/g),
  );

function onlyOf(matches: Iterable<RegExpExecArray>): string | undefined {
  const [only, ...more] = new Set([...matches].map((match) => match[1] as string));
  return more.length === 0 ? only : undefined;
}

const NUMBER = /[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?/g;
const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(
    " ",
  );
const SMALL_WORD = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${SMALL.join("|")})(?![\\p{L}\\p{N}_])`, "giu");

/** The number, or undefined. Words count up to twenty, so that "twenty-one" is 20-1, and its last number -1. */
export function matchNumber(response: string): number | undefined {
  const candidate = firstOfList(response);
  if (candidate === undefined) return undefined;
  const text = pyStrip(candidate)
    .replace(INVISIBLE, "")
    .replace(SMALL_WORD, (word) => String(SMALL.indexOf(word.toLowerCase())));
  const tagged = startOfTag(text, TAGGED_NUMBER);
  const found = tagged ?? afterThink(text).match(NUMBER)?.at(-1) ?? text.match(NUMBER)?.at(-1);
  return found === undefined ? undefined : Number(found);
}

/** A number, then nothing that is a digit, and no other tag, up to the tag's end. */
const TAGGED_NUMBER =
  /\s*([-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)(?:[^\d<][^<]*)?<\s*\/\s*answer\s*>/iy;

const ELEMENT = String.raw`(?:[+-]?(?:0+|[1-9]\d*|\d*\.\d+|\d+\.)(?:[eE][+-]?\d+)?|"[^"\\\n]*"|'[^'\\\n]*'|True|False|None)`;
const LIST = new RegExp(String.raw`^\[\s*(${ELEMENT})\s*(?:,\s*${ELEMENT}\s*)*,?\s*\]$`);

/**
 * Of a response that is a list in Python its first element, of any other text the text. undefined for what stands in brackets
 * and is no list, where the original fails and scores 0; lists within lists are taken for such.
 */
function firstOfList(response: string): string | undefined {
  const text = pyStrip(response);
  if (!text.startsWith("[") || !text.endsWith("]") || /^\[\s*\]$/.test(text)) return response;
  return LIST.exec(text)?.[1]?.replace(/^(["'])(.*)\1$/, "$2");
}

/** What follows the last </think>, else the last <think>, else the whole. */
function afterThink(text: string): string {
  for (const mark of [/<\/\s*think\s*>/gi, /<\s*think\s*>/gi]) {
    const last = [...text.matchAll(mark)].at(-1);
    if (last !== undefined) return pyStrip(text.slice(last.index + last[0].length));
  }
  return text;
}

/** What `content` finds behind the first <answer …> that it fits and that a closing tag follows, in capitals. */
function startOfTag(text: string, content: RegExp): string | undefined {
  const closed = [...text.matchAll(/<\s*\/\s*answer\s*>/gi)].at(-1)?.index ?? -1;
  let end = -1;
  for (const open of text.matchAll(/<\s*answer(?![\p{L}\p{N}_])/giu)) {
    const from = open.index + open[0].length;
    if (end < from) end = text.indexOf(">", from);
    if (end < 0 || end > closed) return undefined;
    content.lastIndex = end + 1;
    const found = content.exec(text)?.[1];
    if (found !== undefined) return found.toUpperCase();
  }
  return undefined;
}
