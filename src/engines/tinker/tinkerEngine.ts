// The engine whose model lives on a server that speaks the Tinker API: the hosted service, SkyRL, or our own.
//
// Calls take effect in the order in which they are made, though they overlap: what changes or saves the model is handed in on
// one lane, in the order of the calls, and results are waited for beside it. What is sampled comes from a snapshot of the
// weights, taken on the same lane when they have changed since the last one.
import type { Datum } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import { type Reporter, silentReporter } from "../../core/reporter.ts";
import { checkAdamW } from "../checkAdamW.ts";
import type {
  AdamWParams,
  Codec,
  Engine,
  ForwardBackwardResult,
  LossSpec,
  OptimStepResult,
  SampleRequest,
  SampleResult,
} from "../engine.ts";
import { capabilitiesOf, type Capabilities } from "./capabilities.ts";
import { checkDatums, checkRequest } from "./checks.ts";
import { Checkpoints, type Init } from "./checkpoints.ts";
import { Connection } from "./connection.ts";
import { TinkerError } from "./failures.ts";
import { settingsOf, systemWorld, type TinkerOptions, type World } from "./options.ts";
import type { RemoteModel } from "./remoteModel.ts";
import { RemoteSampler, type Snapshot } from "./sampler.ts";
import { readTinkerFolder, writeTinkerFolder } from "./tinkerFolder.ts";
import { Trainer } from "./trainer.ts";
import { OnceWarnings } from "./warnings.ts";

export interface OpenTinkerOptions {
  readonly config: TinkerOptions;
  /** Of the model that the server has: tokenizer and pixel limits. */
  readonly codec: Codec;
  /** The checkpoint on the server to begin with; without one the base model. */
  readonly init?: Init | undefined;
  /** Is told what waits, what is asked again, and what the server cannot do. Default: nobody is. */
  readonly reporter?: Pick<Reporter, "info" | "warn" | "start"> | undefined;
  readonly world?: World | undefined;
}

