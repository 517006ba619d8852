// One HTTP exchange with the server: address, key, timeout, and the body of the reply by its content type. Knows nothing of
// retries; any status is a reply. No redirect is followed: it would take the key, or a POST's body, elsewhere; whoever reads the
// reply says where it leads.
import { EngineError } from "../../core/errors.ts";
import { isRedirect, NoReply, noReply, oneLine, toldError } from "./failures.ts";
import type { Settings, World } from "./options.ts";

export type WireBody =
  | { readonly type: "json"; readonly value: object }
  | { readonly type: "protobuf"; readonly bytes: Uint8Array };

export type ReplyBody =
  | { readonly type: "json"; readonly value: unknown }
  | { readonly type: "protobuf"; readonly bytes: Uint8Array }
  | { readonly type: "text"; readonly text: string };

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReplyBody;
}

export interface ExchangeOptions {
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Whether waiting for the timeout must not keep the process alive. */
  readonly background?: boolean;
}

const PROTOBUF = "application/x-protobuf";
/** SDKs want a key even for servers that check none. */
const DUMMY_KEY = "tml-dummy";

export class Transport {
  /** A token that stands for the key, where the server wants one (token.ts). */
  token: string | undefined;

  constructor(
    readonly settings: Pick<Settings, "baseUrl" | "apiKey" | "apiKeyVariable" | "dialect">,
    readonly world: World,
  ) {}

  /** @param name as `forward_backward`; @throws NoReply */
  post(name: string, body: WireBody, options: ExchangeOptions): Promise<Reply> {
    const contentType = body.type === "json" ? "application/json" : PROTOBUF;
    return this.exchange(name, options, {
      method: "POST",
      headers: { accept: "application/json", "content-type": contentType },
      body: body.type === "json" ? JSON.stringify(body.value) : Buffer.from(body.bytes),
    });
  }

  /** @throws NoReply */
  get(path: string, options: ExchangeOptions): Promise<Reply> {
    return this.exchange(path, options, { method: "GET", headers: { accept: "application/json" } });
  }

  /** A reply whose body is not read here; follows no redirect. @throws NoReply */
  async open(url: string, options: ExchangeOptions & { readonly withKey: boolean }): Promise<Response> {
    return this.within(options, (signal) =>
      this.world.fetch(url, {
        method: "GET",
        redirect: "manual",
        headers: { ...(options.withKey && this.keyHeader()), ...options.headers },
        signal,
      }),
    );
  }

  url(path: string): string {
    return `${this.settings.baseUrl}/api/v1/${path}`;
  }

  /** Text of a server, fit for a message. */
  shown(text: string): string {
    return oneLine(text, this.settings.apiKey);
  }

  /** What a reply says in words. */
  told({ body, status, headers }: Reply): string {
    if (isRedirect(status)) {
      const to = headers.get("location");
      return `${status}: it redirects to ${to === null ? "an address that it does not name" : this.shown(to)}`;
    }
    const text =
      body.type === "json"
        ? toldError(body.value)
        : body.type === "text"
          ? body.text
          : `${body.bytes.length} bytes`;
    return `${status} ${this.shown(text)}`.trim();
  }

  private exchange(
    path: string,
    options: ExchangeOptions,
    init: RequestInit & { readonly headers: Readonly<Record<string, string>> },
  ): Promise<Reply> {
    return this.within(options, async (signal) => {
      const response = await this.world.fetch(this.url(path), {
        ...init,
        headers: { ...this.keyHeader(), ...init.headers, ...options.headers },
        redirect: "manual",
        signal,
      });
      const { headers } = response;
      // A fetch like a browser's hides status and address of a redirect.
      const status = response.type === "opaqueredirect" ? 302 : response.status;
      return { status, headers, body: await readBody(response) };
    });
  }

  private keyHeader(): Record<string, string> {
    const { apiKey, dialect } = this.settings;
    const key = this.token ?? apiKey ?? (dialect === "pyvision" ? undefined : DUMMY_KEY);
    return key === undefined ? {} : { "x-api-key": key };
  }

  private async within<T>(
    { timeoutMs, signal, background }: ExchangeOptions,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    if (background === true) timer.unref();
    const stop = (): void => controller.abort();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      signal?.throwIfAborted();
      return await run(controller.signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (controller.signal.aborted)
        throw new NoReply(`no whole reply within ${Number((timeoutMs / 1000).toFixed(1))} s`, false, true);
      if (error instanceof EngineError) throw error;
      throw noReply(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }
}

async function readBody(response: Response): Promise<ReplyBody> {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith(PROTOBUF))
    return { type: "protobuf", bytes: new Uint8Array(await response.arrayBuffer()) };
  const text = await response.text();
  try {
    return { type: "json", value: JSON.parse(text) as unknown };
  } catch {
    return { type: "text", text };
  }
}
