// Weights that samplers are asked for, each as they were when they were saved, whatever is trained meanwhile. Those that a
// model still has are sampled on the model's own engine; when it changes them, those that are nowhere on disk are copied.
// Engines that hold weights of their own are kept up to a limit; what is on disk is loaded again when it is asked for.
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { userError } from "./errors.ts";
import { type GatherOptions, PolicySampler } from "./policySampler.ts";
import type { SampleJob, SampleOutput } from "./sampleJob.ts";

export interface SnapshotLimits {
  /** Engines that hold weights of their own. */
  readonly maxEngines: number;
  /** Of their weights together. */
  readonly maxBytes: number;
}

interface Held {
  readonly sampler: Promise<PolicySampler>;
  /** Once it is there. */
  ready: PolicySampler | undefined;
}

/** One set of weights. */
export class Snapshot {
  /** Why it is not there any more. */
  private lost: string | undefined;

  constructor(
    private readonly all: Snapshots,
    /** Of the engine that has these weights and goes on being trained. */
    private live: PolicySampler | undefined,
    /** Undefined when they are nowhere on disk. */
    private load: (() => Promise<EmbeddedEngine>) | undefined,
  ) {}

  sample(job: SampleJob): Promise<SampleOutput> {
    return this.use((sampler) => sampler.sample(job, (use) => this.use(use)));
  }

  /**
   * The engine that has these weights is about to change them. To be called in the moment in which the change is asked for,
   * and before it is.
   */
  detach(): void {
    const { live } = this;
    if (live === undefined) return;
    live.flush();
    this.live = undefined;
    if (this.load === undefined) void this.all.hold(this, live.engine.fork());
  }

  /** The folder holds other weights from now on, or is gone: only an engine that has them already can sample them. */
  fileIsGone(why: string): void {
    this.load = undefined;
    if (this.live === undefined && !this.all.holds(this)) this.forget(why);
  }

  /** Nobody can sample it any more. */
  forget(why: string): void {
    this.lost ??= why;
    this.load = undefined;
    this.live = undefined;
  }

  /** Whether it can be had again when its engine is given up. */
  get isOnDisk(): boolean {
    return this.load !== undefined;
  }

  /** Without a pause for a live engine: what comes after this moment may change its weights. */
  private use<T>(use: (sampler: PolicySampler) => Promise<T>): Promise<T> {
    if (this.live !== undefined) return use(this.live);
    const held = this.all.touch(this) ?? (this.load && this.all.hold(this, this.load()));
    if (held === undefined)
      return Promise.reject(userError(this.lost ?? "the weights of this sampler are no longer kept"));
    return held.then(use);
  }
}

export class Snapshots {
  /** The one used last at the end. */
  private readonly held = new Map<Snapshot, Held>();

  constructor(
    private readonly gather: GatherOptions,
    private readonly limits: SnapshotLimits,
  ) {}

  /** Brings requests to an engine that is trained. */
  sampler(engine: EmbeddedEngine): PolicySampler {
    return new PolicySampler(engine, this.gather);
  }

  holds(snapshot: Snapshot): boolean {
    return this.held.has(snapshot);
  }

  touch(snapshot: Snapshot): Promise<PolicySampler> | undefined {
    const held = this.held.get(snapshot);
    if (held === undefined) return undefined;
    this.held.delete(snapshot);
    this.held.set(snapshot, held);
    return held.sampler;
  }

  hold(snapshot: Snapshot, engine: Promise<EmbeddedEngine>): Promise<PolicySampler> {
    const held: Held = {
      ready: undefined,
      sampler: engine.then((loaded) => {
        held.ready = this.sampler(loaded);
        this.shed(snapshot);
        return held.ready;
      }),
    };
    this.held.set(snapshot, held);
    held.sampler.catch((error: unknown) => {
      this.held.delete(snapshot);
      if (!snapshot.isOnDisk)
        snapshot.forget(`the weights of this sampler could not be copied: ${(error as Error).message}`);
    });
    return held.sampler;
  }

  /** Ends the engine of a snapshot that nobody asks for any more. */
  drop(snapshot: Snapshot, why: string): void {
    snapshot.forget(why);
    const held = this.held.get(snapshot);
    this.held.delete(snapshot);
    if (held !== undefined) disposeWhenIdle(held);
  }

  async dispose(): Promise<void> {
    const all = [...this.held.values()];
    this.held.clear();
    await Promise.all(
      all.map(({ sampler }) =>
        sampler.then(
          ({ engine }) => engine.dispose(),
          () => undefined,
        ),
      ),
    );
  }

  /** Gives up the engines that were not used longest, but for `latest` and those that are being used. */
  private shed(latest: Snapshot): void {
    const bytes = ({ ready }: Held): number => 4 * (ready?.engine.parameterCount ?? 0);
    const total = (): number => [...this.held.values()].reduce((sum, held) => sum + bytes(held), 0);
    for (const [snapshot, held] of this.held) {
      if (this.held.size <= this.limits.maxEngines && total() <= this.limits.maxBytes) return;
      if (snapshot === latest || held.ready === undefined || held.ready.busy) continue;
      this.held.delete(snapshot);
      if (!snapshot.isOnDisk)
        snapshot.forget(
          `the weights of this sampler are no longer kept: the last ${this.limits.maxEngines} unnamed ones are, at most; ` +
            "give the save a name to keep it on disk",
        );
      disposeWhenIdle(held);
    }
  }
}

/** An engine waits for the calls made before its end; what is in several pieces must not be cut between two of them. */
function disposeWhenIdle({ sampler }: Held): void {
  void sampler.then(
    async (ready) => {
      while (ready.busy) await new Promise((resolve) => setTimeout(resolve, 50));
      await ready.engine.dispose();
    },
    () => undefined,
  );
}
