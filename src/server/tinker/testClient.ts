// For tests: the server on a small model, and requests to it in plain fetch.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { smallEngine } from "../../engines/embedded/testModel.ts";
import { startTinkerServer, type TinkerServer, type TinkerServerOptions } from "./server.ts";

export type Json = Record<string, unknown>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly json: Json;
}

/** A folder with the weights that `smallEngine` draws, and one for a store; to be removed. */
export interface SmallCheckpoint {
  readonly dir: string;
  readonly storeDir: string;
  remove(): void;
}

export async function smallCheckpoint(seed = 1): Promise<SmallCheckpoint> {
  const root = mkdtempSync(join(tmpdir(), "tinker-server-"));
  const engine: EmbeddedEngine = await smallEngine(seed);
  await engine.saveWeights(join(root, "model"));
  await engine.dispose();
  return {
    dir: join(root, "model"),
    storeDir: join(root, "store"),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** One client of a server. */
export class TestClient {
  private readonly nextSeq = new Map<string, number>();

  constructor(
    readonly baseUrl: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  async request(
    method: string,
    path: string,
    body?: Json | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const response = await fetch(`${this.baseUrl}/api/v1/${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(body !== undefined && {
          "content-type": body instanceof Uint8Array ? "application/x-protobuf" : "application/json",
        }),
        ...this.headers,
        ...headers,
      },
      ...(body !== undefined && { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      json: isJson ? (JSON.parse(bytes.toString("utf8")) as Json) : {},
    };
  }

  get(path: string): Promise<Reply> {
    return this.request("GET", path);
  }

  post(path: string, body: Json | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Reply> {
    return this.request("POST", path, body, headers);
  }

  /** What is answered at once, or the test fails. */
  async ask(path: string, body: Json | Uint8Array): Promise<Json> {
    const { status, json } = await this.post(path, body);
    assert.equal(status, 200, `${path}: ${JSON.stringify(json)}`);
    return json;
  }

  /** The result of a future, polled until it is there. */
  async result(requestId: unknown, accept = "application/json"): Promise<Reply> {
    for (;;) {
      const reply = await this.post("retrieve_future", { request_id: requestId }, { accept });
      if (reply.json["type"] !== "try_again") return reply;
    }
  }

  /** Posts, and waits for the future. */
  async done(path: string, body: Json | Uint8Array): Promise<Json> {
    const { request_id: id } = await this.ask(path, body);
    return (await this.result(id)).json;
  }

  async session(): Promise<string> {
    return (await this.ask("create_session", { tags: [], sdk_version: "test" }))["session_id"] as string;
  }

  async model(baseModel: string, session?: string, modelSeq = 0): Promise<string> {
    const { model_id: id, ...rest } = await this.done("create_model", {
      session_id: session ?? (await this.session()),
      model_seq_id: modelSeq,
      base_model: baseModel,
      lora_config: { rank: 8 },
    });
    assert.equal(typeof id, "string", JSON.stringify(rest));
    return id as string;
  }

  /** The model's next number. */
  seq(modelId: string): number {
    const next = this.nextSeq.get(modelId) ?? 1;
    this.nextSeq.set(modelId, next + 1);
    return next;
  }

  /** A request of a model with its next number, and its result. */
  do(path: string, modelId: string, body: Json): Promise<Json> {
    return this.done(path, { model_id: modelId, seq_id: this.seq(modelId), ...body });
  }

  step(modelId: string, learningRate = 0.01, more: Json = {}): Promise<Json> {
    return this.do("optim_step", modelId, {
      adam_params: { learning_rate: learningRate, eps: 1e-8, ...more },
    });
  }

  /** An unnamed sampler of the weights as they are. */
  async sampler(modelId: string, samplerSeq: number): Promise<string> {
    const saved = await this.do("save_weights_for_sampler", modelId, { sampling_session_seq_id: samplerSeq });
    return saved["sampling_session_id"] as string;
  }
}

export interface Serving {
  readonly server: TinkerServer;
  readonly client: TestClient;
  readonly failures: unknown[];
  readonly lines: string[];
}

export async function serveSmall(
  checkpoint: SmallCheckpoint,
  options: Partial<TinkerServerOptions> = {},
): Promise<Serving> {
  const failures: unknown[] = [];
  const lines: string[] = [];
  const server = await startTinkerServer({
    models: [{ name: "small", dir: checkpoint.dir }],
    storeDir: checkpoint.storeDir,
    threads: 1,
    gatherMs: 5,
    togetherMs: 60_000,
    log: (line) => lines.push(line),
    onFailure: (error) => failures.push(error),
    ...options,
  });
  const headers = options.key === undefined ? {} : { "x-api-key": options.key };
  return { server, client: new TestClient(server.baseUrl, headers), failures, lines };
}

/** Twelve tokens and what follows each. */
export function textDatum(first = 1, weights = [0, ...Array<number>(11).fill(1)]): Json {
  const tokens = Array.from({ length: 12 }, (_, i) => first + i);
  return {
    model_input: { chunks: [{ type: "encoded_text", tokens }] },
    loss_fn_inputs: {
      target_tokens: { data: tokens.map((token) => token + 1), dtype: "int64", shape: [12] },
      weights: { data: weights, dtype: "float32", shape: [12] },
    },
  };
}

export function training(data: readonly Json[], lossFn = "cross_entropy", config?: Json): Json {
  return {
    forward_backward_input: {
      data,
      loss_fn: lossFn,
      ...(config !== undefined && { loss_fn_config: config }),
    },
  };
}

export function sampling(samplerId: string, seq: number, tokens: readonly number[], more: Json = {}): Json {
  return {
    sampling_session_id: samplerId,
    seq_id: seq,
    num_samples: 1,
    prompt: { chunks: [{ type: "encoded_text", tokens }] },
    sampling_params: { max_tokens: 8, seed: 1, temperature: 1 },
    ...more,
  };
}

export function tokensOf(sampled: Json): number[][] {
  return (sampled["sequences"] as { tokens: number[] }[]).map(({ tokens }) => tokens);
}
