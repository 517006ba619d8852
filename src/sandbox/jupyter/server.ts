// A Jupyter server's REST interface, as far as kernels need it. Every failure names the address and the remedy, and
// never the token. The library's own kernel functions are not used: they write to the console.
import { randomBytes } from "node:crypto";
import { ServerConnection } from "@jupyterlab/services";
import { SandboxError } from "../../core/errors.ts";
import type { JupyterSettings } from "./options.ts";

const REQUEST_LIMIT_MS = 15_000;
/** A kernel that does not end by itself is killed by the server after 5 s. */
const DELETE_LIMIT_MS = 20_000;
const DELETE_REPEAT_MS = 250;

/** What became of a kernel, as the server sees it. */
export type KernelState = "running" | "gone" | "unreachable";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class JupyterServer {
  readonly #wire: ServerConnection.ISettings;
  /** Without a token a server wants a cookie's value repeated in a header, as a web page of its own would. */
  readonly #crossSite: Readonly<Record<string, string>>;

  constructor(readonly settings: JupyterSettings) {
    const { baseUrl, token } = settings;
    this.#wire = ServerConnection.makeSettings({ baseUrl, token, appendToken: false, fetch: fetchOrSayWhy });
    const value = randomBytes(16).toString("hex");
    this.#crossSite = token === "" ? { Cookie: `_xsrf=${value}`, "X-XSRFToken": value } : {};
  }

  /** Address of a kernel's channels; the token goes into the headers. */
  channelsUrl(kernel: string, client: string): string {
    return `${this.#wire.wsUrl}api/kernels/${encodeURIComponent(kernel)}/channels?session_id=${client}`;
  }

  get headers(): Record<string, string> {
    return this.settings.token === "" ? {} : { Authorization: `token ${this.settings.token}` };
  }

  /** @throws SandboxError when the server does not answer, refuses the token or has no such kernel specification. */
  async check(): Promise<void> {
    const { kernelName, baseUrl } = this.settings;
    const { body } = await this.#expect("GET", "api/kernelspecs", [200]);
    const specs = isRecord(body) ? body["kernelspecs"] : undefined;
    if (!isRecord(specs))
      throw new SandboxError(`baseUrl: ${baseUrl} does not answer as a Jupyter server does`);
    if (!Object.hasOwn(specs, kernelName))
      throw new SandboxError(
        `kernelName: ${baseUrl} has no kernel "${kernelName}"; it has ${Object.keys(specs).join(", ") || "none"}`,
      );
  }

  /** Starts a kernel and returns its id. */
  async start(limitMs: number): Promise<string> {
    const order = { name: this.settings.kernelName };
    const { body } = await this.#expect("POST", "api/kernels", [201], limitMs, order);
    const id = isRecord(body) ? body["id"] : undefined;
    if (typeof id !== "string" || !/^[\w-]{1,128}$/.test(id))
      throw new SandboxError(`baseUrl: ${this.settings.baseUrl} started a kernel but did not give its id`);
    return id;
  }

  async interrupt(kernel: string): Promise<void> {
    await this.#expect("POST", `api/kernels/${kernel}/interrupt`, [200, 204]);
  }

  /**
   * Ends the kernel; one that is gone already is no error. Asked again for a while: a server that is just about to restart
   * a kernel that died answers with status 500.
   */
  async remove(kernel: string): Promise<void> {
    const until = performance.now() + DELETE_LIMIT_MS;
    for (;;) {
      const { status } = await this.#request("DELETE", `api/kernels/${kernel}`, DELETE_LIMIT_MS);
      if ([200, 204, 404].includes(status)) return;
      if (performance.now() > until)
        throw new SandboxError(
          `${this.settings.baseUrl}: kernel ${kernel} cannot be removed (status ${status})`,
        );
      await new Promise((resolve) => setTimeout(resolve, DELETE_REPEAT_MS));
    }
  }

  async look(kernel: string, limitMs: number): Promise<KernelState> {
    try {
      const { status, body } = await this.#request("GET", `api/kernels/${kernel}`, limitMs);
      if (status === 404) return "gone";
      if (status !== 200) return "unreachable";
      return isRecord(body) && body["execution_state"] === "dead" ? "gone" : "running";
    } catch {
      return "unreachable";
    }
  }

  async #expect(
    method: string,
    path: string,
    statuses: readonly number[],
    limitMs = REQUEST_LIMIT_MS,
    body?: object,
  ): Promise<Answer> {
    const answer = await this.#request(method, path, limitMs, body);
    if (statuses.includes(answer.status)) return answer;
    const { baseUrl, token } = this.settings;
    const { status } = answer;
    if (status === 401 || status === 403)
      throw new SandboxError(
        token === ""
          ? `tokenEnv: ${baseUrl} wants a token (status ${status}); put it into an environment variable and name that in tokenEnv`
          : `tokenEnv: ${baseUrl} refuses the token (status ${status}); put the server's own into the variable that tokenEnv names`,
      );
    const said = isRecord(answer.body) ? answer.body["message"] : undefined;
    const detail = typeof said === "string" ? `: ${said.slice(0, 500)}` : "";
    throw new SandboxError(`${baseUrl}: ${method} ${path} was answered with status ${status}${detail}`);
  }

  async #request(method: string, path: string, limitMs: number, body?: object): Promise<Answer> {
    const { baseUrl } = this.settings;
    const signal = AbortSignal.timeout(limitMs);
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    try {
      const init = { method, signal, redirect: "manual" as const, headers: this.#crossSite, ...text };
      const response = await ServerConnection.makeRequest(`${this.#wire.baseUrl}${path}`, init, this.#wire);
      return { status: response.status, body: parse(await response.text()) };
    } catch (error) {
      if (signal.aborted)
        throw new SandboxError(
          `${baseUrl}: ${method} ${path} was not answered within ${limitMs} ms; is it overloaded?`,
        );
      throw new SandboxError(
        `baseUrl: no server answers at ${baseUrl} (${(error as Error).message}); start it, or correct baseUrl`,
      );
    }
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The library keeps only the message of `fetch`'s errors, whose cause says more. */
function fetchOrSayWhy(...request: Parameters<typeof fetch>): Promise<Response> {
  return fetch(...request).catch((error: Error) => {
    const { cause } = error;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
    throw new Error(code ?? (cause instanceof Error ? cause.message : error.message));
  });
}
