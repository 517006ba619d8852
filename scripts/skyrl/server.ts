// A SkyRL Tinker server on the JAX backend, started and stopped from here: its own free port, a fresh database and checkpoint
// folder for each start (a database that is used again replays what was pending in it), loopback only.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface SkyrlOptions {
  /** The interpreter of the environment that install.ts made. */
  readonly python: string;
  /** Folder of the base model; the server knows it by this very text. */
  readonly modelFolder: string;
  /** Highest rank of an adapter; every adapter takes as much memory. */
  readonly maxRank: number;
  /** Sequences of one training pass and of one sampling pass. */
  readonly trainSequences: number;
  readonly sampleSequences: number;
  /** The server's output and its engine's. */
  readonly logPath: string;
}

export interface SkyrlServer {
  readonly baseUrl: string;
  /** Of the API server; its engine is a child of it. */
  readonly pid: number;
  /** Resolves when the server has ended, by `stop` or by itself. */
  readonly ended: Promise<void>;
  /** Ends server and engine, and removes their temporary folder. */
  stop(): Promise<void>;
}

const LAUNCHER = fileURLToPath(new URL("launch.py", import.meta.url));
const START_MS = 120_000;
/** SkyRL gives its engine 5 s to end and then kills it; a request that is held open takes until its own end. */
const STOP_MS = 15_000;

/** Resolves when the server answers; its engine may still be loading, and requests wait for it. */
export async function startSkyrl(options: SkyrlOptions): Promise<SkyrlServer> {
  const folder = await mkdtemp(join(tmpdir(), "pyvision-skyrl-"));
  const port = await freePort();
  const settings = {
    port,
    folder,
    engine: {
      base_model: options.modelFolder,
      backend: "jax",
      backend_config: {
        max_lora_adapters: 3,
        max_lora_rank: options.maxRank,
        train_micro_batch_size: options.trainSequences,
        sample_max_num_sequences: options.sampleSequences,
      },
      checkpoints_base: join(folder, "checkpoints"),
      database_url: `sqlite:///${join(folder, "tinker.db")}`,
      session_timeout_sec: -1,
    },
  };
  const log = createWriteStream(options.logPath, { flags: "a" });
  const child = spawn(options.python, [LAUNCHER, "api", JSON.stringify(settings)], {
    // The pipe of its standard input is what ends it when this process dies.
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...process.env,
      JAX_PLATFORMS: "cpu",
      HF_HUB_OFFLINE: "1",
      TRANSFORMERS_OFFLINE: "1",
      TOKENIZERS_PARALLELISM: "false",
    },
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = once(child, "close").then(async () => {
    log.end();
    // The launcher does it, unless it was killed.
    await rm(folder, { recursive: true, force: true });
  });
  const baseUrl = `http://127.0.0.1:${port}`;
  try {
    await untilHealthy(baseUrl, child, options.logPath);
  } catch (error) {
    await end(child, ended);
    throw error;
  }
  return { baseUrl, pid: child.pid as number, ended, stop: () => end(child, ended) };
}

async function untilHealthy(baseUrl: string, child: ChildProcess, logPath: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(
        `SkyRL ended with ${child.signalCode ?? child.exitCode} while it started; see ${logPath}`,
      );
    const answer = await fetch(`${baseUrl}/api/v1/healthz`, { signal: AbortSignal.timeout(2000) }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`SkyRL did not answer within ${START_MS / 1000} s; see ${logPath}`);
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** A port nobody listens on now. Another program may still take it first; then the server says so in its log. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
