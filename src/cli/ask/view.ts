// Who is told what happens in a conversation, in order: question, then turnStarts, text…, turn and perhaps tool again and
// again, then ended.
import type { RgbImage } from "../../core/image.ts";
import type { AskReport, EndReport, QuestionReport, ToolReport, TurnReport } from "./reports.ts";

export interface AskView {
  question(report: QuestionReport): void;
  turnStarts(turn: number): void;
  /** A piece of the turn's text. Not all of it need come in pieces; the turn's own text is in its report. */
  text(piece: string): void;
  /** A server is asked for the turn again: what came of its text is void. */
  again(reason: string): void;
  turn(report: TurnReport): void;
  /** @param images the figures, in their own pixels */
  tool(report: ToolReport, images: readonly RgbImage[]): void;
  ended(report: EndReport): void;
}

/** The reports alone, as they come: one JSON object a line. */
export function jsonView(write: (line: string) => unknown): AskView {
  // JSON leaves these control characters as they are; a terminal would act on them.
  const escaped = (c: string): string => `\\u00${c.charCodeAt(0).toString(16)}`;
  const tell = (report: AskReport): unknown =>
    write(`${JSON.stringify(report).replace(/[\x7f-\x9f]/g, escaped)}\n`);
  return {
    question: tell,
    turnStarts: () => undefined,
    text: () => undefined,
    again: () => undefined,
    turn: tell,
    tool: tell,
    ended: tell,
  };
}

/** Tells all of them, in order. */
export function together(views: readonly AskView[]): AskView {
  return {
    question: (report) => views.forEach((view) => view.question(report)),
    turnStarts: (turn) => views.forEach((view) => view.turnStarts(turn)),
    text: (piece) => views.forEach((view) => view.text(piece)),
    again: (reason) => views.forEach((view) => view.again(reason)),
    turn: (report) => views.forEach((view) => view.turn(report)),
    tool: (report, images) => views.forEach((view) => view.tool(report, images)),
    ended: (report) => views.forEach((view) => view.ended(report)),
  };
}
