// Recognises, in what a server refuses, that prompt and reply do not fit the model's context. Servers say it in words of
// their own (vLLM, SGLang and OpenAI each differently), most with both numbers, which tell how much would fit.
import { EngineError } from "../../core/errors.ts";
import type { Failure } from "./failures.ts";

/** The prompt and the room asked for do not fit the model's context. Both numbers are tokens, where the server tells. */
export class ContextLengthError extends EngineError {
  constructor(
    message: string,
    readonly limit: number | undefined,
    readonly promptTokens: number | undefined,
  ) {
    super(message);
  }
}

const CONTEXT = /context[ _]length|maximum model length|max_model_len|context window|prompt is too long/i;
const LIMIT = /(?:context length|model length|max_model_len|context window)\D{0,12}?(\d+)/i;
const PROMPT =
  /(\d+) in the (?:messages|prompt)|(\d+) input tokens|(\d+) tokens from the input|(?:input|prompt) \((?:length )?(\d+)/i;

/** Whether the server says that prompt and reply do not fit its context, and the numbers it names (tokens). */
export function contextOverflow(
  failure: Pick<Failure, "status" | "text">,
): { readonly limit: number | undefined; readonly promptTokens: number | undefined } | undefined {
  if (failure.status !== 400 && failure.status !== 422 && failure.status !== 413) return undefined;
  if (!CONTEXT.test(failure.text)) return undefined;
  const number = (match: RegExpExecArray | null): number | undefined => {
    const digits = match?.slice(1).find((group) => group !== undefined);
    return digits === undefined ? undefined : Number(digits);
  };
  return { limit: number(LIMIT.exec(failure.text)), promptTokens: number(PROMPT.exec(failure.text)) };
}
