// Sequences whose cache an engine holds, kept for whoever goes on with them: clients of a protocol send their whole
// context again with every turn, and the turn costs what is new in it only when the sequence is found again.

/** A sequence whose cache the engine holds. */
export interface OpenSequence {
  readonly id: string;
  /** All of it, placeholders expanded, the last reply included. */
  readonly tokens: readonly number[];
}

export interface OpenSequenceLimits {
  readonly maxSequences: number;
  /** Of all of them together. Default: no limit. */
  readonly maxTokens?: number;
}

interface Kept {
  readonly key: string;
  readonly sequence: OpenSequence;
}

export class OpenSequences {
  /** The one kept last at the end, of each key and of all. */
  private readonly byKey = new Map<string, Set<Kept>>();
  private readonly all = new Set<Kept>();
  private tokens = 0;

  /** @param release lets the engine forget a sequence */
  constructor(
    private readonly release: (sequenceId: string) => void,
    private readonly limits: OpenSequenceLimits,
  ) {}

  /** Several sequences may stand under one key. Beyond the limits, those kept longest are released. */
  keep(key: string, sequence: OpenSequence): void {
    const kept: Kept = { key, sequence };
    const same = this.byKey.get(key) ?? new Set();
    this.byKey.set(key, same.add(kept));
    this.all.add(kept);
    this.tokens += sequence.tokens.length;
    const { maxSequences, maxTokens = Infinity } = this.limits;
    for (const oldest of this.all) {
      if (this.all.size <= maxSequences && this.tokens <= maxTokens) break;
      this.remove(oldest);
      this.release(oldest.sequence.id);
    }
  }

  /**
   * Hands over the sequence kept longest under the key that `tokens` begins with and goes on from. Who takes it keeps it
   * again or releases it.
   */
  take(key: string, tokens: readonly number[]): OpenSequence | undefined {
    for (const kept of this.byKey.get(key) ?? []) {
      const known = kept.sequence.tokens;
      if (known.length >= tokens.length || !known.every((token, i) => token === tokens[i])) continue;
      this.remove(kept);
      return kept.sequence;
    }
    return undefined;
  }

  /** Releases what stands under the key. */
  drop(key: string): void {
    for (const kept of [...(this.byKey.get(key) ?? [])]) {
      this.remove(kept);
      this.release(kept.sequence.id);
    }
  }

  /** The engine has forgotten all of them. */
  clear(): void {
    this.byKey.clear();
    this.all.clear();
    this.tokens = 0;
  }

  private remove(kept: Kept): void {
    const same = this.byKey.get(kept.key);
    same?.delete(kept);
    if (same?.size === 0) this.byKey.delete(kept.key);
    this.all.delete(kept);
    this.tokens -= kept.sequence.tokens.length;
  }
}
