// Sampling requests of one set of weights, brought to its engine. Requests of one moment are gathered and handed over
// together and in their own order, so that the engine computes the batches that it would compute for a caller in the same
// process; a prompt that goes on from a sequence that was sampled takes that sequence over, and equal prompts are computed
// once.
import type { Datum } from "../../core/datum.ts";
import type { Random } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import type { SampledSequence } from "../../engines/tinker/protocol/wire.ts";
import { type OpenSequence, OpenSequences } from "../openSequences.ts";
import type { SampleJob, SampleOutput } from "./sampleJob.ts";

/** Tokens sampled between two looks at what the engine itself does not know: token ids that end a sample. */
const PIECE = 16;
/** What the caches of open sequences may take, in bytes. */
const CACHE_BYTES = 2 ** 30;

export interface GatherOptions {
  /** Requests are handed over when none has come for so long. */
  readonly gatherMs: number;
  /** But not later than this after the first. */
  readonly maxGatherMs: number;
  /** Requests of one call that are missing, because their way was disturbed, are waited for so long after the last. */
  readonly togetherMs: number;
  /** Whether a request is being read: it is waited for. */
  readonly arriving: () => boolean;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
}

/** Where the rest of a sample is computed when the weights under it have changed meanwhile. */
export type GoOn = <T>(use: (sampler: PolicySampler) => Promise<T>) => Promise<T>;

interface Waiting {
  readonly job: SampleJob;
  readonly goOn: GoOn;
  readonly resolve: (output: SampleOutput | Promise<SampleOutput>) => void;
}

interface PieceResult {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly stop: "stop" | "length";
}

let sequences = 0; // keeps sequence ids of one process apart

export class PolicySampler {
  private readonly open: OpenSequences;
  /** Lengths of open sequences, and of some that are no longer. */
  private readonly lengths = new Set<number>();
  private waiting: Waiting[] = [];
  private firstAt = 0;
  private lastAt = 0;
  private looking = false;
  /** Sets of weights that this engine had before. */
  private version = 0;
  private underWay = 0;

  constructor(
    readonly engine: EmbeddedEngine,
    private readonly options: GatherOptions,
  ) {
    const { numHiddenLayers, numKeyValueHeads, hiddenSize, numAttentionHeads } = engine.files.config;
    const bytesPerToken = 8 * numHiddenLayers * numKeyValueHeads * (hiddenSize / numAttentionHeads);
    this.open = new OpenSequences((id) => engine.release(id), {
      maxSequences: 4096,
      maxTokens: Math.floor(CACHE_BYTES / bytesPerToken),
    });
  }

  /** Whether samples are being computed or about to be. */
  get busy(): boolean {
    return this.underWay > 0;
  }

  sample(job: SampleJob, goOn: GoOn): Promise<SampleOutput> {
    this.underWay++;
    const done = new Promise<SampleOutput>((resolve) => {
      this.lastAt = this.options.now();
      if (this.waiting.length === 0) this.firstAt = this.lastAt;
      this.waiting.push({ job, goOn, resolve });
      this.look();
    });
    return done.finally(() => this.underWay--);
  }

  /** Hands over what was gathered, at once. */
  flush(): void {
    const jobs = this.waiting.sort(
      ({ job: { order: a } }, { job: { order: b } }) => a[0] - b[0] || a[1] - b[1],
    );
    this.waiting = [];
    // All first pieces within one moment, then what runs alone: the engine computes together what comes together.
    const sampled = jobs.map(({ job, goOn }) => this.sampleAll(job, goOn));
    jobs.forEach(({ job, resolve }, i) => {
      const sequences = sampled[i] as Promise<SampledSequence[]>;
      resolve(
        job.promptLogprobs === 0
          ? sequences.then((done) => ({ sequences: done }))
          : Promise.all([sequences, this.promptLogprobs(job)]).then(([done, promptLogprobs]) => ({
              sequences: done,
              promptLogprobs,
            })),
      );
    });
  }

  /** To be called when the weights are about to change: what was asked before is computed with those that are there. */
  weightsChange(): void {
    this.flush();
    this.version++;
    this.open.clear();
    this.lengths.clear();
  }

  /** Hands over as soon as nothing comes any more. */
  private look(): void {
    if (this.looking) return;
    this.looking = true;
    const { gatherMs, maxGatherMs, togetherMs, arriving, now } = this.options;
    // After the pause, sockets that are ready are read first: the engine may have kept this thread from them.
    const afterReads = (times: number, then: () => void): void => {
      setImmediate(() => (times > 1 ? afterReads(times - 1, then) : then()));
    };
    setTimeout(() => {
      afterReads(3, () => {
        this.looking = false;
        if (this.waiting.length === 0) return;
        const silence = now() - this.lastAt;
        const quiet = silence >= gatherMs && !arriving();
        const due = quiet || now() - this.firstAt >= maxGatherMs;
        if (this.whole() ? due : silence >= togetherMs) this.flush();
        else this.look();
      });
    }, gatherMs);
  }

  /** Whether no call is waiting with a part of its requests. */
  private whole(): boolean {
    const counts = new Map<string, number>();
    for (const { job } of this.waiting)
      if (job.together !== undefined) {
        const { call, count } = job.together;
        counts.set(call, (counts.get(call) ?? count) - 1);
      }
    return [...counts.values()].every((missing) => missing <= 0);
  }

