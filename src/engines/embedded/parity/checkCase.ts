// Holds the engine, loaded from a checkpoint that Transformers wrote, against what Transformers computed with it.
import assert from "node:assert/strict";
import type { Datum } from "../../../core/datum.ts";
import { randomStream } from "../../../core/random.ts";
import type { Segment } from "../../../core/trajectory.ts";
import { mropePositions } from "../../../models/qwen2_5_vl/positions.ts";
import type { StoredTensor } from "../../../models/qwen2_5_vl/safetensors.ts";
import type { LossSpec, SampleRequest } from "../../engine.ts";
import type { EmbeddedEngine } from "../embeddedEngine.ts";
import type { ParameterStore } from "../parameters.ts";
import { ADAMW, caseDatums, LOSS, ROBUST_EPSILON, type ModelCase } from "./cases.ts";
import type { Agreement } from "./compare.ts";

export type Results = ReadonlyMap<string, StoredTensor>;

/** What reference/training.py says of a case in its result.json. */
export interface CaseSummary {
  readonly losses: Readonly<Record<LossSpec["type"], number>>;
  /** Global gradient norm before clipping, for each AdamW step of the two runs. */
  readonly gradNorms: { readonly default: readonly number[]; readonly update: readonly number[] };
}

/** Largest relative errors that count as agreement; compare.ts says how each is measured. */
export const LIMIT = { forward: 1e-4, gradient: 1e-3, update: 1e-3, noisyUpdate: 3e-3 } as const;

const KINDS = ["crossEntropy", "importanceSampling", "ppo", "cispo"] as const;
/** The losses of three optimiser steps. */
const STEPS = ["crossEntropy", "ppo", "crossEntropy"] as const;

/** Runs every comparison of one case. Afterwards the engine has been trained for a few steps. */
export async function checkCase(
  engine: EmbeddedEngine,
  modelCase: ModelCase,
  results: Results,
  summary: CaseSummary,
  agreement: Agreement,
): Promise<void> {
  const datums = caseDatums(modelCase, engine.codec);
  checkPositions(engine, modelCase, datums, results);
  await checkLogits(engine, modelCase, datums, results, agreement);
  await checkLogprobs(engine, modelCase, datums, results, agreement);
  await checkTargets(engine, modelCase, datums, results, agreement);
  for (const kind of KINDS)
    await checkGradients(engine, modelCase, datums, results, summary, agreement, kind);
  await checkAdamW(engine, modelCase, datums, results, summary, agreement);
}

function lossOf(type: LossSpec["type"]): LossSpec {
  return type === "ppo" || type === "cispo" ? { type, ...LOSS } : { type };
}

function floats(results: Results, name: string): Float32Array {
  const data = results.get(name)?.data;
  assert.ok(data instanceof Float32Array, `the reference wrote no "${name}"`);
  return data;
}

/** Exactly. */
function checkPositions(
  engine: EmbeddedEngine,
  { name }: ModelCase,
  datums: readonly Datum[],
  results: Results,
): void {
  datums.forEach(({ tokens, images }, i) => {
    const wanted = results.get(`positions.${i}`)?.data;
    const grids = images.map((image) => image.grid);
    assert.ok(wanted instanceof Int32Array, `the reference wrote no positions of sequence ${i}`);
    assert.deepEqual(
      mropePositions(tokens, grids, engine.files.config),
      wanted,
      `${name}: positions of sequence ${i}`,
    );
  });
}

/** What the sampler computes before it draws: the logits after the last token of each request. */
interface LogitsView {
  logitsAfter(requests: readonly SampleRequest[]): Promise<Float32Array[]>;
}

