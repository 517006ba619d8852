// A model that lives on the server: its name there, the order of its requests, and whether what it holds is still known.
import { EngineError } from "../../core/errors.ts";
import { TinkerError } from "./failures.ts";
import { Lane } from "./lane.ts";

export class RemoteModel {
  /** Requests are handed in one at a time. */
  readonly lane = new Lane();
  /** Datums whose gradient waits for the next update. */
  pendingDatums = 0;
  private spoilt: string | undefined;

  constructor(
    readonly id: string,
    /** Number of the last request that the server has had of this model. */
    private lastSeq = 0,
  ) {}

  /** A refused request has used its number up, too: the server does not wait for it. */
  nextSeq(): number {
    return ++this.lastSeq;
  }

  get about(): string {
    return `of model ${this.id}`;
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

/** Whether work that failed like this may have been done all the same. */
export function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof TinkerError) || (error.kind !== "refused" && error.kind !== "failed");
}
