// Options of the Python runtime and their defaults.
import { existsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";
import type { IsolationLevel } from "./runtime.ts";

/**
 * Who sets a session apart: bubblewrap and the worker itself make namespaces (level `namespaces`), `landlock` does
 * without (level `lite`), `none` does not (level `process`).
 */
export const LAUNCHERS = ["bubblewrap", "worker", "landlock", "none"] as const;
export type Launcher = (typeof LAUNCHERS)[number];

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
  /** Size of a session's own scratch folder, at level `namespaces`. Default 64 MiB. */
  readonly scratchBytes?: number;
  /** CPU time of a session's whole life, all its threads together. Default 3600 s. */
  readonly maxCpuSeconds?: number;
  /**
   * Private memory of all sessions together; over it the largest session is ended. Default 60% of the machine's. Files in
   * scratch folders and unread output are not counted: at most `scratchBytes` and `maxFileBytes` more for each session.
   */
  readonly maxTotalMemoryBytes?: number;
  /** Sessions prepared ahead of the next `open`. Default: number of cores; 0 for none. */
  readonly spareSessions?: number;
  /** Sessions open at the same time; one more is an error. Default 1024. */
  readonly maxSessions?: number;
  /** A session that has been idle for so long is stopped until its next call; 0 never stops it. Default 100 ms. */
  readonly freezeAfterMs?: number;
  /** Tried in this order; the first that keeps the canary programs in is taken. Default on Linux all, elsewhere none. */
  readonly launchers?: readonly Launcher[];
  /** The lowest level that is accepted. Default `lite`. */
  readonly leastIsolation?: IsolationLevel;
  /** Folders with more Python packages, put before the interpreter's own on its path. Default none. */
  readonly packageFolders?: readonly string[];
  /** Modules that are loaded before the first session, besides the runtime's own. Default none. */
  readonly preload?: readonly string[];
  /** matplotlib settings of every session, e.g. `{ "figure.dpi": 100 }`. */
  readonly matplotlibRc?: Readonly<Record<string, unknown>>;
}

export type RuntimeSettings = Required<PythonRuntimeOptions>;

/** @throws SandboxError for a missing interpreter or a limit that is not a positive integer. */
export function resolveSettings(options: PythonRuntimeOptions): RuntimeSettings {
  const settings: RuntimeSettings = {
    python: interpreter(options.python),
    callTimeoutMs: options.callTimeoutMs ?? 30_000,
    hardKillGraceMs: options.hardKillGraceMs ?? 1500,
    maxConcurrent: options.maxConcurrent ?? availableParallelism(),
    maxOutputBytes: options.maxOutputBytes ?? 64 << 10,
    maxFiguresPerCall: options.maxFiguresPerCall ?? 32,
    maxFigurePixels: options.maxFigurePixels ?? 16_000_000,
    memoryBytes: options.memoryBytes ?? 2 ** 31,
    maxFileBytes: options.maxFileBytes ?? 64 << 20,
    scratchBytes: options.scratchBytes ?? 64 << 20,
    maxCpuSeconds: options.maxCpuSeconds ?? 3600,
    maxTotalMemoryBytes: options.maxTotalMemoryBytes ?? Math.floor(0.6 * totalmem()),
    spareSessions: options.spareSessions ?? availableParallelism(),
    maxSessions: options.maxSessions ?? 1024,
    freezeAfterMs: options.freezeAfterMs ?? 100,
    launchers: options.launchers ?? (process.platform === "linux" ? LAUNCHERS : ["none"]),
    leastIsolation: options.leastIsolation ?? "lite",
    packageFolders: options.packageFolders ?? [],
    preload: options.preload ?? [],
    matplotlibRc: options.matplotlibRc ?? {},
  };
  for (const [name, value] of Object.entries(settings)) {
    const least = MAY_BE_NONE.has(name) ? 0 : 1;
    if (typeof value === "number" && !(Number.isSafeInteger(value) && value >= least))
      throw new SandboxError(`${name}: must be a whole number of at least ${least}, got ${value}`);
  }
  return settings;
}

const MAY_BE_NONE: ReadonlySet<string> = new Set(["spareSessions", "freezeAfterMs"]);

/** A path is taken from the working directory; a bare name is looked up on the PATH. */
function interpreter(given: string | undefined): string {
  if (given === undefined) return defaultPython();
  return given.includes("/") ? resolve(given) : given;
}

export function defaultPython(): string {
  const path = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
  if (!existsSync(path))
    throw new SandboxError(
      `python: the project's interpreter ${path} does not exist; run "npm start" or "npm test" once to set it up, ` +
        `or "pyvision doctor" to see what is missing`,
    );
  return path;
}
