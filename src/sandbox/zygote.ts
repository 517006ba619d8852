// The host's side of worker/zygote.py: starts it in an empty environment through worker/launch.py, orders forks and
// kills, and matches the connections that sessions open to the orders by their tokens.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { constants, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";
import { awake, Expired } from "./awake.ts";
import { type Frame, FrameReader } from "./frames.ts";
import { ImageFiles } from "./imageFiles.ts";
import type { Launcher, RuntimeSettings } from "./settings.ts";
import { SparePool } from "./sparePool.ts";
import { MemoryWatchdog } from "./watchdog.ts";
import { type Exit, Worker } from "./worker.ts";

const PROGRAM = fileURLToPath(new URL("./worker/launch.py", import.meta.url));
/** Where worker/view.py shows the zygote its folder when it lives in a view of its own. */
const FOLDER_INSIDE = "/run/host";
const START_LIMIT_MS = 60_000;
/** Status of a process that was killed; one that ran nothing of the model's yet is simply replaced. */
export const KILLED = -constants.signals.SIGKILL;
export const MOST_STARTS = 5;
const FORK_LIMIT_MS = 20_000;
const CLOSE_LIMIT_MS = 20_000;
/** RGB bytes of one reply; worker/figures.py keeps below it. */
const MAX_PAYLOAD_BYTES = 256 << 20;

/** A fault of the settings, which no other launcher would change. */
export class StartRefused extends SandboxError {}

/** It ended before the session began: another zygote can take its place. */
export class ZygoteGone extends SandboxError {
  constructor() {
    super("the Python tool's own process ended; was it killed?");
  }
}

export class StartFailed extends SandboxError {
  /** @param why the program's own last words */
  constructor(
    readonly why: string,
    python: string,
  ) {
    const remedy = /No module named|ModuleNotFound/.test(why)
      ? '; it needs numpy, Pillow and matplotlib: run "npm start" or "npm test" once to set up the project\'s own'
      : "";
    super(
      `python: ${python} could not start the tool runtime (${why})${remedy}; "pyvision doctor" looks closer`,
    );
  }
}

interface Fork {
  readonly token: string;
  readonly connected: (socket: Socket) => void;
  readonly exited: (exit: Exit) => void;
  /** In the zygote's process namespace, once known. */
  pid?: number;
  /** Why the kernel did not let it start, where that is known. */
  fault?: string;
  worker?: Worker;
}

type Event =
  | { readonly event: "ready" }
  | { readonly event: "refused"; readonly message: string }
  | { readonly event: "forked"; readonly session: number; readonly pid: number }
  | { readonly event: "fault"; readonly session: number; readonly reason: string }
  | ({ readonly event: "exit"; readonly session: number; readonly reason?: string } & Exit);

export class Zygote {
  readonly images: ImageFiles;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Whether sessions have a name space and a view of the files of their own. */
  readonly separates: boolean;
  readonly #spares: SparePool;
  #preloadsVideo = false;
  #over = false;
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

