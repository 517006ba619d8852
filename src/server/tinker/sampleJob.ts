// What is to be sampled, apart from where: the prompt, how tokens are drawn, what ends a sample.
import type { Random } from "../../core/random.ts";
import type { SampleOutput } from "../../engines/tinker/protocol/wire.ts";
import type { Prompt } from "./prompt.ts";

export interface SampleJob {
  /** Jobs that are computed together begin in this order: the first numbers decide, then the second. */
  readonly order: readonly [number, number];
  /** The growing sequence that it goes on with, where the client names it. */
  readonly sequence: string | undefined;
  /** The call that it is one of so many requests of: they are computed as one batch. */
  readonly together: { readonly call: string; readonly count: number } | undefined;
  readonly prompt: Prompt;
  /** One a sample: each draws from its own. */
  readonly streams: readonly Random[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly stopStrings: readonly string[];
  /** Beside the end of a turn. */
  readonly stopTokens: ReadonlySet<number>;
  /** Whether the end of a turn ends a sample. */
  readonly endsAtTurn: boolean;
  /** Positions whose log-probabilities are wanted: the last so many. 0: none. */
  readonly promptLogprobs: number;
}

export type { SampleOutput };
