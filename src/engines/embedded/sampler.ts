// Batched sampling with a KV cache. A call first computes the tokens that a sequence has gained since its last one
// (prompt or observation; the prompt of a group once), then decodes all rows together, dropping finished rows when half
// of them are done. Nothing here depends on time: one list of requests always runs as the same batches.
import { EngineError } from "../../core/errors.ts";
import type { StopReason, ViewImage } from "../../core/trajectory.ts";
import { headDim, type Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import { MropeState } from "../../models/qwen2_5_vl/positions.ts";
import type { GraphSession, Value } from "../../onnx/session.ts";
import type { Codec, SampleRequest, SampleResult } from "../engine.ts";
import { drawToken } from "./drawToken.ts";
import { BatchCache, SequenceCache, type CacheShape } from "./kvCache.ts";
import { pendingTokens, type Pending } from "./pending.ts";
import type { ParameterStore } from "./parameters.ts";
import { MropeTables } from "./rotaryTables.ts";
import { floats, ints, rowIds } from "./values.ts";
import { BLOCKED, visionBatch } from "./visionBatch.ts";

/** Tokens in one prefill run; bounds its memory. */
const PREFILL_TOKENS = 8192;
/** Images in one run of the vision tower. */
const VISION_IMAGES = 64;
/** Room that a decoding batch gains at a time. */
const DECODE_ROOM = 64;

interface Sequence {
  readonly cache: SequenceCache;
  readonly positions: MropeState;
}

/** One request on its way through a call. */
interface Row {
  readonly request: SampleRequest;
  readonly sequence: Sequence;
  readonly tokens: number[];
  readonly logprobs: number[];
  text: string;
  stop: StopReason | undefined;
}

export interface SamplerSessions {
  readonly vision: { readonly session: GraphSession; readonly names: readonly string[] };
  readonly decoder: { readonly session: GraphSession; readonly names: readonly string[] };
}

export class EmbeddedSampler {
  private readonly sequences = new Map<string, Sequence>();
  private features = new WeakMap<ViewImage, Float32Array>();
  private readonly tables: MropeTables;
  private readonly shape: CacheShape;
  private readonly pieces: readonly string[];

  constructor(
    private readonly config: Qwen25VLConfig,
    private readonly codec: Codec,
    private readonly sessions: SamplerSessions,
    private readonly parameters: ParameterStore,
    /** Ids that sampling never produces. */
    private readonly banned: ReadonlySet<number>,
  ) {
    this.tables = new MropeTables(config);
    this.shape = { layers: config.numHiddenLayers, heads: config.numKeyValueHeads, size: headDim(config) };
    this.pieces = Array.from({ length: config.vocabSize }, (_, id) => codec.decode([id]));
  }

  /** Everything cached belongs to older weights: forget it. */
  reset(): void {
    this.sequences.clear();
    this.features = new WeakMap();
  }

  release(sequenceId: string): void {
    this.sequences.delete(sequenceId);
  }

  get openSequences(): number {
    return this.sequences.size;
  }

  async sample(requests: readonly SampleRequest[]): Promise<SampleResult[]> {
    const logits = await this.prefill(requests);
    const rows = requests.map((request): Row => {
      const sequence = this.sequences.get(request.sequenceId) as Sequence;
      return { request, sequence, tokens: [], logprobs: [], text: "", stop: undefined };
    });
    rows.forEach((row, i) => this.accept(row, logits[i] as Float32Array));
    await this.decode(rows.filter((row) => row.stop === undefined));
    return rows.map(({ tokens, logprobs, stop }) => ({ tokens, logprobs, stop: stop as StopReason }));
  }

  /** Draws the next token of a row from its logits and notes whether that ends it. */
  private accept(row: Row, logits: Float32Array): void {
    const { params, random } = row.request;
    const { token, logprob } = drawToken(logits, params, this.banned, random);
    if (!Number.isFinite(logprob)) throw this.notFinite(row.request.sequenceId);
    row.tokens.push(token);
    row.logprobs.push(logprob);
    const longest = Math.max(0, ...params.stopStrings.map((s) => s.length));
    row.text = (row.text.slice(-longest) + (this.pieces[token] as string)).slice(-4 * longest - 32);
    if (token === this.codec.endOfTurnId || params.stopStrings.some((s) => row.text.includes(s)))
      row.stop = "stop";
    else if (row.tokens.length >= params.maxNewTokens) row.stop = "length";
  }

  private notFinite(sequenceId: string): EngineError {
    const weight = this.parameters.firstNonFinite();
    const cause = weight === undefined ? "" : `; the weight "${weight}" is itself not finite`;
    return new EngineError(`sampling "${sequenceId}": the model's logits are not finite${cause}`);
  }

  private async decode(rows: Row[]): Promise<void> {
    let active = rows;
    while (active.length > 0) {
      const longest = Math.max(...active.map((row) => row.sequence.cache.length));
      const capacity = Math.ceil((longest + DECODE_ROOM) / DECODE_ROOM) * DECODE_ROOM;
      const cache = new BatchCache(
        this.shape,
        active.map((row) => row.sequence.cache),
        capacity,
      );
      const bias = new Float32Array(active.length * (capacity + 1)).fill(BLOCKED);
      active.forEach((_, b) => {
        bias.fill(0, b * (capacity + 1), b * (capacity + 1) + (cache.lengths[b] as number));
        bias[b * (capacity + 1) + capacity] = 0;
      });
      for (let room = capacity - longest; room > 0; room--) {
        await this.decodeStep(active, cache, bias);
        const left = active.filter((row) => row.stop === undefined).length;
        if (left <= active.length / 2) break;
      }
      cache.scatter();
      active = active.filter((row) => row.stop === undefined);
    }
  }

  /** Feeds every row its last token. Rows that are already done run along on zeros: their results are not used. */
  private async decodeStep(active: readonly Row[], cache: BatchCache, bias: Float32Array): Promise<void> {
    const n = active.length;
    const width = this.config.hiddenSize;
    const table = this.parameters.value("model.embed_tokens.weight");
    const embedded = new Float32Array(n * width);
    const rotary = this.tables.allocate(n);
    active.forEach((row, b) => {
      const token = row.tokens[row.tokens.length - 1] as number;
      if (row.stop !== undefined) return;
      embedded.set(table.subarray(token * width, (token + 1) * width), b * width);
      this.tables.write(rotary, b, row.sequence.positions.appendText(1), 1, 0);
    });
    const results = await this.run({
      embedded: floats(embedded, [n, width]),
      cos: floats(rotary.cos, [n, this.tables.width]),
      sin: floats(rotary.sin, [n, this.tables.width]),
      rowIds: rowIds(n),
      layout: ints([n, 1]),
      bias: floats(bias, [n, 1, 1, 1, cache.capacity + 1]),
      lastRows: ints(Int32Array.from({ length: n }, (_, i) => i)),
      ...this.pastFeeds(cache.tensors, n, cache.capacity),
    });
    for (let b = 0; b < n; b++) bias[b * (cache.capacity + 1) + (cache.lengths[b] as number)] = 0;
    cache.appendToken(this.freshTensors(results));
    const logits = results["logits"]?.data as Float32Array;
    const vocab = this.config.vocabSize;
    active.forEach((row, b) => {
      if (row.stop !== undefined) return;
      this.accept(row, logits.subarray(b * vocab, (b + 1) * vocab));
      if (row.stop !== undefined) cache.freeze(b);
    });
  }

  /** Computes what each sequence has gained; returns the logits after its last token. */
  private async prefill(requests: readonly SampleRequest[]): Promise<Float32Array[]> {
    const logits: Float32Array[] = [];
    const leaders = new Map<string, number>(); // promptKey of sequences that begin now -> first such request
    const work: { index: number; sequence: Sequence; pending: Pending }[] = [];
    const followers: { index: number; leader: number }[] = [];
    requests.forEach((request, index) => {
      const known = this.sequences.get(request.sequenceId);
      const leader =
        known === undefined && request.promptKey !== undefined ? leaders.get(request.promptKey) : undefined;
      if (leader !== undefined) return void followers.push({ index, leader });
      if (known === undefined && request.promptKey !== undefined) leaders.set(request.promptKey, index);
      const sequence = known ?? {
        cache: new SequenceCache(this.shape),
        positions: new MropeState(this.config.vision.spatialMergeSize),
      };
      this.sequences.set(request.sequenceId, sequence);
      work.push({
        index,
        sequence,
        pending: pendingTokens(request, sequence.cache.length, this.config.imageTokenId),
      });
    });
    await this.computeFeatures(work.flatMap((w) => w.pending.images));
    for (let start = 0; start < work.length;) {
      let end = start;
      let longest = 0;
      while (end < work.length) {
        longest = Math.max(longest, (work[end] as (typeof work)[number]).pending.tokens.length);
        if (end > start && longest * (end + 1 - start) > PREFILL_TOKENS) break;
        end++;
      }
      const chunk = work.slice(start, end);
      const results = await this.prefillChunk(chunk);
      chunk.forEach((w, i) => (logits[w.index] = results[i] as Float32Array));
      start = end;
    }
    for (const { index, leader } of followers) {
      const source = this.sequences.get((requests[leader] as SampleRequest).sequenceId) as Sequence;
      const copy = { cache: source.cache.clone(), positions: source.positions.clone() };
      this.sequences.set((requests[index] as SampleRequest).sequenceId, copy);
      logits[index] = logits[leader] as Float32Array;
    }
    return logits;
  }

  private async prefillChunk(
    chunk: readonly { sequence: Sequence; pending: Pending }[],
  ): Promise<Float32Array[]> {
    const n = chunk.length;
    const width = this.config.hiddenSize;
    const length = Math.max(...chunk.map((w) => w.pending.tokens.length));
    const capacity = Math.max(1, ...chunk.map((w) => w.sequence.cache.length));
    const cache = new BatchCache(
      this.shape,
      chunk.map((w) => w.sequence.cache),
      capacity,
    );
    const embedded = new Float32Array(n * length * width);
    const rotary = this.tables.allocate(n * length);
    const keys = capacity + length;
    const bias = new Float32Array(n * length * keys).fill(BLOCKED);
    chunk.forEach(({ sequence, pending }, b) => {
      this.embed(pending, embedded.subarray(b * length * width));
      const count = pending.tokens.length;
      const grids = pending.images.map((image) => image.grid);
      const positions = sequence.positions.append(pending.tokens, grids, this.config.imageTokenId);
      for (let t = 0; t < count; t++) this.tables.write(rotary, b * length + t, positions, count, t);
      for (let t = 0; t < length; t++) {
        const at = (b * length + t) * keys;
        bias.fill(0, at, at + sequence.cache.length);
        bias.fill(0, at + capacity, at + capacity + t + 1);
      }
    });
    const results = await this.run({
      embedded: floats(embedded, [n * length, width]),
      cos: floats(rotary.cos, [n * length, this.tables.width]),
      sin: floats(rotary.sin, [n * length, this.tables.width]),
      rowIds: rowIds(n * length),
      layout: ints([n, length]),
      bias: floats(bias, [n, 1, 1, length, keys]),
      lastRows: ints(chunk.map((w, b) => b * length + w.pending.tokens.length - 1)),
      ...this.pastFeeds(cache.tensors, n, capacity),
    });
    const fresh = this.freshTensors(results);
    chunk.forEach((w, b) => w.sequence.cache.append(fresh, b, length, 0, w.pending.tokens.length));
    const logits = results["logits"]?.data as Float32Array;
    const vocab = this.config.vocabSize;
    return chunk.map((_, b) => logits.slice(b * vocab, (b + 1) * vocab));
  }

  /** Embeds tokens; placeholders take the features of the images, in order. */
  private embed({ tokens, images }: Pending, out: Float32Array): void {
    const width = this.config.hiddenSize;
    const table = this.parameters.value("model.embed_tokens.weight");
    let image = 0;
    for (let t = 0; t < tokens.length;) {
      const token = tokens[t] as number;
      if (token !== this.config.imageTokenId) {
        out.set(table.subarray(token * width, (token + 1) * width), t * width);
        t++;
        continue;
      }
      const view = images[image++] as ViewImage;
      out.set(this.features.get(view) as Float32Array, t * width);
      t += view.tokenCount;
    }
  }

  private async computeFeatures(images: readonly ViewImage[]): Promise<void> {
    const fresh = [...new Set(images)].filter((image) => !this.features.has(image));
    const { session, names } = this.sessions.vision;
    const width = this.config.hiddenSize;
    for (let i = 0; i < fresh.length; i += VISION_IMAGES) {
      const chunk = fresh.slice(i, i + VISION_IMAGES);
      const { feeds, featureRows } = visionBatch(chunk, this.config);
      const results = await session.run({ ...feeds, ...this.parameters.feeds(names) });
      const all = results["features"]?.data as Float32Array;
      let at = 0;
      for (const image of chunk) {
        const first = featureRows[at] as number;
        this.features.set(image, all.slice(first * width, (first + image.tokenCount) * width));
        at += image.tokenCount;
      }
    }
  }

  private run(feeds: Record<string, Value>): Promise<Record<string, Value>> {
    const { session, names } = this.sessions.decoder;
    return session.run({ ...feeds, ...this.parameters.feeds(names) });
  }

  private pastFeeds(tensors: readonly Float32Array[], rows: number, capacity: number): Record<string, Value> {
    const { layers, heads, size } = this.shape;
    const feeds: Record<string, Value> = {};
    for (let i = 0; i < layers; i++) {
      feeds[`pastKey${i}`] = floats(tensors[i] as Float32Array, [rows, heads, capacity, size]);
      feeds[`pastValue${i}`] = floats(tensors[layers + i] as Float32Array, [rows, heads, capacity, size]);
    }
    return feeds;
  }

  private freshTensors(results: Record<string, Value>): Float32Array[] {
    const { layers } = this.shape;
    const pick = (name: string, i: number): Float32Array => results[`${name}${i}`]?.data as Float32Array;
    return Array.from({ length: 2 * layers }, (_, i) =>
      i < layers ? pick("newKey", i) : pick("newValue", i - layers),
    );
  }
}
