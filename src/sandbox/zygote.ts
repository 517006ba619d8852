// The host's side of worker/zygote.py: starts it in an empty environment, orders forks and kills, and matches the
// connections that sessions open to the orders by their tokens.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";
import { awake, Expired } from "./awake.ts";
import { type Frame, FrameReader } from "./frames.ts";
import { ImageFiles } from "./imageFiles.ts";
import type { Isolation } from "./runtime.ts";
import type { RuntimeSettings } from "./settings.ts";
import { Worker } from "./worker.ts";

const PROGRAM = fileURLToPath(new URL("./worker/zygote.py", import.meta.url));
/** The level worker/isolation.py puts every session under. */
export const ISOLATION: Isolation = { level: "process", by: "none", shortfalls: [] };
const START_LIMIT_MS = 60_000;
const FORK_LIMIT_MS = 20_000;
const CLOSE_LIMIT_MS = 5_000;
/** RGB bytes of one reply; worker/figures.py keeps below it. */
const MAX_PAYLOAD_BYTES = 256 << 20;

interface Fork {
  readonly token: string;
  readonly connected: (socket: Socket) => void;
  readonly exited: (status: number) => void;
}

export class Zygote {
  readonly images: ImageFiles;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #folder: string;
  readonly #server: Server;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #forks = new Map<number, Fork>();
  #sessions = 0;
  #stderr = "";
  #events = "";
  /** Why it did not start, where that is known for certain. */
  #refusal: string | undefined;
  #ready: () => void = () => undefined;

