// What the Tinker API does, apart from HTTP: sessions, models, futures, checkpoints and samplers, and how they hang together.
import type { z } from "zod";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type * as messages from "../../engines/tinker/protocol/messages.ts";
import type { ForwardBackwardCall } from "../../engines/tinker/protocol/wire.ts";
import { HttpError } from "../http.ts";
import { userError } from "./errors.ts";
import { Futures, type FuturesOptions, type Outcome, type Payload } from "./futures.ts";
import { checkMetadata } from "./metadata.ts";
import { ModelRegistry } from "./modelRegistry.ts";
import { BaseModels, type ServedCheckpoint } from "./models.ts";
import type { GatherOptions } from "./policySampler.ts";
import { type SampledWeights, type SampleReply, Samplers } from "./samplers.ts";
import { type Session, Sessions } from "./sessions.ts";
import { Snapshot, type SnapshotLimits, Snapshots } from "./snapshots.ts";
import { type Checkpoint, CheckpointStore, type Run } from "./store.ts";
import type { TrainedModel } from "./trainedModel.ts";
import { checkName, formatPath, parsePath, type TinkerPath } from "./tinkerPath.ts";

type Body<T extends z.ZodType> = z.output<T>;

export interface ServiceOptions {
  readonly models: readonly ServedCheckpoint[];
  readonly storeDir: string;
  readonly threads: number;
  /** Rows × longest row that one run of the training graph may have, where a client does not cut batches itself. */
  readonly microBatchTokens: number;
  /** Models in training at once. */
  readonly maxModels: number;
  readonly sessionTimeoutMs: number;
  readonly snapshots: SnapshotLimits;
  readonly gather: GatherOptions;
  readonly futures: FuturesOptions;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** A new identifier of letters and digits, different from all others, those of other runs of the server included. */
  readonly newId: () => string;
  /** For samples without a seed. */
  readonly newSeed: () => number;
  /** One line about what happened. */
  readonly log: (line: string) => void;
}

export class TinkerService {
  readonly futures: Futures;
  readonly sessions: Sessions;
  readonly store: CheckpointStore;
  readonly samplers: Samplers;
  readonly models: ModelRegistry;
  /** Of checkpoints, by path. */
  private readonly named = new Map<string, Snapshot>();

  private constructor(
    readonly bases: BaseModels,
    private readonly snapshots: Snapshots,
    private readonly options: ServiceOptions,
  ) {
    const { clock, log, maxModels, futures } = options;
    this.futures = new Futures(options.futures);
    this.store = new CheckpointStore(options.storeDir, clock);
    this.samplers = new Samplers(this.futures, options.newSeed);
    this.models = new ModelRegistry({
      maxModels,
      makeRoom: () => this.sessions.endLikelyGone(),
      touch: (sessionId) => this.sessions.touch(sessionId),
      futures: this.futures,
      snapshots,
      store: this.store,
      clock,
      log,
    });
    this.sessions = new Sessions({
      timeoutMs: options.sessionTimeoutMs,
      now: futures.now,
      newId: options.newId,
      onEnd: (session, reason) => this.endSession(session, reason),
    });
  }

  /** @throws DataError or EngineError when a checkpoint cannot be loaded */
  static async open(options: ServiceOptions): Promise<TinkerService> {
    const snapshots = new Snapshots(options.gather, options.snapshots);
    const bases = await BaseModels.open(options.models, { threads: options.threads }, snapshots);
    return new TinkerService(bases, snapshots, options);
  }

  /** What is under way ends first. */
  async close(): Promise<void> {
    this.sessions.close();
    await this.models.endAll("the server is being stopped");
    await this.snapshots.dispose();
  }

  /** Lets go of its models and samplers. @throws HttpError (404) for one that was never there */
  finish(sessionId: string, reason: string): void {
    if (this.sessions.hasEnded(sessionId)) return;
    this.sessions.get(sessionId);
    this.sessions.end(sessionId, reason);
  }

