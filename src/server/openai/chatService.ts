// Chat calls answered by a sampler: messages to a prompt, the prompt to a reply, piece by piece, so that it can be streamed
// and given up when nobody waits any more. The engine batches what is asked at the same time.
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Codec, Sampler } from "../../engines/engine.ts";
import { Conversations, followedBy, type OpenSequence } from "./conversations.ts";
import { ImageReader } from "./images.ts";
import { type Prompt, promptOf } from "./prompt.ts";
import { ReplyText } from "./replyText.ts";
import type { ChatCall } from "./requestBody.ts";
import { RequestError } from "./requestError.ts";

export interface ServedModel {
  /** As clients name it. */
  readonly id: string;
  readonly sampler: Sampler;
  readonly codec: Codec;
  /** UTF-8 bytes of one token. */
  readonly tokenBytes: (id: number) => Uint8Array;
  /** Prompt and reply together. */
  readonly contextTokens: number;
}

export interface ChatServiceOptions {
  /** For requests that bring no seed. */
  readonly newSeed: () => number;
  /** Conversations whose cache the engine holds for their next turn. Default 64. */
  readonly maxOpenSequences?: number;
  /** Tokens sampled between two pieces of a stream. Default 8. */
  readonly streamTokens?: number;
  /** Tokens sampled between two looks at whether a client that does not stream is still there. Default 256. */
  readonly wholeTokens?: number;
}

export interface ReplyPiece {
  readonly tokens: readonly number[];
  /** ln p of each token. */
  readonly logprobs: readonly number[];
  /** May be empty, and late: what could be the beginning of a stop string is held back. */
  readonly text: string;
}

export interface Reply extends ReplyPiece {
  readonly finish: "stop" | "length";
  /** The stop string that ended it; undefined when it was the end-of-turn token or the limit. */
  readonly stopReason: string | undefined;
}

export interface ChatRun {
  /** Placeholders expanded. */
  readonly promptTokens: readonly number[];
  /** Of them, those the engine had computed for an earlier turn. */
  readonly cachedTokens: number;
  /** To be called once. Gives the pieces, and returns them joined. @throws the signal's reason when it is aborted */
  reply(signal?: AbortSignal): AsyncGenerator<ReplyPiece, Reply, undefined>;
}

export class ChatService {
  private readonly images: ImageReader;
  private readonly conversations: Conversations;
  private started = 0;

  constructor(
    readonly model: ServedModel,
    private readonly options: ChatServiceOptions,
  ) {
    this.images = new ImageReader(model.codec);
    this.conversations = new Conversations((id) => model.sampler.release(id), options.maxOpenSequences ?? 64);
  }

  /** @throws RequestError when the model is another one, or the request does not fit its context */
  begin(call: ChatCall): ChatRun {
    const { id, codec } = this.model;
    if (call.model !== id)
      throw new RequestError(
        `model: this server has only ${JSON.stringify(id)}; got ${JSON.stringify(call.model)}`,
        {
          status: 404,
          param: "model",
          code: "model_not_found",
        },
      );
    const prompt = promptOf(call.messages, codec, this.images, this.conversations);
    const sequence = prompt.sequence ?? { id: `chat-${++this.started}`, tokens: [] };
    try {
      const maxTokens = this.room(call.maxTokens, prompt.tokens.length);
      return {
        promptTokens: prompt.tokens,
        // Of the last token that was sampled the engine has no keys and values yet.
        cachedTokens: Math.max(0, sequence.tokens.length - 1),
        reply: (signal) => this.reply(call, prompt, sequence.id, maxTokens, signal),
      };
    } catch (error) {
      this.model.sampler.release(sequence.id);
      throw error;
    }
  }

  private room(asked: number | undefined, promptTokens: number): number {
    const { contextTokens } = this.model;
    const room = contextTokens - promptTokens;
    if (room >= (asked ?? 1)) return asked ?? room;
    throw new RequestError(
      `this model's maximum context length is ${contextTokens} tokens: ${promptTokens} in the messages and ` +
        `${asked ?? 1} in the reply do not fit; shorten the messages or lower max_tokens`,
      { status: 400, param: "messages", code: "context_length_exceeded" },
    );
  }

  private async *reply(
    call: ChatCall,
    prompt: Prompt,
    sequenceId: string,
    maxTokens: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReplyPiece, Reply, undefined> {
    const { sampler, codec, tokenBytes } = this.model;
    const { streamTokens = 8, wholeTokens = 256 } = this.options;
    const { temperature, topP, topK } = call;
    const random = randomStream("served", call.seed ?? this.options.newSeed());
    const text = new ReplyText(call.stop, call.includeStop);
    const tokens: number[] = [];
    const logprobs: number[] = [];
    let finish: Reply["finish"] | undefined;
    /** Whether the engine holds exactly the prompt and the reply. */
    let exact = true;
    let handedOn = false;
    try {
      while (finish === undefined) {
        signal?.throwIfAborted();
        const sampled: Segment = { type: "sampled", tokens: [...tokens], logprobs: [...logprobs] };
        const maxNewTokens = Math.min(maxTokens - tokens.length, call.stream ? streamTokens : wholeTokens);
        const [result] = await sampler.sample([
          {
            sequenceId,
            // Many rollouts of one task begin alike: the engine computes their prompt once.
            ...(prompt.isFirstTurn && { promptKey: prompt.conversation }),
            segments: tokens.length === 0 ? prompt.segments : [...prompt.segments, sampled],
            params: { maxNewTokens, temperature, topP, topK, stopStrings: call.stop },
            random,
          },
        ]);
        if (result === undefined) throw new Error("internal: the sampler gave no result for a request");
        let used = 0;
        for (const token of result.tokens) {
          used++;
          if (token !== codec.endOfTurnId) text.add(tokenBytes(token));
          if (text.stoppedBy !== undefined) break;
        }
        tokens.push(...result.tokens.slice(0, used));
        logprobs.push(...result.logprobs.slice(0, used));
        if (text.stoppedBy !== undefined || result.stop === "stop") finish = "stop";
        else if (tokens.length >= maxTokens) finish = "length";
        // A stop string that began in the piece before ends in the middle of this one: what the engine sampled beyond it
        // is no part of the conversation, and its cache is of no use.
        exact = used === result.tokens.length;
        if (finish !== undefined) text.end();
        yield {
          tokens: result.tokens.slice(0, used),
          logprobs: result.logprobs.slice(0, used),
          text: text.take(finish !== undefined),
        };
      }
      const reply = { text: text.whole, tokens, logprobs, finish, stopReason: text.stoppedBy };
      const sequence = { id: sequenceId, tokens: [...prompt.tokens, ...tokens] };
      handedOn = exact;
      this.remember(prompt.conversation, reply, call.includeStop, exact ? sequence : undefined);
      return reply;
    } finally {
      // Also when the consumer stops in the middle.
      if (!handedOn) sampler.release(sequenceId);
    }
  }

  /** Under the text that was given, and under the one that a client makes of it which adds the stop string itself. */
  private remember(
    conversation: string,
    { text, tokens, logprobs, stopReason }: Reply,
    includeStop: boolean,
    sequence: OpenSequence | undefined,
  ): void {
    const under = (said: string): string => followedBy(conversation, "assistant", [said]);
    if (!includeStop && stopReason !== undefined)
      this.conversations.remember(under(text), { tokens, logprobs }, undefined);
    const whole = includeStop || stopReason === undefined ? text : text + stopReason;
    this.conversations.remember(under(whole), { tokens, logprobs }, sequence);
  }
}
