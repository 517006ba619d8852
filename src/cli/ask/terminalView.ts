// A conversation on a terminal, or as plain text in a pipe, while it happens. Text of the model, of Python and of a server
// is stripped of control sequences.
import type { ProtocolMarks } from "../../agent/parser.ts";
import type { RgbImage } from "../../core/image.ts";
import { highlightLine, type HighlightState, type PythonStyle } from "./highlight.ts";
import { endWords, outcomeWords } from "../../agent/outcomeWords.ts";
import { plainText, withoutControls } from "../../core/plainText.ts";
import type { EndReport, FigureReport, QuestionReport, TokenCounts, ToolReport, TurnReport } from "./reports.ts"; // prettier-ignore
import { TurnStream, type TurnPart } from "./turnStream.ts";
import type { AskView } from "./view.ts";

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
type Style = keyof typeof CODES;

/** Of an output of a program that is shown. */
const FIRST_LINES = 40;
const LAST_LINES = 15;
const MOST_COLUMNS = 2000;

const STYLES: Readonly<Record<PythonStyle, Style | undefined>> = {
  plain: undefined,
  keyword: "magenta",
  builtin: "cyan",
  definition: "blue",
  decorator: "blue",
  number: "yellow",
  string: "green",
  comment: "dim",
};

export interface TerminalViewOptions {
  readonly write: (text: string) => unknown;
  readonly color: boolean;
  readonly marks: Omit<ProtocolMarks, "boxed">;
  /** Whether further questions are typed into this terminal, and stand there already. */
  readonly typed: boolean;
  /** Escape sequences that draw a figure; undefined where the terminal cannot. */
  readonly draw: ((image: RgbImage) => string) | undefined;
}

export class TerminalView implements AskView {
  private stream: TurnStream;
  private code: HighlightState;
  /** What came of the turn's text so far. */
  private told = "";
  /** Whether any text of the turn was written. */
  private begun = false;
  private atLineStart = true;
  /** Line ends, and the white space after them, that wait for text to follow. */
  private lineEnds = 0;
  private indent = "";

  constructor(private readonly o: TerminalViewOptions) {
    this.stream = new TurnStream(o.marks);
  }

  question({ text, question, images, videos, model }: QuestionReport): void {
    if (question > 1 && this.o.typed) return;
    if (question > 1) this.line("");
    for (const { path, width, height } of [...(images ?? []), ...(videos ?? [])]) {
      const size = width === undefined ? "" : `, ${width} x ${height} px`;
      this.line(this.paint("dim", `${plainText(path)}${size}`));
    }
    if (question === 1) this.line(this.paint("dim", plainText(model)));
    for (const line of plainText(text).trimEnd().split("\n")) this.line(this.paint("bold", line));
  }

  turnStarts(turn: number): void {
    this.line("");
    this.line(this.paint("bold", `turn ${turn}`));
    this.startText();
  }

  text(piece: string): void {
    this.told += piece;
    this.show(this.stream.feed(withoutControls(piece)));
  }

  again(reason: string): void {
    this.show(this.stream.end());
    this.finishLine();
    this.line(this.paint("yellow", `  ${plainText(reason)}; asking again`));
    this.startText();
  }

  turn({ text, stop, tokens, seconds, requests = 1 }: TurnReport): void {
    if (text.startsWith(this.told)) this.text(text.slice(this.told.length));
    else {
      this.show(this.stream.end());
      this.finishLine();
      this.line(this.paint("yellow", "  the reply was asked for again; this is the turn:"));
      this.startText();
      this.text(text);
    }
    this.show(this.stream.end());
    this.finishLine();
    const parts = [...tokenWords(tokens), `${seconds.toFixed(1)} s`];
    if (stop === "length") parts.unshift("cut by length");
    if (requests > 1) parts.push(`${requests} requests`);
    this.line(this.paint("dim", `  (${parts.join(", ")})`));
  }

