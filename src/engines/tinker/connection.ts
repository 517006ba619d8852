// A session with the server: requests that are answered at once, and work that is handed in and fetched later.
import { z } from "zod";
import { type FailureKind, NoReply, TinkerError } from "./failures.ts";
import { BytesInFlight, retrieve } from "./futures.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { Settings, World } from "./options.ts";
import { contextLengthOf, readServerConfig, SDK_VERSION, type ServerConfig } from "./serverConfig.ts";
import { submit, type Submission } from "./submit.ts";
import { TokenKeeper } from "./token.ts";
import { type ReplyBody, Transport, type WireBody } from "./transport.ts";

export interface Work {
  /** Path below /api/v1. */
  readonly name: string;
  readonly body: WireBody;
  /** As the server wants it named: `ForwardBackward`. */
  readonly requestType: string;
  /** Whether handing it in twice leaves the server as handing it in once. */
  readonly repeatable: boolean;
  /** `of model s-1:train:0`, for messages. */
  readonly about?: string;
  /** Whether the result comes as protobuf where the connection speaks it. */
  readonly protobuf?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly onThrottled?: () => Promise<void>;
}

export interface ConnectionHooks {
  warn(text: string): void;
  info(text: string): void;
}

const RESULT_BYTES = 50 * 1024 * 1024;
const RETRY_NOTICE_MS = 30_000;

export class Connection {
  private readonly room = new BytesInFlight(RESULT_BYTES);
  private readonly queueStates = new Map<string, number>();
  private readonly toldRetries = new Map<string, number>();
  private requests = 0;
  private stopHeartbeat = (): void => undefined;

  private constructor(
    readonly settings: Settings,
    readonly world: World,
    readonly transport: Transport,
    readonly config: ServerConfig,
    /** Longest sequence of the model, in tokens; undefined where the server does not say. */
    readonly contextLength: number | undefined,
    private readonly hooks: ConnectionHooks,
    readonly sessionId: string,
    private readonly token: TokenKeeper | undefined,
  ) {}

  /** @throws TinkerError */
  static async open(settings: Settings, world: World, hooks: ConnectionHooks): Promise<Connection> {
    const transport = new Transport(settings, world);
    let told = false;
    const config = await readServerConfig(transport, (reason) => {
      if (!told) hooks.info(`waiting for ${settings.baseUrl} (${reason})`);
      told = true;
    });
    const token = config.wantsToken ? await TokenKeeper.start(transport, hooks.warn) : undefined;
    const contextLength = await contextLengthOf(transport, settings);
    const value = {
      tags: ["pyvision-rl"],
      user_metadata: {},
      sdk_version: SDK_VERSION,
      type: "create_session",
    };
    const reply = await submit(transport, {
      name: "create_session",
      body: { type: "json", value },
      repeatable: true,
    });
    const session = parseReply("create_session", sessionSchema, reply.body, settings.baseUrl);
    if (session.info_message) hooks.info(transport.shown(session.info_message));
    if (session.warning_message) hooks.warn(transport.shown(session.warning_message));
    if (session.error_message)
      throw new TinkerError(
        `${settings.baseUrl}, create_session: ${transport.shown(session.error_message)}`,
        "refused",
      );
    const connection = new Connection(
      settings,
      world,
      transport,
      config,
      contextLength,
      hooks,
      session.session_id,
      token,
    );
    connection.stopHeartbeat = startHeartbeat(transport, session.session_id, hooks.warn);
    return connection;
  }

  /** A request that is answered at once. @throws TinkerError */
  async call<T>(name: string, value: object, schema: z.ZodType<T>, about?: string): Promise<T> {
    const reply = await submit(this.transport, {
      ...this.submission(name, { type: "json", value }),
      repeatable: true,
      ...(about !== undefined && { about }),
    });
    return parseReply(name, schema, reply.body, this.settings.baseUrl);
  }