  /** Waits for a result, at most so long; whoever asks for it is there. @returns undefined when it is not there yet */
  async outcome(id: string, holdMs: number, signal: AbortSignal): Promise<Outcome | undefined> {
    const sessionId = this.futures.sessionOf(id);
    const touch = (): void => {
      if (sessionId !== undefined) this.sessions.touch(sessionId);
    };
    touch();
    const outcome = await this.futures.outcome(id, holdMs, signal);
    touch();
    return outcome;
  }

  createModel(body: Body<typeof messages.createModelRequest>, digest: string): string {
    const session = this.sessions.get(body.session_id);
    const { name, dir } = this.bases.get(body.base_model);
    const metadata = checkMetadata(body.user_metadata);
    return this.models.create(session, body.model_seq_id, digest, async (modelId) => ({
      engine: await this.bases.load(dir),
      run: this.newRun(modelId, name, body.lora_config?.rank ?? null, metadata),
      result: { model_id: modelId, type: "create_model" },
    }));
  }

  /** A load is a model's first request, or makes the model. */
  loadWeights(body: Body<typeof messages.loadWeightsRequest>, digest: string): string {
    const { into, path, optimizer } = body;
    const place = parsePath(path);
    if (into.type === "newModel") {
      const session = this.sessions.get(into.session_id);
      const metadata = checkMetadata(body.user_metadata);
      const asked = body.base_model === undefined ? undefined : this.bases.get(body.base_model).name;
      return this.models.create(session, into.model_seq_id, digest, async (modelId) => {
        const { engine, run } = await this.loadCheckpoint(place, optimizer, asked);
        return {
          engine,
          run: this.newRun(modelId, run.baseModel, run.rank, metadata),
          result: { path, model_id: modelId, type: "load_weights" },
        };
      });
    }
    const { seq_id: seq, model_id: modelId } = into;
    return this.models.submit(modelId, seq, digest, async (model) => {
      if (seq !== 1)
        throw userError(
          `load_weights: must be a model's first request (seq_id 1), as samplers and gradients hang on its weights; ` +
            `got seq_id ${seq}. Create another model and load into that`,
        );
      const { engine } = await this.loadCheckpoint(place, optimizer, model.run.baseModel);
      await model.replaceEngine(engine);
      this.options.log(`${modelId}: loaded ${path}${optimizer ? " with its optimiser" : ""}`);
      return json({ path, model_id: modelId, type: "load_weights" });
    });
  }

  forwardBackward(call: ForwardBackwardCall, digest: string): string {
    const { microBatchTokens } = this.options;
    const work = async (model: TrainedModel, requestId: string): Promise<Payload> => {
      const { pictures } = this.bases.get(model.run.baseModel);
      const output = await model.train(call, requestId, { pictures, microBatchTokens });
      return { type: "forwardBackward", output };
    };
    return this.models.submit(call.modelId, call.seqId, digest, work, (model) => {
      if (!call.forwardOnly) model?.trainsOn((id) => this.futures.wasFetched(id));
    });
  }

  optimStep(body: Body<typeof messages.optimStepRequest>, digest: string): string {
    const { adam_params: adam, model_id: modelId } = body;
    return this.models.submit(modelId, body.seq_id, digest, async (model) => {
      const { gradNorm } = await model.step({
        learningRate: adam.learning_rate,
        beta1: adam.beta1,
        beta2: adam.beta2,
        epsilon: adam.eps,
        weightDecay: adam.weight_decay,
        maxGradNorm: Math.max(0, adam.grad_clip_norm),
      });
      if (gradNorm !== undefined)
        this.options.log(`${modelId}: step ${model.steps}, gradient norm ${gradNorm.toPrecision(4)}`);
      return json({
        metrics: { ...(gradNorm !== undefined && { grad_norm: gradNorm }) },
        type: "optim_step",
      });
    });
  }

