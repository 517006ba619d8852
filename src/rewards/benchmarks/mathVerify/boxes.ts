// What stands in the boxes of a text, read from its end.

const BOX = /\\(?:boxed|fbox)/g;

interface Box {
  readonly content: string;
  readonly start: number;
  readonly end: number;
}

/**
 * `all`: of every box, joined by commas. `last`: of the last, and of those before it as long as hardly anything, or only a word
 * that lists them, stands between. The text itself when it has none.
 */
export function boxedContent(text: string, mode: "all" | "last"): string {
  const found: Box[] = [];
  let limit = text.length;
  for (const start of [...text.matchAll(BOX)].map(({ index }) => index).reverse()) {
    if (start >= limit) continue;
    const open = start + (/^\\(?:boxed|fbox)\s*/.exec(text.slice(start, limit))?.[0].length ?? 0);
    if (open >= limit) break;
    const end = text[open] === "{" ? closeOf(text, open, limit) : undefined;
    if (end === undefined) {
      if (found.length === 0) return text.slice(open);
      break;
    }
    const content = text.slice(open + 1, end).trim();
    const next = found.at(-1);
    if (
      mode === "last" &&
      next !== undefined &&
      !isListed(text.slice(end + 1, next.start), content !== next.content)
    )
      break;
    found.push({ content, start, end });
    limit = start;
  }
  return found.length === 0
    ? text
    : found
        .toReversed()
        .map(({ content }) => content)
        .join();
}

const isListed = (between: string, differ: boolean): boolean =>
  between.length < 10 || (differ && between.length < 70 && /and|or|,|;/.test(between));

function closeOf(text: string, open: number, limit: number): number | undefined {
  let depth = 0;
  for (let at = open; at < limit; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return undefined;
}
