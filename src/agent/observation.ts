// What the model is told about a call it made: a user message with the text result and every figure. Built whole, so
// that the loop can weigh it against the limits before a single token of it enters the sequence.
import { DataError } from "../core/errors.ts";
import type { Segment, ToolOutcome, ToolResult, ViewImage } from "../core/trajectory.ts";
import type { Codec } from "../engines/engine.ts";
import { addImage, ASSISTANT_OPEN, MESSAGE_CLOSE, USER_OPEN } from "./prompt.ts";
import { SequenceBuilder } from "./sequence.ts";
import { cutAtSlots, fillSlots } from "./template.ts";
import type { PromptTemplate } from "./template.ts";

export interface ObservationInput {
  readonly result: ToolResult;
  readonly template: PromptTemplate;
  readonly codec: Codec;
  /** The number the first figure gets: pictures named before it, in the context or in Python only. */
  readonly imagesBefore: number;
  /** Whether the model sampled <|im_end|> itself, so that the scaffold must not write it again. */
  readonly turnClosed: boolean;
}

/** Closes the model's turn, states the result, and opens the next turn. */
export function observationSegments(input: ObservationInput): Segment[] {
  const { result, template, codec, imagesBefore, turnClosed } = input;
  const views: ViewImage[] = [];
  const errors = [outcomeText(result.outcome, template)];
  if (!result.alive) errors.push(template.sessionLost);
  for (const figure of result.figures) {
    const view = viewOrUndefined(codec, figure);
    if (view !== undefined) views.push(view);
    else errors.push(fillSlots(template.unviewableFigure, { width: figure.width, height: figure.height }));
  }
  const error = errors
    .filter((text) => text !== "")
    .join("\n")
    .trimEnd();
  const printed = result.stdout.trimEnd();
  const stdout = printed === "" && error === "" && views.length === 0 ? template.emptyOutput : printed;

  const builder = new SequenceBuilder(codec, "observation");
  builder.scaffold((turnClosed ? "\n" : MESSAGE_CLOSE) + USER_OPEN);
  const filled = { stdout: stdout !== "", error: error !== "", figures: views.length > 0 };
  const pieces = cutAtSlots(dropEmptyLines(template.observation, filled), ["stdout", "error", "figures"]);
  pieces.forEach((piece, i) => {
    if (piece.type === "literal") builder.scaffold(piece.text);
    else if (piece.name === "figures")
      views.forEach((view, k) => addImage(builder, template, template.figure, imagesBefore + k, view));
    else {
      builder.content(piece.name === "stdout" ? stdout : error);
      const next = pieces[i + 1];
      if (filled.stdout && filled.error && next?.type === "slot" && next.name !== "figures")
        builder.content("\n");
    }
  });
  return builder.scaffold(MESSAGE_CLOSE + ASSISTANT_OPEN).build();
}

function dropEmptyLines(observation: string, filled: Readonly<Record<string, boolean>>): string {
  return observation
    .split(/(?<=\n)/)
    .filter((line) => {
      const onlySlots = /^\s*(\{(stdout|error|figures)\}\s*)+$/.test(line);
      return !onlySlots || Object.entries(filled).some(([slot, has]) => has && line.includes(`{${slot}}`));
    })
    .join("");
}

function viewOrUndefined(codec: Codec, figure: ToolResult["figures"][number]): ViewImage | undefined {
  try {
    return codec.viewImage(figure);
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

function outcomeText(outcome: ToolOutcome, template: PromptTemplate): string {
  const texts = template.errors;
  switch (outcome.type) {
    case "ok":
      return "";
    case "pythonError":
      return fillSlots(texts.pythonError, {
        type: outcome.errorType,
        message: outcome.message,
        traceback: outcome.traceback.trimEnd(),
      });
    case "timeout":
      return fillSlots(texts.timeout, { seconds: outcome.limitMs / 1000 });
    case "outOfMemory":
      return texts.outOfMemory;
    case "outputLimit":
      return fillSlots(texts.outputLimit, { bytes: outcome.limitBytes });
    case "killed":
      return fillSlots(texts.killed, { reason: outcome.reason });
    case "forbidden":
      return fillSlots(texts.forbidden, { reason: outcome.reason });
    default:
      return outcome satisfies never;
  }
}
