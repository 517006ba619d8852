// Which sequences are being sampled, and how long they were: the server keeps no account of that, the contract does.
import { segmentLength } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import type { SampleRequest } from "../engine.ts";

type Asked = Pick<SampleRequest, "sequenceId" | "segments">;

export class Sequences {
  /** Sequences with a pending request; true while nobody has let them go or changed the weights. */
  private readonly pending = new Map<string, boolean>();
  /** Tokens of each sequence that was sampled, its last turn not counted. */
  private readonly lengths = new Map<string, number>();

  /** @throws EngineError by the sequence's name, when it is asked for already or has nothing new; then none has begun */
  begin(requests: readonly Asked[]): void {
    const ids = new Set<string>();
    for (const { sequenceId, segments } of requests) {
      if (this.pending.has(sequenceId) || ids.has(sequenceId))
        throw new EngineError(`sampling "${sequenceId}": it is being sampled already; wait for that turn`);
      const length = lengthOf(segments);
      if (length <= (this.lengths.get(sequenceId) ?? 0))
        throw new EngineError(
          `sampling "${sequenceId}": its ${length} tokens were there before; give it at least one new token`,
        );
      ids.add(sequenceId);
    }
    for (const id of ids) this.pending.set(id, true);
  }

  /** @param answered whether there is a turn */
  end({ sequenceId, segments }: Asked, answered: boolean): void {
    if (answered && this.pending.get(sequenceId) === true) this.lengths.set(sequenceId, lengthOf(segments));
    this.pending.delete(sequenceId);
  }

  release(sequenceId: string): void {
    this.lengths.delete(sequenceId);
    if (this.pending.has(sequenceId)) this.pending.set(sequenceId, false);
  }

  /** The weights change. */
  forget(): void {
    this.lengths.clear();
    for (const id of this.pending.keys()) this.pending.set(id, false);
  }
}

export function lengthOf(segments: SampleRequest["segments"]): number {
  return segments.reduce((n, segment) => n + segmentLength(segment), 0);
}