  private constructor(readonly settings: RuntimeSettings) {
    this.#folder = mkdtempSync(join(tmpdir(), "pyvision-"));
    chmodSync(this.#folder, 0o700);
    this.images = new ImageFiles(this.#folder);
    this.#server = createServer((socket) => this.#greet(socket)).listen(this.#socketPath);
    this.#server.unref();
    this.#child = this.#spawn();
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        for (const fork of this.#forks.values()) fork.exited(-9);
        this.#forks.clear();
        this.#server.close();
        rmSync(this.#folder, { recursive: true, force: true });
        resolve();
      };
      this.#child.once("error", (error: NodeJS.ErrnoException) => {
        this.#stderr += error.message;
        if (error.code === "ENOENT") this.#refusal = notFound(settings.python);
        end();
      });
      this.#child.once("close", end);
    });
  }

  /** @throws SandboxError when the interpreter, its libraries or a matplotlib setting cannot be used. */
  static async start(settings: RuntimeSettings): Promise<Zygote> {
    const zygote = new Zygote(settings);
    const ready = new Promise<boolean>((resolve) => (zygote.#ready = () => resolve(true)));
    const up = await awake(Promise.race([ready, zygote.ended.then(() => false)]), START_LIMIT_MS).catch(
      () => false,
    );
    if (up) return zygote;
    await zygote.close();
    if (zygote.#refusal !== undefined) throw new SandboxError(zygote.#refusal);
    const cause = zygote.#stderr.trim().split("\n").at(-1) || "it ended without a word";
    throw new SandboxError(
      `python: ${settings.python} could not start the tool runtime (${cause}); it needs numpy, Pillow and ` +
        `matplotlib: run "npm start" or "npm test" once to set up the project's own, or "pyvision doctor"`,
    );
  }

  /**
   * A new session process, connected. It opens the videos (absolute paths) before it is locked in.
   * @throws SandboxError when it does not come up.
   */
  async fork(videos: readonly string[]): Promise<Worker> {
    const session = ++this.#sessions;
    const token = randomBytes(24).toString("hex");
    let exit: (status: number) => void = () => undefined;
    const exited = new Promise<number>((resolve) => (exit = resolve));
    const socket = new Promise<Socket>((resolve) =>
      this.#forks.set(session, { token, connected: resolve, exited: exit }),
    );
    this.#order({
      op: "fork",
      session,
      token,
      socket: this.#socketPath,
      scratch: join(this.#folder, `s${session}`),
      videos,
    });
    const kill = (): void => this.#order({ op: "kill", session });
    try {
      const first = await awake(Promise.race([socket, exited]), FORK_LIMIT_MS);
      if (typeof first === "number")
        throw new SandboxError(`internal: a session process ended at its start with status ${first}`);
      const headerBytes = (256 << 10) + 8 * this.settings.maxOutputBytes;
      return new Worker(first, { headerBytes, payloadBytes: MAX_PAYLOAD_BYTES }, exited, kill);
    } catch (error) {
      kill();
      if (error instanceof Expired)
        throw new SandboxError(
          `a session process did not start within ${FORK_LIMIT_MS} ms; is the machine overloaded?`,
        );
      throw error;
    }
  }

  /** Ends the process and everything it started, and removes its folder. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await awake(this.ended, CLOSE_LIMIT_MS).catch(() => this.#child.kill("SIGKILL"));
    await awake(this.ended, CLOSE_LIMIT_MS);
  }

  get #socketPath(): string {
    return join(this.#folder, "socket");
  }

  #spawn(): ChildProcessByStdio<Writable, Readable, Readable> {
    const { python, callTimeoutMs, hardKillGraceMs, maxConcurrent, ...limits } = this.settings;
    const settings = { ...limits, folder: this.#folder, isolation: "limits" };
    const child = spawn(python, ["-s", "-B", PROGRAM, JSON.stringify(settings)], {
      env: environment(this.#folder, python),
      cwd: this.#folder,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true, // its own process group: Ctrl-C reaches the host only, which then ends it in order
    });
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as Socket).unref();
    child.stdin.on("error", () => undefined); // it has ended; `ended` tells
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => this.#news(chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stderr = (this.#stderr + chunk).slice(-8192);
    });
    return child;
  }

  #order(order: object): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  #news(chunk: string): void {
    const lines = (this.#events + chunk).split("\n");
    this.#events = lines.pop() ?? "";
    for (const line of lines) {
      const event = JSON.parse(line) as
        | { event: "ready" }
        | { event: "refused"; message: string }
        | { event: "exit"; session: number; status: number };
      if (event.event === "ready") this.#ready();
      else if (event.event === "refused") this.#refusal = event.message;
      else {
        this.#forks.get(event.session)?.exited(event.status);
        this.#forks.delete(event.session);
      }
    }
  }

  /** Reads a new connection's first frame, which has to carry the token of an open order. */
  #greet(socket: Socket): void {
    socket.unref();
    socket.on("error", () => socket.destroy());
    const reader = new FrameReader({ headerBytes: 256, payloadBytes: 0 });
    socket.once("data", (chunk: Buffer) => {
      try {
        const [frame] = reader.push(chunk);
        const fork = frame && [...this.#forks.values()].find(({ token }) => token === tokenOf(frame));
        if (fork === undefined) socket.destroy();
        else fork.connected(socket);
      } catch {
        socket.destroy();
      }
    });
  }
}

function tokenOf({ header }: Frame): unknown {
  return typeof header === "object" && header !== null && "token" in header ? header.token : undefined;
}

function notFound(python: string): string {
  return (
    `python: there is no interpreter ${python}; give the path of a Python that has numpy, Pillow and matplotlib, or ` +
    `leave the option out to use the project's own (run "npm start" or "npm test" once to set it up)`
  );
}

/** All that the zygote, and so every session, gets to see of the host's environment: nothing. */
function environment(folder: string, python: string): NodeJS.ProcessEnv {
  const single = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"];
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: folder,
    TMPDIR: folder,
    MPLBACKEND: "Agg",
    MPLCONFIGDIR: fontCache(python) ?? folder,
    PYTHONHASHSEED: "0",
    ...Object.fromEntries(single.map((name) => [name, "1"])),
  };
}

/** A lasting place for matplotlib's list of fonts inside the virtual environment: making it takes seconds. */
function fontCache(python: string): string | undefined {
  const home = dirname(dirname(python));
  if (!existsSync(join(home, "pyvenv.cfg"))) return undefined;
  try {
    mkdirSync(join(home, "matplotlib"), { recursive: true });
    return join(home, "matplotlib");
  } catch {
    return undefined;
  }
}
