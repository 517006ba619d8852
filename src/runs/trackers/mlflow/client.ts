// MLflow's REST API 2.0 (https://mlflow.org/docs/latest/rest-api.html): the eight calls that a tracker needs. Written here because no
// maintained client for Node logs metrics: MLflow's own package for TypeScript records traces only (docs/trackers.md).
import type { TrackerClock } from "../clock.ts";
import { TrackerError } from "../tracker.ts";

const TIMEOUT_MS = 30_000;
const API = "api/2.0/mlflow";
const ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts";

export interface MlflowClientOptions {
  /** Without a slash at its end. */
  readonly url: string;
  /** Of the environment: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, as for MLflow's client. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof fetch;
  readonly clock: TrackerClock;
  readonly signal: AbortSignal;
}

/** The server's answer to a call that it refused; `code` is MLflow's error_code. */
export class MlflowRefusal extends TrackerError {
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super("skip", `the server refused (${status} ${code}): ${message}`);
    this.code = code;
  }
}

export class MlflowClient {
  readonly #options: MlflowClientOptions;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: MlflowClientOptions) {
    this.#options = options;
    this.#headers = authorization(options.env);
  }

  /** @throws TrackerError; MlflowRefusal when the server answered that the call is wrong */
  async post(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    };
    return record(await this.#send(`${API}/${path}`, init), path);
  }

  async get(
    path: string,
    query: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    return record(
      await this.#send(`${API}/${path}?${new URLSearchParams(query).toString()}`, { method: "GET" }),
      path,
    );
  }

  /** Replaces a file of the artifact store that the server passes on to. */
  async putArtifact(path: string, data: Uint8Array, contentType: string): Promise<void> {
    const safe = path.split("/").map(encodeURIComponent).join("/");
    const init = { method: "PUT", headers: { "content-type": contentType }, body: new Uint8Array(data) };
    await this.#send(`${ARTIFACTS}/${safe}`, init);
  }

  async #send(
    path: string,
    {
      headers,
      ...init
    }: {
      readonly method: string;
      readonly headers?: Record<string, string>;
      readonly body?: string | Uint8Array<ArrayBuffer>;
    },
  ): Promise<string> {
    const { url, fetch, clock, signal } = this.#options;
    const limit = new AbortController();
    const answered = new AbortController();
    const stop = (): void => limit.abort();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    let timedOut = false;
    void clock.sleep(TIMEOUT_MS, answered.signal).then(() => {
      if (answered.signal.aborted) return;
      timedOut = true;
      stop();
    });
    try {
      const response = await fetch(`${url}/${path}`, {
        ...init,
        headers: { ...headers, ...this.#headers },
        redirect: "error",
        signal: limit.signal,
      });
      const text = await response.text();
      if (!response.ok) throw refusal(response.status, text, url);
      return text;
    } catch (error) {
      if (error instanceof TrackerError) throw error;
      const reason = timedOut ? `no answer within ${TIMEOUT_MS / 1000} s` : reasonOf(error);
      throw new TrackerError(
        "retry",
        `${url} cannot be reached: ${reason}; see that the tracking server runs (\`mlflow server\`) and that its address is right`,
        { cause: error },
      );
    } finally {
      answered.abort();
      signal.removeEventListener("abort", stop);
    }
  }
}

function authorization(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const token = env["MLFLOW_TRACKING_TOKEN"];
  const user = env["MLFLOW_TRACKING_USERNAME"];
  const password = env["MLFLOW_TRACKING_PASSWORD"];
  if (token) return { authorization: `Bearer ${token}` };
  if (!user || !password) return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

function refusal(status: number, text: string, url: string): TrackerError {
  const body = parsed(text);
  const code = typeof body?.["error_code"] === "string" ? body["error_code"] : "";
  const message = (typeof body?.["message"] === "string" ? body["message"] : text).trim().slice(0, 300);
  if (status === 401 || status === 403)
    return new TrackerError(
      "stop",
      `${url} refuses (${status}): ${message || "no reason given"}; set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME ` +
        "and MLFLOW_TRACKING_PASSWORD, or see the server's --allowed-hosts",
    );
  if (status === 408 || status === 429 || status >= 500)
    return new TrackerError("retry", `${url} answered ${status}: ${message}; see the server's log`);
  if (code === "")
    return new TrackerError(
      "stop",
      `${url} answered ${status} without MLflow's error_code: it is no MLflow tracking server; correct logging.trackers`,
    );
  return new MlflowRefusal(status, code, message);
}

function record(text: string, path: string): Readonly<Record<string, unknown>> {
  const body = parsed(text);
  if (body !== undefined) return body;
  throw new TrackerError(
    "stop",
    `${path} was answered with ${JSON.stringify(text.slice(0, 60))}, which is not JSON: the address is no MLflow tracking ` +
      "server; correct logging.trackers",
  );
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Node wraps the cause of a failed fetch in "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}