  saveWeights(body: Body<typeof messages.saveWeightsRequest>, digest: string): string {
    const name = checkName(body.path ?? `seq-${body.seq_id}`);
    checkMetadata(body.user_metadata);
    return this.models.submit(body.model_id, body.seq_id, digest, async (model) => {
      const place: TinkerPath = { modelId: model.id, kind: "weights", name };
      await this.write(place, body, (dir) => model.saveState(dir));
      return json({ path: formatPath(place), type: "save_weights" });
    });
  }

  saveWeightsForSampler(body: Body<typeof messages.saveWeightsForSamplerRequest>, digest: string): string {
    const { path, sampling_session_seq_id: samplerSeq } = body;
    const name = path === undefined ? undefined : checkName(path);
    checkMetadata(body.user_metadata);
    return this.models.submit(body.model_id, body.seq_id, digest, async (model) => {
      if (name === undefined) {
        const base = this.bases.get(model.run.baseModel);
        const weights = { base, path: undefined, snapshot: model.snapshot() };
        const { id } = this.samplers.add(this.sessions.get(model.sessionId), samplerSeq as number, weights);
        return json({ path: null, sampling_session_id: id, type: "save_weights_for_sampler" });
      }
      const place: TinkerPath = { modelId: model.id, kind: "sampler_weights", name };
      const saved = { ...body, overwrite: false };
      const { dir } = await this.write(place, saved, (to) => model.saveWeights(to));
      this.named.set(
        formatPath(place),
        model.namedSnapshot(() => this.bases.load(dir)),
      );
      return json({ path: formatPath(place), type: "save_weights_for_sampler" });
    });
  }

  saveWeightsExternal(body: Body<typeof messages.saveWeightsExternalRequest>, digest: string): string {
    const name = checkName(body.path);
    return this.models.submit(body.model_id, body.seq_id, digest, async (model) => {
      const place: TinkerPath = { modelId: model.id, kind: "external_weights", name };
      const { sizeBytes } = await this.write(
        place,
        { ...body, overwrite: false, user_metadata: undefined },
        (dir) => model.saveWeights(dir),
      );
      return json({ path: formatPath(place), size_bytes: sizeBytes, type: "save_weights_external" });
    });
  }

  async unloadModel(modelId: string): Promise<string> {
    const model = await this.models.get(modelId);
    return this.futures.open(
      async () => {
        this.sessions.find(model.sessionId)?.modelIds.delete(modelId);
        await this.models.end(modelId, "it was unloaded");
        return json({ model_id: modelId, status: "unloaded", type: "unload_model" });
      },
      { sessionId: model.sessionId },
    );
  }

  /** Of a base model or a checkpoint. The same request again gives the same session. */
  async createSampler(body: Body<typeof messages.createSamplingSessionRequest>): Promise<string> {
    const session = this.sessions.get(body.session_id);
    const known = this.samplers.find(this.samplers.idOf(session, body.sampling_session_seq_id));
    if (known !== undefined) {
      const same =
        body.model_path === known.path && (known.path !== undefined || body.base_model === known.base.name);
      if (same) return known.id;
      throw new HttpError(
        `sampling_session_seq_id ${body.sampling_session_seq_id} was used by another request of session ${session.id}`,
        { status: 409, code: "seq_id_reused" },
      );
    }
    const weights = await this.weightsOf(body.base_model, body.model_path);
    return this.samplers.add(session, body.sampling_session_seq_id, weights).id;
  }

  async sample(body: Body<typeof messages.sampleRequest>, digest: string): Promise<SampleReply> {
    const id = body.sampling_session_id;
    if (id === undefined)
      return this.samplers.sample(
        body,
        digest,
        await this.weightsOf(body.base_model, body.model_path),
        undefined,
      );
    const sampler = this.samplers.get(id);
    this.sessions.get(sampler.session.id);
    return this.samplers.sample(body, digest, sampler, sampler);
  }

