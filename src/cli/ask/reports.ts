// What happens in a conversation, as records: what `--json` prints, what `--save` keeps, and what the terminal shows.
import type { Action, EndReason, StopReason, ToolOutcome } from "../../core/trajectory.ts";

/** Counts that nobody knows are left out: a server need not tell how it counts tokens. */
export interface TokenCounts {
  /** Sampled by the model. */
  readonly sampled?: number;
  /** The context that the model read, images included. */
  readonly context?: number;
  /** Of images in that context. Behind a server: as Qwen2.5-VL counts them. */
  readonly visual: number;
}

export interface MediaReport {
  readonly path: string;
  /** In pixels; of images. */
  readonly width?: number;
  readonly height?: number;
}

export interface QuestionReport {
  readonly type: "question";
  /** From 1. */
  readonly question: number;
  readonly text: string;
  readonly model: string;
  /** Of the first question. */
  readonly images?: readonly MediaReport[];
  readonly videos?: readonly MediaReport[];
}

export interface TurnReport {
  readonly type: "turn";
  readonly question: number;
  /** From 1, in the whole conversation. */
  readonly turn: number;
  readonly text: string;
  readonly action: Action;
  readonly stop: StopReason;
  readonly tokens: TokenCounts;
  readonly seconds: number;
  /** Requests to the server, more than one when some failed. */
  readonly requests?: number;
}

export interface FigureReport {
  /** Where it was saved; left out when the terminal shows it and nothing is kept. */
  readonly path?: string;
  readonly width: number;
  readonly height: number;
  /** How the model knows it, and the visual tokens it takes; left out when it did not enter the context. */
  readonly label?: string;
  readonly tokens?: number;
}

export interface ToolReport {
  readonly type: "tool";
  readonly question: number;
  readonly turn: number;
  readonly outcome: ToolOutcome;
  /** False: the variables are lost. */
  readonly alive: boolean;
  readonly stdout: string;
  readonly figures: readonly FigureReport[];
  /** Whether the model gets to see it: no when a limit ended the question. */
  readonly observed: boolean;
  readonly seconds: number;
}

export interface EndReport {
  readonly type: "end";
  readonly question: number;
  readonly end: EndReason;
  readonly answer?: string;
  /** Of this question. */
  readonly turns: number;
  readonly toolCalls: number;
  /** `sampled` of this question, the others at its end. */
  readonly tokens: TokenCounts;
  /** Of the model and of Python. */
  readonly seconds: number;
}

export type AskReport = QuestionReport | TurnReport | ToolReport | EndReport;
