// The weights of the embedded engine in memory, their gradient accumulator, and AdamW (Loshchilov & Hutter, arXiv
// 1711.05101, the form of torch.optim.AdamW: decoupled decay, bias-corrected moments). A few million parameters take
// milliseconds in plain loops, so the optimiser needs no graph.
import { EngineError } from "../../core/errors.ts";
import type { ParameterSpec } from "../../models/qwen2_5_vl/parameters.ts";
import type { Value } from "../../onnx/session.ts";
import type { AdamWParams, OptimStepResult } from "../engine.ts";
import { allFinite, NonFiniteError } from "../nonFinite.ts";

/** Above this a squared gradient overflows single precision and its second moment would stay infinite for good. */
const LARGEST_GRADIENT = 1e19;

interface Parameter {
  readonly spec: ParameterSpec;
  readonly value: Float32Array;
  readonly gradient: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export class ParameterStore {
  private readonly parameters: readonly Parameter[];
  private readonly byName: ReadonlyMap<string, Parameter>;
  /** Optimiser steps taken. */
  step = 0;
  /** Whether anything has been accumulated since the last step. */
  private hasGradient = false;

  /** @throws EngineError when a weight is missing or has the wrong number of values. */
  constructor(specs: readonly ParameterSpec[], weights: ReadonlyMap<string, Float32Array>) {
    this.parameters = specs.map((spec) => {
      const value = weights.get(spec.name);
      const size = spec.shape.reduce((n, d) => n * d, 1);
      if (value === undefined)
        throw new EngineError(`the checkpoint has no weight "${spec.name}"; it does not fit its config.json`);
      if (value.length !== size)
        throw new EngineError(
          `weight "${spec.name}" must have ${size} values (shape [${spec.shape.join(", ")}]), got ${value.length}`,
        );
      const zeros = (): Float32Array => new Float32Array(size);
      return { spec, value, gradient: zeros(), first: zeros(), second: zeros() };
    });
    this.byName = new Map(this.parameters.map((p) => [p.spec.name, p]));
  }

  get count(): number {
    return this.parameters.reduce((n, p) => n + p.value.length, 0);
  }

  value(name: string): Float32Array {
    return this.get(name).value;
  }

  /** What has been accumulated since the last step. */
  gradient(name: string): Float32Array {
    return this.get(name).gradient;
  }

  /** The named weights as inputs of a graph. */
  feeds(names: readonly string[]): Record<string, Value> {
    const feeds: Record<string, Value> = {};
    for (const name of names) {
      const { spec, value } = this.get(name);
      feeds[name] = { data: value, dims: spec.matrix };
    }
    return feeds;
  }

  accumulate(name: string, gradient: Float32Array): void {
    this.hasGradient = true;
    const sum = this.get(name).gradient;
    for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!;
  }

  /** The first parameter whose weights are not all finite. */
  firstNonFinite(): string | undefined {
    return this.parameters.find(({ value }) => !allFinite(value))?.spec.name;
  }

  /**
   * Clips, updates and clears. Without a gradient there is no step: weights do not decay and moments stay.
   * @throws NonFiniteError when the gradient is not finite: weights and moments are untouched, the gradient is cleared
   */
  adamW(params: AdamWParams): OptimStepResult {
    const { learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm } = params;
    if (!this.hasGradient) return { gradNorm: 0 };
    const gradNorm = this.gradientNorm();
    const clip = maxGradNorm > 0 && gradNorm > maxGradNorm ? maxGradNorm / gradNorm : 1;
    if (gradNorm * clip > LARGEST_GRADIENT)
      throw this.refuse(
        `the gradient norm is ${gradNorm}, too large for the second moments in single precision; clip it (maxGradNorm)`,
        undefined,
      );
    this.step++;
    const firstScale = 1 / (1 - beta1 ** this.step);
    const secondScale = 1 / (1 - beta2 ** this.step);
    for (const { spec, value, gradient, first, second } of this.parameters) {
      const keep = spec.decays ? 1 - learningRate * weightDecay : 1;
      for (let i = 0; i < value.length; i++) {
        const g = gradient[i]! * clip;
        const m = (first[i] = beta1 * first[i]! + (1 - beta1) * g);
        const v = (second[i] = beta2 * second[i]! + (1 - beta2) * g * g);
        value[i] =
          value[i]! * keep - (learningRate * m * firstScale) / (Math.sqrt(v * secondScale) + epsilon);
      }
    }
    this.clearGradient();
    return { gradNorm };
  }

  clearGradient(): void {
    this.hasGradient = false;
    for (const { gradient } of this.parameters) gradient.fill(0);
  }

  private gradientNorm(): number {
    let total = 0;
    for (const { spec, gradient } of this.parameters) {
      let square = 0;
      for (let i = 0; i < gradient.length; i++) square += gradient[i]! * gradient[i]!;
      if (!Number.isFinite(square)) throw this.refuse("the accumulated gradient is not finite", spec.name);
      total += square;
    }
    return Math.sqrt(total);
  }

  private refuse(finding: string, gradientOf: string | undefined): NonFiniteError {
    this.clearGradient();
    return new NonFiniteError({
      finding,
      optimizerStep: this.step + 1,
      gradientOf,
      weight: this.firstNonFinite(),
    });
  }

  /** Weights as stored in a checkpoint. */
  entries(): { readonly spec: ParameterSpec; readonly value: Float32Array }[] {
    return this.parameters.map(({ spec, value }) => ({ spec, value }));
  }

  /** Moments under the names `first.<weight>` and `second.<weight>`. */
  optimizerEntries(): {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: Float32Array;
  }[] {
    return this.parameters.flatMap(({ spec, first, second }) => [
      { name: `first.${spec.name}`, shape: spec.shape, data: first },
      { name: `second.${spec.name}`, shape: spec.shape, data: second },
    ]);
  }

  private get(name: string): Parameter {
    const parameter = this.byName.get(name);
    if (parameter === undefined) throw new Error(`internal: no parameter ${name}`);
    return parameter;
  }
}
