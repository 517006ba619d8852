// How a request of the Tinker API fails: at once, with a status, or later, as the result of its future.
import { ConfigError, DataError, EngineError } from "../../core/errors.ts";
import { ProtocolError } from "../../engines/tinker/protocol/wire.ts";
import { HttpError } from "../http.ts";

/** Whose fault it is: `user`, the request's; `server`, ours or this machine's. */
export type Category = "user" | "server";

/** A request that was accepted and cannot be done. */
export class FutureError extends EngineError {
  constructor(
    message: string,
    readonly category: Category,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function userError(message: string, cause?: unknown): FutureError {
  return new FutureError(message, "user", { cause });
}

/** What a future tells of a failure. */
export interface FailureBody {
  readonly error: string;
  readonly category: Category;
}

/** Text of ours is shown; text of whatever else was thrown stays here. */
export function failureBody(error: unknown): FailureBody {
  if (error instanceof FutureError) return { error: error.message, category: error.category };
  if (error instanceof HttpError) return { error: error.message, category: "user" };
  if (error instanceof ProtocolError || error instanceof DataError || error instanceof ConfigError)
    return { error: error.message, category: "user" };
  // Engines refuse what they were asked to do, and stop where numbers stop being numbers.
  if (error instanceof EngineError && !error.message.startsWith("internal:"))
    return { error: error.message, category: "user" };
  return { error: "the server failed at this request; its own messages tell why", category: "server" };
}

/** Whether the server's operator should hear of it. */
export function isOurs(error: unknown): boolean {
  return failureBody(error).category === "server";
}
