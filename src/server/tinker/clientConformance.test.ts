// The Tinker engine before our own server keeps the whole engine contract, over HTTP on this machine, and computes what the
// engine in this process computes.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { randomStream } from "../../core/random.ts";
import { defineEngineConformance } from "../../engines/conformance.ts";
import {
  ADAMW,
  near,
  observation,
  one,
  PPO,
  prompt,
  request,
  sequence,
  toDatum,
} from "../../engines/conformance/case.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { smallEngine } from "../../engines/embedded/testModel.ts";
import type { Engine, SampleResult } from "../../engines/engine.ts";
import { openTinkerEngine, type TinkerEngine } from "../../engines/tinker/tinkerEngine.ts";
import { readTinkerFolder } from "../../engines/tinker/tinkerFolder.ts";
import { loadProcessor } from "../../models/qwen2_5_vl/processor.ts";
import { startTinkerServer, type TinkerServer, type TinkerServerOptions } from "./server.ts";

let root: string;
let server: TinkerServer;

before(async () => {
  root = await mkdtemp(join(tmpdir(), "pyvision-tinker-"));
  const small = await smallEngine();
  await small.saveWeights(join(root, "base"));
  await small.dispose();
  server = await serve();
});

function serve(more: Partial<TinkerServerOptions> = {}): Promise<TinkerServer> {
  return startTinkerServer({
    models: [{ name: "base", dir: join(root, "base") }],
    storeDir: join(root, "store"),
    threads: 1,
    maxModels: 64,
    ...more,
  });
}

after(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

/** @param dir with a checkpoint that an engine before this server saved */
async function open(
  wire: "protobuf" | "json",
  dir?: string,
  dialect: "pyvision" | "hosted" = "pyvision",
  { baseUrl } = server,
): Promise<TinkerEngine> {
  const { codec } = await loadProcessor(join(root, "base"));
  const config = { baseUrl, dialect, baseModel: "base", rank: 1, wire } as const;
  const init = dir === undefined ? undefined : { path: (await readTinkerFolder(dir)).path, optimizer: false };
  return openTinkerEngine({ config, codec, init });
}

defineEngineConformance("TinkerEngine before our own server", (dir) => open("protobuf", dir));

/** Two updates of a group of two-turn sequences with pictures: everything that comes out of an engine. */
async function run(engine: Engine): Promise<unknown> {
  const told: unknown[] = [];
  for (let step = 0; step < 2; step++) {
    const members = [0, 1, 2, 3].map((member) => ({
      sequenceId: `${step}/${member}`,
      promptKey: `${step}`,
      random: randomStream("run", step, member),
      segments: prompt(engine, step),
    }));
    for (let turn = 0; turn < 2; turn++) {
      const params = { maxNewTokens: 5 + turn, temperature: 1, topP: 1, topK: 0, stopStrings: ["</code>"] };
      const turns = await engine.sample(
        members.map((member) => ({ ...member, segments: [...member.segments], params })),
      );
      members.forEach(({ segments }, m) => {
        segments.push({ type: "sampled", ...turns[m]! });
        if (turn === 0) segments.push(...observation(engine, m));
      });
      told.push(turns);
    }
    for (const { sequenceId } of members) engine.release(sequenceId);
    const batch = members.map(({ segments }, m) => {
      const made = toDatum(engine, segments, m - 1.5);
      return { ...made, mask: made.mask.map((weight) => weight / 44) };
    });
    told.push(
      members.map(({ random }) => random.state()),
      await engine.forward(batch),
    );
    told.push(
      await engine.forwardBackward(batch.slice(0, 3), PPO),
      await engine.forwardBackward(batch.slice(3), PPO),
    );
    told.push(await engine.optimStep({ ...ADAMW, learningRate: 0.01 }));
  }
  return told;
}

test("a run through the server is the run in this process, bit for bit, by either codec", async (t) => {
  // A request of a call that is late is waited for, however late: other batches have other rounding.
  const patient = await serve({ togetherMs: 60_000 });
  t.after(() => patient.close());
  const embedded = await EmbeddedEngine.load(join(root, "base"), { threads: 1 });
  const expected = await run(embedded);
  await embedded.dispose();
  for (const wire of ["protobuf", "json"] as const) {
    const remote = await open(wire, undefined, "pyvision", patient);
    assert.deepEqual(await run(remote), expected, wire);
    await remote.dispose();
  }
});

test("weights that were saved through the server are a checkpoint for this process", async () => {
  const remote = await open("protobuf");
  const batch = [sequence(remote, 1)];
  await remote.forwardBackward(batch, PPO);
  await remote.optimStep(ADAMW);
  const dir = join(root, "saved");
  await remote.saveWeights(dir);
  const expected = await remote.forward(batch);
  await remote.dispose();
  const embedded = await EmbeddedEngine.load(dir, { threads: 1 });
  assert.deepEqual(await embedded.forward(batch), expected);
  await embedded.dispose();
});

test("spoken to as the hosted service, the server takes the same steps", async () => {
  const [ours, hosted] = [await open("protobuf"), await open("protobuf", undefined, "hosted")];
  const segments = prompt(hosted, 3);
  const turn = async (seed: number): Promise<SampleResult> => one(hosted, request(segments, seed));
  const [first, again, other] = [await turn(1), await turn(1), await turn(2)];
  assert.deepEqual(again, first, "a seed names a turn");
  assert.notDeepEqual(other.tokens, first.tokens);
  assert.equal(first.unfit, undefined);
  const batch = [first, other].map((result, i) => {
    const datum = toDatum(hosted, [...segments, { type: "sampled", ...result }], 1.5 - i);
    return { ...datum, mask: datum.mask.map((weight) => weight * 0.25) };
  });
  for (const loss of [PPO, { type: "importanceSampling" }, { ...PPO, type: "cispo" }] as const) {
    const [a, b] = [await ours.forwardBackward(batch, loss), await hosted.forwardBackward(batch, loss)];
    assert.ok(Math.abs(a.loss - b.loss) < 1e-5, `${loss.type}: ${a.loss}, ${b.loss}`);
    batch.forEach((_, d) => near(b.logprobs[d]!, a.logprobs[d]!, 1e-5, loss.type));
    const [mine, theirs] = [await ours.optimStep(ADAMW), await hosted.optimStep(ADAMW)];
    assert.ok(Math.abs(mine.gradNorm! / theirs.gradNorm! - 1) < 1e-4, `${mine.gradNorm}, ${theirs.gradNorm}`);
  }
  const dir = join(root, "hosted");
  await hosted.saveWeights(dir);
  const expected = await hosted.forward(batch);
  await Promise.all([ours.dispose(), hosted.dispose()]);
  const embedded = await EmbeddedEngine.load(dir, { threads: 1 });
  (await embedded.forward(batch)).forEach((logprobs, d) => near(logprobs, expected[d]!, 1e-5, "downloaded"));
  await embedded.dispose();
});
