// The chat contract over the official client of the OpenAI protocol, for hosted APIs, vLLM, SGLang and any compatible
// server. The official client does the wire; asking again is done here, since its own retries know neither cut streams nor
// replies that cannot be read. Keys come from the environment, go into one header, and never into a message.
import OpenAI from "openai";
import { ConfigError, EngineError } from "../../core/errors.ts";
import { sleepUnlessAborted } from "../../core/sleep.ts";
import type { ChatClient, ChatReply, ChatRequest } from "./chat.ts";
import { chatBody, type Dialect, type JsonBody, type Refused, refusing, without } from "./chatBody.ts";
import { type ReadReply, readWhole, ReplyReader } from "./chatReply.ts";
import { ContextLengthError, contextOverflow } from "./contextLength.ts";
import type { Failure, FailureContext } from "./failures.ts";
import { oneLine, readFailure, UnreadableReply } from "./failures.ts";
import { withToldErrors } from "./toldErrors.ts";
import { type Clock, GivenUp, type Tried, withRetries } from "./retries.ts";
import { Gate } from "../../core/gate.ts";

export interface OpenAiOptions {
  /** Address of the API, most often with /v1 at its end. */
  readonly baseUrl: string;
  readonly model: string;
  /** Default `openai`. */
  readonly dialect?: Dialect;
  /** Environment variable that holds the key. Default OPENAI_API_KEY; without a value no key is sent. */
  readonly apiKeyVariable?: string;
  /** Of one attempt, to the last byte. Default 280. */
  readonly requestTimeoutSeconds?: number;
  /** Of all attempts and pauses. Default three times requestTimeoutSeconds. */
  readonly deadlineSeconds?: number;
  /** Attempts after the first. Default 5. */
  readonly maxRetries?: number;
  /** Requests that the server has at once; further ones wait here, their time not running. Default 16. */
  readonly maxConcurrent?: number;
  /** Default: that of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
}

export interface OpenAiClient extends ChatClient {
  readonly baseUrl: string;
  readonly dialect: Dialect;
  /**
   * POST of JSON to a path of the server's own API, beside /v1, with the same retries, limits and errors as `complete`.
   * @param read makes sense of the answer; what it throws counts as a reply that cannot be read
   */
  post<T>(path: string, body: JsonBody, read: (json: unknown) => T, signal?: AbortSignal): Promise<Tried<T>>;
}

/** Names of headers that the official client takes from the environment by itself. */
function customHeaders(): string[] {
  const lines = (process.env["OPENAI_CUSTOM_HEADERS"] ?? "").split("\n");
  return lines.flatMap((line) => (line.includes(":") ? [line.slice(0, line.indexOf(":")).trim()] : []));
}

/** Node gives up on a reply whose first byte takes longer; longer chats are streamed (SGLang's /generate is not). */
const LONGEST_SILENCE_SECONDS = 290;

export const systemClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  random: () => Math.random(),
  sleep: sleepUnlessAborted,
};

/** @throws ConfigError for an address or a key that cannot be used, or for a key that is missing where one is needed */
export function openAiClient(options: OpenAiOptions): OpenAiClient {
  return new Client(options);
}

class Client implements OpenAiClient {
  readonly baseUrl: string;
  readonly model: string;
  readonly dialect: Dialect;
  private readonly sdk: OpenAI;
  private readonly failures: FailureContext;
  private readonly gate: Gate;
  private readonly clock: Clock;
  private readonly timeoutSeconds: number;
  /** What this server is known to refuse. */
  private refused: Refused = new Set();

  constructor(private readonly o: OpenAiOptions) {
    this.baseUrl = checkedUrl(o.baseUrl);
    this.model = o.model;
    this.dialect = o.dialect ?? "openai";
    this.clock = o.clock ?? systemClock;
    this.timeoutSeconds = o.requestTimeoutSeconds ?? 280;
    this.gate = new Gate(o.maxConcurrent ?? 16);
    const keyVariable = o.apiKeyVariable ?? "OPENAI_API_KEY";
    const key = checkedKey(keyVariable, (o.env ?? process.env)[keyVariable]);
    const official = new URL(this.baseUrl).hostname === "api.openai.com";
    if (official && key === undefined)
      throw new ConfigError(
        `${this.baseUrl} wants a key: put it into the environment variable ${keyVariable}`,
      );
    this.failures = { keyVariable, key, epochMs: () => this.clock.epochMs() };
    this.sdk = new OpenAI({
      baseURL: this.baseUrl,
      apiKey: key ?? "none",
      adminAPIKey: null,
      // Headers of the account go to OpenAI alone, and those that OPENAI_CUSTOM_HEADERS would add to nobody.
      ...(!official && { organization: null, project: null }),
      defaultHeaders: {
        ...Object.fromEntries(customHeaders().map((name) => [name, null])),
        ...(key === undefined && { authorization: null }),
      },
      maxRetries: 0,
      timeout: (this.timeoutSeconds + 5) * 1000, // ours ends before it
      logLevel: "off",
      fetch: withToldErrors,
    });
  }

