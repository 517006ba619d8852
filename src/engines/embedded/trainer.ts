// Runs of the training graphs with the current weights: log-probabilities with and without a gradient.
import type { Datum } from "../../core/datum.ts";
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import type { TrainingLoss } from "../../models/qwen2_5_vl/graphLosses.ts";
import { forwardGraph, trainingGraph } from "../../models/qwen2_5_vl/graphTraining.ts";
import type { ForwardBackwardResult, LossSpec } from "../engine.ts";
import { allFinite, NonFiniteError } from "../nonFinite.ts";
import { checkDatums } from "./checkRequest.ts";
import { compile, type CompiledGraph } from "./compiledGraph.ts";
import type { ParameterStore } from "./parameters.ts";
import { MropeTables } from "./rotaryTables.ts";
import { trainingBatch, type Place } from "./trainingBatch.ts";

export class Trainer {
  private readonly tables: MropeTables;
  /** Compiled when they are first needed. */
  private readonly sessions = new Map<string, Promise<CompiledGraph>>();

  constructor(
    private readonly config: Qwen25VLConfig,
    private readonly parameters: ParameterStore,
    private readonly threads: number,
  ) {
    this.tables = new MropeTables(config);
  }

  async forward(batch: readonly Datum[]): Promise<Float32Array[]> {
    checkDatums(batch, this.config, "forward");
    return this.logprobsOf(batch);
  }

  /** Adds the gradient to the accumulator. @throws NonFiniteError before anything is added */
  async forwardBackward(batch: readonly Datum[], loss: LossSpec): Promise<ForwardBackwardResult> {
    checkDatums(batch, this.config, "forwardBackward");
    const { feeds, hasImages, places } = trainingBatch(batch, loss, this.config, this.tables);
    const { session, names } = await this.training(loss.type, hasImages);
    const results = await session.run({ ...feeds, ...this.parameters.feeds(names) });
    const total = Number(results["loss"]?.data[0]);
    const trained = results["logprobs"]?.data as Float32Array;
    const gradient = (name: string): Float32Array => results[`d_${name}`]?.data as Float32Array;
    const gradientOf = names.find((name) => !allFinite(gradient(name)));
    const finding = !Number.isFinite(total)
      ? `the loss is ${total}`
      : !allFinite(trained)
        ? "a log-probability is not finite"
        : gradientOf !== undefined
          ? "the gradient is not finite"
          : undefined;
    if (finding !== undefined) throw this.refuse(finding, trained, places, gradientOf);
    // A ratio of 0, or one that is clipped, would hide it.
    const sampled = feeds["sampledLogprobs"]?.data as Float32Array | undefined;
    if (sampled !== undefined && !allFinite(sampled))
      throw this.refuse(
        "a log-probability that a token was sampled with is not finite",
        sampled,
        places,
        undefined,
      );
    for (const name of names) this.parameters.accumulate(name, gradient(name));
    const entropies = results["entropy"]?.data as Float32Array;
    const entropySum = places.reduce((sum, _, i) => sum + (entropies[i] as number), 0);
    return { loss: total, logprobs: spread(batch, places, trained), entropySum };
  }

  /**
   * ln p of every token that `forwardBackward` of this batch gives 0 for because its mask is 0; 0 for the others and for
   * the first.
   */
  async untrained(batch: readonly Datum[]): Promise<Float32Array[]> {
    const others = batch.map((datum) => ({
      ...datum,
      mask: datum.mask.map((weight, t) => (t > 0 && weight === 0 ? 1 : 0)),
    }));
    const none = others.every(({ mask }) => mask.every((weight) => weight === 0));
    return none ? others.map(({ mask }) => mask) : this.logprobsOf(others);
  }

  async dispose(): Promise<void> {
    for (const { session } of await Promise.all(this.sessions.values())) await session.dispose();
  }

  private async logprobsOf(batch: readonly Datum[]): Promise<Float32Array[]> {
    const { feeds, hasImages, places } = trainingBatch(batch, undefined, this.config, this.tables);
    const { session, names } = await this.compiled(`forward/${hasImages}`, () =>
      compile(forwardGraph(this.config, hasImages), this.threads),
    );
    const results = await session.run({ ...feeds, ...this.parameters.feeds(names) });
    const trained = results["logprobs"]?.data as Float32Array;
    if (!allFinite(trained)) throw this.refuse("a log-probability is not finite", trained, places, undefined);
    return spread(batch, places, trained);
  }

  private training(loss: LossSpec["type"], images: boolean): Promise<CompiledGraph> {
    const kind: TrainingLoss = loss === "importanceSampling" ? "ppo" : loss;
    return this.compiled(`${kind}/${images}`, () =>
      compile(trainingGraph(this.config, kind, images), this.threads),
    );
  }

  private compiled(key: string, make: () => Promise<CompiledGraph>): Promise<CompiledGraph> {
    let session = this.sessions.get(key);
    if (session === undefined) this.sessions.set(key, (session = make()));
    return session;
  }

  private refuse(
    finding: string,
    trained: Float32Array,
    places: readonly Place[],
    gradientOf: string | undefined,
  ): NonFiniteError {
    return new NonFiniteError({
      finding,
      optimizerStep: this.parameters.step + 1,
      gradientOf,
      weight: this.parameters.firstNonFinite(),
      datums: [...new Set(places.filter((_, i) => !Number.isFinite(trained[i])).map(({ datum }) => datum))],
    });
  }
}

/** Values of the trained rows at their positions, 0 everywhere else. */
function spread(batch: readonly Datum[], places: readonly Place[], values: Float32Array): Float32Array[] {
  const spreadOut = batch.map(({ tokens }) => new Float32Array(tokens.length));
  places.forEach(({ datum, position }, i) => {
    (spreadOut[datum] as Float32Array)[position] = values[i] as number;
  });
  return spreadOut;
}