  private constructor(
    readonly settings: RuntimeSettings,
    readonly launcher: Launcher,
  ) {
    this.separates = launcher === "bubblewrap" || launcher === "worker";
    this.#folder = makeFolder();
    this.#spares = new SparePool(settings.spareSessions, () => this.#fork());
    this.images = new ImageFiles(this.#folder);
    this.#server = createServer((socket) => this.#greet(socket));
    this.#server.once("error", (error) => (this.#refusal = `the Python tool's socket: ${error.message}`));
    const socketPath = join(this.#folder, "socket");
    // Whoever may enter the folder may connect; the zygote can be another user.
    this.#server.listen(socketPath, () => chmodSync(socketPath, 0o666));
    this.#server.unref();
    this.#child = this.#spawn();
    const sessionOf = (pids: readonly number[]): Fork | undefined => {
      const pid = pids.at(this.separates ? -2 : -1); // as the zygote sees it
      return [...this.#forks.values()].find((fork) => fork.pid === pid);
    };
    const watchdog = new MemoryWatchdog({
      root: () => this.#child.pid,
      limitBytes: settings.maxTotalMemoryBytes,
      maySuffer: ({ innerPids }) => sessionOf(innerPids)?.worker !== undefined,
      onOver: ({ innerPids }) => sessionOf(innerPids)?.worker?.endForMemory(),
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#over = true;
        for (const fork of this.#forks.values()) fork.exited({ status: -9, ordered: false });
        this.#forks.clear();
        this.#server.close();
        watchdog.close();
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
  static async start(settings: RuntimeSettings, launcher: Launcher): Promise<Zygote> {
    const zygote = new Zygote(settings, launcher);
    const ready = new Promise<boolean>((resolve) => (zygote.#ready = () => resolve(true)));
    const up = await awake(Promise.race([ready, zygote.ended.then(() => false)]), START_LIMIT_MS).catch(
      () => false,
    );
    if (up) return zygote;
    const why = zygote.#over
      ? lastWords(zygote.#stderr)
      : `it was not ready within ${START_LIMIT_MS / 1000} s`;
    await zygote.close();
    if (zygote.#refusal !== undefined) throw new StartRefused(zygote.#refusal);
    throw new StartFailed(why, settings.python);
  }

  /**
   * A session process, connected: a spare one where there is one. Follow it with `handOver`.
   * @param needsVideo whether the modules for video are to be there
   * @throws SandboxError when none comes up.
   */
  async take(needsVideo: boolean): Promise<Worker> {
    if (needsVideo && !this.#preloadsVideo) {
      this.#preloadsVideo = true;
      this.#spares.discard();
    }
    return this.#spares.take();
  }

  /** Whether the process has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Gives a session its files, in the order in which it will ask for them. Once a session. */
  handOver(worker: Worker, paths: readonly string[]): void {
    this.#order({ op: "files", session: worker.number, paths });
  }

  async #fork(attempt = 1): Promise<Worker> {
    if (this.#over) throw new ZygoteGone();
    const session = ++this.#sessions;
    const token = randomBytes(24).toString("hex");
    let exit: (exit: Exit) => void = () => undefined;
    const exited = new Promise<Exit>((resolve) => (exit = resolve));
    let fork: Fork | undefined;
    const socket = new Promise<Socket>((resolve) => {
      fork = { token, connected: resolve, exited: exit };
      this.#forks.set(session, fork);
    });
    this.#order({
      op: "fork",
      session,
      token,
      socket: join(this.separates ? FOLDER_INSIDE : this.#folder, "socket"),
      scratch: this.separates ? null : join(this.#folder, `s${session}`),
      video: this.#preloadsVideo,
    });
    const signal = (op: "kill" | "freeze" | "thaw"): void => this.#order({ op, session });
    try {
      const first = await awake(Promise.race([socket, exited]), FORK_LIMIT_MS);
      if ("status" in first) {
        if (first.status === KILLED && attempt < MOST_STARTS) return await this.#fork(attempt + 1);
        const cause = fork?.fault ?? `with status ${first.status}`;
        throw new SandboxError(`a session process ended at its start: ${cause}`);
      }
      const headerBytes = (256 << 10) + 8 * this.settings.maxOutputBytes;
      const limits = { headerBytes, payloadBytes: MAX_PAYLOAD_BYTES };
      const worker = new Worker(session, first, limits, exited, signal, this.settings.freezeAfterMs);
      if (fork !== undefined) fork.worker = worker;
      return worker;
    } catch (error) {
      signal("kill");
      if (error instanceof Expired)
        throw new SandboxError(
          `a session process did not start within ${FORK_LIMIT_MS} ms; is the machine overloaded?`,
        );
      throw error;
    }
  }

  /** For the canaries: a path beside its own folder, removed after it also when this process is killed (by worker/). */
  get canaryFolder(): string {
    return `${this.#folder}-canary`;
  }

  /** Ends the process and everything it started, and removes its folder. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await awake(this.ended, CLOSE_LIMIT_MS).catch(() => this.#child.kill("SIGKILL"));
    await awake(this.ended, CLOSE_LIMIT_MS);
  }

  #spawn(): ChildProcessByStdio<Writable, Readable, Readable> {
    const { python, packageFolders } = this.settings;
    const settings = {
      ...this.settings,
      launcher: this.launcher,
      folder: this.#folder,
      canaryFolder: this.canaryFolder,
      host: process.pid,
      searchPath: process.env["PATH"] ?? "",
    };
    // A file, because a command line is limited, and seen by sessions.
    const file = join(this.#folder, "settings.json");
    writeFileSync(file, JSON.stringify(settings));
    const child = spawn(python, ["-s", "-B", PROGRAM, file], {
      env: environment(this.#folder, python, packageFolders),
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
      try {
        this.#hear(JSON.parse(line) as Event);
      } catch {
        this.#stderr += `\ninternal: no event: ${line}`;
        this.#child.kill("SIGKILL");
      }
    }
  }

  #hear(event: Event): void {
    if (event.event === "ready") return this.#ready();
    if (event.event === "refused") {
      this.#refusal = event.message;
      return;
    }
    const fork = this.#forks.get(event.session);
    if (fork === undefined) return;
    if (event.event === "forked") {
      fork.pid = event.pid;
      return;
    }
    if (event.reason !== undefined) fork.fault = event.reason;
    if (event.event === "fault") return;
    fork.exited({ status: event.status, ordered: event.ordered });
    this.#forks.delete(event.session);
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

/** The last line that begins like an exception's, or else the last. */
function lastWords(text: string): string {
  const lines = text.trim().split("\n");
  const telling = lines.findLast((line) => /^[A-Za-z_.]+(Error|Exception)\b/.test(line)) ?? lines.at(-1);
  return telling || "it ended without a word";
}

/**
 * A private folder whose socket has a path short enough for a socket. From the start of worker/launch.py on it is removed
 * however this process ends; killed in the few milliseconds before, this process leaves it, with a file or two.
 */
function makeFolder(): string {
  const fits = (base: string): boolean => Buffer.byteLength(join(base, "pyvision-XXXXXX", "socket")) <= 103;
  const folder = mkdtempSync(join(fits(tmpdir()) ? tmpdir() : "/tmp", "pyvision-"));
  chmodSync(folder, 0o700);
  return folder;
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
function environment(folder: string, python: string, packageFolders: readonly string[]): NodeJS.ProcessEnv {
  const single = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"];
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: folder,
    TMPDIR: folder,
    MPLBACKEND: "Agg",
    MPLCONFIGDIR: fontCache(python) ?? folder,
    PYTHONHASHSEED: "0",
    ...(packageFolders.length > 0 && { PYTHONPATH: packageFolders.join(delimiter) }),
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
