// A real SkyRL server on this machine, without a GPU, and a policy that learns on it to use its tool: installs SkyRL 0.3.0 with
// its JAX backend, writes a tiny Qwen3 with random weights, starts the server, and runs the cold start and reinforcement
// learning of configs/skyrl-mini.yaml through engine.type=tinker.
//   node --import tsx scripts/skyrl.ts --help
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeData } from "./skyrl/data.ts";
import { residentBytes } from "./skyrl/memory.ts";
import { writeTinyQwen3 } from "./skyrl/model.ts";
import { commandsOf, rewardTable } from "./skyrl/plan.ts";
import { startSkyrl } from "./skyrl/server.ts";
import type { SkyrlServer } from "./skyrl/server.ts";

const USAGE = `node --import tsx scripts/skyrl.ts [options]
  --runs DIR        where model, data, runs and the server's log go (runs/skyrl); an earlier demonstration in it is replaced
  --set key=value   of both commands, e.g. --set train.steps=5 (repeatable)
  --serve           only start the server, print its address, and keep it until Ctrl-C or the end of this process
  --install         only install`;

const root = fileURLToPath(new URL("..", import.meta.url));
/** Our own; what speaks to a model has to mean the same ids as the model. */
const TOKENIZER = join(root, "checkpoints/image-mini/sft");
const PYTHON = join(root, ".venv-skyrl/bin/python");
const RANK = 32;
const MEMORY_EVERY_MS = 2000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "runs/skyrl" },
    set: { type: "string", multiple: true, default: [] },
    serve: { type: "boolean", default: false },
    install: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return say(USAGE);
  const runs = resolve(values.runs);
  await node(join(root, "scripts/skyrl/install.mjs"));
  if (values.install) return;
  await mkdir(runs, { recursive: true });
  const modelFolder = join(runs, "model");
  const weights = await writeTinyQwen3(modelFolder, TOKENIZER, 0);
  const { tasks, dialogues } = await writeData(join(runs, "data"), {
    seed: 0,
    dialogues: 5120,
    impatient: 0.6,
  });
  const logPath = join(runs, "server.log");
  say(
    `starting SkyRL on a Qwen3 of ${(weights / 1e6).toFixed(1)} million random weights; its log: ${logPath}`,
  );
  const started = performance.now();
  const server = await startSkyrl({
    python: PYTHON,
    modelFolder,
    maxRank: RANK,
    // Groups have 8 members: with 8 there is one shape to compile for, however many groups there are, unless members were broken.
    trainSequences: 8,
    sampleSequences: 64,
    logPath,
  });
  say(`it answers at ${server.baseUrl} after ${seconds(started)} s; base model: ${modelFolder}`);
  try {
    const { baseUrl } = server;
    const commands = commandsOf({ runs, baseUrl, modelFolder, tasks, dialogues, set: values.set });
    if (values.serve) {
      for (const { args } of commands) say(`bin/pyvision.mjs ${args.join(" ")}`);
      return await untilInterrupted(server);
    }
    const peak = watchMemory(server);
    for (const { name, run, args } of commands) {
      const begun = performance.now();
      if (existsSync(join(run, "config.yaml"))) await rm(run, { recursive: true });
      await node(join(root, "bin/pyvision.mjs"), ...args);
      say(`${name}: ${seconds(begun)} s`);
    }
    const bytes = peak();
    if (bytes !== undefined) say(`memory of server and engine at most: ${(bytes / 1e9).toFixed(2)} GB`);
    say(rewardTable(await readFile(join(runs, "train/metrics.jsonl"), "utf8")));
  } finally {
    await server.stop();
  }
}

/** Runs a program of ours to its end. @throws Error when it fails */
async function node(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new Error(`${args.slice(0, 2).join(" ")} ended with ${signal ?? code}`);
}

async function untilInterrupted(server: SkyrlServer): Promise<void> {
  const interrupted = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await Promise.race([interrupted, server.ended]);
}

/** @returns ends the watch and gives the highest sum seen */
function watchMemory(server: SkyrlServer): () => number | undefined {
  let highest: number | undefined;
  const look = (): void => {
    const bytes = residentBytes(server.pid);
    if (bytes !== undefined) highest = Math.max(highest ?? 0, bytes);
  };
  const timer = setInterval(look, MEMORY_EVERY_MS);
  timer.unref(); // a stage that fails must not leave this program waiting
  return () => {
    look();
    clearInterval(timer);
    return highest;
  };
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

main().catch((error: unknown) => {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 1;
});