/** Logits after every token outside of images, from a cache that grows token by token, all sequences as one batch. */
async function checkLogits(
  engine: EmbeddedEngine,
  { name }: ModelCase,
  datums: readonly Datum[],
  results: Results,
  agreement: Agreement,
): Promise<void> {
  const sampler = (engine as unknown as { sampler: LogitsView }).sampler;
  const vocab = engine.files.config.vocabSize;
  const cuts = datums.map((d) => prefixes(d, engine.codec.imagePadId));
  const random = randomStream("unused");
  const params = { maxNewTokens: 1, temperature: 0, topP: 1, topK: 0, stopStrings: [] };
  const steps = Math.max(...cuts.map((c) => c.length));
  const got = datums.map((d) => new Float32Array(d.tokens.length * vocab));
  const compared = datums.map((d) => new Uint8Array(d.tokens.length));
  for (let step = 0; step < steps; step++) {
    const active = datums.flatMap((_, i) => (step < (cuts[i] as Segment[][]).length ? [i] : []));
    const requests = active.map((i): SampleRequest => {
      const segments = (cuts[i] as Segment[][])[step] as Segment[];
      return { sequenceId: `${i}`, segments, params, random };
    });
    const logits = await sampler.logitsAfter(requests);
    active.forEach((i, k) => {
      const end = requests[k]!.segments.reduce(
        (n, s) => n + (s.type === "image" ? s.image.tokenCount : s.tokens.length),
        0,
      );
      got[i]!.set(logits[k] as Float32Array, (end - 1) * vocab);
      compared[i]![end - 1] = 1;
    });
  }
  datums.forEach((d, i) => {
    engine.release(`${i}`);
    const wanted = floats(results, `logits.${i}`).slice();
    for (let t = 0; t < d.tokens.length; t++)
      if (compared[i]![t] === 0) wanted.fill(0, t * vocab, (t + 1) * vocab);
    agreement.values("logits", `${name}, sequence ${i}`, got[i] as Float32Array, wanted, LIMIT.forward);
  });
}

/** The sequence as segments, cut after every token but inside of images. */
function prefixes({ tokens, images }: Datum, imagePadId: number): Segment[][] {
  const all: Segment[][] = [];
  let segments: Segment[] = [];
  let image = 0;
  for (let t = 0; t < tokens.length;) {
    const token = tokens[t] as number;
    const view = token === imagePadId ? images[image++] : undefined;
    segments = [
      ...segments,
      view === undefined
        ? { type: "text", source: "prompt", tokens: [token] }
        : { type: "image", source: "prompt", image: view },
    ];
    t += view?.tokenCount ?? 1;
    all.push(segments);
  }
  return all;
}

/** ln p of other tokens than those that stand there, out of the reference's logits. */
async function checkTargets(
  engine: EmbeddedEngine,
  { name }: ModelCase,
  datums: readonly Datum[],
  results: Results,
  agreement: Agreement,
): Promise<void> {
  const vocab = engine.files.config.vocabSize;
  const others = datums.map((d) => ({
    ...d,
    targets: d.tokens.map((token, t) => (token + 7 * t + 1) % vocab),
  }));
  const got = await engine.forward(others);
  others.forEach(({ mask, targets }, i) => {
    const logits = floats(results, `logits.${i}`);
    const wanted = mask.map((weight, t) => {
      if (weight === 0) return 0;
      const row = logits.subarray((t - 1) * vocab, t * vocab);
      return row[targets[t] as number]! - Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    });
    const at = `${name}, sequence ${i}`;
    agreement.values("log-probabilities of other targets", at, got[i] as Float32Array, wanted, LIMIT.forward);
  });
}

/** Of every token but the first, with the whole batch padded, with a gradient and without. Placeholders are never trained on, so they are left out. */
async function checkLogprobs(
  engine: EmbeddedEngine,
  { name }: ModelCase,
  datums: readonly Datum[],
  results: Results,
  agreement: Agreement,
): Promise<void> {
  const everywhere = datums.map((d) => ({
    ...d,
    mask: Float32Array.from(d.tokens, (token, t) => (t === 0 || token === engine.codec.imagePadId ? 0 : 1)),
  }));
  const { logprobs } = await engine.forwardBackward(everywhere, { type: "crossEntropy" });
  storeOf(engine).clearGradient();
  assert.deepEqual(await engine.forward(everywhere), logprobs, `${name}: without a gradient`);
  everywhere.forEach(({ mask }, i) => {
    const wanted = floats(results, `logprobs.${i}`).map((v, t) => (mask[t] === 0 ? 0 : v));
    const at = `${name}, sequence ${i}`;
    agreement.values("log-probabilities", at, logprobs[i] as Float32Array, wanted, LIMIT.forward);
  });
}

