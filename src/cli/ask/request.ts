// What the command line of `pyvision ask` asks for: question and files, and the recipe that is played by.
import { fileURLToPath } from "node:url";
import { ConfigError } from "../../core/errors.ts";
import { loadConfig, resolveInputPath, type ResolvedConfig } from "../../runs/config.ts";

export interface AskFlags {
  readonly image?: readonly string[];
  readonly video?: readonly string[];
  readonly engine?: "embedded" | "openai";
  readonly checkpoint?: string;
  readonly baseUrl?: string;
  readonly model?: string;
  readonly keyVariable?: string;
  readonly config?: string;
  readonly set?: readonly string[];
}

export interface AskRequest {
  readonly question: string;
  /** Paths; one of the lists is empty, the other is not. */
  readonly images: readonly string[];
  readonly videos: readonly string[];
}

/**
 * `--image a.png "What is it?"` takes the question for a file, so the last of the files is the question when there is no
 * other, it reads like one, and there is no such file.
 * @throws ConfigError
 */
export function readRequest(
  given: string | undefined,
  { image = [], video = [] }: Pick<AskFlags, "image" | "video">,
  exists: (path: string) => boolean,
): AskRequest {
  const [images, videos] = [[...image], [...video]];
  const last = (videos.length > 0 ? videos : images).at(-1);
  const isQuestion = given === undefined && last !== undefined && /[\s?]/.test(last) && !exists(last);
  const question = isQuestion ? (videos.length > 0 ? videos : images).pop() : given;
  if (question === undefined || question.trim() === "")
    throw new ConfigError(
      'ask: needs a question, got none; e.g. pyvision ask "What does the sign say?" --image street.png',
    );
  if (images.length + videos.length === 0)
    throw new ConfigError("ask: needs --image FILE or --video FILE to ask about, got neither");
  return { question, images, videos };
}

const SERVED_RECIPE = fileURLToPath(new URL("./served.yaml", import.meta.url));

/**
 * The recipe of the engine that is named: by default the carried checkpoint's own, or served.yaml for a model behind a
 * server; flags go over it, and `--set` over all.
 * @throws ConfigError for flags that contradict each other, and as `loadConfig`
 */
export function askConfig(flags: AskFlags): ResolvedConfig {
  const { checkpoint, baseUrl, model, keyVariable, set = [] } = flags;
  const served = { "--base-url": baseUrl, "--model": model, "--key-variable": keyVariable };
  const ofServer = Object.entries(served).find(([, value]) => value !== undefined)?.[0];
  if (checkpoint !== undefined && (ofServer !== undefined || flags.engine === "openai"))
    throw new ConfigError(
      `--checkpoint: is for the embedded engine, and ${ofServer ?? "--engine openai"} for a server; give one of them`,
    );
  if (ofServer !== undefined && flags.engine === "embedded")
    throw new ConfigError(`${ofServer}: is for a server, and --engine embedded asks none; give one of them`);

  const engine = flags.engine ?? (ofServer === undefined ? undefined : "openai");
  if (engine === "openai") {
    const section = {
      ...{ type: "openai", baseUrl, model, apiKeyVariable: keyVariable },
    };
    // An address is another server's: nothing that the recipe says of its own belongs to it.
    const sets =
      baseUrl === undefined
        ? Object.entries(section).flatMap(([key, value]) =>
            value === undefined ? [] : [setTo(`engine.${key}`, value)],
          )
        : [setTo("engine", section)];
    return loadConfig(flags.config ?? SERVED_RECIPE, [...sets, ...set]);
  }
  const path = flags.config ?? resolveInputPath("configs/image-mini.yaml", "--config");
  const sets = [
    ...(engine === "embedded" ? [setTo("engine", { type: "embedded" })] : []),
    ...(checkpoint === undefined ? [] : [setTo("model.init", checkpoint)]),
  ];
  const config = loadConfig(path, [...sets, ...set]);
  if (checkpoint !== undefined && config.engine.type !== "embedded")
    throw new ConfigError(`--checkpoint: ${path} asks a server; add --engine embedded`);
  return config;
}

/** JSON is YAML. */
function setTo(key: string, value: unknown): string {
  return `${key}=${JSON.stringify(value)}`;
}
