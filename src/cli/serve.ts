// `pyvision serve CHECKPOINT --openai`: a checkpoint behind the OpenAI protocol, so that whatever speaks it (the agent
// with `engine: {type: openai}` too) can ask the policy.
import { InvalidArgumentError, type Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { PixelLimits } from "../models/qwen2_5_vl/imageProcessor.ts";
import { loadConfig, resolveInputPath } from "../runs/config.ts";
import { createReporter } from "../runs/progress.ts";
import { setOption } from "./stageCommand.ts";

interface ServeOptions {
  readonly openai?: true;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly modelName?: string;
  readonly host: string;
  readonly port: number;
  readonly keyVariable?: string;
  readonly threads?: number;
}

interface Served {
  readonly dir: string;
  readonly model: string;
  readonly threads: number;
  readonly limits?: PixelLimits;
}

export function registerServe(program: Command): void {
  program
    .command("serve")
    .summary("serve a checkpoint to clients of the OpenAI protocol")
    .description(
      "Serve a checkpoint over HTTP: /v1/models and /v1/chat/completions of the OpenAI protocol, with text and pictures " +
        "(data URIs), streaming or not, log-probabilities, and token ids as vLLM gives them. Ctrl-C ends it.",
    )
    .argument("[checkpoint]", "folder of the checkpoint, e.g. checkpoints/image-mini/sft")
    .requiredOption("--openai", "the protocol to speak; there is no other yet")
    .option("--config <file>", "take checkpoint, threads and pixel limits from a config instead")
    .option(...setOption)
    .option(
      "--model-name <name>",
      "how clients name the model (default: the checkpoint as written, or the config's name)",
    )
    .option("--host <address>", "address to listen at; 0.0.0.0 is every one", "127.0.0.1")
    .option("--port <number>", "port to listen at; 0 takes a free one", parseWhole(65_535), 8000)
    .option("--key-variable <name>", "environment variable with the key that clients must send")
    .option("--threads <number>", "threads of the engine; 0 is one per core", parseWhole(1024))
    .action(async (checkpoint: string | undefined, options: ServeOptions) => {
      const reporter = createReporter();
      const served = whatToServe(checkpoint, options);
      const key = keyFrom(options.keyVariable);
      const { host, port } = options;
      if (key === undefined && !["127.0.0.1", "::1", "localhost"].includes(host))
        reporter.warn(`anybody who reaches ${host} can use this server; --key-variable asks for a key`);
      const { serveCheckpoint } = await import("../server/openai/serveCheckpoint.ts");
      reporter.info(`loading ${served.dir}`);
      const where = { host, port, ...(key !== undefined && { key }) };
      const server = await serveCheckpoint({ ...served, ...where }, reporter);
      const stopped = nextStopSignal();
      reporter.print(`serving ${served.model} at ${server.baseUrl}`);
      await stopped;
      await server.close();
    });
}

function whatToServe(
  checkpoint: string | undefined,
  { config: path, set, threads, modelName }: ServeOptions,
): Served {
  if ((checkpoint === undefined) === (path === undefined))
    throw new ConfigError(
      `serve: needs the folder of a checkpoint or --config FILE, ${path === undefined ? "got neither" : "not both"}; ` +
        "e.g. pyvision serve checkpoints/image-mini/sft --openai",
    );
  if (path === undefined) {
    if (set !== undefined) throw new ConfigError(`--set ${set[0]}: needs --config FILE, whose keys it sets`);
    const name = checkpoint as string;
    const dir = resolveInputPath(name, "serve");
    return { dir, model: modelName ?? name, threads: threads ?? 0 };
  }
  const config = loadConfig(path, set);
  if (config.engine.type !== "embedded")
    throw new ConfigError(`engine.type: must be embedded to be served, got ${config.engine.type}`);
  const { init, processor } = config.model;
  if (init === undefined)
    throw new ConfigError(
      "model.init: must name the checkpoint to serve, e.g. --set model.init=checkpoints/image-mini/sft",
    );
  return {
    dir: resolveInputPath(init, "model.init"),
    model: modelName ?? config.name,
    threads: threads ?? config.engine.threads,
    ...(processor !== undefined && { limits: processor }),
  };
}

function keyFrom(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined;
  const key = process.env[variable];
  if (key === undefined || key.trim() === "")
    throw new ConfigError(
      `--key-variable ${variable}: the environment has no such variable, or it is empty; set it`,
    );
  return key.trim();
}

/** A second one, while requests are being ended, stops the process as usual. */
function nextStopSignal(): Promise<void> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

function parseWhole(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > most)
      throw new InvalidArgumentError(`Must be a whole number from 0 to ${most}.`);
    return value;
  };
}