  tool({ outcome, alive, stdout, figures, seconds }: ToolReport, images: readonly RgbImage[]): void {
    const lost = alive ? "" : ", variables lost";
    const shown = figures.length === 0 ? "" : `, ${figures.length} figure${figures.length === 1 ? "" : "s"}`;
    const head = `  => ${outcomeWords(outcome)}${lost}, ${seconds.toFixed(2)} s${shown}`;
    this.line(this.paint(outcome.type === "ok" ? "green" : "red", head));
    if (stdout.trim() !== "") this.lines(shortened(stdout), "  > ");
    if (outcome.type === "pythonError") this.lines(shortened(outcome.traceback), "  ! ", "red");
    figures.forEach((figure, i) => {
      const image = images[i];
      if (this.o.draw !== undefined && image !== undefined) this.line(`  ${this.o.draw(image)}`);
      this.line(this.paint("cyan", `  ${figureWords(figure)}`));
    });
  }

  ended({ end, answer, turns, toolCalls, tokens, seconds }: EndReport): void {
    this.line("");
    if (answer !== undefined) this.lines(`answer: ${answer}`, "", "green");
    else this.line(this.paint("yellow", `no answer: ${endWords(end)}`));
    const parts = [
      count(turns, "turn"),
      count(toolCalls, "tool call"),
      ...tokenWords(tokens),
      `${seconds.toFixed(1)} s`,
    ];
    this.line(this.paint("dim", parts.join(", ")));
  }

  private startText(): void {
    this.stream = new TurnStream(this.o.marks);
    this.told = "";
    this.code = undefined;
    this.begun = false;
    this.atLineStart = true;
    this.lineEnds = 0;
    this.indent = "";
  }

  private show(parts: readonly TurnPart[]): void {
    for (const part of parts)
      if (part.type === "prose") this.prose(part.text);
      else this.codeLine(part.line);
  }

  /** Indented, without empty lines at its ends. */
  private prose(text: string): void {
    for (const [i, line] of text.split("\n").entries()) {
      if (i > 0) {
        this.lineEnds++;
        this.indent = "";
      }
      if (!this.atLineStart && this.lineEnds === 0) {
        this.o.write(line);
        continue;
      }
      this.indent += line;
      if (this.indent.trim() === "") continue;
      if (this.begun) this.o.write("\n".repeat(Math.max(0, this.lineEnds - (this.atLineStart ? 1 : 0))));
      this.o.write(`  ${this.begun ? this.indent : this.indent.trimStart()}`);
      this.begun = true;
      this.atLineStart = false;
      this.lineEnds = 0;
      this.indent = "";
    }
  }

  private codeLine(line: string): void {
    this.finishLine();
    const { spans, state } = highlightLine(line, this.code);
    this.code = state;
    const coloured = spans.map(({ style, text }) => {
      const as = STYLES[style];
      return as === undefined ? text : this.paint(as, text);
    });
    this.line(`  ${this.paint("dim", "|")} ${coloured.join("")}`.trimEnd());
    this.begun = true;
  }

  private finishLine(): void {
    if (!this.atLineStart) this.o.write("\n");
    this.atLineStart = true;
    this.lineEnds = 0;
    this.indent = "";
  }

  private lines(text: string, before: string, style?: Style): void {
    for (const line of plainText(text).trimEnd().split("\n"))
      this.line(before + (style === undefined ? line : this.paint(style, line)));
  }

  private line(text: string): void {
    this.o.write(`${text}\n`);
  }

  private paint(style: Style, text: string): string {
    return this.o.color && text !== "" ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
  }
}

/** Of a long output, its beginning and its end: the rest of the conversation is to stay in sight. */
function shortened(text: string): string {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) =>
      line.length <= MOST_COLUMNS ? line : `${line.slice(0, MOST_COLUMNS)}… (${line.length} characters)`,
    );
  if (lines.length <= FIRST_LINES + LAST_LINES) return lines.join("\n");
  const left = lines.length - FIRST_LINES - LAST_LINES;
  return [...lines.slice(0, FIRST_LINES), `… (${left} lines more)`, ...lines.slice(-LAST_LINES)].join("\n");
}

function tokenWords({ sampled, context, visual }: TokenCounts): string[] {
  return [
    ...(sampled === undefined ? [] : [`${sampled} tokens sampled`]),
    ...(context === undefined ? [] : [`${context} in the context`]),
    `${visual} visual`,
  ];
}

function figureWords({ label, width, height, tokens, path }: FigureReport): string {
  const parts = [`${label ?? "figure"}: ${width} x ${height} px`];
  if (tokens !== undefined) parts.push(`${count(tokens, "visual token")}`);
  if (path !== undefined) parts.push(plainText(path));
  return parts.join(", ");
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
