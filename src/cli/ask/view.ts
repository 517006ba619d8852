// Who is told what happens in a conversation, in order: question, then turnStarts, text…, turn and perhaps tool again and
// again, then ended.
import type { RgbImage } from "../../core/image.ts";
import type { AskReport, EndReport, QuestionReport, ToolReport, TurnReport } from "./reports.ts";

export interface AskView {
  question(report: QuestionReport): void;
  turnStarts(turn: number): void;
  /**
   * A piece of the turn's text. Not all of it need come in pieces; and where a server was asked again in the middle, what came
   * before is void. The turn's own text is in its report.
   */
  text(piece: string): void;
  turn(report: TurnReport): void;
  /** @param images the figures, in their own pixels */
  tool(report: ToolReport, images: readonly RgbImage[]): void;
  ended(report: EndReport): void;
}

/** The reports alone, as they come: one JSON object a line. */
export function jsonView(write: (line: string) => unknown): AskView {
  const tell = (report: AskReport): unknown => write(`${JSON.stringify(report)}\n`);
  return {
    question: tell,
    turnStarts: () => undefined,
    text: () => undefined,
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
    turn: (report) => views.forEach((view) => view.turn(report)),
    tool: (report, images) => views.forEach((view) => view.tool(report, images)),
    ended: (report) => views.forEach((view) => view.ended(report)),
  };
}
