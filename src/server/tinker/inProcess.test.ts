// A run through the server equals the run in one process, to the bit: the same model plays several rounds of episodes with
// pictures and is trained on them, once by calls of the engine and once by requests over HTTP.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Datum } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { EmbeddedEngine as Engine } from "../../engines/embedded/embeddedEngine.ts";
import type { LossSpec } from "../../engines/engine.ts";
import { datum, observation, prompt } from "../../engines/embedded/testModel.ts";
import { chunksOf, toWireDatum } from "../../engines/tinker/protocol/datum.ts";
import {
  decodeForwardBackwardOutputJson,
  encodeChunks,
  encodeForwardBackwardCallJson,
} from "../../engines/tinker/protocol/json.ts";
import { wireLoss } from "../../engines/tinker/protocol/losses.ts";
import {
  decodeForwardBackwardOutputProto,
  decodeSampleOutputProto,
  encodeForwardBackwardCallProto,
} from "../../engines/tinker/protocol/protobuf.ts";
import type { ForwardBackwardCall } from "../../engines/tinker/protocol/wire.ts";
import { type Json, serveSmall, type Serving, smallCheckpoint, type SmallCheckpoint } from "./testClient.ts";

const PPO: LossSpec = { type: "ppo", clipLow: 0.2, clipHigh: 0.28 };
const ADAM = {
  learningRate: 0.003,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};
const GROUPS = 3;
const MEMBERS = 4;
const STEPS = 3;

let checkpoint: SmallCheckpoint;
let serving: Serving;
let local: EmbeddedEngine;
before(async () => {
  checkpoint = await smallCheckpoint();
  [serving, local] = await Promise.all([serveSmall(checkpoint), Engine.load(checkpoint.dir, { threads: 1 })]);
});
after(async () => {
  await serving.server.close();
  await local.dispose();
  checkpoint.remove();
});

/** What one set-up offers; everything else is the same code for both. */
interface Policy {
  beginStep(): Promise<void>;
  /** Tokens and log-probabilities of each; `random` stands behind them afterwards. */
  sample(
    step: number,
    round: number,
    episodes: readonly Episode[],
  ): Promise<{ tokens: number[]; logprobs: number[] }[]>;
  train(
    batch: readonly Datum[],
    loss: LossSpec,
  ): Promise<{ loss: number; entropy: number; logprobs: Float32Array[] }>;
  update(): Promise<number>;
}

interface Episode {
  readonly group: number;
  readonly member: number;
  readonly random: ReturnType<typeof randomStream>;
  segments: Segment[];
}

async function play(policy: Policy): Promise<unknown[]> {
  const record: unknown[] = [];
  for (let step = 0; step < STEPS; step++) {
    await policy.beginStep();
    const episodes: Episode[] = Array.from({ length: GROUPS * MEMBERS }, (_, i) => {
      const group = Math.floor(i / MEMBERS);
      const member = i % MEMBERS;
      const segments = prompt(local, 10 * step + group);
      return { group, member, segments, random: randomStream(7, step, group, member) };
    });
    for (let round = 0; round < 3; round++) {
      // Some episodes end early.
      const going = episodes.filter(({ member }) => round < 2 || member % 2 === 0);
      const results = await policy.sample(step, round, going);
      going.forEach((episode, i) => {
        const { tokens, logprobs } = results[i] as { tokens: number[]; logprobs: number[] };
        record.push([tokens, logprobs, episode.random.state()]);
        episode.segments = [...episode.segments, { type: "sampled", tokens, logprobs }];
        if (round < 2) episode.segments.push(...observation(local, 100 * step + 10 * round + i));
      });
    }
    const data = episodes.map(({ segments, member }) => scaled(datum(local, segments, member - 1.5)));
    for (const loss of [
      PPO,
      { type: "cispo", clipLow: 1, clipHigh: 3 },
      { type: "importanceSampling" },
    ] as const) {
      const { loss: total, entropy, logprobs } = await policy.train(data.slice(0, 7), loss);
      record.push([loss.type, total, entropy, logprobs.map((values) => [...values])]);
    }
    const last = await policy.train(data.slice(7), PPO);
    record.push([last.loss, last.entropy, last.logprobs.map((values) => [...values]), await policy.update()]);
  }
  return record;
}

/** A datum ends in text on the wire, and masks are token means. */
function scaled(full: Datum): Datum {
  let end = full.tokens.length;
  while (full.tokens[end - 1] === local.codec.imagePadId) end--;
  assert.equal(end, full.tokens.length);
  return { ...full, mask: full.mask.map((weight) => weight / 171) };
}

