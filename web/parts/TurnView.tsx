// One turn: what the model wrote, the program it ran, what came back, and the pictures it saw of it.
import type { TrajectoryJson } from "../../src/runs/trajectoryJson.ts";
import { count } from "../data/format.ts";
import { Code } from "./Code.tsx";
import { type ImageSegment, Pictures } from "./Picture.tsx";

type TurnJson = TrajectoryJson["turns"][number];
type OutcomeJson = NonNullable<TurnJson["tool"]>["outcome"];

export interface TurnViewProps {
  readonly runKey: string;
  readonly number: number;
  readonly turn: TurnJson;
  /** Those the model saw after this turn. */
  readonly images: readonly ImageSegment[];
}

export function TurnView({ runKey, number, turn, images }: TurnViewProps) {
  const { before, after } = around(turn);
  const { tool, action, served } = turn;
  return (
    <li class="turn" id={`turn-${number}`}>
      <header>
        <h3>Turn {number}</h3>
        <span class="quiet">
          {count(turn.tokenCount, "token")}
          {turn.stop === "length" && " · cut by its token limit"}
          {served !== undefined && ` · ${served.model}, ${served.seconds.toFixed(1)} s`}
        </span>
      </header>
      {before !== "" && <p class="prose">{before}</p>}
      {action.type === "code" && <Code code={action.code} label={`Code of turn ${number}`} />}
      {action.type === "answer" && (
        <p class="answer">
          <span class="label">answer</span> <bdi>{action.answer}</bdi>
        </p>
      )}
      {action.type === "none" && <p class="notice">Neither code nor an answer: {action.reason}</p>}
      {after !== "" && <p class="prose">{after}</p>}
      {tool !== undefined && (
        <div class="result">
          <p class="result-head">
            <OutcomeBadge outcome={tool.outcome} />
            <span class="quiet">{milliseconds(tool.elapsedMs)}</span>
            {!tool.alive && <span class="quiet">the session ended with it; its variables are gone</span>}
          </p>
          {tool.stdout !== "" && <Output label={`Printed in turn ${number}`} text={tool.stdout} />}
          {tool.outcome.type === "pythonError" && (
            <Output label={`Traceback of turn ${number}`} text={tool.outcome.traceback} bad />
          )}
          {tool.stdout === "" && tool.outcome.type === "ok" && tool.figures.length === 0 && (
            <p class="quiet">It printed nothing and drew nothing.</p>
          )}
        </div>
      )}
      <Pictures runKey={runKey} images={images} label={`Drawn in turn ${number}`} />
      {tool !== undefined && tool.figures.length > images.length && (
        <p class="quiet">
          {count(tool.figures.length - images.length, "figure")} of this turn did not reach the model.
        </p>
      )}
    </li>
  );
}

function Output({
  label,
  text,
  bad = false,
}: {
  readonly label: string;
  readonly text: string;
  readonly bad?: boolean;
}) {
  return (
    <pre
      class={bad ? "output output-bad" : "output"}
      tabIndex={0}
      role="region"
      aria-label={label}
      data-own-arrows
    >
      {text}
    </pre>
  );
}

function OutcomeBadge({ outcome }: { readonly outcome: OutcomeJson }) {
  return outcome.type === "ok" ? (
    <span class="badge good">ran</span>
  ) : (
    <span class="badge bad">{outcomeText(outcome)}</span>
  );
}

function outcomeText(outcome: OutcomeJson): string {
  switch (outcome.type) {
    case "ok":
      return "ran";
    case "pythonError":
      return `raised ${outcome.errorType}`;
    case "timeout":
      return `stopped after ${milliseconds(outcome.limitMs)}`;
    case "outOfMemory":
      return "out of memory";
    case "outputLimit":
      return `printed more than ${outcome.limitBytes} bytes`;
    case "killed":
      return `killed: ${outcome.reason}`;
    case "forbidden":
      return `forbidden: ${outcome.reason}`;
  }
}

function milliseconds(value: number): string {
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** The model's words before and after what its action was read from, without the marks around that. */
function around({ text, action }: TurnJson): { readonly before: string; readonly after: string } {
  const body = action.type === "code" ? action.code : action.type === "answer" ? action.answer : "";
  const at = body === "" ? -1 : text.lastIndexOf(body);
  if (at < 0) return { before: text.trim(), after: "" };
  const before = text
    .slice(0, at)
    .replace(/(<code>\s*)?(```\s*(python|py)?\s*)?$/i, "")
    .replace(/(<answer>\s*)?(\$*\\boxed\{\s*)?$/i, "");
  const after = text
    .slice(at + body.length)
    .replace(/^\s*(```)?\s*(<\/code>)?/i, "")
    .replace(/^\s*\}?\$*\s*\.?\s*(<\/answer>)?/i, "");
  return { before: withoutEnd(before), after: withoutEnd(after) };
}

function withoutEnd(text: string): string {
  return text.replace(/<\|im_end\|>\s*$/, "").trim();
}