  async complete(request: ChatRequest): Promise<ChatReply> {
    const stream = request.onText !== undefined || this.timeoutSeconds > LONGEST_SILENCE_SECONDS;
    const body = chatBody(this.model, this.dialect, request, stream);
    const { signal, onRetry } = request;
    const { value, attempts, seconds } = await this.try(
      (within) => this.askWithout(body, request, stream, within),
      signal,
      onRetry,
    );
    return { ...value, attempts, seconds };
  }

  async post<T>(
    path: string,
    body: JsonBody,
    read: (json: unknown) => T,
    signal?: AbortSignal,
  ): Promise<Tried<T>> {
    const url = this.baseUrl.replace(/\/v1$/, "") + path;
    return this.try(async (within) => {
      const json: unknown = await this.sdk.post(url, { body: { ...body }, signal: within });
      try {
        return read(json);
      } catch (error) {
        throw new UnreadableReply(error instanceof Error ? error.message : String(error));
      }
    }, signal);
  }

  /** A field that the server refuses and that is dispensable is no failure. */
  private async askWithout(
    body: JsonBody,
    request: ChatRequest,
    stream: boolean,
    signal: AbortSignal,
  ): Promise<ReadReply> {
    for (;;) {
      const { refused } = this;
      try {
        return await this.ask(without(refused, body), request, stream, signal);
      } catch (error) {
        const parameter = readFailure(error, this.failures)?.parameter;
        // Another request may have learnt it meanwhile.
        const more = refusing(refused, parameter, body);
        if (more === undefined) throw error;
        this.refused = new Set([...this.refused, ...more]);
      }
    }
  }

  private async ask(
    body: JsonBody,
    { stop, onText }: ChatRequest,
    stream: boolean,
    signal: AbortSignal,
  ): Promise<ReadReply> {
    const options = { body: { ...body }, signal };
    if (!stream) return readWhole(await this.sdk.post("/chat/completions", options), this.model, stop);
    const pieces: unknown = await this.sdk.post("/chat/completions", { ...options, stream: true });
    const reader = new ReplyReader(this.model, stop, onText);
    for await (const piece of pieces as AsyncIterable<unknown>) if (!reader.take(piece)) break;
    signal.throwIfAborted();
    return reader.reply();
  }

  private async try<T>(
    attempt: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal | undefined,
    onRetry?: (reason: string) => void,
  ): Promise<Tried<T>> {
    const attemptMs = this.timeoutSeconds * 1000;
    try {
      return await this.gate.run(() =>
        withRetries(attempt, {
          maxRetries: this.o.maxRetries ?? 5,
          attemptMs,
          deadlineMs: this.o.deadlineSeconds === undefined ? 3 * attemptMs : this.o.deadlineSeconds * 1000,
          clock: this.clock,
          signal,
          readFailure: (error) => readFailure(error, this.failures),
          onRetry,
        }),
      );
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error;
      throw await this.explain(error);
    }
  }

  private async explain({ failure, attempts, seconds }: GivenUp): Promise<EngineError> {
    const tried = attempts === 1 ? "" : ` (${attempts} attempts in ${seconds.toFixed(1)} s)`;
    const served = failure.status === 404 ? await this.servedModels() : "";
    const message =
      `model ${JSON.stringify(this.model)} at ${this.baseUrl}: ${describe(failure)}${tried}; ` +
      `${failure.remedy}${served}`;
    const overflow = contextOverflow(failure);
    return overflow === undefined
      ? new EngineError(message)
      : new ContextLengthError(message, overflow.limit, overflow.promptTokens);
  }

  /** What the server says it has, for a name that it does not know. */
  private async servedModels(): Promise<string> {
    try {
      const page = await this.sdk.models.list({ timeout: 5000 });
      const names = page.data.slice(0, 8).map(({ id }) => oneLine(String(id), this.failures.key));
      return names.length === 0 ? "" : `; it serves ${names.join(", ")}`;
    } catch {
      return ""; // only a help
    }
  }
}

function describe({ status, text }: Failure): string {
  return status === undefined || text.startsWith(String(status)) ? text : `${status} ${text}`;
}

function checkedUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const web = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === undefined || !web || url.username !== "" || url.password !== "" || url.search + url.hash !== "")
    throw new ConfigError(
      `baseUrl must be an http or https address without user, password, query and fragment, such as ` +
        `http://127.0.0.1:8000/v1, received ${JSON.stringify(url === undefined ? baseUrl : `${url.protocol}//${url.host}${url.pathname}`)}` +
        `; a key goes into the environment`,
    );
  return url.href.replace(/\/+$/, "");
}

function checkedKey(variable: string, value: string | undefined): string | undefined {
  const key = value?.trim() ?? "";
  if (key === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new ConfigError(
      `environment variable ${variable}: a key must be printable ASCII without spaces, this one (${key.length} ` +
        `characters) is not; set it again`,
    );
  return key;
}
