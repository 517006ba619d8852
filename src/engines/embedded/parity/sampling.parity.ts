// What the engine samples, turn by turn with its KV cache and several images, against whole forward passes of
// Transformers over checkpoints that the engine wrote; and greedy decoding against `generate`.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { randomStream } from "../../../core/random.ts";
import type { Segment } from "../../../core/trajectory.ts";
import { neverSampled } from "../../../models/qwen2_5_vl/codec.ts";
import { parseConfig } from "../../../models/qwen2_5_vl/config.ts";
import { hashImage, smallTokenizer } from "../../../models/qwen2_5_vl/testFixtures.ts";
import type { SampleResult, SamplingParams } from "../../engine.ts";
import { EmbeddedEngine } from "../embeddedEngine.ts";
import {
  LIMITS,
  MODEL_CASES,
  TEXT_IDS,
  VISION_END,
  VISION_START,
  type ModelCase,
  type Part,
} from "./cases.ts";
import { Agreement } from "./compare.ts";
import { jobFolder, runReference, writePicture, type Job } from "./harness.ts";

const EPISODES = 4;
const TURNS = 3;
const MAX_NEW_TOKENS = 24;
const SAMPLED: SamplingParams = { maxNewTokens: 12, temperature: 1, topP: 1, topK: 0, stopStrings: [] };
const GREEDY: SamplingParams = { ...SAMPLED, maxNewTokens: MAX_NEW_TOKENS, temperature: 0 };

/** Freshly drawn models in two shapes, and the carried policy, whose distributions are sharp. */
const ENGINES: Readonly<Record<string, () => Promise<EmbeddedEngine>>> = {
  "fresh, tied": () => fresh(MODEL_CASES[0] as ModelCase),
  "fresh, untied": () => fresh(MODEL_CASES[2] as ModelCase),
  "carried policy": () => EmbeddedEngine.load("checkpoints/image-mini/sft", { limits: LIMITS }),
};

function fresh({ config, seed }: ModelCase): Promise<EmbeddedEngine> {
  const files = {
    config: parseConfig(config),
    tokenizer: smallTokenizer(),
    limits: LIMITS,
  };
  return EmbeddedEngine.initialise(files, randomStream("parity weights", seed));
}

interface Served {
  readonly loading: Readonly<Record<string, readonly string[]>>;
  readonly parameters: number;
  readonly logprobs: readonly (readonly number[])[];
  readonly greedy: readonly (readonly number[])[];
}

/** A prompt or observation with one picture. Members of a group share the first prompt. */
async function stretch(
  dir: string,
  engine: EmbeddedEngine,
  name: string,
): Promise<{ segments: Segment[]; parts: Part[] }> {
  const random = randomStream("stretch", name);
  const text = (n: number): number[] => Array.from({ length: n }, () => random.below(TEXT_IDS));
  const size = (): number => 28 + random.below(120);
  const image = hashImage(size(), size(), random.below(1000));
  // The carried tokenizer has other ids for what frames an image.
  const [start, end] = engine.codec.encodeTemplate("<|vision_start|><|vision_end|>") as [number, number];
  if (engine.files.config.vocabSize < 400) assert.deepEqual([start, end], [VISION_START, VISION_END]);
  const before = [...text(2 + random.below(6)), start];
  const after = [end, ...text(1 + random.below(4))];
  return {
    segments: [
      { type: "text", source: "prompt", tokens: before },
      { type: "image", source: "prompt", image: engine.codec.viewImage(image) },
      { type: "text", source: "prompt", tokens: after },
    ],
    parts: [{ text: before }, { image: await writePicture(dir, name, image) }, { text: after }],
  };
}

test("sampling is Qwen2_5_VLForConditionalGeneration's", async (t) => {
  const dir = await jobFolder(t);
  const models = [];
  const sampled: SampleResult[][] = [];
  const greedy: SampleResult[][] = [];
  const counts: number[] = [];
  for (const [m, [, make]] of Object.entries(ENGINES).entries()) {
    const engine = await make();
    const episodes = [];
    for (let e = 0; e < EPISODES; e++) {
      const prompt = await stretch(dir, engine, `${m}-prompt-${e >> 1}`);
      episodes.push({ ...prompt, prompt: prompt.parts, random: randomStream("draws", m, e) });
    }
    greedy.push([
      ...(await engine.sample(
        episodes.map(({ segments, random }, e) => ({
          sequenceId: `g${e}`,
          segments,
          params: GREEDY,
          random,
        })),
      )),
    ]);
    const all: SampleResult[][] = episodes.map(() => []);
    for (let turn = 0; turn < TURNS; turn++) {
      const results = await engine.sample(
        episodes.map(({ segments, random }, e) => ({
          sequenceId: `s${e}`,
          promptKey: `p${e >> 1}`,
          segments,
          params: SAMPLED,
          random,
        })),
      );
      for (const [e, result] of results.entries()) {
        const episode = episodes[e] as (typeof episodes)[number];
        all[e]?.push(result);
        const { tokens, logprobs } = result;
        const told = await stretch(dir, engine, `${m}-observation-${e}-${turn}`);
        episode.segments = [...episode.segments, { type: "sampled", tokens, logprobs }, ...told.segments];
        episode.parts = [...episode.parts, { sampled: tokens, logprobs, advantage: 1 }, ...told.parts];
      }
    }
    sampled.push(
      all.map((results) => ({
        tokens: results.flatMap((r) => r.tokens),
        logprobs: results.flatMap((r) => r.logprobs),
        stop: "stop",
      })),
    );
    await engine.saveWeights(join(dir, `model-${m}`));
    counts.push(engine.parameterCount);
    models.push({
      checkpoint: `model-${m}`,
      limits: LIMITS,
      episodes: episodes.map(({ parts }) => parts),
      prompts: episodes.map(({ prompt }) => prompt),
      maxNewTokens: MAX_NEW_TOKENS,
      suppressed: [...neverSampled(engine.files.config, engine.files.tokenizer)],
    });
    await engine.dispose();
  }
  const served = (await runReference(dir, { task: "serve", models } as Job)) as Served[];
  const agreement = new Agreement();
  for (const [m, name] of Object.keys(ENGINES).entries())
    await t.test(name, () => {
      const { loading, parameters, logprobs, greedy: generated } = served[m] as Served;
      for (const [kind, names] of Object.entries(loading))
        assert.deepEqual(names, [], `${kind} when Transformers loads the engine's checkpoint`);
      assert.equal(parameters, counts[m]);
      for (let e = 0; e < EPISODES; e++) {
        const got = (sampled[m]?.[e] as SampleResult).logprobs;
        agreement.values("sampled log-probabilities", `${name}, episode ${e}`, got, logprobs[e] ?? [], 1e-4);
        assert.deepEqual(
          (greedy[m]?.[e] as SampleResult).tokens,
          generated[e],
          `greedy tokens of prompt ${e}`,
        );
      }
    });
  agreement.report(t);
  t.diagnostic(
    `${sampled.flat().reduce((n, r) => n + r.tokens.length, 0)} sampled and ${greedy.flat().reduce((n, r) => n + r.tokens.length, 0)} greedy tokens`,
  );
});
