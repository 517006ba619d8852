// What a client is told when its request fails: an HTTP status and the error body of the OpenAI protocol, which its
// clients turn into exceptions of their own by status and `code`.
import { HttpError } from "../http.ts";

export interface RequestErrorDetails {
  readonly status: number;
  /** `invalid_request_error` unless given. */
  readonly type?: string;
  /** Path of the field that is wrong, e.g. `messages[0].content`. */
  readonly param?: string;
  /** For programs, e.g. `context_length_exceeded`. */
  readonly code?: string;
}

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

export class RequestError extends HttpError {
  override readonly name = "RequestError";
  readonly body: ErrorBody;

  constructor(
    message: string,
    { status, type = "invalid_request_error", param, code }: RequestErrorDetails,
    options?: ErrorOptions,
  ) {
    super(message, { status, ...(code !== undefined && { code }) }, options);
    this.body = { error: { message, type, param: param ?? null, code: code ?? null } };
  }
}
