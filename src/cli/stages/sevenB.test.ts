// The 7B recipes as they stand in configs/: read as a stage reads them, with pictures sent to a scripted server.
import assert from "node:assert/strict";
import test from "node:test";
import { type Datum, datumFromSegments } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import { type Reporter, silentReporter } from "../../core/reporter.ts";
import type { Segment } from "../../core/trajectory.ts";
import { capabilitiesOf } from "../../engines/tinker/capabilities.ts";
import { picture, sampled, text } from "../../engines/tinker/engineHarness.ts";
import { lettersCodec, type Stub, stub } from "../../engines/tinker/stubServer.ts";
import { openTinkerEngine, type TinkerEngine } from "../../engines/tinker/tinkerEngine.ts";
import { loadConfig } from "../../runs/config.ts";
import type { TinkerConfig } from "../../runs/engineSchema.ts";

const RECIPES = ["configs/image-7b.yaml", "configs/video-7b.yaml"];
const PPO = { type: "ppo", clipLow: 0.2, clipHigh: 0.2 } as const;
/** 28 × 28 pixels are one token. */
const SEGMENTS: readonly Segment[] = [
  text("a"),
  { type: "image", source: "prompt", image: picture(9) },
  text("b"),
];

function engineOf(recipe: string, ...sets: string[]): TinkerConfig {
  const { engine } = loadConfig(recipe, sets);
  assert.ok(engine.type === "tinker");
  return engine;
}

interface Opened {
  readonly server: Stub;
  readonly engine: TinkerEngine;
  readonly warnings: readonly string[];
}

async function opened(config: TinkerConfig): Promise<Opened> {
  const { baseModel } = config;
  assert.ok(baseModel !== undefined);
  const server = stub({
    get_server_capabilities: () => ({ supported_models: [{ model_name: baseModel }] }),
    "result:asample": sampled([99, 1]),
    "result:forward_backward": () => ({
      loss_fn_output_type: "x",
      loss_fn_outputs: [{ logprobs: { data: [-1, -1, -1, -1], dtype: "float32" } }],
      metrics: {},
    }),
  });
  const warnings: string[] = [];
  const reporter: Reporter = { ...silentReporter, warn: (said) => warnings.push(said) };
  const engine = await openTinkerEngine({
    config: { ...config, baseModel, apiKey: undefined },
    codec: lettersCodec,
    reporter,
    world: server.world,
  });
  return { server, engine, warnings };
}

/** "a", a picture, "b"; then "c" and the end, trained on with weight 3. */
function imageDatum(): Datum {
  const made = datumFromSegments(
    [...SEGMENTS, { type: "sampled", tokens: [99, 1], logprobs: [-1, -1] }],
    0.5,
    0,
  );
  return { ...made, mask: made.mask.map((one) => one * 3) };
}

const sample = (engine: TinkerEngine): Promise<unknown> =>
  engine.sample([
    {
      sequenceId: "one",
      segments: SEGMENTS,
      params: { maxNewTokens: 4, temperature: 1, topP: 1, topK: 0, stopStrings: [] },
      random: randomStream("test"),
    },
  ]);

for (const recipe of RECIPES) {
  test(`${recipe}: pictures are sent, in samples and in training, and the loss is a sum`, async () => {
    const config = engineOf(recipe);
    const { lossReduction, imagesOnSample, imagesOnTrain, losses } = capabilitiesOf(
      config.dialect,
      config.backend,
    );
    assert.deepEqual([lossReduction, imagesOnSample, imagesOnTrain], ["sum", true, true]);
    assert.ok(losses.includes(loadConfig(recipe).train.loss), "its loss");
    const { server, engine, warnings } = await opened(config);
    await sample(engine);
    await engine.forwardBackward([imageDatum()], PPO);
    const types = (chunks: unknown): string[] =>
      (chunks as { readonly type: string }[]).map(({ type }) => type);
    const prompt = server.named("asample")[0]?.json["prompt"] as { readonly chunks: unknown };
    assert.deepEqual(types(prompt.chunks), ["encoded_text", "image", "encoded_text"]);
    const input = server.named("forward_backward")[0]?.json["forward_backward_input"] as {
      readonly data: readonly {
        readonly model_input: { readonly chunks: unknown };
        readonly loss_fn_inputs: { readonly advantages: { readonly data: readonly number[] } };
      }[];
    };
    assert.deepEqual(types(input.data[0]?.model_input.chunks), ["encoded_text", "image", "encoded_text"]);
    // Of a server that divides by the sum of the weights they would be multiplied by it: 0.5 · 6.
    assert.deepEqual(input.data[0]?.loss_fn_inputs.advantages.data, [0, 0, 0.5, 0.5]);
    assert.deepEqual(warnings, []);
    assert.equal(server.named("create_model").length, 1);
  });

  test(`${recipe}: on SkyRL's JAX backend, which drops them, the same pictures are refused`, async () => {
    const { server, engine } = await opened(engineOf(recipe, "engine.backend=jax", "engine.rank=32"));
    await assert.rejects(sample(engine), /drops images/);
    await assert.rejects(engine.forwardBackward([imageDatum()], PPO), /drops images/);
    assert.deepEqual([server.named("asample").length, server.named("forward_backward").length], [0, 0]);
  });
}
