// A Tinker engine before a scripted server, and small batches and requests, for tests.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Datum, datumFromSegments } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import { type Reporter, silentReporter } from "../../core/reporter.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import type { AdamWParams, OptimStepResult, SampleRequest } from "../engine.ts";
import type { TinkerOptions } from "./options.ts";
import { lettersCodec, type Stub, stub, type StubRoute } from "./stubServer.ts";
import { type OpenTinkerOptions, openTinkerEngine, type TinkerEngine } from "./tinkerEngine.ts";

export const ADAMW: AdamWParams = {
  learningRate: 0.001,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};
export const CROSS_ENTROPY = { type: "crossEntropy" } as const;
export const PPO = { type: "ppo", clipLow: 0.2, clipHigh: 0.3 } as const;

export interface Opened extends Stub {
  readonly engine: TinkerEngine;
  readonly warnings: string[];
}

export async function open(
  routes: Readonly<Record<string, StubRoute>> = {},
  config: Partial<TinkerOptions> = {},
  more: Partial<OpenTinkerOptions> = {},
): Promise<Opened> {
  const server = stub(routes);
  const warnings: string[] = [];
  const reporter: Reporter = { ...silentReporter, warn: (text) => warnings.push(text) };
  const engine = await openTinkerEngine({
    config: {
      baseUrl: "http://tinker.test",
      dialect: "pyvision",
      baseModel: "base",
      rank: 8,
      wire: "json",
      ...config,
    },
    codec: lettersCodec,
    reporter,
    world: server.world,
    ...more,
  });
  return { ...server, engine, warnings };
}

/** "ab" asked, "cd" sampled with log-probabilities -1 and -2. */
export function datum(weight = 1, advantage = 0.5): Datum {
  const segments: Segment[] = [
    { type: "text", source: "prompt", tokens: [97, 98] },
    { type: "sampled", tokens: [99, 100], logprobs: [-1, -2] },
  ];
  const made = datumFromSegments(segments, advantage, 0);
  return { ...made, mask: made.mask.map((one) => one * weight) };
}

export function request(
  more: Partial<SampleRequest> = {},
  params: Partial<SampleRequest["params"]> = {},
): SampleRequest {
  return {
    sequenceId: "one",
    segments: [{ type: "text", source: "prompt", tokens: [97, 98] }],
    params: { maxNewTokens: 4, temperature: 1, topP: 1, topK: 0, stopStrings: [], ...params },
    random: randomStream("test"),
    ...more,
  };
}

export const fbResult =
  (logprobs: readonly number[], metrics: object = {}): StubRoute =>
  ({ json }) => {
    const input = (json["forward_backward_input"] ?? json["forward_input"]) as {
      readonly data: readonly unknown[];
    };
    const one = { logprobs: { data: logprobs, dtype: "float32", shape: [logprobs.length] } };
    return { loss_fn_output_type: "x", loss_fn_outputs: input.data.map(() => one), metrics };
  };

export const sampled =
  (tokens: readonly number[], logprobs: readonly number[] = tokens.map(() => -1), stop = "stop"): StubRoute =>
  () => ({ sequences: [{ stop_reason: stop, tokens, logprobs }] });

export async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "pyvision-tinker-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

/** 28 × 28 pixels, one token. */
export function picture(shade: number): ViewImage {
  return lettersCodec.viewImage({ width: 28, height: 28, data: new Uint8Array(28 * 28 * 3).fill(shade) });
}

export function text(word: string): Segment {
  return { type: "text", source: "prompt", tokens: lettersCodec.encodeText(word) };
}

/** An update of the gradient of one datum. */
export async function step(engine: TinkerEngine): Promise<OptimStepResult> {
  await engine.forwardBackward([datum()], CROSS_ENTROPY);
  return engine.optimStep(ADAMW);
}
