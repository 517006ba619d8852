// Options of the Python runtime and their defaults.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";

export interface PythonRuntimeOptions {
  /** Interpreter with numpy, Pillow and matplotlib. Default: the repository's `.venv/bin/python`. */
  readonly python?: string;
  /** Time a call may take: execution, rendering of figures and transfer. Default 30 000. */
  readonly callTimeoutMs?: number;
  /** A program that ignores the interruption at `callTimeoutMs` is killed this much later. Default 1500. */
  readonly hardKillGraceMs?: number;
  /** Calls that run at the same time, the others wait. Default: number of cores. */
  readonly maxConcurrent?: number;
  /** Text kept of a call's output, half from its beginning and half from its end. Default 64 KiB. */
  readonly maxOutputBytes?: number;
  /** Default 32. */
  readonly maxFiguresPerCall?: number;
  /** Default 16 000 000. */
  readonly maxFigurePixels?: number;
  /** Address space of a session, the libraries' own mappings included. Default 2 GiB. */
  readonly memoryBytes?: number;
  /** Size of the largest file a session may write, its output included. Default 64 MiB. */
  readonly maxFileBytes?: number;
  /** matplotlib settings of every session, e.g. `{ "figure.dpi": 100 }`. */
  readonly matplotlibRc?: Readonly<Record<string, unknown>>;
}

export type RuntimeSettings = Required<PythonRuntimeOptions>;

/** @throws SandboxError for a missing interpreter or a limit that is not a positive integer. */
export function resolveSettings(options: PythonRuntimeOptions): RuntimeSettings {
  const settings: RuntimeSettings = {
    python: options.python ?? defaultPython(),
    callTimeoutMs: options.callTimeoutMs ?? 30_000,
    hardKillGraceMs: options.hardKillGraceMs ?? 1500,
    maxConcurrent: options.maxConcurrent ?? availableParallelism(),
    maxOutputBytes: options.maxOutputBytes ?? 64 << 10,
    maxFiguresPerCall: options.maxFiguresPerCall ?? 32,
    maxFigurePixels: options.maxFigurePixels ?? 16_000_000,
    memoryBytes: options.memoryBytes ?? 2 ** 31,
    maxFileBytes: options.maxFileBytes ?? 64 << 20,
    matplotlibRc: options.matplotlibRc ?? {},
  };
  for (const [name, value] of Object.entries(settings))
    if (typeof value === "number" && !(Number.isSafeInteger(value) && value >= 1))
      throw new SandboxError(`${name}: must be a positive integer, got ${value}`);
  return settings;
}

function defaultPython(): string {
  const path = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
  if (!existsSync(path))
    throw new SandboxError(
      `python: the project's interpreter ${path} does not exist; run "npm start" or "npm test" once to set it up, ` +
        `or "pyvision doctor" to see what is missing`,
    );
  return path;
}
