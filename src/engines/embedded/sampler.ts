// Batched sampling with a KV cache, continuously: requests that arrive while others are being decoded are computed up to
// their last token and join at the next step, and every call is answered as soon as its own rows have ended. Between
// two steps the event loop runs, so that whoever waits for something else goes on.
//
// Nothing here depends on time but the moment at which calls arrive: one call alone always runs as the same batches.
import { EngineError } from "../../core/errors.ts";
import { segmentLength } from "../../core/datum.ts";
import type { StopReason } from "../../core/trajectory.ts";
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import { MropeState } from "../../models/qwen2_5_vl/positions.ts";
import type { Codec, SampleRequest, SampleResult } from "../engine.ts";
import { checkRequest } from "./checkRequest.ts";
import { DecodeBatch, type DecodeTools } from "./decodeBatch.ts";
import type { CompiledGraph } from "./compiledGraph.ts";
import { DecoderModel } from "./decoderModel.ts";
import { type Distribution, distributionOf } from "./drawToken.ts";
import { CacheMemory, SequenceCache } from "./kvCache.ts";
import { pendingTokens } from "./pending.ts";
import type { ParameterStore } from "./parameters.ts";
import { Prefill, type PrefillWork } from "./prefill.ts";
import { checkPrompt, PromptCache } from "./promptCache.ts";
import { newRow, TokenDrawer, type Row, type Sequence } from "./sequence.ts";
import { TokenModel } from "./tokenModel.ts";

export interface SamplerSessions {
  readonly vision: CompiledGraph;
  readonly decoder: CompiledGraph;
  /** Threads of a run of the graph that decodes; 0 is one per core. */
  readonly threads: number;
}

/** What sampling has computed so far. */
export interface SamplingWork {
  /** Prompt and observation tokens that went through the model, each prefix once. */
  readonly prefillTokens: number;
  readonly images: number;
  /** Rows × steps of decoding, idle slots not counted. */
  readonly decodedTokens: number;
  /** Runs of the graph that decoded. */
  readonly decodeSteps: number;
}

/** One pending `sample`. */
interface Call {
  readonly requests: readonly SampleRequest[];
  readonly resolve: (results: SampleResult[]) => void;
  readonly reject: (error: unknown) => void;
  rows: readonly Row[];
}

export class EmbeddedSampler {
  private readonly model: DecoderModel;
  private readonly prefill: Prefill;
  private readonly decoding: DecodeTools;
  private readonly drawer: TokenDrawer;
  private readonly prompts = new PromptCache();
  private readonly sequences = new Map<string, Sequence>();
  /** Sequences with a pending request. */
  private readonly pending = new Set<string>();
  private arrivals: Call[] = [];
  private calls: Call[] = [];
  private running = false;
  private decodedTokens = 0;
  private decodeSteps = 0;

  constructor(
    private readonly config: Qwen25VLConfig,
    codec: Codec,
    sessions: SamplerSessions,
    parameters: ParameterStore,
    /** Ids that sampling never produces. */
    banned: ReadonlySet<number>,
  ) {
    this.model = new DecoderModel(config, sessions.decoder, parameters);
    this.prefill = new Prefill(this.model, sessions.vision);
    const { shape, tables } = this.model;
    const model = new TokenModel(config, shape, parameters, sessions.threads);
    this.decoding = { model, shape, tables, memory: new CacheMemory() };
    const spoilt = (): string | undefined => parameters.firstNonFinite();
    this.drawer = new TokenDrawer(codec, config.vocabSize, banned, spoilt);
  }

  /** Everything cached belongs to older weights, or is not needed any more: forget it. Not while a call is pending. */
  async reset(): Promise<void> {
    this.sequences.clear();
    this.prompts.clear();
    this.prefill.reset();
    await this.decoding.model.forget();
  }

  release(sequenceId: string): void {
    this.sequences.delete(sequenceId);
  }

  get openSequences(): number {
    return this.sequences.size;
  }

  get work(): SamplingWork {
    const { decodedTokens, decodeSteps } = this;
    return { prefillTokens: this.prefill.tokens, images: this.prefill.images, decodedTokens, decodeSteps };
  }

  async sample(requests: readonly SampleRequest[]): Promise<SampleResult[]> {
    if (requests.length === 0) return [];
    for (const request of requests) checkRequest(request, this.config);
    const ids = new Set(requests.map((r) => r.sequenceId));
    const taken = [...ids].find((id) => this.pending.has(id));
    if (taken !== undefined || ids.size < requests.length)
      throw new EngineError(
        `sampling "${taken ?? [...ids].find((id) => requests.filter((r) => r.sequenceId === id).length > 1)}": ` +
          "the sequence is being sampled already; ask for its next turn when this one is there",
      );
    for (const id of ids) this.pending.add(id);
    return new Promise((resolve, reject) => {
      this.arrivals.push({ requests, resolve, reject, rows: [] });
      if (this.running) return;
      this.running = true;
      // Calls of one moment are computed together.
      void Promise.resolve().then(() => this.run());
    });
  }

