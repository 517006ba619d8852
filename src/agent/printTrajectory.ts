// A trajectory for people, turn by turn, in a terminal. Pure text; pictures are named, with the size the model sees.
import type { Action, ScoredTrajectory, Trajectory, Turn, ViewImage } from "../core/trajectory.ts";
import { plainText } from "../core/plainText.ts";
import { outcomeWords } from "./outcomeWords.ts";
import { sampledTokens, totalTokens, visualTokens } from "./tokenCounts.ts";

export interface FormatOptions {
  /** ANSI colours. */
  readonly color: boolean;
  /** The question has no known answer: there is no truth to name, and no reward. */
  readonly ungraded?: boolean;
  /** Where image i was saved; i counts the images in the context (the prompt's, then figures in order). */
  readonly imagePath?: (i: number) => string;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
type Style = keyof typeof CODES;
type Paint = (style: Style, text: string) => string;

/** Text from the model and from Python is stripped of terminal control sequences. Ends with a line end. */
export function formatTrajectory(
  trajectory: Trajectory & Partial<Pick<ScoredTrajectory, "reward">>,
  options: FormatOptions,
): string {
  const paint: Paint = (style, text) => (options.color ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text);
  const firstLabel = trajectory.firstLabel ?? 0;
  let imageIndex = 0;
  const imageLine = (view: ViewImage): string => {
    const { width, height } = view.pixels;
    const path = options.imagePath?.(imageIndex);
    const line = `image_clue_${firstLabel + imageIndex}: ${width} x ${height} px, ${count(view.tokenCount, "token")}`;
    imageIndex++;
    return paint("cyan", `  ${line}${path === undefined ? "" : `, ${path}`}`);
  };

  const lines: string[] = [
    paint("bold", `task ${trajectory.taskId} (${trajectory.taskKind}), member ${trajectory.member}`),
    ...indent(plainText(trajectory.question)),
  ];
  let turnIndex = 0;
  let afterTurn: Turn | undefined;
  const closeTurn = (): void => {
    if (afterTurn?.tool !== undefined) lines.push(...toolLines(afterTurn, paint));
    afterTurn = undefined;
  };
  const openTurn = (turn: Turn): void => {
    closeTurn();
    turnIndex++;
    const cut = turn.stop === "length" ? ", cut by length" : "";
    lines.push(
      "",
      paint("bold", `turn ${turnIndex}`) + paint("dim", ` (${count(turn.tokenCount, "token")}${cut})`),
    );
    lines.push(...actionLines(turn.text, turn.action, paint));
    afterTurn = turn;
  };
  for (const segment of trajectory.segments) {
    const turn = trajectory.turns[turnIndex];
    if (segment.type === "sampled" && turn !== undefined) openTurn(turn);
    else if (segment.type === "image") {
      closeTurn();
      lines.push(imageLine(segment.image));
    }
  }
  for (const turn of trajectory.turns.slice(turnIndex)) openTurn(turn);
  closeTurn();
  lines.push("", ...endLines(trajectory, options.ungraded ?? false, paint));
  return `${lines.join("\n")}\n`;
}

/** Of the built-in templates; with other marks a turn is shown as one text. */
const CODE_OPEN = "<code>";

function actionLines(text: string, action: Action, paint: Paint): string[] {
  const body = action.type === "code" ? action.code : undefined;
  const at = body === undefined ? -1 : text.indexOf(body, text.indexOf(CODE_OPEN) + CODE_OPEN.length);
  if (body === undefined || at < 0 || !text.includes(CODE_OPEN)) return indent(plainText(text));
  const reasoning = text.slice(0, at).replace(/<code>\s*(`{3,}\w*)?\s*$/, "");
  return [
    ...indent(plainText(reasoning)),
    ...indent(plainText(body), "  | ").map((line) => paint("blue", line)),
  ];
}

function toolLines(turn: Turn, paint: Paint): string[] {
  const tool = turn.tool;
  if (tool === undefined) return [];
  const lost = tool.alive ? "" : ", session lost";
  const head = `${outcomeWords(tool.outcome)}${lost}, ${Math.round(tool.elapsedMs)} ms, ${count(tool.figures.length, "figure")}`;
  const lines = [paint(tool.outcome.type === "ok" ? "green" : "red", `  => ${head}`)];
  if (tool.stdout.trim() !== "") lines.push(...indent(plainText(tool.stdout), "  > "));
  if (tool.outcome.type === "pythonError")
    lines.push(...indent(plainText(tool.outcome.traceback), "  ! ").map((line) => paint("red", line)));
  return lines;
}

function endLines(
  trajectory: Parameters<typeof formatTrajectory>[0],
  ungraded: boolean,
  paint: Paint,
): string[] {
  const { endReason, reward } = trajectory;
  const detail = endReason.type === "sandboxFailure" ? `: ${plainText(endReason.message)}` : "";
  const lines = [paint("bold", `end: ${endReason.type}`) + detail];
  const right = reward?.accuracy;
  if (trajectory.answer !== undefined) {
    const style = right === undefined ? "yellow" : right === 1 ? "green" : "red";
    const truth = ungraded ? "" : `  (truth: ${plainText(trajectory.groundTruth)})`;
    lines.push(paint(style, `answer: ${plainText(trajectory.answer)}`) + truth);
  }
  if (reward !== undefined && !ungraded)
    lines.push(
      `reward: ${reward.total.toFixed(2)} (accuracy ${reward.accuracy ?? "undecided"}, tool calls ${reward.toolCall.toFixed(2)})`,
    );
  if (ungraded) lines.push("reward: not computed, the question has no known answer");
  const visual = visualTokens(trajectory);
  lines.push(
    `tool calls: ${trajectory.toolCalls} ran, ${trajectory.effectiveToolCalls} effective`,
    `tokens: ${totalTokens(trajectory)} in all, ${sampledTokens(trajectory)} sampled, ${visual.all} visual ` +
      `(${visual.prompt} in the prompt, ${visual.observation} observed)`,
  );
  return lines;
}

function indent(text: string, by = "  "): string[] {
  const trimmed = text.trimEnd();
  return trimmed === "" ? [] : trimmed.split("\n").map((line) => by + line);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
