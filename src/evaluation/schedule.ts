// In which order items are asked. Where batches are computed in a fixed order, in chunks: what is recorded of a chunk counts
// when all of it is, so that an evaluation that was interrupted computes the same batches as any other. Elsewhere one by one.

/** One answer to be had. */
export interface Unit {
  /** Of the item in its source. */
  readonly position: number;
  readonly repeat: number;
}

export interface ScheduleOptions {
  readonly units: readonly Unit[];
  /** Units of a chunk; or asked at once. */
  readonly concurrent: number;
  readonly inChunks: boolean;
  /** Whether an answer is recorded that counts. */
  readonly isKnown: (unit: Unit) => boolean;
  /** Asks and records all of them. */
  readonly ask: (units: readonly Unit[]) => Promise<void>;
  /** Before units are asked; throws to stop. */
  readonly check: () => void;
  /** Told of units that need not be asked. */
  readonly onKnown: (units: number) => void;
}

/** @throws what `check` and `ask` throw; what is under way then is still recorded */
export async function askInOrder(options: ScheduleOptions): Promise<void> {
  await (options.inChunks ? byChunks(options) : oneByOne(options));
}

async function byChunks(options: ScheduleOptions): Promise<void> {
  const { units, concurrent, isKnown, ask, check, onKnown } = options;
  for (let start = 0; start < units.length; start += concurrent) {
    const chunk = units.slice(start, start + concurrent);
    if (chunk.every(isKnown)) {
      onKnown(chunk.length);
      continue;
    }
    check();
    await ask(chunk);
  }
}

async function oneByOne(options: ScheduleOptions): Promise<void> {
  const { units, concurrent, isKnown, ask, check, onKnown } = options;
  const missing = units.filter((unit) => !isKnown(unit));
  onKnown(units.length - missing.length);
  let next = 0;
  let stopped = false;
  const worker = async (): Promise<void> => {
    for (let unit; !stopped && (unit = missing[next++]) !== undefined;) {
      check();
      await ask([unit]);
    }
  };
  const workers = Array.from({ length: Math.min(concurrent, missing.length) }, () =>
    worker().catch((error: unknown) => {
      stopped = true;
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers);
  const failure = ended.find((result) => result.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