const inProcess: Policy = {
  beginStep: () => Promise.resolve(),
  sample: async (step, _, episodes) => {
    const results = await local.sample(
      episodes.map(({ group, member, segments, random }) => ({
        sequenceId: `${step}/${group}/${member}`,
        promptKey: `${step}/${group}`,
        segments,
        params: { maxNewTokens: 6 + member, temperature: 1, topP: 1, topK: 0, stopStrings: ["</a>"] },
        random,
      })),
    );
    return results.map(({ tokens, logprobs }) => ({ tokens: [...tokens], logprobs: [...logprobs] }));
  },
  train: async (batch, loss) => {
    const { loss: total, entropySum = NaN, logprobs } = await local.forwardBackward(batch, loss);
    return { loss: total, entropy: entropySum, logprobs: [...logprobs] };
  },
  update: async () => (await local.optimStep(ADAM)).gradNorm ?? NaN,
};

/** @param wire how batches and results travel */
async function overHttp(wire: "json" | "protobuf"): Promise<Policy> {
  const { client } = serving;
  const modelId = await client.model("small");
  let sampler = "";
  let samplerSeq = 0;
  let sampleSeq = 0;
  const accept = wire === "json" ? "application/json" : "application/x-protobuf";
  return {
    beginStep: async () => {
      sampler = await client.sampler(modelId, samplerSeq++);
      sampleSeq = 0;
    },
    sample: (step, round, episodes) =>
      Promise.all(
        episodes.map(async ({ member, segments, random }) => {
          const reply = await client.ask("asample", {
            sampling_session_id: sampler,
            seq_id: sampleSeq++,
            num_samples: 1,
            // Other batches have other rounding.
            together: { call: `${wire}/${step}/${round}`, count: episodes.length },
            prompt: { chunks: encodeChunks(chunksOf(segments)) },
            sampling_params: {
              max_tokens: 6 + member,
              temperature: 1,
              stop: ["</a>"],
              random_state: [...random.state()],
            },
          });
          const { bytes } = await client.result(reply["request_id"], "application/x-protobuf");
          const { tokens, logprobs = [] } = decodeSampleOutputProto(bytes).sequences[0] ?? { tokens: [] };
          for (const _ of tokens) random.next();
          return { tokens: [...tokens], logprobs: [...logprobs] };
        }),
      ),
    train: async (batch, loss) => {
      const { imagePadId } = local.codec;
      const call: ForwardBackwardCall = {
        modelId,
        seqId: client.seq(modelId),
        data: batch.map((one) => toWireDatum(one, { imagePadId, dialect: "pyvision", loss })),
        ...wireLoss(loss, "pyvision"),
        forwardOnly: false,
      };
      const body =
        wire === "json"
          ? (encodeForwardBackwardCallJson(call, "forward_backward_input") as Json)
          : encodeForwardBackwardCallProto(call);
      const { request_id: id } = await client.ask("forward_backward", body);
      const { bytes, json } = await client.result(id, accept);
      const output =
        wire === "json" ? decodeForwardBackwardOutputJson(json) : decodeForwardBackwardOutputProto(bytes);
      const logprobs = output.outputs.map((tensors) =>
        Float32Array.from([0, ...((tensors["logprobs"]?.data ?? []) as Float32Array)]),
      );
      const { "loss:sum": total = NaN, "entropy:sum": entropy = NaN } = output.metrics;
      return { loss: total, entropy, logprobs };
    },
    update: async () => {
      const { metrics } = await client.step(modelId, ADAM.learningRate, {
        beta2: ADAM.beta2,
        weight_decay: ADAM.weightDecay,
        grad_clip_norm: ADAM.maxGradNorm,
      });
      return (metrics as { grad_norm: number }).grad_norm;
    },
  };
}

test("sampling, training and updates are those of the engine in this process, to the bit", async () => {
  const reference = await play(inProcess);
  const sampled = reference.filter((entry) => Array.isArray((entry as unknown[])[0])) as [number[]][];
  assert.equal(sampled.length, STEPS * (12 + 12 + 6));
  const lengths = new Set(sampled.map(([tokens]) => tokens.length));
  assert.ok(lengths.size > 3, "turns of several lengths");
  for (const wire of ["json", "protobuf"] as const)
    assert.deepEqual(await play(await overHttp(wire)), reference, wire);
  assert.deepEqual(serving.failures, []);
});
