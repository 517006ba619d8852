// Options of the remote Python runtime and their defaults.
import { SandboxError } from "../../core/errors.ts";

export interface JupyterRuntimeOptions {
  /** Of a Jupyter server or an Enterprise Gateway, e.g. `http://127.0.0.1:8888/` or `https://hub.example/user/ann/`. */
  readonly baseUrl: string;
  /** Name of the environment variable that holds the server's token. Without it, none is sent. */
  readonly tokenEnv?: string;
  /** Name of the kernel specification; its Python needs ipykernel, numpy, Pillow and matplotlib (PyAV for videos). Default `python3`. */
  readonly kernelName?: string;
  /** Time a call may take: execution, rendering of figures and transfer. Default 30 000. */
  readonly callTimeoutMs?: number;
  /** A program that ignores its deadline is interrupted by the server after half of this time and killed after all of it. Default 1500. */
  readonly hardKillGraceMs?: number;
  /** Text kept of a call's output, half from its beginning and half from its end. Default 64 KiB. */
  readonly maxOutputBytes?: number;
  /** Default 32. */
  readonly maxFiguresPerCall?: number;
  /** Default 16 000 000. */
  readonly maxFigurePixels?: number;
  /** Size of the largest file a session may write, its output included. Default 64 MiB. */
  readonly maxFileBytes?: number;
  /** Calls that run at the same time, and kernels that start at the same time; the others wait. Default 8. */
  readonly maxConcurrent?: number;
  /** matplotlib settings of every session, e.g. `{ "figure.dpi": 100 }`. */
  readonly matplotlibRc?: Readonly<Record<string, unknown>>;
  /** Time a kernel may take from the order to start it until it is ready for images. Default 60 000. */
  readonly startTimeoutMs?: number;
}

export interface JupyterSettings extends Required<Omit<JupyterRuntimeOptions, "tokenEnv">> {
  /** Empty: none is sent. Goes into request headers only. */
  readonly token: string;
}

/** @throws SandboxError for an address, a limit or a variable that cannot be used. */
export function resolveJupyterSettings(
  options: JupyterRuntimeOptions,
  environment: NodeJS.ProcessEnv = process.env,
): JupyterSettings {
  const settings: JupyterSettings = {
    baseUrl: address(options.baseUrl),
    token: token(options.tokenEnv, environment),
    kernelName: options.kernelName ?? "python3",
    callTimeoutMs: options.callTimeoutMs ?? 30_000,
    hardKillGraceMs: options.hardKillGraceMs ?? 1500,
    maxOutputBytes: options.maxOutputBytes ?? 64 << 10,
    maxFiguresPerCall: options.maxFiguresPerCall ?? 32,
    maxFigurePixels: options.maxFigurePixels ?? 16_000_000,
    maxFileBytes: options.maxFileBytes ?? 64 << 20,
    maxConcurrent: options.maxConcurrent ?? 8,
    matplotlibRc: options.matplotlibRc ?? {},
    startTimeoutMs: options.startTimeoutMs ?? 60_000,
  };
  for (const [name, value] of Object.entries(settings))
    if (typeof value === "number" && !(Number.isSafeInteger(value) && value >= 1))
      throw new SandboxError(`${name}: must be a positive integer, got ${value}`);
  return settings;
}

/** The address with a slash at its end. What it must not hold is not repeated: it may be a secret. */
function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new SandboxError(`baseUrl: must be an http or https address, e.g. http://127.0.0.1:8888/`);
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "")
    throw new SandboxError(
      "baseUrl: must hold no user name, password, query or fragment; put the token into an environment variable and " +
        "name that in tokenEnv",
    );
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

function token(name: string | undefined, environment: NodeJS.ProcessEnv): string {
  if (name === undefined) return "";
  const value = environment[name]?.trim();
  if (value === undefined || value === "")
    throw new SandboxError(
      `tokenEnv: the environment variable ${name} is not set; put the server's token into it`,
    );
  if (!/^[\x21-\x7e]+$/.test(value))
    throw new SandboxError(`tokenEnv: the environment variable ${name} holds characters that no token has`);
  return value;
}
