// Changed items beside the real ones: options in another order, which a model that reads them must not mind, and no pictures,
// which shows how much of a score needs none. Both keep an item's pictures unread until somebody asks for them.
import { ConfigError } from "../core/errors.ts";
import { randomStream } from "../core/random.ts";
import type { BenchmarkItem, BenchmarkName, Option } from "../tasks/benchmarks/item.ts";

/** Why the options of this benchmark are left in their order; undefined where they may be shuffled. */
export function whyNotShuffled(benchmark: BenchmarkName): string | undefined {
  return benchmark === "hrbench-4k" || benchmark === "hrbench-8k"
    ? "HR-Bench asks each question in four rotations of its options already, over which its score is a mean; shuffling would undo them"
    : undefined;
}

/**
 * The options in an order drawn from the seed and the item's id, the same every time. Letters stay A, B, C, … from the top;
 * `question`, `answer`, `options` and `details.questionForEval` follow. "No correct answer" stays last.
 *
 * `details.shuffled` is 1, and `details.order` names the former letters in the order now shown. It is 0, and all else as it
 * was, where that cannot be done without changing what is asked: no options, options that are not found as one block
 * `(A) text`, `A. text` or `A: text`, options that speak of each other, an answer that is not one letter.
 * @throws ConfigError for a benchmark of which `whyNotShuffled` says why not
 */
export function shuffledOptions(item: BenchmarkItem, seed: number): BenchmarkItem {
  const reason = whyNotShuffled(item.benchmark);
  if (reason !== undefined)
    throw new ConfigError(`tasks.shuffleOptions: ${reason}; leave it out for ${item.benchmark}`);
  return shuffled(item, seed) ?? changed(item, { details: { ...item.details, shuffled: 0 } });
}

/** Asked with nothing to look at: the same question without pictures and videos. */
export function withoutMedia(item: BenchmarkItem): BenchmarkItem {
  const { images: _images, videos: _videos, ...fields } = Object.getOwnPropertyDescriptors(item);
  return Object.defineProperties({}, { ...fields, images: valueOf([]) }) as BenchmarkItem;
}

function shuffled(item: BenchmarkItem, seed: number): BenchmarkItem | undefined {
  const { options, details, id } = item;
  const answerAt = options.findIndex(({ letter }) => letter === item.answer.trim());
  if (options.length < 2 || answerAt === -1 || options.some(({ text }) => isTied(text))) return undefined;
  const order = drawOrder(options, seed, id);
  const question = reordered(item.question, options, order);
  const judged = details["questionForEval"];
  const judgedToo = typeof judged !== "string" || judged === "" ? judged : reordered(judged, options, order);
  if (question === undefined || (judged !== undefined && judgedToo === undefined)) return undefined;
  const letterAt = (place: number): string => (options[place] as Option).letter;
  return changed(item, {
    question,
    answer: letterAt(order.indexOf(answerAt)),
    options: order.map((from, place) => ({ letter: letterAt(place), text: (options[from] as Option).text })),
    details: {
      ...details,
      ...(judgedToo !== undefined && { questionForEval: judgedToo }),
      shuffled: 1,
      order: order.map(letterAt).join(","),
    },
  });
}

/** Former places in the order now shown. */
function drawOrder(options: readonly Option[], seed: number, id: string): readonly number[] {
  const places = options.map((_, place) => place);
  const last = options.at(-1)?.text.trim().toLowerCase().replace(/\.$/, "");
  const fixed = last === "no correct answer" ? places.splice(-1) : [];
  return [...randomStream("shuffledOptions", seed, id).shuffle(places), ...fixed];
}

/**
 * Whether an option means something else in another place or under another letter. Points called A and B look the same as
 * options: those items stay as they are too.
 */
function isTied(text: string): boolean {
  return (
    text.includes("\n") ||
    /^\s*\(?[A-Z]\)?\.?\s*$/.test(text) ||
    /\b(?:all|none|any|some|one|both|either|neither)\s+(?:of\s+)?(?:the\s+)?(?:above|below|previous|preceding|former|others?|these|those|options?|choices?|rest)\b/i.test(
      text,
    ) ||
    /\b(?:options?|choices?|answers?|both|either|neither)\s+\(?[A-H]\b/.test(text) ||
    /\b[A-H]\)?\s*(?:,|and|or|&|nor)\s*\(?[A-H]\b/.test(text)
  );
}

/** The text with its options' contents in another order; undefined unless it holds them as one block, once. */
function reordered(text: string, options: readonly Option[], order: readonly number[]): string | undefined {
  const blocks = starts(text)
    .map((start) => blockAt(text, start, options))
    .filter((found) => found !== undefined);
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) return undefined;
  let result = "";
  let from = 0;
  for (const [place, content] of block.entries()) {
    result += text.slice(from, content.from) + (options[order[place] as number] as Option).text.trim();
    from = content.to;
  }
  return result + text.slice(from);
}

/** Where an option may begin: at a line's beginning, or at a bracket. */
function starts(text: string): readonly number[] {
  return [...text.matchAll(/^[ \t]*(?=\(?A)|(?<!^[ \t]*)\((?=A\))/gm)].map(({ index }) => index);
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where the contents of all options stand, one after another with nothing but blanks and separators between. */
function blockAt(text: string, start: number, options: readonly Option[]): readonly Span[] | undefined {
  const spans: Span[] = [];
  let at = start;
  for (const { letter, text: content } of options) {
    const mark = /^[\s;；,]*(?:\(([A-Z])\)|([A-Z])[ \t]*[.:)．：])[ \t]*\s?/.exec(text.slice(at, at + 200));
    if (mark === null || (mark[1] ?? mark[2]) !== letter) return undefined;
    const from = at + mark[0].length;
    if (content.trim() === "" || !text.startsWith(content.trim(), from)) return undefined;
    at = from + content.trim().length;
    spans.push({ from, to: at });
  }
  return /^[\s;；.]|^$/.test(text.slice(at, at + 1)) ? spans : undefined;
}

/** A copy with other fields, which leaves getters as they are: pictures are read when they are asked for. */
function changed(item: BenchmarkItem, fields: Partial<BenchmarkItem>): BenchmarkItem {
  const others = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, valueOf(value)]));
  return Object.defineProperties(
    {},
    { ...Object.getOwnPropertyDescriptors(item), ...others },
  ) as BenchmarkItem;
}

const valueOf = (value: unknown): PropertyDescriptor => ({
  value,
  enumerable: true,
  configurable: true,
  writable: true,
});