  private sampleAll(job: SampleJob, goOn: GoOn): Promise<SampledSequence[]> {
    const { streams } = job;
    const taken = streams.length === 1 ? this.longestBeginning(job) : undefined;
    return Promise.all(streams.map((random) => this.sampleOne(job, random, taken, goOn)));
  }

  /** The longest open sequence that the prompt goes on from: the client's own where it names one, or any that says the same. */
  private longestBeginning({ prompt: { tokens, prefixes }, sequence }: SampleJob): OpenSequence | undefined {
    const lengths = [...this.lengths].filter((length) => length < tokens.length).sort((a, b) => b - a);
    for (const length of lengths) {
      const open = this.open.take(keyOf(prefixes.key(length), sequence), tokens);
      if (open !== undefined) return open;
    }
    return undefined;
  }

  private async sampleOne(
    job: SampleJob,
    random: Random,
    taken: OpenSequence | undefined,
    goOn: GoOn,
  ): Promise<SampledSequence> {
    const { prompt, maxTokens, stopTokens, endsAtTurn } = job;
    const inPieces = stopTokens.size > 0;
    const tokens: number[] = [];
    const logprobs: number[] = [];
    let id = taken?.id ?? `sample-${++sequences}`;
    const { version } = this;
    const ask = (sampler: PolicySampler): Promise<PieceResult> => {
      const left = maxTokens - tokens.length;
      const isFirst = tokens.length === 0;
      const sampled: Segment = { type: "sampled", tokens: [...tokens], logprobs: [...logprobs] };
      return sampler.piece(job, {
        id,
        promptKey: isFirst && taken === undefined ? prompt.prefixes.key(prompt.prefixes.length) : undefined,
        segments: isFirst ? prompt.segments : [...prompt.segments, sampled],
        maxNewTokens: inPieces ? Math.min(PIECE, left) : left,
        random,
      });
    };
    /** Another engine that has the sequence's cache. */
    let elsewhere: PolicySampler | undefined;
    const release = (): void => (elsewhere ?? this).engine.release(id);
    try {
      let result = await ask(this);
      for (;;) {
        const end = result.tokens.findIndex((token) => stopTokens.has(token));
        const used = end < 0 ? result.tokens.length : end + 1;
        tokens.push(...result.tokens.slice(0, used));
        logprobs.push(...result.logprobs.slice(0, used));
        const stopped = end >= 0 || (result.stop === "stop" && endsAtTurn);
        if (stopped || tokens.length >= maxTokens) {
          // What was sampled beyond the end is no part of the sequence: then its cache is of no use.
          const exact = used === result.tokens.length;
          if (exact && elsewhere === undefined && version === this.version) this.keep(job, id, tokens);
          else release();
          return { stopReason: stopped ? "stop" : "length", tokens, logprobs };
        }
        result = await goOn((sampler) => {
          if (sampler !== (elsewhere ?? this)) {
            elsewhere = sampler;
            id = `sample-${++sequences}`;
          }
          return ask(sampler);
        });
      }
    } catch (error) {
      release();
      throw error;
    }
  }

  private async piece(
    { temperature, topP, topK, stopStrings }: SampleJob,
    {
      id: sequenceId,
      promptKey,
      segments,
      maxNewTokens,
      random,
    }: {
      readonly id: string;
      readonly promptKey: string | undefined;
      readonly segments: readonly Segment[];
      readonly maxNewTokens: number;
      readonly random: Random;
    },
  ): Promise<PieceResult> {
    const [result] = await this.engine.sample([
      {
        sequenceId,
        ...(promptKey !== undefined && { promptKey }),
        segments,
        params: { maxNewTokens, temperature, topP, topK, stopStrings },
        random,
      },
    ]);
    if (result === undefined) throw new Error("internal: the engine gave no result for a request");
    return result;
  }

  private keep({ prompt, sequence }: SampleJob, id: string, tokens: readonly number[]): void {
    this.lengths.add(prompt.tokens.length + tokens.length);
    const key = keyOf(prompt.prefixes.keyWith(tokens), sequence);
    this.open.keep(key, { id, tokens: [...prompt.tokens, ...tokens] });
  }

  /** One a token of the prompt; nothing predicts the first. */
  private async promptLogprobs({ prompt, promptLogprobs: wanted }: SampleJob): Promise<(number | null)[]> {
    const { length } = prompt.tokens;
    const first = Math.max(1, length - wanted);
    const none = (count: number): null[] => Array<null>(count).fill(null);
    if (first >= length) return none(length);
    const zeros = new Float32Array(length);
    const datum: Datum = {
      tokens: Int32Array.from(prompt.tokens),
      images: prompt.segments.flatMap((segment) => (segment.type === "image" ? [segment.image] : [])),
      mask: new Float32Array(length).fill(1, first),
      logprobs: zeros,
      advantages: zeros,
    };
    const [logprobs = zeros] = await this.engine.forward([datum]);
    return [...none(first), ...logprobs.subarray(first)];
  }
}

/** @param prefix digest of all that the sequence begins with, pictures included */
function keyOf(prefix: string, sequence: string | undefined): string {
  return sequence === undefined ? prefix : `${prefix} ${sequence}`;
}
