// `pyvision serve`: a checkpoint behind the OpenAI protocol, so that whatever speaks it (the agent with `engine: {type:
// openai}` too) can ask the policy; or checkpoints behind the Tinker API, to be sampled and trained from elsewhere.
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Reporter } from "../core/reporter.ts";
import type { PixelLimits } from "../models/qwen2_5_vl/imageProcessor.ts";
import { loadConfig, resolveInputPath } from "../runs/config.ts";
import { createReporter } from "../runs/progress.ts";
import { setOption } from "./stageCommand.ts";
import { nextStopSignal, parseWhole } from "./untilStopped.ts";

interface ServeOptions {
  readonly openai?: true;
  readonly tinker?: true;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly modelName?: string;
  readonly host: string;
  readonly port?: number;
  readonly keyVariable?: string;
  readonly threads?: number;
  readonly store?: string;
  readonly maxModels?: number;
}

interface Served {
  readonly dir: string;
  readonly model: string;
  readonly threads: number;
  readonly limits?: PixelLimits;
}

/** What both protocols need of the command line. */
interface Where {
  readonly host: string;
  readonly port: number;
  readonly key?: string;
}

interface Serving {
  /** For people. */
  readonly lines: string;
  close(): Promise<void>;
}

export function registerServe(program: Command): void {
  program
    .command("serve")
    .summary("serve checkpoints to clients of the OpenAI protocol or the Tinker API")
    .description(
      "Serve checkpoints over HTTP. --openai: /v1/models and /v1/chat/completions of the OpenAI protocol, with text and " +
        "pictures (data URIs), streaming or not, log-probabilities, and token ids as vLLM gives them. --tinker: the Tinker " +
        "API, by which a client samples and trains: `engine.type=tinker` of a config, or the official Python SDK. " +
        "Ctrl-C ends it.",
    )
    .argument(
      "[checkpoint...]",
      "folder of the checkpoint, e.g. checkpoints/image-mini/sft; several with --tinker",
    )
    .option("--openai", "speak the OpenAI protocol: sampling only")
    .option("--tinker", "speak the Tinker API: sampling and training")
    .option("--config <file>", "take checkpoint, threads and pixel limits from a config instead (--openai)")
    .option(...setOption)
    .option(
      "--model-name <name>",
      "how clients name the model (default: the checkpoint as written, or the config's name)",
    )
    .option("--host <address>", "address to listen at; 0.0.0.0 is every one", "127.0.0.1")
    .option(
      "--port <number>",
      "port to listen at; 0 takes a free one (default: 8000, with --tinker 8400)",
      parseWhole(65_535),
    )
    .option("--key-variable <name>", "environment variable with the key that clients must send")
    .option("--threads <number>", "threads of the engine; 0 is one per core", parseWhole(1024))
    .option("--store <dir>", "where --tinker keeps checkpoints (default: .pyvision/tinker)")
    .option("--max-models <number>", "models that --tinker trains at once (default: 8)", parseWhole(1000))
    .action(async (checkpoints: readonly string[], options: ServeOptions) => {
      const reporter = createReporter();
      const { host, keyVariable } = options;
      if (options.openai === options.tinker)
        throw new ConfigError(
          `serve: needs --openai or --tinker, the protocol to speak, got ${options.openai ? "both" : "neither"}`,
        );
      const start = options.tinker ? tinker(checkpoints, options) : openai(checkpoints, options);
      const key = keyFrom(keyVariable);
      if (key === undefined && !["127.0.0.1", "::1", "localhost"].includes(host))
        reporter.warn(`anybody who reaches ${host} can use this server; --key-variable asks for a key`);
      const port = options.port ?? (options.tinker ? 8400 : 8000);
      const server = await start({ host, port, ...(key !== undefined && { key }) }, reporter);
      const stopped = nextStopSignal();
      reporter.print(server.lines);
      await stopped;
      await server.close();
    });
}

