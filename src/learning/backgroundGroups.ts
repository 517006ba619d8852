// Groups that are collected while the trainer works, so that a slow trajectory holds no step. Every group remembers the update
// its sampling began after; it may be trained on at most `maxStaleness` updates later, and what is too old by then is dropped.
//
// At most as many groups are open as the steps up to then can train on: (k + 1) × trainGroups until a step has its own, and
// k × trainGroups while it trains. Groups that end in the order in which they began are therefore never too old, and a group
// that the filters dropped makes room for the next at once. A step begins as soon as enough groups have survived. If more have,
// it oversamples as a synchronous step does: of the oldest genBatch it trains on the trainGroups that rank highest. What is
// left, and what has not ended, is for the steps that follow.
import type { Task } from "../core/task.ts";
import type { TrajectoryGroup } from "../core/trajectory.ts";
import { amountOf, selectRanked, siftGroup } from "./selection.ts";
import type { RolloutStepResult, SelectionOptions, SiftedGroup } from "./selection.ts";

export interface BackgroundOptions {
  readonly selection: SelectionOptions;
  /** k: updates that a group may be old when it is trained on; at least 1. */
  readonly maxStaleness: number;
  /** Steps still to come. */
  readonly steps: number;
  /** Groups being sampled at once, whatever k allows. Default: no limit. */
  readonly maxInFlight?: number;
}

export interface BackgroundDependencies {
  /** The task at a position of the data order. */
  taskAt(position: number): Task;
  rollout(tasks: readonly Task[], n: number, label: string): Promise<readonly TrajectoryGroup[]>;
}

/** Where collection stands. Plain JSON. */
export interface BackgroundState {
  /** Positions of the data order below it have been begun. */
  readonly cursor: number;
  /** Of these, the ones whose group no step has decided on. They are begun again. */
  readonly undecided?: readonly number[];
}

interface Ended {
  readonly position: number;
  /** Updates made when its sampling began. */
  readonly version: number;
  readonly group: SiftedGroup;
}

export class BackgroundGroups {
  /** Updates made. */
  private version = 0;
  private stepsLeft: number;
  /** A step has its groups and is not over. */
  private training = false;
  private closed = false;
  private cursor: number;
  /** Positions to begin again before those from the cursor on. */
  private readonly again: number[];
  private begun = 0;
  /** By position of the task. */
  private readonly inFlight = new Map<number, { readonly version: number; readonly done: Promise<void> }>();
  /** In the order in which they ended; the next steps decide on them. */
  private ended: Ended[] = [];
  private failure: { readonly error: unknown } | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly options: BackgroundOptions,
    private readonly dependencies: BackgroundDependencies,
    { cursor, undecided = [] }: BackgroundState,
  ) {
    this.stepsLeft = options.steps;
    this.cursor = cursor;
    this.again = [...undecided];
  }

  /** Waits for the next step's groups. @throws what an episode threw, also one of an earlier moment */
  async take(): Promise<RolloutStepResult> {
    const { trainGroups, genBatch, maxGenBatches } = this.options.selection;
    this.beginGroups();
    for (;;) {
      if (this.failure !== undefined) throw this.failure.error;
      if (this.survivingAmount() >= trainGroups || this.ended.length >= genBatch * maxGenBatches)
        return this.handOver();
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private handOver(): RolloutStepResult {
    const { selection } = this.options;
    const later = new Set(oversampled(this.ended.filter((ended) => this.survives(ended)), selection)); // prettier-ignore
    const decided = this.ended.filter((ended) => !later.has(ended)).map((ended) => this.aged(ended));
    this.ended = [...later];
    const background = { begun: this.begun, inFlight: this.inFlight.size + later.size };
    this.begun = 0;
    this.stepsLeft--;
    this.training = true;
    this.beginGroups();
    return { ...selectRanked(decided, selection, 0), background };
  }

  /** The step that took its groups is over. @param updated whether it changed the weights */
  stepDone(updated: boolean): void {
    this.training = false;
    if (updated) this.version++;
    this.beginGroups();
  }

  get state(): BackgroundState {
    const undecided = [...this.again, ...this.inFlight.keys(), ...this.ended.map(({ position }) => position)];
    return { cursor: this.cursor, undecided: undecided.sort((a, b) => a - b) };
  }

  /** Begins no more, and waits for what has begun. Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.inFlight.values()].map(({ done }) => done));
  }

  /** As far as there is room. */
  private beginGroups(): void {
    const { maxInFlight = Infinity } = this.options;
    while (!this.closed && this.failure === undefined && this.hasRoom() && this.inFlight.size < maxInFlight)
      this.begin(this.again.shift() ?? this.cursor++);
  }

  private hasRoom(): boolean {
    const { selection, maxStaleness } = this.options;
    // While one is trained, its own update comes before the next can be.
    const stepsInTime = Math.min(maxStaleness + (this.training ? 0 : 1), this.stepsLeft);
    const most = selection.genBatch * selection.maxGenBatches;
    if (this.training && this.ended.length + this.inFlight.size >= most) return false;
    const inTime = [...this.inFlight.values()].filter(({ version }) => !this.isTooOld(version)).length;
    return inTime + this.survivingAmount() < stepsInTime * selection.trainGroups;
  }

  private survivingAmount(): number {
    return amountOf(
      this.ended.map((ended) => this.aged(ended)),
      this.options.selection,
    );
  }

  private survives({ group, version }: Ended): boolean {
    return group.dropped === undefined && !this.isTooOld(version);
  }

  private begin(position: number): void {
    const { version } = this;
    this.begun++;
    const done = this.play(position).then(
      (group) => {
        this.inFlight.delete(position);
        this.ended.push({ position, version, group });
        this.beginGroups();
        this.wake();
      },
      (error: unknown) => {
        this.inFlight.delete(position);
        this.failure ??= { error };
        this.wake();
      },
    );
    this.inFlight.set(position, { version, done });
  }

  /** The label, and with it the random numbers, depend on the position alone, never on when it is begun. */
  private async play(position: number): Promise<SiftedGroup> {
    const { selection } = this.options;
    const { taskAt, rollout } = this.dependencies;
    const groups = await rollout([taskAt(position)], selection.groupSize, `train/at/${position}`);
    const [group] = groups;
    if (group === undefined || groups.length !== 1)
      throw new Error(`internal: ${groups.length} groups for the task at position ${position}`);
    return siftGroup(group, selection);
  }

  /** Updates that will have been made, since the group began, when the next step trains. */
  private stalenessOf(version: number): number {
    return this.version + (this.training ? 1 : 0) - version;
  }

  private isTooOld(version: number): boolean {
    return this.stalenessOf(version) > this.options.maxStaleness;
  }

  private aged({ group, version }: Ended): SiftedGroup {
    if (group.dropped !== undefined) return group;
    if (this.isTooOld(version)) return { ...group, dropped: "stale", stale: true, samples: [] };
    const staleness = this.stalenessOf(version);
    return { ...group, samples: group.samples.map((sample) => ({ ...sample, staleness })) };
  }
}

/** Survivors beyond those that a step looks at: the oldest genBatch, or as many more as it takes to have enough. */
function oversampled(survivors: readonly Ended[], selection: SelectionOptions): Ended[] {
  const oldestFirst = [...survivors].sort((left, right) => left.version - right.version);
  let looked = selection.genBatch;
  const amount = (): number => amountOf(oldestFirst.slice(0, looked).map(({ group }) => group), selection); // prettier-ignore
  while (looked < oldestFirst.length && amount() < selection.trainGroups) looked++;
  return oldestFirst.slice(looked);
}
