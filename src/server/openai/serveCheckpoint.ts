// A checkpoint behind the OpenAI protocol: the embedded engine, loaded and served.
import { randomInt, randomUUID } from "node:crypto";
import type { Reporter } from "../../core/reporter.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type { PixelLimits } from "../../models/qwen2_5_vl/imageProcessor.ts";
import { ChatService } from "./chatService.ts";
import { type OpenAiServer, startOpenAiServer } from "./server.ts";

export interface ServeCheckpointOptions {
  /** Folder of the checkpoint. */
  readonly dir: string;
  /** As clients name the model. */
  readonly model: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly key?: string;
  /** Of one run of the graph; 0 is one per core. */
  readonly threads: number;
  /** Those of the checkpoint unless given. */
  readonly limits?: PixelLimits;
}

/** Whoever starts it closes it. @throws EngineError or DataError when the checkpoint or the port cannot be used. */
export async function serveCheckpoint(
  { dir, model: id, host, port, key, threads, limits }: ServeCheckpointOptions,
  reporter: Reporter,
): Promise<OpenAiServer> {
  const engine = await EmbeddedEngine.load(dir, { threads, ...(limits !== undefined && { limits }) });
  const { tokenizer, config } = engine.files;
  try {
    const server = await startOpenAiServer({
      service: new ChatService(
        {
          id,
          sampler: engine,
          codec: engine.codec,
          tokenBytes: (token) => tokenizer.tokenBytes(token),
          contextTokens: config.maxPositionEmbeddings,
        },
        { newSeed: () => randomInt(2 ** 32) },
      ),
      host,
      port,
      ...(key !== undefined && { key }),
      now: () => Date.now(),
      newId: () => randomUUID(),
      onFailure: (error) => reporter.warn(error instanceof Error ? error.message : String(error)),
    });
    return {
      baseUrl: server.baseUrl,
      close: async () => {
        await server.close();
        await engine.dispose();
      },
    };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}
