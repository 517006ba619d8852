// The Python tool runtime: one trusted zygote process with the libraries loaded, from which every session is forked in
// milliseconds. Never runs code in the host's own process.
import { SandboxError } from "../core/errors.ts";
import { runCanaries } from "./canaries.ts";
import { Gate } from "../core/gate.ts";
import {
  type Isolation,
  ISOLATION_LEVELS,
  type IsolationLevel,
  type PythonRuntime,
  type PythonSession,
  type SessionOptions,
} from "./runtime.ts";
import { Session } from "./session.ts";
import {
  type Launcher,
  type PythonRuntimeOptions,
  resolveSettings,
  type RuntimeSettings,
} from "./settings.ts";
import { StartFailed, StartRefused, Zygote } from "./zygote.ts";

export type { PythonRuntimeOptions } from "./settings.ts";

const LEVEL_OF: Readonly<Record<Launcher, IsolationLevel>> = {
  bubblewrap: "namespaces",
  worker: "namespaces",
  landlock: "lite",
  none: "process",
};

/**
 * Starts the zygote by the first launcher that works and whose sessions the canary programs cannot leave.
 * @throws SandboxError when Python or a library is missing, or only a lower level than `leastIsolation` holds.
 */
export async function startPythonRuntime(options: PythonRuntimeOptions = {}): Promise<PythonRuntime> {
  const settings = resolveSettings(options);
  const shortfalls: string[] = [];
  const failures: SandboxError[] = [];
  const tooLow: string[] = [];
  for (const launcher of settings.launchers) {
    const level = LEVEL_OF[launcher];
    if (ISOLATION_LEVELS.indexOf(level) > ISOLATION_LEVELS.indexOf(settings.leastIsolation)) {
      tooLow.push(`${launcher} gives ${level}`);
      continue;
    }
    try {
      const zygote = await Zygote.start(settings, launcher);
      const server = new ForkServer(settings, { level, by: launcher, shortfalls }, zygote);
      const reached = launcher === "none" ? [] : await canaries(server, level, zygote.canaryFolder);
      if (reached.length === 0) return server;
      await server.close();
      shortfalls.push(`${launcher}: a program ${reached.join(", ")}`);
    } catch (error) {
      if (!(error instanceof SandboxError) || error instanceof StartRefused) throw error;
      failures.push(error);
      shortfalls.push(`${launcher}: ${error instanceof StartFailed ? error.why : error.message}`);
    }
  }
  const [first] = failures;
  // The same for every launcher: it is not the isolation that is at fault.
  if (
    first !== undefined &&
    shortfalls.length === failures.length &&
    new Set(failures.map(String)).size === 1
  )
    throw first;
  throw new SandboxError(
    `python.leastIsolation: no level of at least "${settings.leastIsolation}" holds here ` +
      `(${[...shortfalls, ...tooLow].join(", ")}); ` +
      (process.platform === "linux" ? "allow user namespaces for this user" : "run on Linux") +
      ", or accept a lower level in the config",
  );
}

async function canaries(
  server: ForkServer,
  level: IsolationLevel,
  folder: string,
): Promise<readonly string[]> {
  try {
    return await runCanaries(() => server.open({ images: [] }), level === "namespaces", folder);
  } catch (error) {
    await server.close();
    throw error;
  }
}

class ForkServer implements PythonRuntime {
  #zygote: Promise<Zygote>;
  /** The start of another zygote, while it is under way. */
  #next: Promise<Zygote> | undefined;
  #closed = false;
  #open = 0;
  readonly #gate: Gate;

  constructor(
    readonly settings: RuntimeSettings,
    readonly isolation: Isolation,
    zygote: Zygote,
  ) {
    this.#gate = new Gate(settings.maxConcurrent);
    this.#zygote = Promise.resolve(zygote);
  }

  async open(options: SessionOptions): Promise<PythonSession> {
    const { maxSessions } = this.settings;
    if (this.#open >= maxSessions)
      throw new SandboxError(
        `python.maxSessions: ${maxSessions} sessions are open already; close some, let fewer episodes run at once ` +
          "(agent.concurrent), or raise it",
      );
    this.#open++;
    const session = new Session(
      options,
      this.settings,
      this.#gate,
      () => this.#running(),
      () => this.#open--,
    );
    try {
      await session.start();
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#zygote.then(
      (zygote) => zygote.close(),
      () => undefined, // it could not be replaced: there is nothing to end
    );
  }

  /** Should the zygote die, that ends all sessions, but not the runtime: the next session comes from a new one. */
  async #running(): Promise<Zygote> {
    const zygote = await this.#zygote.catch(() => undefined);
    if (this.#closed) throw new SandboxError("open: the Python runtime is closed; start a new one");
    if (zygote !== undefined && !zygote.over) return zygote;
    this.#next ??= this.#replace();
    return this.#next;
  }

  async #replace(): Promise<Zygote> {
    const next = Zygote.start(this.settings, this.isolation.by as Launcher);
    this.#zygote = next;
    next.catch(() => undefined); // told to whoever waits for it
    try {
      return await next;
    } finally {
      this.#next = undefined;
    }
  }
}