  /**
   * Hands work in. Resolves when the server has taken it, with the promise of its result; whoever takes that must handle its
   * rejection.
   * @throws TinkerError when it was not taken, or that is not known (`kind` lost)
   */
  async hand(work: Work): Promise<{ readonly result: Promise<ReplyBody> }> {
    const { name, requestType, repeatable, about, headers, onThrottled } = work;
    const reply = await submit(this.transport, {
      ...this.submission(name, work.body, headers),
      repeatable,
      ...(about !== undefined && { about }),
      ...(onThrottled !== undefined && { onThrottled }),
    });
    const { request_id } = parseReply(name, acceptedSchema, reply.body, this.settings.baseUrl, "lost");
    const result = retrieve(this.transport, {
      requestId: String(request_id),
      name,
      requestType,
      protobuf: work.protobuf === true && this.settings.wire === "protobuf",
      pollTimeoutMs: this.settings.pollTimeoutMs,
      deadlineMs: this.settings.deadlineMs,
      ...(about !== undefined && { about }),
      ...(work.protobuf === true && this.settings.dialect !== "skyrl" && { room: this.room }),
      onQueue: this.queueHook(),
    });
    result.catch(() => undefined); // the taker's to handle, maybe later
    return { result };
  }

  /** Ends the session. Never rejects, and waits only shortly for a server that is not there. */
  async close(): Promise<void> {
    this.stopHeartbeat();
    this.token?.stop();
    if (this.settings.dialect === "skyrl") return; // has no such request
    await this.quickly(`sessions/${this.sessionId}/finish`, { reason: { type: "success" }, detail: null });
  }

  /** A request whose answer does not matter: one attempt, a few seconds, no error. */
  async quickly(name: string, value: object): Promise<void> {
    try {
      await this.transport.post(name, { type: "json", value }, { timeoutMs: 5_000 });
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
    }
  }

  private submission(
    name: string,
    body: WireBody,
    headers: Readonly<Record<string, string>> = {},
  ): Pick<Submission, "name" | "body" | "headers" | "onRetry"> {
    const key = `${this.sessionId}-${this.requests++}`;
    return {
      name,
      body,
      headers: { "x-idempotency-key": key, ...headers },
      onRetry: (reason) => this.tellRetry(`${this.settings.baseUrl}, ${name}: ${reason}; asking again`),
    };
  }

  /** Hundreds of requests may fail in the same way at once: that is said once in a while. */
  private tellRetry(text: string): void {
    const now = this.world.now();
    if (now - (this.toldRetries.get(text) ?? -Infinity) < RETRY_NOTICE_MS) return;
    this.toldRetries.set(text, now);
    this.hooks.info(text);
  }

  /** Says what work waits for, once for all the work that waits for the same. */
  private queueHook(): (state: string | undefined) => void {
    let mine: string | undefined;
    return (state) => {
      if (state === mine) return;
      if (mine !== undefined) {
        const left = (this.queueStates.get(mine) ?? 1) - 1;
        if (left > 0) this.queueStates.set(mine, left);
        else this.queueStates.delete(mine);
      }
      mine = state;
      if (state === undefined) return;
      const before = this.queueStates.get(state) ?? 0;
      this.queueStates.set(state, before + 1);
      if (before === 0)
        this.hooks.warn(
          `${this.settings.baseUrl}: the server lets work wait (${this.transport.shown(state)})`,
        );
    };
  }
}

const sessionSchema = z.looseObject({
  session_id: z.string().min(1),
  info_message: z.string().nullish(),
  warning_message: z.string().nullish(),
  error_message: z.string().nullish(),
});

const acceptedSchema = z.looseObject({ request_id: z.union([z.string().min(1), z.number()]) });

/** @param kind of what is thrown; @throws TinkerError naming the request and the field */
export function parseReply<T>(
  name: string,
  schema: z.ZodType<T>,
  body: ReplyBody,
  baseUrl: string,
  kind: FailureKind = "failed",
): T {
  const parsed = schema.safeParse(body.type === "json" ? body.value : undefined);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const what = body.type === "json" ? `${issue?.path.map(String).join(".")}: ${issue?.message}` : "not JSON";
  throw new TinkerError(
    `${baseUrl}, ${name}: its reply is not that of a Tinker server (${what}); check engine.baseUrl`,
    kind,
  );
}
