// One trajectory as text for a person: the question, each turn with what Python answered, and how it ended.
import type { ScoredTrajectory, ToolOutcome, ToolResult, Trajectory } from "../core/trajectory.ts";
import { formatDuration } from "../runs/format.ts";

export function trajectoryText(trajectory: Trajectory | ScoredTrajectory): string {
  const { turns } = trajectory;
  const head = [
    `task ${trajectory.taskId} (${trajectory.taskKind}), rollout ${trajectory.member}`,
    `question: ${trajectory.question}`,
    `images in the prompt: ${promptImages(trajectory)}`,
  ];
  const body = turns.flatMap((turn, i) => [
    "",
    `── turn ${i + 1} · ${turn.tokenCount} tokens${turn.stop === "length" ? " · cut by the token limit" : ""} ──`,
    turn.text.trimEnd(),
    ...(turn.action.type === "none" ? [`[no action: ${turn.action.reason}]`] : []),
    ...(turn.tool === undefined ? [] : toolLines(turn.tool)),
  ]);
  return [...head, ...body, "", ...endLines(trajectory)].join("\n");
}

function toolLines(tool: ToolResult): string[] {
  const figures = tool.figures.map(({ width, height }) => `${width}x${height}`).join(", ");
  return [
    `── python · ${outcomeText(tool.outcome)} · ${formatDuration(tool.elapsedMs)} ──`,
    ...(tool.stdout === "" ? [] : [tool.stdout.trimEnd()]),
    ...(tool.outcome.type === "pythonError" ? [tool.outcome.traceback.trimEnd()] : []),
    ...(figures === "" ? [] : [`[${tool.figures.length === 1 ? "figure" : "figures"}: ${figures}]`]),
    ...(tool.alive ? [] : ["[the session ended; its variables are lost]"]),
  ];
}

function outcomeText(outcome: ToolOutcome): string {
  switch (outcome.type) {
    case "ok":
      return "ok";
    case "pythonError":
      return outcome.errorType;
    case "timeout":
      return `timeout after ${formatDuration(outcome.limitMs)}`;
    case "outOfMemory":
      return "out of memory";
    case "outputLimit":
      return `more than ${outcome.limitBytes} bytes of output`;
    case "killed":
      return `killed: ${outcome.reason}`;
    case "forbidden":
      return `forbidden: ${outcome.reason}`;
  }
}

function endLines(trajectory: Trajectory | ScoredTrajectory): string[] {
  const { endReason, answer, groundTruth, toolCalls, effectiveToolCalls } = trajectory;
  const detail = endReason.type === "sandboxFailure" ? `: ${endReason.message}` : "";
  const lines = [
    `ended: ${endReason.type}${detail}`,
    `answer: ${answer ?? "–"} (truth: ${groundTruth})`,
    `tool calls: ${toolCalls}, of which ${effectiveToolCalls} showed something new`,
  ];
  if ("reward" in trajectory) {
    const { total, accuracy, toolCall } = trajectory.reward;
    lines.push(`reward: ${round(total)} = accuracy ${accuracy ?? "undecided"} + tool ${round(toolCall)}`);
  }
  return lines;
}

/** Sums of tenths, without the noise of binary fractions. */
function round(value: number): string {
  return String(Number(value.toFixed(6)));
}

function promptImages({ segments }: Trajectory): string {
  const shown = segments.flatMap((segment) =>
    segment.type === "image" && segment.source === "prompt"
      ? [`${segment.image.pixels.width}x${segment.image.pixels.height} (${segment.image.tokenCount} tokens)`]
      : [],
  );
  return shown.length === 0 ? "none" : shown.join(", ");
}
