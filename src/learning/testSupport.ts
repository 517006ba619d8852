// Builders and a scripted engine for this room's tests. The engine keeps the contract's arithmetic (losses are sums of
// mask × term) but has no model: a script says what every token's log-probability is.
import type { Datum } from "../core/datum.ts";
import type { EndReasonType, ScoredTrajectory, Segment, TrajectoryGroup, Turn } from "../core/trajectory.ts";
import type { AdamWParams, Codec, Engine, ForwardBackwardResult, LossSpec } from "../engines/engine.ts";
import type { AdvantageOptions } from "./advantages.ts";
import type { FilterOptions } from "./filters.ts";

export const imagePadId = 99;

/** As the paper has it: mean total reward as the baseline, no division. */
export const paperAdvantage: AdvantageOptions = { baseline: "totalReward", normalizeByStd: false };

/** Every test of variance on, broken trajectories dropped. */
export const strictFilters: FilterOptions = {
  keepEndReasons: ["answered", "turnLimit", "pythonError"],
  broken: "drop",
  zeroVariance: { accuracy: true, total: true, tolerance: 1e-6 },
};

export interface TrajectorySketch {
  readonly accuracy?: 0 | 1 | undefined;
  /** Calls that ran, each worth 0.1 when right. */
  readonly calls?: number;
  readonly end?: EndReasonType;
  readonly segments?: readonly Segment[];
  readonly turns?: readonly Turn[];
}

/** One trajectory; by default two prompt tokens and two sampled ones of ln p -0.5 and -1.5. */
export function trajectory(
  sketch: TrajectorySketch,
  taskId = "task",
  kind = "kind",
  member = 0,
): ScoredTrajectory {
  const accuracy = "accuracy" in sketch ? sketch.accuracy : 0;
  const calls = sketch.calls ?? 0;
  const toolCall = accuracy === 1 ? 0.1 * calls : 0;
  const type = sketch.end ?? "answered";
  return {
    taskId,
    taskKind: kind,
    question: "?",
    groundTruth: "!",
    member,
    segments: sketch.segments ?? [
      { type: "text", source: "prompt", tokens: [1, 2] },
      { type: "sampled", tokens: [3, 4], logprobs: [-0.5, -1.5] },
    ],
    turns: sketch.turns ?? [],
    endReason: type === "sandboxFailure" ? { type, message: "worker lost" } : { type },
    toolCalls: calls,
    effectiveToolCalls: calls,
    reward: { total: (accuracy ?? 0) + toolCall, accuracy, toolCall },
  };
}

export function group(taskId: string, members: readonly TrajectorySketch[], kind = "kind"): TrajectoryGroup {
  const trajectories = members.map((sketch, member) => trajectory(sketch, taskId, kind, member));
  return { taskId, taskKind: kind, trajectories };
}

/** `right(0, 2)`: two right answers, after no and after two calls. */
export const right = (...calls: number[]): TrajectorySketch[] =>
  calls.map((n) => ({ accuracy: 1, calls: n }));
export const wrong = (count: number): TrajectorySketch[] =>
  Array.from({ length: count }, () => ({ accuracy: 0 }));

/** A datum of `length` tokens of which the last `trained` have a loss. */
export function datum(length: number, trained: number, logprob = -1, advantage = 1): Datum {
  const tail = (value: number): Float32Array => new Float32Array(length).fill(value, length - trained);
  return {
    tokens: new Int32Array(length).fill(7),
    images: [],
    mask: tail(1),
    logprobs: tail(logprob),
    advantages: tail(advantage),
  };
}

export type EngineEvent =
  | { readonly type: "forwardBackward"; readonly batch: readonly Datum[]; readonly loss: LossSpec }
  | { readonly type: "optimStep"; readonly params: AdamWParams };

