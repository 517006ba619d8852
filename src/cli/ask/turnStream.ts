// A turn of the model while it comes: what of it is prose, program or answer, with the protocol's marks cut out. Pieces may
// be cut anywhere, within a mark too. It shows what src/agent/parser.ts will read, and decides nothing: the action that is
// acted on is the parser's.
import { extractBoxed, type ProtocolMarks } from "../../agent/parser.ts";

export type TurnPart =
  | { readonly type: "prose"; readonly text: string }
  /** One line of the program, without its line end. */
  | { readonly type: "code"; readonly line: string };

/** The name of the end-of-turn token, which a model may write at the end of its text. */
const END_OF_TURN = "<|im_end|>";

export class TurnStream {
  private state: "prose" | "code" | "answer" = "prose";
  /** Not yet told: the beginning of a mark, of a line of code, or an answer. */
  private held = "";
  private readonly ticks: string;
  private codeLines = 0;
  private blankLines = 0;

  constructor(private readonly marks: Omit<ProtocolMarks, "boxed">) {
    this.ticks = /^`+/.exec(marks.fence)?.[0] ?? "```";
  }

  /** @returns what can be told for certain by now */
  feed(piece: string): TurnPart[] {
    this.held += piece;
    return this.take(false);
  }

  /** The turn is over: all that was held back. */
  end(): TurnPart[] {
    return this.take(true);
  }

  private take(last: boolean): TurnPart[] {
    const parts: TurnPart[] = [];
    for (;;) {
      const before = this.held.length;
      if (this.state === "prose") this.takeProse(parts, last);
      else if (this.state === "code") this.takeCode(parts, last);
      else this.takeAnswer(parts, last);
      if (this.held === "" || this.held.length === before) return parts;
    }
  }

  private takeProse(parts: TurnPart[], last: boolean): void {
    const { codeOpen, answerOpen } = this.marks;
    const found = [codeOpen, answerOpen, END_OF_TURN]
      .map((mark) => ({ mark, at: this.held.indexOf(mark) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)[0];
    if (found !== undefined) {
      tellProse(parts, this.held.slice(0, found.at));
      this.held = this.held.slice(found.at + found.mark.length);
      if (found.mark === codeOpen) this.state = "code";
      else if (found.mark === answerOpen) this.state = "answer";
      return;
    }
    const kept = last ? 0 : overhang(this.held, [codeOpen, answerOpen, END_OF_TURN]);
    tellProse(parts, this.held.slice(0, this.held.length - kept));
    this.held = this.held.slice(this.held.length - kept);
  }

  private takeCode(parts: TurnPart[], last: boolean): void {
    const { codeClose } = this.marks;
    const close = this.held.indexOf(codeClose);
    const lineEnd = this.held.indexOf("\n");
    if (lineEnd >= 0 && (close < 0 || lineEnd < close)) {
      this.tellLine(parts, this.held.slice(0, lineEnd));
      this.held = this.held.slice(lineEnd + 1);
    } else if (close >= 0) {
      this.tellLine(parts, this.held.slice(0, close));
      this.held = this.held.slice(close + codeClose.length);
      this.state = "prose";
      this.codeLines = this.blankLines = 0;
    } else if (last) {
      this.tellLine(parts, this.held);
      this.held = "";
    }
  }

  /** Leaves out fences, and empty lines at both ends. */
  private tellLine(parts: TurnPart[], line: string): void {
    const text = line.trimEnd();
    if (text.trimStart().startsWith(this.ticks)) return;
    if (text === "") {
      if (this.codeLines > 0) this.blankLines++;
      return;
    }
    for (; this.blankLines > 0; this.blankLines--) parts.push({ type: "code", line: "" });
    this.codeLines++;
    parts.push({ type: "code", line: text });
  }

  /** An answer that is nothing but its box is left to whoever tells the result. */
  private takeAnswer(parts: TurnPart[], last: boolean): void {
    const { answerClose } = this.marks;
    const close = this.held.indexOf(answerClose);
    if (close < 0 && !last) return;
    const content = close < 0 ? this.held : this.held.slice(0, close);
    const boxed = extractBoxed(content);
    if (boxed === undefined || content.trim() !== `\\boxed{${boxed}}`) tellProse(parts, content);
    this.held = close < 0 ? "" : this.held.slice(close + answerClose.length);
    this.state = "prose";
  }
}

function tellProse(parts: TurnPart[], text: string): void {
  if (text !== "") parts.push({ type: "prose", text });
}

/** Length of the longest end of the text that a mark begins with. */
function overhang(text: string, marks: readonly string[]): number {
  const longest = Math.max(...marks.map((mark) => mark.length)) - 1;
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (marks.some((mark) => mark.startsWith(end))) return length;
  }
  return 0;
}