/** Begins a session and makes a model in it. @throws ConfigError, EngineError */
export async function openTinkerEngine(options: OpenTinkerOptions): Promise<TinkerEngine> {
  const { config, codec, init, reporter = silentReporter, world = systemWorld } = options;
  const settings = settingsOf(config);
  const capabilities = { ...capabilitiesOf(settings.dialect, config.backend), ...config.capabilities };
  const connection = await Connection.open(settings, world, reporter);
  const checkpoints = new Checkpoints(connection, capabilities, (text) => reporter.warn(text));
  try {
    const model = await checkpoints.create(init);
    return new TinkerEngine(connection, capabilities, checkpoints, codec, reporter, model, init?.path);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The model's latest snapshot, and of which weights it is. */
interface Current {
  readonly version: number;
  readonly snapshot: Promise<Snapshot>;
}

export class TinkerEngine implements Engine {
  /** The server does not tell. */
  readonly parameterCount = undefined;
  private readonly sampler: RemoteSampler;
  private readonly trainer: Trainer;
  /** Calls under way. */
  private readonly open = new Set<Promise<unknown>>();
  private readonly sampling = new Set<Promise<unknown>>();
  /** Counts the calls that change the weights. */
  private version = 0;
  private current: Current | undefined;
  private lastSaved: string | undefined;
  private model: Promise<RemoteModel>;
  private ending: Promise<void> | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly capabilities: Capabilities,
    private readonly checkpoints: Checkpoints,
    readonly codec: Codec,
    private readonly reporter: Pick<Reporter, "info" | "warn" | "start">,
    model: RemoteModel,
    /** The checkpoint it began with. */
    private readonly begunWith: string | undefined,
  ) {
    this.model = Promise.resolve(model);
    this.sampler = new RemoteSampler(connection, capabilities, codec);
    this.trainer = new Trainer(
      connection,
      capabilities,
      codec,
      new OnceWarnings((text) => reporter.warn(text)),
    );
  }

  /** The model's name on the server. */
  get modelId(): Promise<string> {
    return this.model.then(({ id }) => id);
  }

  /** Updates made since it was opened. */
  get stepsMade(): number {
    return this.trainer.steps;
  }

  async sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    this.checkOpen();
    for (const request of requests) checkRequest(request, this.codec);
    if (requests.length === 0) return [];
    const { model } = this;
    const turns = this.sampler.sample(requests, this.snapshot()).catch(async (error: unknown) => {
      if (error instanceof TinkerError && error.kind === "gone")
        (await model).spoil("the server does not know the model any more");
      throw error;
    });
    return this.track(turns, this.sampling);
  }

  release(sequenceId: string): void {
    this.sampler.release(sequenceId);
  }

  async forward(batch: readonly Datum[]): Promise<readonly Float32Array[]> {
    this.checkOpen();
    checkDatums(batch, this.codec, "forward");
    return this.track(this.model.then((model) => this.trainer.forward(model, batch)));
  }

  async forwardBackward(batch: readonly Datum[], loss: LossSpec): Promise<ForwardBackwardResult> {
    this.checkOpen();
    checkDatums(batch, this.codec, "forwardBackward");
    return this.track(this.model.then((model) => this.trainer.forwardBackward(model, batch, loss)));
  }

  async optimStep(params: AdamWParams): Promise<OptimStepResult> {
    this.checkOpen();
    checkAdamW(params);
    this.changed();
    // Where a snapshot lives in the place of the weights, nothing is updated under those who sample from it.
    const ready = this.capabilities.sharedSamplerSlot
      ? Promise.allSettled([...this.sampling])
      : Promise.resolve();
    return this.track(this.model.then((model) => this.trainer.optimStep(model, params, ready)));
  }

  /** The files of the weights, as the server packs them: our own server's are in Hugging Face layout. */
  async saveWeights(dir: string): Promise<void> {
    this.checkOpen();
    return this.track(
      this.model.then(async (model) => {
        const step = this.trainer.steps;
        const saving = this.checkpoints.save(model, dir).then((path) => {
          this.lastSaved = `${dir} (${path})`;
          return path;
        });
        const [path, samplerPath] = await Promise.all([
          saving,
          this.checkpoints.export(model, dir, this.reporter),
        ]);
        await this.writeFolder(dir, path, samplerPath, step);
      }),
    );
  }

  /** The state stays on the server; the folder says where. */
  async saveState(dir: string): Promise<void> {
    this.checkOpen();
    return this.track(
      this.model.then(async (model) => {
        const step = this.trainer.steps;
        const path = await this.checkpoints.save(model, dir);
        await this.writeFolder(dir, path, undefined, step);
        this.lastSaved = `${dir} (${path})`;
      }),
    );
  }

  /** Makes a new model on the server; the old one is given up when that has worked. */
  async loadState(dir: string): Promise<void> {
    this.checkOpen();
    const old = this.model;
    const earlier = Promise.allSettled([...this.open]);
    const loading = this.load(dir);
    this.model = loading.catch(() => old);
    this.changed();
    return this.track(
      loading.then(async () => {
        await earlier;
        await this.checkpoints.unload(await old);
      }),
    );
  }

  /** Waits for the calls made before it. Never rejects, also when the server is not there any more. */
  dispose(): Promise<void> {
    return (this.ending ??= this.end());
  }

  private async end(): Promise<void> {
    await Promise.allSettled([...this.open]);
    await this.checkpoints.unload(await this.model);
    await this.connection.close();
  }

  private async load(dir: string): Promise<RemoteModel> {
    const { path, baseModel } = await readTinkerFolder(dir);
    const mine = this.connection.settings.baseModel;
    if (baseModel !== mine)
      throw new EngineError(
        `loadState: ${dir} is of the model ${JSON.stringify(baseModel)}, this engine's is ${JSON.stringify(mine)}`,
      );
    return this.checkpoints.create({ path, optimizer: true });
  }

  private writeFolder(
    dir: string,
    path: string,
    samplerPath: string | undefined,
    step: number,
  ): Promise<void> {
    const { baseUrl, baseModel, dialect, rank } = this.connection.settings;
    return writeTinkerFolder(dir, {
      path,
      ...(samplerPath !== undefined && { samplerPath }),
      baseUrl,
      baseModel,
      dialect,
      rank,
      step,
    });
  }

  /** Of the weights as they are after the calls made so far. */
  private snapshot(): Promise<Snapshot> {
    if (this.current?.version !== this.version) {
      const snapshot = this.model.then((model) => this.checkpoints.snapshot(model));
      const current = (this.current = { version: this.version, snapshot });
      snapshot.catch(() => {
        if (this.current === current) this.current = undefined;
      });
    }
    return this.current.snapshot;
  }

  private changed(): void {
    this.version++;
    this.sampler.forget();
  }

  private checkOpen(): void {
    if (this.ending !== undefined)
      throw new EngineError("the engine is disposed; open another one on the last saved state");
  }

  private async track<T>(work: Promise<T>, ...among: readonly Set<Promise<unknown>>[]): Promise<T> {
    const sets = [this.open, ...among];
    for (const set of sets) set.add(work);
    try {
      return await work;
    } catch (error) {
      throw this.explained(error);
    } finally {
      for (const set of sets) set.delete(work);
    }
  }

  /** What the server cannot give back is said with where to go on from. */
  private explained(error: unknown): unknown {
    if (!(error instanceof TinkerError)) return error;
    const { kind, status, message } = error;
    if (kind === "refused" || kind === "failed") return error;
    const from =
      this.lastSaved ??
      (this.begunWith === undefined ? undefined : `the checkpoint it began with (${this.begunWith})`);
    return new TinkerError(
      `${message}; ` +
        (kind === "gone" ? "the server was restarted, or gave this session up; " : "") +
        (from === undefined
          ? "nothing was saved so far: begin anew"
          : `the last saved state is ${from}: go on from there`),
      kind,
      status,
    );
  }
}
