// Sampling sessions: each stands for one set of weights that does not change, and has its requests.
import type { z } from "zod";
import { type Random, randomStream, restoreRandom } from "../../core/random.ts";
import type { sampleRequest } from "../../engines/tinker/protocol/messages.ts";
import { ProtocolError } from "../../engines/tinker/protocol/wire.ts";
import { HttpError } from "../http.ts";
import type { Futures } from "./futures.ts";
import type { BaseModel } from "./models.ts";
import { promptOf } from "./prompt.ts";
import type { SampleJob } from "./sampleJob.ts";
import type { Session } from "./sessions.ts";
import type { Snapshot } from "./snapshots.ts";

/** Sampling sessions kept; the oldest goes beyond that. */
const MAX_SAMPLERS = 10_000;
/** Numbers of requests that are remembered, of each. */
const REMEMBERED = 4096;

type SampleBody = z.output<typeof sampleRequest>;

export interface SampledWeights {
  readonly base: BaseModel;
  /** Undefined for a base model and for weights that were not named. */
  readonly path: string | undefined;
  readonly snapshot: Snapshot;
}

export interface Sampler extends SampledWeights {
  readonly id: string;
  readonly session: Session;
  /** Requests of samplers that came first go first, when they come together. */
  readonly ordinal: number;
  readonly known: Map<number, { readonly digest: string; readonly requestId: string }>;
}

export interface SampleReply {
  readonly requestId: string;
  /** One a sample. */
  readonly sequenceIds: readonly string[];
}

export class Samplers {
  private readonly samplers = new Map<string, Sampler>();
  private count = 0;

  /** @param newSeed for samples without a seed */
  constructor(
    private readonly futures: Futures,
    private readonly newSeed: () => number,
  ) {}

  idOf(session: Session, seq: number): string {
    return `${session.id}:sample:${seq}`;
  }

  add(session: Session, seq: number, weights: SampledWeights): Sampler {
    const id = this.idOf(session, seq);
    const sampler: Sampler = { ...weights, id, session, ordinal: ++this.count, known: new Map() };
    this.samplers.set(id, sampler);
    session.samplerIds.add(id);
    for (const oldest of this.samplers.values()) {
      if (this.samplers.size <= MAX_SAMPLERS) break;
      this.remove(oldest);
    }
    return sampler;
  }

  find(id: string): Sampler | undefined {
    return this.samplers.get(id);
  }

  /** @throws HttpError (404) */
  get(id: string): Sampler {
    const sampler = this.samplers.get(id);
    if (sampler === undefined)
      throw new HttpError(
        `there is no sampling session ${JSON.stringify(id.slice(0, 120))}; they end with their session and with the server`,
        { status: 404 },
      );
    return sampler;
  }

  /** @returns the weights that it sampled */
  remove(sampler: Sampler): SampledWeights {
    this.samplers.delete(sampler.id);
    sampler.session.samplerIds.delete(sampler.id);
    return sampler;
  }

  /**
   * Begins to sample; the same request again, with its number, is the one that is there as long as its result is.
   * @param sampler undefined for one that names its weights itself
   * @throws HttpError (409) when another request had the number
   */
  sample(
    body: SampleBody,
    digest: string,
    weights: SampledWeights,
    sampler: Sampler | undefined,
  ): SampleReply {
    const seq = body.seq_id;
    const known = seq === undefined ? undefined : sampler?.known.get(seq);
    if (known !== undefined && known.digest !== digest)
      throw new HttpError(`seq_id ${seq} was used by another request of ${sampler?.id}`, {
        status: 409,
        code: "seq_id_reused",
      });
    const order = [sampler?.ordinal ?? ++this.count, seq ?? ++this.count] as const;
    const requestId =
      known !== undefined && this.futures.has(known.requestId)
        ? known.requestId
        : this.futures.open(
            async () => {
              const output = await weights.snapshot.sample(this.job(body, weights.base, order));
              return { type: "sample", output };
            },
            { sessionId: sampler?.session.id },
          );
    if (sampler !== undefined && seq !== undefined) {
      sampler.known.delete(seq);
      sampler.known.set(seq, { digest, requestId });
      for (const oldest of sampler.known.keys()) {
        if (sampler.known.size <= REMEMBERED) break;
        sampler.known.delete(oldest);
      }
    }
    const sequenceIds = Array.from({ length: body.num_samples }, (_, i) => `${requestId}-${i}`);
    return { requestId, sequenceIds };
  }

  /** @throws ProtocolError or DataError for what this model cannot do */
  private job(body: SampleBody, base: BaseModel, order: readonly [number, number]): SampleJob {
    const { sampling_params: params, num_samples: count } = body;
    const prompt = promptOf(body.prompt, base.imagePadId, base.pictures);
    const room = base.contextTokens - prompt.tokens.length;
    const maxTokens = params.max_tokens ?? room;
    if (maxTokens < 1 || maxTokens > room)
      throw new ProtocolError(
        "prompt",
        `this model's context is ${base.contextTokens} tokens: ${prompt.tokens.length} in the prompt and ` +
          `${params.max_tokens ?? 1} to be sampled (sampling_params.max_tokens) do not fit`,
      );
    if (body.topk_prompt_logprobs > 0)
      throw new ProtocolError(
        "topk_prompt_logprobs",
        "must be 0: this server tells the log-probabilities of the prompt's own tokens alone",
        body.topk_prompt_logprobs,
      );
    const stops = params.stop ?? [];
    return {
      order,
      sequence: body.sequence,
      together: body.together,
      prompt,
      streams: this.streams(params, count),
      maxTokens,
      temperature: params.temperature,
      topP: params.top_p,
      topK: Math.max(0, params.top_k),
      stopStrings: stops.filter((stop) => typeof stop === "string"),
      // The end of a turn ends every sample anyway.
      stopTokens: new Set(
        stops.filter((stop) => typeof stop === "number" && stop !== base.endOfTurnId) as number[],
      ),
      endsAtTurn: params.stop === undefined || stops.length > 0,
      promptLogprobs: body.prompt_logprobs ? (body.prompt_logprobs_last_n ?? prompt.tokens.length) : 0,
    };
  }

  private streams({ seed, random_state: state }: SampleBody["sampling_params"], count: number): Random[] {
    if (state !== undefined) {
      if (count !== 1)
        throw new ProtocolError(
          "num_samples",
          "must be 1 with random_state, which is the stream of one",
          count,
        );
      return [restoreRandom(state)];
    }
    const first = seed ?? this.newSeed();
    return Array.from({ length: count }, (_, i) => randomStream("tinker", first, i));
  }
}
