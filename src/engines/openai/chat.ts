// A chat with a model behind an HTTP server, as the agent, the judge and the teacher need it. client.ts keeps it with the
// official client of the OpenAI protocol.

export type ChatPart =
  | { readonly type: "text"; readonly text: string }
  /** A PNG file. */
  | { readonly type: "image"; readonly png: Uint8Array };

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: readonly ChatPart[];
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** Of the reply, in tokens. */
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. Servers that do not know it are sent nothing. */
  readonly topK?: number;
  /** The reply ends with the first of these, which is part of its text. */
  readonly stop: readonly string[];
  readonly seed?: number;
  /** Asks for the ids of the tokens of prompt and reply and for ln p of the reply's, where the server gives them. */
  readonly tokens?: boolean;
  /** Called with each piece of the reply's text as it comes. Asking for it streams. */
  readonly onText?: (piece: string) => void;
  /** Called before a reply is asked for again: what `onText` brought of it so far is void. */
  readonly onRetry?: (reason: string) => void;
  readonly signal?: AbortSignal;
}

export interface ChatReply {
  readonly text: string;
  readonly stop: "stop" | "length";
  /** As the server counts; undefined where it does not say. */
  readonly usage: { readonly promptTokens: number; readonly replyTokens: number } | undefined;
  /** Present only when the server gave all of it, of equal lengths. */
  readonly tokens:
    | {
        readonly prompt: readonly number[];
        readonly reply: readonly number[];
        readonly logprobs: readonly number[];
      }
    | undefined;
  /** Of the server's answer, for the record. */
  readonly model: string;
  /** Requests that were sent for it, the good one included. */
  readonly attempts: number;
  readonly seconds: number;
}

export interface ChatClient {
  readonly model: string;
  /**
   * Retries what may pass (timeouts, 408, 409, 429, 5xx, cut streams, bodies that cannot be read) with growing, jittered
   * pauses, within the request's deadline.
   * @throws EngineError that names the server, the model, the status and what to do; never a key
   */
  complete(request: ChatRequest): Promise<ChatReply>;
}
