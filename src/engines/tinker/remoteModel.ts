// A model that lives on the server: its name there, the order of its requests, and whether what it holds is still known.
import { EngineError } from "../../core/errors.ts";
import { TinkerError } from "./failures.ts";
import { Lane } from "./lane.ts";

/** What calls have added for one update. */
export interface Gradient {
  datums: number;
}

export class RemoteModel {
  /**
   * What waits for the next update, which takes it and leaves an empty one: a call that fails after that takes back from what
   * it added to, never from what others have added since.
   */
  gradient: Gradient = { datums: 0 };
  /** Whether its optimiser counts updates of before that its moments do not know (checkpoints.ts). */
  countsOldSteps = false;
  private readonly lane = new Lane();
  private spoilt: string | undefined;
  /** Number of the last request that the server has had of this model. */
  private lastSeq = 0;

  constructor(readonly id: string) {}

  get about(): string {
    return `of model ${this.id}`;
  }

  /**
   * Hands requests in when those that were asked for before have been; nothing of this model comes between them.
   * @throws EngineError when what the server holds is not known any more
   */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.lane.run(() => {
      this.checkSound(name);
      return work();
    });
  }

  /** One request, under the next number. Only within `inTurn`. */
  async numbered<T>(send: (seq: number) => Promise<T>): Promise<T> {
    const seq = ++this.lastSeq;
    try {
      return await send(seq);
    } catch (error) {
      if (!isCounted(error))
        this.spoil(`request ${seq} of the model did not get through, and the server may wait for it`);
      throw error;
    }
  }

  /** What the server holds is not what the caller believes: nothing may be built on it. */
  spoil(reason: string): void {
    this.spoilt ??= reason;
  }

  /** @throws EngineError when what the server holds is not known any more */
  checkSound(name: string): void {
    if (this.spoilt !== undefined)
      throw new EngineError(`${name}: ${this.spoilt}; load the last saved state to go on from there`);
  }
}

/**
 * Whether a server that takes requests in the order of their numbers knows of one that it refused. Other refusals may be
 * those of a gateway before it.
 */
function isCounted(error: unknown): boolean {
  return error instanceof TinkerError && [400, 409, 422].includes(error.status ?? 0);
}

/** Whether work that failed like this may have been done all the same. */
export function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof TinkerError) || (error.kind !== "refused" && error.kind !== "failed");
}

/** Whether the server took the work, and said that it could not do it. */
export function isFailed(error: unknown): boolean {
  return error instanceof TinkerError && error.kind === "failed";
}
