// Our client before our server through a proxy that spoils what it likes, and one small run to do on it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type Datum, datumFromSegments } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { Segment } from "../../core/trajectory.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { observation, prompt, smallEngine } from "../../engines/embedded/testModel.ts";
import type { AdamWParams, Engine, LossSpec, SampleRequest } from "../../engines/engine.ts";
import type { Init } from "../../engines/tinker/checkpoints.ts";
import type { TinkerOptions, World } from "../../engines/tinker/options.ts";
import { openTinkerEngine, type TinkerEngine } from "../../engines/tinker/tinkerEngine.ts";
import { type FaultProxy, type Script, startFaultProxy } from "./faultProxy.ts";
import { startTinkerServer, type TinkerServer } from "./server.ts";

export const ADAMW: AdamWParams = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};
const PPO: LossSpec = { type: "ppo", clipLow: 0.2, clipHigh: 0.28 };

/** Everything a run says, and the sum of its weights. */
export interface Story {
  readonly said: readonly unknown[];
  readonly weights: string;
}

export interface Opened {
  readonly proxy: FaultProxy;
  readonly engine: TinkerEngine;
  readonly world: QuickWorld;
  readonly warnings: readonly string[];
}

export interface OpenOptions {
  /** Default: the bench's own. */
  readonly target?: TinkerServer;
  readonly config?: Partial<TinkerOptions>;
  readonly init?: Init;
}

export class FaultBench {
  private constructor(
    private readonly root: string,
    /** Only its codec is used, and its pictures. */
    private readonly codecEngine: EmbeddedEngine,
    readonly modelDir: string,
    readonly server: TinkerServer,
  ) {}

  static async open(): Promise<FaultBench> {
    const root = await mkdtemp(join(tmpdir(), "pyvision-faults-"));
    const modelDir = join(root, "model");
    const engine = await smallEngine();
    await engine.saveWeights(modelDir);
    return new FaultBench(root, engine, modelDir, await serve(modelDir, join(root, "store")));
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.codecEngine.dispose();
    await rm(this.root, { recursive: true });
  }

  /** The engine before a server, with the faults of `script` between them. */
  async engine(
    t: TestContext,
    script: Script = () => undefined,
    { target = this.server, config = {}, init }: OpenOptions = {},
  ): Promise<Opened> {
    const proxy = await startFaultProxy(target.baseUrl);
    proxy.script = script;
    const world = quickWorld();
    const warnings: string[] = [];
    const opening = openTinkerEngine({
      config: { baseUrl: proxy.baseUrl, dialect: "pyvision", baseModel: "small", rank: 8, ...config },
      codec: this.codecEngine.codec,
      reporter: { ...silentReporter, warn: (text) => warnings.push(text) },
      world,
      init,
    });
    t.after(async () => {
      proxy.script = () => undefined;
      await opening.then(
        (engine) => engine.dispose(),
        () => undefined,
      );
      await proxy.close();
    });
    return { proxy, engine: await opening, world, warnings };
  }

  /** The engine in this process. */
  async embedded(t: TestContext): Promise<EmbeddedEngine> {
    const engine = await EmbeddedEngine.load(this.modelDir, { threads: 1 });
    t.after(() => engine.dispose());
    return engine;
  }

  serve(storeDir: string): Promise<TinkerServer> {
    return serve(this.modelDir, storeDir);
  }

  folder(): Promise<string> {
    return mkdtemp(join(this.root, "folder-"));
  }

  async story(engine: Engine): Promise<Story> {
    return this.end(engine, [...(await this.firstStep(engine)), ...(await this.secondStep(engine))]);
  }

  async firstStep(engine: Engine): Promise<unknown[]> {
    const turns = await engine.sample([this.request("a", 1), this.request("b", 2)]);
    const [first, second] = turns.map(({ tokens, logprobs }, i) =>
      this.datum([...this.prompt(i + 1), { type: "sampled", tokens, logprobs }], i === 0 ? 1 : -0.5),
    ) as [Datum, Datum];
    // Two calls whose gradients add up, and an update: nothing is waited for before the next is asked for.
    const results = await Promise.all([
      engine.forwardBackward([first], PPO),
      engine.forwardBackward([second], PPO),
      engine.optimStep(ADAMW),
    ]);
    return [turns, ...results];
  }

  async secondStep(engine: Engine): Promise<unknown[]> {
    const [turn] = await engine.sample([this.request("c", 3)]);
    assert.ok(turn !== undefined);
    const datum = this.datum(
      [...this.prompt(3), { type: "sampled", tokens: turn.tokens, logprobs: turn.logprobs }],
      2,
    );
    return [turn, await engine.forwardBackward([datum], PPO), await engine.optimStep(ADAMW)];
  }

  async end(engine: Engine, said: readonly unknown[]): Promise<Story> {
    const dir = await this.folder();
    await engine.saveWeights(dir);
    const bytes = await readFile(join(dir, "model.safetensors"));
    return { said, weights: createHash("sha256").update(bytes).digest("hex") };
  }

  /** Where the weights stand: ln p of a sequence under them. */
  standOf(engine: Engine): Promise<readonly Float32Array[]> {
    const text: Segment = { type: "sampled", tokens: [5, 6, 7, 8], logprobs: [0, 0, 0, 0] };
    return engine.forward([this.datum([...this.prompt(4), text], 1)]);
  }

  /** Three datums that were not sampled. */
  batch(): Datum[] {
    return [1, 2, 3].map((seed) =>
      this.datum(
        [...this.prompt(seed), { type: "sampled", tokens: [seed, 9], logprobs: [-5, -5] }],
        seed - 1.5,
      ),
    );
  }

  request(sequenceId: string, seed: number): SampleRequest {
    return {
      sequenceId,
      segments: this.prompt(seed),
      params: { maxNewTokens: 4, temperature: 1, topP: 1, topK: 0, stopStrings: [] },
      random: randomStream("faults", seed),
    };
  }

  /** Text, two images and text. */
  private prompt(seed: number): Segment[] {
    return [...prompt(this.codecEngine, seed), ...observation(this.codecEngine, seed)];
  }

  private datum(segments: readonly Segment[], advantage: number): Datum {
    return datumFromSegments(segments, advantage, this.codecEngine.codec.imagePadId);
  }
}

function serve(modelDir: string, storeDir: string): Promise<TinkerServer> {
  // A request whose way is disturbed is waited for, however long that takes: other batches have other rounding.
  const togetherMs = 60_000;
  return startTinkerServer({ models: [{ name: "small", dir: modelDir }], storeDir, threads: 1, togetherMs });
}

/** Pauses take no time, and heartbeats come when they are told to. */
export interface QuickWorld extends World {
  beat(): void;
  /** No pause ends before this has come, as with a server that is away for a while. */
  away: Promise<void> | undefined;
  /** Time that was slept so far. */
  readonly sleptMs: number;
}

function quickWorld(): QuickWorld {
  const beats = new Set<() => void>();
  let sleptMs = 0;
  const world: QuickWorld = {
    away: undefined,
    fetch: (...args) => fetch(...args),
    now: () => performance.now() + sleptMs,
    random: () => 0.5,
    sleep: async (ms) => {
      sleptMs += ms;
      await wait(Math.min(ms, 1));
      await world.away;
    },
    every: (_ms, run) => {
      beats.add(run);
      return () => void beats.delete(run);
    },
    beat: () => beats.forEach((run) => run()),
    get sleptMs() {
      return sleptMs;
    },
  };
  return world;
}
