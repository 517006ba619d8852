// The engine that trains and samples inside this process: a Qwen2.5-VL as ONNX graphs on the CPU.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Datum } from "../../core/datum.ts";
import { DataError, EngineError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { readCheckpoint } from "../../models/qwen2_5_vl/checkpoint.ts";
import { createCodec, neverSampled } from "../../models/qwen2_5_vl/codec.ts";
import { samplingGraph, visionGraph } from "../../models/qwen2_5_vl/graphTraining.ts";
import type { PixelLimits } from "../../models/qwen2_5_vl/imageProcessor.ts";
import { drawParameters, parameterSpecs } from "../../models/qwen2_5_vl/parameters.ts";
import { loadProcessor, saveProcessor, type ProcessorFiles } from "../../models/qwen2_5_vl/processor.ts";
import { readSafetensors, writeSafetensors } from "../../models/qwen2_5_vl/safetensors.ts";
import type {
  AdamWParams,
  Codec,
  Engine,
  ForwardBackwardResult,
  LossSpec,
  OptimStepResult,
} from "../engine.ts";
import type { SampleRequest, SampleResult } from "../engine.ts";
import { checkAdamW } from "../checkAdamW.ts";
import { compile, type CompiledGraph } from "./compiledGraph.ts";
import { ParameterStore } from "./parameters.ts";
import { EmbeddedSampler, type SamplingWork } from "./sampler.ts";
import { Trainer } from "./trainer.ts";
import { Turns } from "./turns.ts";

const OPTIMIZER_FILE = "optimizer.safetensors";

export interface EmbeddedEngineOptions {
  /** Threads of one graph run; 0 is one per core. */
  readonly threads?: number;
  /** Pixel limits that replace those of the checkpoint. */
  readonly limits?: PixelLimits;
}

export class EmbeddedEngine implements Engine {
  readonly codec: Codec;
  private readonly trainer: Trainer;
  private readonly turns = new Turns();
  private disposed = false;

  private constructor(
    readonly files: ProcessorFiles,
    private readonly parameters: ParameterStore,
    private readonly sampler: EmbeddedSampler,
    private readonly compiled: readonly CompiledGraph[],
    private readonly threads: number,
  ) {
    this.codec = createCodec(files.tokenizer, files.limits);
    this.trainer = new Trainer(files.config, parameters, threads);
  }

  /** A model with freshly drawn weights. */
  static initialise(
    files: ProcessorFiles,
    random: Random,
    options: EmbeddedEngineOptions = {},
  ): Promise<EmbeddedEngine> {
    return EmbeddedEngine.build(files, drawParameters(parameterSpecs(files.config), random), options);
  }

  /** A checkpoint folder in Hugging Face layout. @throws DataError or EngineError when it is incomplete. */
  static async load(dir: string, options: EmbeddedEngineOptions = {}): Promise<EmbeddedEngine> {
    const stored = await loadProcessor(dir);
    const files = { ...stored, limits: options.limits ?? stored.limits };
    return EmbeddedEngine.build(files, await readWeights(dir), options);
  }

  private static async build(
    files: ProcessorFiles,
    weights: ReadonlyMap<string, Float32Array>,
    { threads = 0 }: EmbeddedEngineOptions,
  ): Promise<EmbeddedEngine> {
    const { config, tokenizer, limits } = files;
    const parameters = new ParameterStore(parameterSpecs(config), weights);
    const [vision, decoder] = await Promise.all([
      compile(visionGraph(config), threads),
      compile(samplingGraph(config), threads),
    ]);
    const codec = createCodec(tokenizer, limits);
    const banned = neverSampled(config, tokenizer);
    const sampler = new EmbeddedSampler(config, codec, { vision, decoder, threads }, parameters, banned);
    return new EmbeddedEngine(files, parameters, sampler, [vision, decoder], threads);
  }

  get parameterCount(): number {
    return this.parameters.count;
  }

  sample(requests: readonly SampleRequest[]): Promise<SampleResult[]> {
    if (this.disposed) return disposedError();
    return this.turns.together(() => this.sampler.sample(requests));
  }

  /** What sampling has computed since the engine was made. */
  get samplingWork(): SamplingWork {
    return this.sampler.work;
  }

  /** Sequences whose cache is held: those sampled since the last optimiser step and not released. */
  get openSequences(): number {
    return this.sampler.openSequences;
  }

  release(sequenceId: string): void {
    this.sampler.release(sequenceId);
  }

  forward(batch: readonly Datum[]): Promise<readonly Float32Array[]> {
    return this.alone(() => this.trainer.forward(batch));
  }

  /**
   * As every engine's.
   * @param everywhere log-probabilities of all tokens but the first, whatever their mask; loss and gradient stay the same
   */
  forwardBackward(
    batch: readonly Datum[],
    loss: LossSpec,
    { everywhere = false }: { readonly everywhere?: boolean } = {},
  ): Promise<ForwardBackwardResult> {
    return this.alone(async () => {
      const result = await this.trainer.forwardBackward(batch, loss);
      if (!everywhere) return result;
      const others = await this.trainer.untrained(batch);
      const logprobs = result.logprobs.map((own, d) =>
        own.map((value, t) => (batch[d]?.mask[t] === 0 ? (others[d]?.[t] as number) : value)),
      );
      return { ...result, logprobs };
    });
  }

  optimStep(params: AdamWParams): Promise<OptimStepResult> {
    return this.alone(async () => {
      checkAdamW(params);
      const result = this.parameters.adamW(params);
      await this.sampler.reset();
      return result;
    });
  }

  /**
   * An engine with the same files and a copy of the weights as they are now: no gradient, no optimiser state, no open
   * sequence. It is disposed of on its own.
   */
  async fork(): Promise<EmbeddedEngine> {
    const weights = await this.alone(
      async () => new Map(this.parameters.entries().map(({ spec, value }) => [spec.name, value.slice()])),
    );
    return EmbeddedEngine.build(this.files, weights, { threads: this.threads });
  }

  saveWeights(dir: string): Promise<void> {
    return this.alone(() => this.writeWeights(dir));
  }

  private async writeWeights(dir: string): Promise<void> {
    await mkdir(dir, { recursive: true });
    await saveProcessor(dir, this.files);
    const tensors = this.parameters
      .entries()
      .map(
        ({ spec, value }) => [spec.name, { dtype: "F32" as const, shape: spec.shape, data: value }] as const,
      );
    await writeSafetensors(join(dir, "model.safetensors"), tensors, { format: "pt" });
  }

  saveState(dir: string): Promise<void> {
    return this.alone(() => this.writeState(dir));
  }

  private async writeState(dir: string): Promise<void> {
    await this.writeWeights(dir);
    const tensors = this.parameters
      .optimizerEntries()
      .map(({ name, shape, data }) => [name, { dtype: "F32" as const, shape, data }] as const);
    await writeSafetensors(join(dir, OPTIMIZER_FILE), tensors, { step: String(this.parameters.step) });
  }

  loadState(dir: string): Promise<void> {
    return this.alone(() => this.readState(dir));
  }

  private async readState(dir: string): Promise<void> {
    const weights = await readWeights(dir);
    const { tensors, metadata } = await readSafetensors(join(dir, OPTIMIZER_FILE));
    const step = Number(metadata["step"]);
    if (!Number.isInteger(step) || step < 0)
      throw new DataError(
        `${dir}/${OPTIMIZER_FILE}: metadata "step" must be a whole number, got ${metadata["step"]}`,
      );
    const targets = [
      ...this.parameters
        .entries()
        .map(({ spec, value }) => ({ name: spec.name, data: value, source: weights.get(spec.name) })),
      ...this.parameters.optimizerEntries().map((e) => ({ ...e, source: tensors.get(e.name)?.data })),
    ];
    for (const { name, data, source } of targets)
      if (!(source instanceof Float32Array) || source.length !== data.length)
        throw new DataError(
          `${dir}: "${name}" is missing or does not fit this model; the checkpoint is of another one`,
        );
    for (const { data, source } of targets) data.set(source as Float32Array);
    this.parameters.step = step;
    this.parameters.clearGradient();
    await this.sampler.reset();
  }

  /** Waits for the calls made before it. Calls after it reject; disposing again does nothing. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await this.turns.alone(() => this.freeSessions());
  }

  private async freeSessions(): Promise<void> {
    await this.sampler.reset();
    for (const { session } of this.compiled) await session.dispose();
    await this.trainer.dispose();
  }

  private alone<T>(run: () => Promise<T>): Promise<T> {
    return this.disposed ? disposedError() : this.turns.alone(run);
  }
}

function disposedError(): Promise<never> {
  return Promise.reject(new EngineError("the engine is disposed; load the checkpoint again"));
}

async function readWeights(dir: string): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const [name, { data }] of await readCheckpoint(dir)) {
    if (!(data instanceof Float32Array))
      throw new DataError(`${dir}: weight "${name}" must be floating point`);
    weights.set(name, data);
  }
  return weights;
}
