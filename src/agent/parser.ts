// Reads one turn of the model. Rules, in order:
//   1. The opening mark that comes first decides: code or answer. An answer that never closes is taken for prose when a
//      code mark follows.
//   2. Code ends at its first closing mark (sampling stops there). An unclosed code block is no action, even if an
//      answer stands inside it: that answer may be part of a Python string.
//   3. Inside a code block, a fenced program wins over what surrounds it; without a fence everything is the program; a
//      fence that is not closed runs to the end of the block.
//   4. An answer is the content of the first complete \boxed{} in it, braces balanced, `\{` and `\}` not counted.
// Every step is a single pass, so hostile megabytes cost milliseconds.
import type { Action } from "../core/trajectory.ts";
import type { PromptTemplate } from "./template.ts";

export type ProtocolMarks = Pick<
  PromptTemplate,
  "codeOpen" | "codeClose" | "fence" | "answerOpen" | "answerClose" | "boxed"
>;

const none = (reason: string): Action => ({ type: "none", reason });

/** Never throws. `text` is the turn without its final end-of-turn token. */
export function parseTurn(text: string, marks: ProtocolMarks): Action {
  if (text.trim() === "") return none("empty turn");
  const codeAt = text.indexOf(marks.codeOpen);
  const answerAt = text.indexOf(marks.answerOpen);
  if (codeAt < 0 && answerAt < 0) return none("neither code nor answer");

  if (answerAt >= 0 && (codeAt < 0 || answerAt < codeAt)) {
    const start = answerAt + marks.answerOpen.length;
    const end = text.indexOf(marks.answerClose, start);
    if (end >= 0) return readAnswer(text.slice(start, end), marks);
    if (codeAt < 0) return none("answer never closed");
  }
  const start = codeAt + marks.codeOpen.length;
  const end = text.indexOf(marks.codeClose, start);
  if (end < 0) return none("code block never closed");
  const code = extractProgram(text.slice(start, end), marks);
  return code.trim() === "" ? none("empty code") : { type: "code", code };
}

function readAnswer(content: string, marks: ProtocolMarks): Action {
  const answer = extractBoxed(content) ?? (marks.boxed === "optional" ? content : undefined);
  if (answer === undefined) return none("answer without \\boxed{}");
  return answer.trim() === "" ? none("empty answer") : { type: "answer", answer: answer.trim() };
}

/** Content of the first `\boxed{` that closes, or undefined. */
export function extractBoxed(text: string): string | undefined {
  const open = "\\boxed{";
  const stack: number[] = []; // start of the content for a \boxed{, -1 for another brace
  let best: readonly [start: number, end: number] | undefined;
  for (let i = text.indexOf(open); i >= 0 && i < text.length; i++) {
    const char = text[i];
    if (char === "\\") {
      if (text.startsWith(open, i)) {
        i += open.length - 1;
        stack.push(i + 1);
      } else i++;
    } else if (char === "{") stack.push(-1);
    else if (char === "}") {
      const start = stack.pop();
      if (start === undefined || start < 0) continue;
      if (best === undefined || start < best[0]) best = [start, i];
      if (stack.length === 0) break;
    }
  }
  return best === undefined ? undefined : text.slice(best[0], best[1]);
}

function extractProgram(block: string, marks: ProtocolMarks): string {
  const ticks = /^`+/.exec(marks.fence)?.[0] ?? "```";
  const open = findFence(block, ticks, marks.codeOpen);
  if (open < 0) return trimBlankLines(block);
  let start = open + ticks.length;
  while (block[start] === "`") start++;
  const language = /[A-Za-z0-9_+-]*/y;
  language.lastIndex = start;
  const word = language.exec(block)?.[0] ?? "";
  const after = block[start + word.length];
  const known = ["", "py", "python", "python3", marks.fence.slice(ticks.length)].includes(word);
  if (after === "\n" || after === "\r" || after === undefined || (known && /\s/.test(after)))
    start += word.length;
  const close = findFence(block, ticks, undefined, start);
  if (close >= 0) return trimBlankLines(block.slice(start, close));
  const rest = block.slice(start).trimEnd();
  return trimBlankLines(rest.endsWith(ticks) ? rest.slice(0, -ticks.length) : rest);
}

/** First run of ticks that begins a line (or follows `alsoAfter`), or -1. */
function findFence(block: string, ticks: string, alsoAfter: string | undefined, from = 0): number {
  for (let at = block.indexOf(ticks, from); at >= 0; at = block.indexOf(ticks, at + ticks.length)) {
    let before = at;
    while (before > from && (block[before - 1] === " " || block[before - 1] === "\t")) before--;
    if (before === 0 || block[before - 1] === "\n") return at;
    if (alsoAfter !== undefined && block.endsWith(alsoAfter, before)) return at;
  }
  return -1;
}

/**
 * Drops blank lines at both ends but keeps the first line's indentation, which Python reads. Spaces between a mark and
 * code on the same line are no indentation.
 */
function trimBlankLines(code: string): string {
  const lines = code.trimEnd();
  let start = 0;
  let i = 0;
  for (; i < lines.length && /\s/.test(lines[i] as string); i++) if (lines[i] === "\n") start = i + 1;
  return lines.slice(start === 0 ? i : start);
}