type Start = (where: Where, reporter: Reporter) => Promise<Serving>;

function openai(checkpoints: readonly string[], options: ServeOptions): Start {
  for (const name of ["store", "maxModels"] as const)
    if (options[name] !== undefined)
      throw new ConfigError(
        `serve: --${name === "store" ? name : "max-models"} is for --tinker; leave it out`,
      );
  const served = whatToServe(checkpoints, options);
  return async (where, reporter) => {
    const { serveCheckpoint } = await import("../server/openai/serveCheckpoint.ts");
    reporter.info(`loading ${served.dir}`);
    const server = await serveCheckpoint({ ...served, ...where }, reporter);
    return { lines: `serving ${served.model} at ${server.baseUrl}`, close: () => server.close() };
  };
}

function tinker(checkpoints: readonly string[], options: ServeOptions): Start {
  const { modelName, store = join(".pyvision", "tinker"), threads = 0, maxModels } = options;
  if (options.config !== undefined || options.set !== undefined)
    throw new ConfigError("serve: --config and --set are for --openai; name the folder of a checkpoint");
  if (checkpoints.length === 0)
    throw new ConfigError(
      "serve: needs the folder of a checkpoint, or several; e.g. pyvision serve checkpoints/image-mini/sft --tinker",
    );
  if (modelName !== undefined && checkpoints.length > 1)
    throw new ConfigError(
      `serve: --model-name names one checkpoint, got ${checkpoints.length}; leave it out, they are named as written`,
    );
  const models = checkpoints.map((name) => ({
    name: modelName ?? name,
    dir: resolveInputPath(name, "serve"),
  }));
  const twice = models.find(({ name }, i) => models.findIndex((other) => other.name === name) < i);
  if (twice !== undefined) throw new ConfigError(`serve: ${twice.name} is named twice; name it once`);
  return async (where, reporter) => {
    const { startTinkerServer } = await import("../server/tinker/server.ts");
    for (const { dir } of models) reporter.info(`loading ${dir}`);
    const server = await startTinkerServer({
      ...where,
      models,
      storeDir: resolve(store),
      threads,
      ...(maxModels !== undefined && { maxModels }),
      log: (line) => reporter.info(line),
      onFailure: (error) =>
        reporter.warn(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    });
    const [first = ""] = checkpoints;
    const names = models.map(({ name }) => name);
    return { lines: tinkerLines(server.baseUrl, first, names, store, where), close: () => server.close() };
  };
}

function tinkerLines(
  baseUrl: string,
  checkpoint: string,
  names: readonly string[],
  store: string,
  { key }: Where,
): string {
  const [name = ""] = names;
  const url = baseUrl.replace("//0.0.0.0:", "//127.0.0.1:");
  const baseModel = name === checkpoint ? "" : `, baseModel: ${JSON.stringify(name)}`;
  const keyVariable = key === undefined ? "" : ", apiKeyVariable: YOUR_VARIABLE";
  return [
    `serving ${names.join(", ")} at ${baseUrl}, checkpoints in ${store}`,
    "to train on it, in a config:",
    `  engine: { type: tinker, baseUrl: "${url}"${baseModel}${keyVariable} }`,
    `  model: { init: ${JSON.stringify(checkpoint)} }`,
    "or with the official SDK (pip install tinker), whose keys begin with tml-:",
    `  client = tinker.ServiceClient(base_url="${url}", api_key="${key === undefined ? "tml-any" : "tml-..."}")`,
    `  client.create_lora_training_client(base_model=${JSON.stringify(name)})`,
  ].join("\n");
}

function whatToServe(
  checkpoints: readonly string[],
  { config: path, set, threads, modelName }: ServeOptions,
): Served {
  const [checkpoint, more] = checkpoints;
  if (more !== undefined)
    throw new ConfigError(`serve: --openai serves one checkpoint, got ${checkpoints.length}; name one`);
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