  async deleteCheckpoint(place: TinkerPath): Promise<void> {
    if (!(await this.store.delete(place)))
      throw new HttpError(`there is no checkpoint ${formatPath(place)}`, { status: 404 });
    this.fileIsGone(place, `${formatPath(place)} was deleted`);
    this.options.log(`${formatPath(place)} deleted`);
  }

  /** Weights of a base model or of a checkpoint, those of training included. @throws FutureError or HttpError */
  private async weightsOf(baseModel: string | undefined, path: string | undefined): Promise<SampledWeights> {
    if (path === undefined) {
      const base = this.bases.get(baseModel ?? "");
      return { base, path: undefined, snapshot: base.snapshot };
    }
    const place = parsePath(path);
    const { dir } = await this.checkpoint(place);
    const base = this.bases.get((await this.store.run(place.modelId)).baseModel);
    const key = formatPath(place);
    const snapshot =
      this.named.get(key) ?? new Snapshot(this.snapshots, undefined, () => this.bases.load(dir));
    this.named.set(key, snapshot);
    return { base, path, snapshot };
  }

  /** @throws HttpError (404) */
  async checkpoint(place: TinkerPath): Promise<Checkpoint> {
    const found = await this.store.find(place);
    if (found === undefined)
      throw new HttpError(`there is no checkpoint ${formatPath(place)}, or it has expired`, { status: 404 });
    return found;
  }

  private async loadCheckpoint(
    place: TinkerPath,
    optimizer: boolean,
    base: string | undefined,
  ): Promise<{ readonly engine: EmbeddedEngine; readonly run: Run }> {
    const { dir, hasOptimizer, path } = await this.store.get(place);
    const run = await this.store.run(place.modelId);
    if (base !== undefined && run.baseModel !== base)
      throw userError(`${path} is of base model ${run.baseModel}, and cannot be loaded into one of ${base}`);
    if (optimizer && !hasOptimizer)
      throw userError(
        `${path} has no optimiser state: load it with optimizer: false, or one that save_weights wrote`,
      );
    const engine = await this.bases.load(dir);
    try {
      if (optimizer) await engine.loadState(dir);
      return { engine, run };
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  private async write(
    place: TinkerPath,
    request: {
      readonly overwrite: boolean;
      readonly ttl_seconds: number | undefined;
      readonly user_metadata: Readonly<Record<string, unknown>> | undefined;
    },
    write: (dir: string) => Promise<void>,
  ): Promise<Checkpoint> {
    const saved = await this.store.save(
      place,
      {
        overwrite: request.overwrite,
        hasOptimizer: place.kind === "weights",
        ttlSeconds: request.ttl_seconds,
        userMetadata: request.user_metadata,
      },
      write,
    );
    this.fileIsGone(place, `${saved.path} was overwritten`);
    this.options.log(`${saved.path} saved`);
    return saved;
  }

  private fileIsGone(place: TinkerPath, why: string): void {
    this.named.get(formatPath(place))?.fileIsGone(why);
    this.named.delete(formatPath(place));
  }

  private newRun(
    modelId: string,
    baseModel: string,
    rank: number | null,
    userMetadata: Readonly<Record<string, unknown>> | undefined,
  ): Run {
    const createdAt = new Date(this.options.clock()).toISOString();
    return { modelId, baseModel, rank, createdAt, userMetadata: userMetadata ?? null };
  }

  private endSession(session: Session, reason: string): void {
    this.options.log(`session ${session.id} ended: ${reason}`);
    for (const id of session.samplerIds) {
      const { path, snapshot, base } = this.samplers.remove(this.samplers.get(id));
      if (path === undefined && snapshot !== base.snapshot)
        this.snapshots.drop(snapshot, "its session has ended");
    }
    for (const id of session.modelIds)
      void this.models.end(id, `its session has ended (${reason})`).catch(this.options.futures.onFailure);
  }
}

function json(body: Readonly<Record<string, unknown>>): Payload {
  return { type: "json", body };
}
