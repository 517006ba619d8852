// The Python tool on a Jupyter server or an Enterprise Gateway: a session is a kernel of its own. What isolates it, from
// the machine and from other users, is that server's business. Kernels are taken off the server when their session ends;
// should this process itself be killed, the server's culling of idle kernels has to do it (`cull_idle_timeout`).
import { SandboxError } from "../../core/errors.ts";
import { Gate } from "../../core/gate.ts";
import type { Isolation, PythonRuntime, PythonSession, SessionOptions } from "../runtime.ts";
import { Kernel } from "./kernel.ts";
import { type JupyterRuntimeOptions, type JupyterSettings, resolveJupyterSettings } from "./options.ts";
import { JupyterServer } from "./server.ts";
import { JupyterSession, type KernelSource } from "./session.ts";

export type { JupyterRuntimeOptions } from "./options.ts";

/**
 * Connects to the server and starts a first kernel, which the first session gets.
 * @throws SandboxError when the server does not answer, refuses the token, has no such kernel, or its Python lacks a library.
 */
export async function connectJupyterRuntime(options: JupyterRuntimeOptions): Promise<PythonRuntime> {
  const settings = resolveJupyterSettings(options);
  const server = new JupyterServer(settings);
  await server.check();
  return new JupyterRuntime(settings, server, await Kernel.start(server));
}

class JupyterRuntime implements PythonRuntime, KernelSource {
  readonly isolation: Isolation = { level: "remote", by: "jupyter", shortfalls: [] };
  readonly #calls: Gate;
  readonly #starts: Gate;
  /** Every kernel that is on the server, with the promise of its end once that is under way. */
  readonly #kernels = new Map<Kernel, Promise<void> | undefined>();
  readonly #starting = new Set<Promise<unknown>>();
  #spare: Kernel | undefined;
  #closed = false;

  constructor(
    readonly settings: JupyterSettings,
    readonly server: JupyterServer,
    first: Kernel,
  ) {
    this.#calls = new Gate(settings.maxConcurrent);
    this.#starts = new Gate(settings.maxConcurrent);
    this.#kernels.set(first, undefined);
    this.#spare = first;
  }

  async open(options: SessionOptions): Promise<PythonSession> {
    const session = new JupyterSession(options, this.settings, this.#calls, this);
    await session.start();
    return session;
  }

  async take(): Promise<Kernel> {
    this.#refuseWhenClosed();
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare?.alive === true) return spare;
    if (spare !== undefined) void this.giveBack(spare);
    const start = this.#starts.run(() => {
      this.#refuseWhenClosed();
      return Kernel.start(this.server);
    });
    this.#starting.add(start);
    try {
      const kernel = await start;
      this.#kernels.set(kernel, undefined);
      return kernel;
    } finally {
      this.#starting.delete(start);
    }
  }

  /** A server that cannot be reached keeps the kernel: nothing can be done about it from here. */
  giveBack(kernel: Kernel): Promise<void> {
    if (!this.#kernels.has(kernel)) return Promise.resolve(); // gone already
    const removal =
      this.#kernels.get(kernel) ??
      kernel
        .remove()
        .catch(() => undefined)
        .then(() => void this.#kernels.delete(kernel));
    this.#kernels.set(kernel, removal);
    return removal;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#kernels.keys()].map((kernel) => this.giveBack(kernel)));
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new SandboxError("open: the Python runtime is closed; connect a new one");
  }
}
