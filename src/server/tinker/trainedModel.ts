// One model that is trained: an engine of its own, and what the requests of its lane do to it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type { AdamWParams, OptimStepResult } from "../../engines/engine.ts";
import type { ForwardBackwardCall, ForwardBackwardOutput } from "../../engines/tinker/protocol/wire.ts";
import { userError } from "./errors.ts";
import type { PolicySampler } from "./policySampler.ts";
import { Snapshot, type Snapshots } from "./snapshots.ts";
import type { Run } from "./store.ts";
import { execute, prepare, type TrainingCallOptions } from "./trainingCall.ts";

type CallOptions = Omit<TrainingCallOptions, "onAccumulated" | "contextTokens">;

export class TrainedModel {
  /** Optimiser steps since it was created or loaded. */
  steps = 0;
  /** Request ids of forward_backward calls since the last step that failed, and that nothing made good. */
  private failed: string[] = [];
  /** Milliseconds since 1970. */
  lastRequestAt: number;
  private sampler: PolicySampler;
  /** Snapshots of the weights as they are now. */
  private attached = new Set<Snapshot>();
  /** The unnamed one of them. */
  private unnamed: Snapshot | undefined;
  /** Whether a gradient has been added since the last step. */
  private accumulated = false;
  /** Why what has been added is less than what was asked for. */
  private incomplete: string | undefined;

  constructor(
    readonly run: Run,
    readonly sessionId: string,
    private engine: EmbeddedEngine,
    private readonly snapshots: Snapshots,
    now: number,
  ) {
    this.sampler = snapshots.sampler(engine);
    this.lastRequestAt = now;
  }

  get id(): string {
    return this.run.modelId;
  }

  get contextTokens(): number {
    return this.engine.files.config.maxPositionEmbeddings;
  }

  /**
   * Another forward_backward has come: its client goes on knowingly when it has seen of all before that they failed.
   * @param wasSeen whether the failure of a request was fetched
   */
  trainsOn(wasSeen: (requestId: string) => boolean): void {
    if (this.failed.every(wasSeen)) this.failed = [];
  }

  async train(
    call: ForwardBackwardCall,
    requestId: string,
    options: CallOptions,
  ): Promise<ForwardBackwardOutput> {
    let parts = 0;
    const all: TrainingCallOptions = {
      ...options,
      contextTokens: this.contextTokens,
      onAccumulated: () => {
        parts++;
        this.accumulated = true;
      },
    };
    try {
      return await execute(prepare(call, this.engine, all), this.engine, all);
    } catch (error) {
      if (!call.forwardOnly) this.failed.push(requestId);
      if (parts > 0)
        this.incomplete = `a part of the gradient of seq_id ${call.seqId} was added before it failed`;
      throw error;
    }
  }

  /** @throws FutureError when the gradient is less than what was asked for: then it is discarded */
  async step(params: AdamWParams): Promise<OptimStepResult> {
    const missing =
      this.incomplete ??
      (this.failed.length > 0 ? "a forward_backward before this step has failed" : undefined);
    if (missing !== undefined) {
      await this.discardGradient();
      throw userError(`${missing}: the gradient was discarded, and the weights are as they were`);
    }
    this.weightsChange();
    try {
      const result = await this.engine.optimStep(params);
      if (this.accumulated) this.steps++;
      return result;
    } finally {
      this.accumulated = false;
    }
  }

  saveState(dir: string): Promise<void> {
    return this.engine.saveState(dir);
  }

  saveWeights(dir: string): Promise<void> {
    return this.engine.saveWeights(dir);
  }

  /** The weights as they are now, for sampling; all unnamed ones of one moment are the same. */
  snapshot(): Snapshot {
    this.unnamed ??= this.attach(new Snapshot(this.snapshots, this.sampler, undefined));
    return this.unnamed;
  }

  /** The same of weights that have just been written. */
  namedSnapshot(load: () => Promise<EmbeddedEngine>): Snapshot {
    return this.attach(new Snapshot(this.snapshots, this.sampler, load));
  }

  /** Takes another engine, before any request: what was loaded. */
  async replaceEngine(engine: EmbeddedEngine): Promise<void> {
    const old = this.engine;
    this.weightsChange();
    this.engine = engine;
    this.sampler = this.snapshots.sampler(engine);
    await old.dispose();
  }

  /** What is under way ends first; snapshots stay. */
  async end(): Promise<void> {
    this.weightsChange();
    await this.engine.dispose();
  }

  private attach(snapshot: Snapshot): Snapshot {
    this.attached.add(snapshot);
    return snapshot;
  }

  private weightsChange(): void {
    for (const snapshot of this.attached) snapshot.detach();
    this.attached = new Set();
    this.unnamed = undefined;
    this.sampler.weightsChange();
  }

  /** An engine forgets its gradient when it loads a state: its own. */
  private async discardGradient(): Promise<void> {
    this.failed = [];
    if (this.accumulated) {
      const dir = await mkdtemp(join(tmpdir(), "pyvision-state-"));
      try {
        await this.engine.saveState(dir);
        // What is being sampled is computed before, and its caches are of no use after.
        this.sampler.weightsChange();
        await this.engine.loadState(dir);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    }
    this.accumulated = false;
    this.incomplete = undefined;
  }
}
