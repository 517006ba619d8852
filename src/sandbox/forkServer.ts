// The Python tool runtime: one trusted zygote process with the libraries loaded, from which every session is forked in
// milliseconds. Never runs code in the host's own process.
import { SandboxError } from "../core/errors.ts";
import { Gate } from "./gate.ts";
import type { PythonRuntime, PythonSession, SessionOptions } from "./runtime.ts";
import { Session } from "./session.ts";
import { type PythonRuntimeOptions, resolveSettings, type RuntimeSettings } from "./settings.ts";
import { ISOLATION, Zygote } from "./zygote.ts";

export type { PythonRuntimeOptions } from "./settings.ts";

/** Starts the zygote and waits until it is ready. @throws SandboxError when Python or a library is missing. */
export async function startPythonRuntime(options: PythonRuntimeOptions = {}): Promise<PythonRuntime> {
  const settings = resolveSettings(options);
  return new ForkServer(settings, await Zygote.start(settings));
}

class ForkServer implements PythonRuntime {
  readonly isolation = ISOLATION;
  #zygote: Promise<Zygote>;
  #closed = false;
  readonly #gate: Gate;

  constructor(
    readonly settings: RuntimeSettings,
    zygote: Zygote,
  ) {
    this.#gate = new Gate(settings.maxConcurrent);
    this.#zygote = Promise.resolve(zygote);
    this.#replaceWhenEnded(zygote);
  }

  async open(options: SessionOptions): Promise<PythonSession> {
    const session = new Session(options, this.settings, this.#gate, () => this.#running());
    await session.start();
    return session;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#zygote.then((zygote) => zygote.close());
  }

  #running(): Promise<Zygote> {
    if (this.#closed) throw new SandboxError("open: the Python runtime is closed; start a new one");
    return this.#zygote;
  }

  /** Code that kills the zygote ends all sessions, but not the runtime: the next session comes from a new one. */
  #replaceWhenEnded(zygote: Zygote): void {
    void zygote.ended.then(() => {
      if (this.#closed) return;
      this.#zygote = Zygote.start(this.settings).then((next) => {
        this.#replaceWhenEnded(next);
        return next;
      });
      this.#zygote.catch(() => undefined); // told to whoever opens the next session
    });
  }
}