/** The engine's weights and accumulated gradients. */
export function storeOf(engine: EmbeddedEngine): ParameterStore {
  return (engine as unknown as { parameters: ParameterStore }).parameters;
}

/** Of every weight: from one batch, and accumulated from one sequence at a time. */
export async function checkGradients(
  engine: EmbeddedEngine,
  modelCase: ModelCase,
  datums: readonly Datum[],
  results: Results,
  summary: CaseSummary,
  agreement: Agreement,
  kind: LossSpec["type"],
): Promise<void> {
  const store = storeOf(engine);
  const loss = lossOf(kind);
  for (const batches of [[datums], datums.map((d) => [d])]) {
    let total = 0;
    for (const batch of batches) total += (await engine.forwardBackward(batch, loss)).loss;
    agreement.norms(`loss (${kind})`, modelCase.name, [total], [summary.losses[kind]], LIMIT.forward);
    for (const { spec } of store.entries()) {
      const got = store.gradient(spec.name);
      // A weight that the batch does not reach has no gradient there and one of zero here.
      if (!results.has(`${kind}.${spec.name}`)) {
        assert.ok(
          got.every((v) => v === 0),
          `${spec.name} has a gradient that the reference has not`,
        );
        continue;
      }
      const wanted = floats(results, `${kind}.${spec.name}`);
      const at = `${spec.name}; ${modelCase.name}`;
      agreement.norms(`gradients (${kind})`, at, got, wanted, LIMIT.gradient);
    }
    store.clearGradient();
  }
}

/**
 * Updates, not weights. Adam divides a gradient by its own size: where a gradient is rounding noise its update is a coin
 * toss (float32 PyTorch is up to 3e-3 away from float64 PyTorch), unless epsilon is above the noise. So: the optimiser
 * alone on the reference's gradients; training with an epsilon above the noise, weight by weight; and training with the
 * usual epsilon, all weights together.
 */
async function checkAdamW(
  engine: EmbeddedEngine,
  { name }: ModelCase,
  datums: readonly Datum[],
  results: Results,
  summary: CaseSummary,
  agreement: Agreement,
): Promise<void> {
  const store = storeOf(engine);
  const start = new Map(store.entries().map(({ spec, value }) => [spec.name, value.slice()]));
  const rewind = (): void => {
    for (const { spec, value } of store.entries()) value.set(start.get(spec.name) as Float32Array);
    for (const { data } of store.optimizerEntries()) data.fill(0);
    store.step = 0;
  };
  const updates = (): Map<string, Float32Array> =>
    new Map(
      store.entries().map(({ spec, value }) => {
        const from = start.get(spec.name) as Float32Array;
        return [spec.name, value.map((v, i) => v - (from[i] as number))];
      }),
    );

  for (const kind of STEPS) {
    for (const { spec } of store.entries()) {
      const gradient = results.get(`${kind}.${spec.name}`);
      if (gradient !== undefined) store.accumulate(spec.name, gradient.data as Float32Array);
    }
    await engine.optimStep(ADAMW);
  }
  for (const [weight, update] of updates()) {
    const wanted = floats(results, `stepped.${weight}`);
    agreement.norms("AdamW on equal gradients", `${weight}; ${name}`, update, wanted, LIMIT.update);
  }

  for (const run of ["update", "default"] as const) {
    rewind();
    const norms: number[] = [];
    for (const kind of STEPS) {
      await engine.forwardBackward(datums, lossOf(kind));
      const { gradNorm } = await engine.optimStep(
        run === "default" ? ADAMW : { ...ADAMW, epsilon: ROBUST_EPSILON },
      );
      norms.push(gradNorm as number);
    }
    agreement.norms("gradient norms of three steps", name, norms, summary.gradNorms[run], LIMIT.gradient);
    if (run === "update")
      for (const [weight, update] of updates()) {
        const wanted = floats(results, `update.${weight}`);
        agreement.norms("training updates", `${weight}; ${name}`, update, wanted, LIMIT.update);
      }
    else {
      const all = [...updates()];
      const wanted = all.flatMap(([weight]) => [...floats(results, `default.${weight}`)]);
      const got = all.flatMap(([, update]) => [...update]);
      agreement.norms("training updates, all weights, usual epsilon", name, got, wanted, LIMIT.noisyUpdate);
    }
  }
}
