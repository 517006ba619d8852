// Replies that were given, found again when a client sends them back as history. Text does not say how the model cut it
// into tokens: only with the very tokens is the conversation that goes on the one that was sampled, and only then is the
// engine's cache of it good for the next turn. A conversation is known by a digest over its messages.
import { createHash } from "node:crypto";

export interface GivenReply {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

/** A sequence whose cache the engine holds. */
export interface OpenSequence {
  readonly id: string;
  /** All of it, placeholders expanded, the last reply included. */
  readonly tokens: readonly number[];
}

interface Entry extends GivenReply {
  /** Undefined when it was let go, or when a request has taken it over. */
  sequence: OpenSequence | undefined;
}

const KEPT_REPLIES = 4096;

/** Of the empty conversation. */
export const NOTHING_SAID = "";

/** Digest of a conversation and one message more. */
export function followedBy(before: string, role: string, parts: readonly string[]): string {
  return createHash("sha256")
    .update(JSON.stringify([before, role, parts]))
    .digest("base64");
}

export class Conversations {
  private readonly entries = new Map<string, Entry>();
  /** Entries with a sequence, the one given last at the end. */
  private readonly open = new Set<Entry>();

  /**
   * @param release lets the engine forget a sequence
   * @param maxOpen sequences held at most
   */
  constructor(
    private readonly release: (sequenceId: string) => void,
    private readonly maxOpen: number,
  ) {}

  /** Tokens of the reply that a conversation ends with. */
  find(conversation: string): GivenReply | undefined {
    return this.entries.get(conversation);
  }

  /**
   * Hands over the sequence of a conversation when it is what `tokens` begins with, and is not in use. Who takes it
   * remembers or releases it.
   */
  take(conversation: string, tokens: readonly number[]): OpenSequence | undefined {
    const entry = this.entries.get(conversation);
    const sequence = entry?.sequence;
    if (entry === undefined || sequence === undefined) return undefined;
    if (sequence.tokens.length >= tokens.length || !sequence.tokens.every((token, i) => token === tokens[i]))
      return undefined;
    entry.sequence = undefined;
    this.open.delete(entry);
    return sequence;
  }

  /** @param sequence undefined when the engine's cache is of no use */
  remember(conversation: string, reply: GivenReply, sequence: OpenSequence | undefined): void {
    this.letGo(this.entries.get(conversation));
    this.entries.delete(conversation);
    const entry: Entry = { tokens: reply.tokens, logprobs: reply.logprobs, sequence };
    this.entries.set(conversation, entry);
    if (sequence !== undefined) this.open.add(entry);
    for (const oldest of this.open) {
      if (this.open.size <= this.maxOpen) break;
      this.letGo(oldest);
    }
    for (const [oldest, old] of this.entries) {
      if (this.entries.size <= KEPT_REPLIES) break;
      this.letGo(old);
      this.entries.delete(oldest);
    }
  }

  private letGo(entry: Entry | undefined): void {
    if (entry?.sequence === undefined) return;
    this.release(entry.sequence.id);
    entry.sequence = undefined;
    this.open.delete(entry);
  }
}