export interface EngineScript {
  /** ln p of token t of a datum after `updates` optimiser steps. Default: what it was sampled with. */
  readonly logprob?: (datum: Datum, t: number, updates: number) => number;
  /** Default: 1. Undefined: the engine does not tell. */
  readonly gradNorm?: (updates: number) => number | undefined;
  /** Of a datum's trained tokens. Default: 0. Undefined: the engine does not tell. */
  readonly entropyPerToken?: number | undefined | ((datum: Datum) => number | undefined);
}

export class ScriptedEngine implements Engine {
  readonly parameterCount = 1;
  readonly events: EngineEvent[] = [];
  readonly codec: Codec = {
    imagePadId,
    endOfTurnId: 98,
    encodeText: () => unscripted("encodeText"),
    encodeTemplate: () => unscripted("encodeTemplate"),
    decode: () => unscripted("decode"),
    viewImage: () => unscripted("viewImage"),
  };
  private updates = 0;

  constructor(private readonly script: EngineScript = {}) {}

  /** The datums of each micro-batch, in order of the calls. */
  get microBatches(): (readonly Datum[])[] {
    return this.events.flatMap((event) => (event.type === "forwardBackward" ? [event.batch] : []));
  }

  forward(batch: readonly Datum[]): Promise<Float32Array[]> {
    return Promise.resolve(batch.map((item) => this.logprobsOf(item)));
  }

  private logprobsOf(item: Datum): Float32Array {
    return item.logprobs.map((sampled, t) =>
      t === 0 ? 0 : (this.script.logprob?.(item, t, this.updates) ?? sampled),
    );
  }

  forwardBackward(batch: readonly Datum[], spec: LossSpec): Promise<ForwardBackwardResult> {
    this.events.push({ type: "forwardBackward", batch, loss: spec });
    let loss = 0;
    let entropySum: number | undefined = 0;
    const entropyPerToken = "entropyPerToken" in this.script ? this.script.entropyPerToken : 0;
    const logprobs = batch.map((item) => {
      const values = this.logprobsOf(item);
      item.mask.forEach((weight, t) => {
        if (weight === 0) return;
        const entropy: number | undefined =
          typeof entropyPerToken === "function" ? entropyPerToken(item) : entropyPerToken;
        entropySum = entropySum === undefined || entropy === undefined ? undefined : entropySum + entropy;
        loss +=
          weight *
          lossTerm(spec, values[t] as number, item.logprobs[t] as number, item.advantages[t] as number);
      });
      return values;
    });
    return Promise.resolve({ loss, logprobs, entropySum });
  }

  optimStep(params: AdamWParams): Promise<{ gradNorm: number | undefined }> {
    this.events.push({ type: "optimStep", params });
    this.updates++;
    const { gradNorm = () => 1 } = this.script;
    return Promise.resolve({ gradNorm: gradNorm(this.updates) });
  }

  sample = (): never => unscripted("sample");
  release = (): never => unscripted("release");
  saveWeights = (): never => unscripted("saveWeights");
  saveState = (): never => unscripted("saveState");
  loadState = (): never => unscripted("loadState");
  dispose = (): Promise<void> => Promise.resolve();
}

function lossTerm(spec: LossSpec, logprob: number, sampled: number, advantage: number): number {
  if (spec.type === "crossEntropy") return -logprob;
  const ratio = Math.exp(logprob - sampled);
  if (spec.type === "importanceSampling") return -ratio * advantage;
  const clipped = Math.min(Math.max(ratio, 1 - spec.clipLow), 1 + spec.clipHigh);
  if (spec.type === "cispo") return -clipped * advantage * logprob;
  return -Math.min(ratio * advantage, clipped * advantage);
}

function unscripted(name: string): never {
  throw new Error(`internal: the scripted engine has no ${name}`);
}

/** Equal within rounding of single precision. */
export function close(actual: number | undefined, expected: number, tolerance = 1e-6): void {
  if (actual === undefined || !(Math.abs(actual - expected) <= tolerance))
    throw new Error(`expected ${expected} ± ${tolerance}, received ${actual}`);
}
