// Our side of `pyvision bench engine`, in a process of its own; the same orders as bench/reference/torch_engine.py. It
// enters where the loops of src/learning and src/rollout do, so preparing patches, batches and positions, splitting into
// micro-batches, drawing tokens and log-probabilities are all inside the measured time.
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { type Random, randomStream } from "../../src/core/random.ts";
import type { Segment, ViewImage } from "../../src/core/trajectory.ts";
import { EmbeddedEngine } from "../../src/engines/embedded/embeddedEngine.ts";
import type { SampleRequest } from "../../src/engines/engine.ts";
import { trainMinibatch } from "../../src/learning/minibatch.ts";
import { Graph } from "../../src/onnx/graph.ts";
import { matmul } from "../../src/onnx/ops.ts";
import { GraphSession } from "../../src/onnx/session.ts";
import { type BatchFile, readBatch } from "./batchFile.ts";
import { datumOf } from "./batches.ts";
import type { Orders } from "./side.ts";

/** Of the mini recipe (configs/image-mini.yaml). */
const MICRO_BATCH_TOKENS = 3072;

interface Loaded {
  readonly file: BatchFile;
  readonly pictures: readonly ViewImage[];
}

const batches = new Map<string, Loaded>();
let engine: EmbeddedEngine | undefined;
let calls = 0;
let threads = 0;

function loaded(name: string): Loaded & { engine: EmbeddedEngine } {
  const batch = batches.get(name);
  if (engine === undefined || batch === undefined)
    throw new Error(`batch "${name}" or the checkpoint is not loaded`);
  return { ...batch, engine };
}

const handlers: {
  [K in keyof Orders]: (ask: Orders[K]["ask"]) => Promise<Orders[K]["answer"]>;
} = {
  async load(ask) {
    threads = ask.threads;
    engine = await EmbeddedEngine.load(ask.checkpoint, { threads });
    const runtime = JSON.parse(
      readFileSync(new URL("../../node_modules/onnxruntime-node/package.json", import.meta.url), "utf8"),
    ) as { version: string };
    const versions = { "ONNX Runtime": runtime.version, Node: process.versions.node };
    return { versions, threads, parameters: engine.parameterCount };
  },

  async batch({ name, folder }) {
    batches.set(name, await readBatch(folder));
    return {};
  },

  async train({ batch, clip, learning_rate }) {
    const { engine, file, pictures } = loaded(batch);
    const data = file.rows.map((row) => datumOf(row, pictures));
    const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
    const { loss } = await trainMinibatch(engine, data, {
      loss: { type: "ppo", clipLow: clip, clipHigh: clip },
      optimizer: {
        ...{ learningRate: learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
        maxGradNorm: 1,
      },
      microBatchTokens: MICRO_BATCH_TOKENS,
      where: "bench engine",
    });
    return { ms: performance.now() - startedAt, cpuMs: cpuMsSince(cpu), loss };
  },

  async sample({ batch, tokens }) {
    const { engine, file, pictures } = loaded(batch);
    // New objects: the engine keeps the features of a picture that it has seen.
    const fresh = pictures.map((picture) => ({ ...picture }));
    const call = calls++;
    const requests = file.rows.map((row, i): SampleRequest => {
      const key = file.promptKeys?.[i];
      return {
        sequenceId: `${call}-${i}`,
        // Of this call alone: the engine keeps prompts that it has seen.
        ...(key === undefined ? {} : { promptKey: `${call}-${key}` }),
        segments: segmentsOf(
          row.tokens,
          engine.codec.imagePadId,
          row.pictures.map((at) => fresh[at] as ViewImage),
        ),
        params: { maxNewTokens: tokens, temperature: 1, topP: 1, topK: 0, stopStrings: [] },
        random: neverLast(randomStream("bench engine", call, i)),
      };
    });
    const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
    const results = await engine.sample(requests);
    const [ms, cpuMs] = [performance.now() - startedAt, cpuMsSince(cpu)];
    for (const { sequenceId } of requests) engine.release(sequenceId);
    return { ms, cpuMs, tokens: results.reduce((n, result) => n + result.tokens.length, 0) };
  },

  async matmul({ size, repeats }) {
    const graph = new Graph();
    const input = (name: string) => graph.input(name, "float32", [size, size]);
    graph.output("c", matmul(input("a"), input("b")));
    const session = await GraphSession.create(graph, threads);
    const random = randomStream("matmul");
    const square = () => ({
      data: Float32Array.from({ length: size * size }, () => random.next() - 0.5),
      dims: [size, size],
    });
    const inputs = { a: square(), b: square() };
    const times: number[] = [];
    for (let i = 0; i < repeats; i++) {
      const startedAt = performance.now();
      await session.run(inputs);
      times.push(performance.now() - startedAt);
    }
    await session.dispose();
    return { times };
  },
};

/**
 * A stream whose draws stay in the first part of the distribution: tokens are drawn by cumulated probability in the order
 * of their ids, and the end of a turn is the last id that may be drawn here (see `endlessCopy` in ../engine.ts), so no row
 * ends early.
 */
function neverLast(random: Random): Random {
  return { ...random, next: () => 0.75 * random.next() };
}

function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Runs of placeholders become the pictures, in order. */
function segmentsOf(
  tokens: readonly number[],
  imagePadId: number,
  pictures: readonly ViewImage[],
): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const image of pictures) {
    const first = tokens.indexOf(imagePadId, at);
    segments.push({ type: "text", source: "prompt", tokens: tokens.slice(at, first) });
    segments.push({ type: "image", source: "prompt", image });
    at = first + image.tokenCount;
  }
  if (at < tokens.length) segments.push({ type: "text", source: "prompt", tokens: tokens.slice(at) });
  return segments;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...ask } = JSON.parse(line) as { op: keyof Orders };
  const answer = await (handlers[op] as (ask: object) => Promise<object>)(ask).catch((error: unknown) => ({
    fault: String(error),
  }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await engine?.dispose();