  private async run(): Promise<void> {
    let batch: DecodeBatch | undefined;
    const accept = (row: Row, next: Distribution): void => {
      this.drawer.draw(row, next);
      this.decodedTokens++;
    };
    try {
      while (batch !== undefined || this.arrivals.length > 0) {
        const fresh = await this.admit();
        if (fresh.length > 0 && batch?.place(fresh) !== true) {
          batch?.close();
          batch = new DecodeBatch(this.decoding, [...(batch?.live ?? []), ...fresh]);
        }
        if (batch !== undefined) {
          await batch.step(accept);
          this.decodeSteps++;
          if (batch.worn) {
            batch.close();
            const left: readonly Row[] = batch.live;
            batch = left.length > 0 ? new DecodeBatch(this.decoding, left) : undefined;
          }
        }
        this.answer();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.running = false;
    }
  }

  /** Computes what the calls that have arrived bring along and draws their first tokens; returns the rows to decode. */
  private async admit(): Promise<Row[]> {
    const arrived = this.arrivals;
    this.arrivals = [];
    if (arrived.length === 0) return [];
    const admission = new Admission();
    for (const call of arrived) {
      try {
        this.plan(call.requests, admission);
        this.calls.push(call);
      } catch (error) {
        this.forget(call);
        call.reject(error);
      }
    }
    await this.compute(admission);
    const admitted = arrived.filter((call) => this.calls.includes(call));
    for (const call of admitted)
      call.rows = call.requests.map((request) => {
        const row = newRow(request, this.sequences.get(request.sequenceId) as Sequence);
        this.drawer.draw(row, distributionOf(admission.logits.get(request) as Float32Array));
        return row;
      });
    return admitted.flatMap((call) => call.rows.filter((row) => row.stop === undefined));
  }

  private async compute(admission: Admission): Promise<void> {
    const logits = await this.prefill.run(admission.work.map(({ work }) => work));
    admission.work.forEach(({ request, work: { sequence } }, i) => {
      const { promptKey } = request;
      admission.logits.set(request, logits[i] as Float32Array);
      if (promptKey === undefined || admission.leaders.get(promptKey) !== request) return;
      const copy = cloneOf(sequence);
      this.prompts.keep(promptKey, {
        segments: request.segments,
        sequence: copy,
        logits: logits[i] as Float32Array,
      });
    });
    for (const { request, leader } of admission.followers) {
      this.sequences.set(request.sequenceId, cloneOf(this.sequences.get(leader.sequenceId) as Sequence));
      admission.logits.set(request, admission.logits.get(leader) as Float32Array);
    }
  }

  /** Logits after the last token of each request, without drawing. Only while no call is pending. */
  async logitsAfter(requests: readonly SampleRequest[]): Promise<Float32Array[]> {
    const admission = new Admission();
    this.plan(requests, admission);
    await this.compute(admission);
    return requests.map((request) => admission.logits.get(request) as Float32Array);
  }

  /** Decides for each request of a call what must be computed. @throws EngineError, having changed nothing. */
  private plan(requests: readonly SampleRequest[], admission: Admission): void {
    const planned = new Admission(admission);
    const begun = new Map<string, Sequence>();
    for (const request of requests) {
      const known = this.sequences.get(request.sequenceId);
      const total = request.segments.reduce((n, segment) => n + segmentLength(segment), 0);
      let sequence = known;
      if (known === undefined && request.promptKey !== undefined) {
        const leader = planned.leaders.get(request.promptKey);
        if (leader !== undefined && leader.segments.length === request.segments.length) {
          checkPrompt(request, leader.segments);
          planned.followers.push({ request, leader });
          continue;
        }
        const prompt = this.prompts.find(request);
        if (prompt === undefined) planned.leaders.set(request.promptKey, request);
        else {
          sequence = cloneOf(prompt.sequence);
          if (total === prompt.sequence.cache.length) {
            begun.set(request.sequenceId, sequence);
            planned.logits.set(request, prompt.logits);
            continue;
          }
        }
      }
      sequence ??= {
        cache: new SequenceCache(this.model.shape),
        positions: new MropeState(this.config.vision.spatialMergeSize),
      };
      const pending = pendingTokens(request, sequence.cache.length, this.config.imageTokenId);
      planned.work.push({ request, work: { sequence, pending } });
      if (known === undefined) begun.set(request.sequenceId, sequence);
    }
    admission.take(planned);
    for (const [id, sequence] of begun) this.sequences.set(id, sequence);
  }

  /** Answers the calls whose rows have all ended. */
  private answer(): void {
    const done = this.calls.filter((call) => call.rows.every((row) => row.stop !== undefined));
    if (done.length === 0) return;
    this.calls = this.calls.filter((call) => !done.includes(call));
    for (const call of done) {
      this.forget(call);
      call.resolve(
        call.rows.map(({ tokens, logprobs, stop }) => ({ tokens, logprobs, stop: stop as StopReason })),
      );
    }
  }

  /** Rejects every call. Half-computed sequences are dropped: the next request computes them anew. */
  private fail(error: unknown): void {
    const failed = [...this.calls, ...this.arrivals];
    this.calls = [];
    this.arrivals = [];
    this.decoding.memory.drop();
    for (const call of failed) {
      this.forget(call);
      for (const { sequenceId } of call.requests) this.sequences.delete(sequenceId);
      call.reject(error);
    }
  }

  private forget(call: Call): void {
    for (const { sequenceId } of call.requests) this.pending.delete(sequenceId);
  }
}

/** What a set of arrivals needs. */
class Admission {
  readonly work: { readonly request: SampleRequest; readonly work: PrefillWork }[] = [];
  /** Requests that take over the prompt another one of the same admission computes. */
  readonly followers: { readonly request: SampleRequest; readonly leader: SampleRequest }[] = [];
  /** The request that computes the prompt of a key. */
  readonly leaders: Map<string, SampleRequest>;
  /** After the last token of each request. */
  readonly logits = new Map<SampleRequest, Float32Array>();

  constructor(before?: Admission) {
    this.leaders = new Map(before?.leaders);
  }

  take(more: Admission): void {
    this.work.push(...more.work);
    this.followers.push(...more.followers);
    for (const [key, request] of more.leaders) this.leaders.set(key, request);
    for (const [request, logits] of more.logits) this.logits.set(request, logits);
  }
}

function cloneOf({ cache, positions }: Sequence): Sequence {
  return { cache: cache.clone(), positions: positions.clone() };
}
