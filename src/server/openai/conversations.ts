// Replies that were given, found again when a client sends them back as history. Text does not say how the model cut it
// into tokens: only with the very tokens is the conversation that goes on the one that was sampled, and only then is the
// engine's cache of it good for the next turn. A conversation is known by a digest over its messages.
import { createHash } from "node:crypto";
import { type OpenSequence, OpenSequences } from "../openSequences.ts";

export type { OpenSequence } from "../openSequences.ts";

export interface GivenReply {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
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
  private readonly replies = new Map<string, GivenReply>();
  /** One a conversation at most. */
  private readonly open: OpenSequences;

  /**
   * @param release lets the engine forget a sequence
   * @param maxOpen sequences held at most
   */
  constructor(release: (sequenceId: string) => void, maxOpen: number) {
    this.open = new OpenSequences(release, { maxSequences: maxOpen });
  }

  /** Tokens of the reply that a conversation ends with. */
  find(conversation: string): GivenReply | undefined {
    return this.replies.get(conversation);
  }

  /**
   * Hands over the sequence of a conversation when it is what `tokens` begins with, and is not in use. Who takes it
   * remembers or releases it.
   */
  take(conversation: string, tokens: readonly number[]): OpenSequence | undefined {
    return this.open.take(conversation, tokens);
  }

  /** @param sequence undefined when the engine's cache is of no use */
  remember(conversation: string, reply: GivenReply, sequence: OpenSequence | undefined): void {
    this.open.drop(conversation);
    this.replies.delete(conversation);
    this.replies.set(conversation, { tokens: reply.tokens, logprobs: reply.logprobs });
    if (sequence !== undefined) this.open.keep(conversation, sequence);
    for (const oldest of this.replies.keys()) {
      if (this.replies.size <= KEPT_REPLIES) break;
      this.open.drop(oldest);
      this.replies.delete(oldest);
    }
  }
}
