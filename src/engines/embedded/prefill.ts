// Computes what sequences have gained since their last token was cached: prompts and observations, with their images.
import type { ViewImage } from "../../core/trajectory.ts";
import { BatchCache } from "./kvCache.ts";
import type { CompiledGraph } from "./compiledGraph.ts";
import type { DecoderModel } from "./decoderModel.ts";
import type { Pending } from "./pending.ts";
import type { Sequence } from "./sequence.ts";
import { BLOCKED, visionBatch } from "./visionBatch.ts";

/** Tokens in one run; bounds its memory. */
const PREFILL_TOKENS = 8192;
/** Images in one run of the vision tower. */
const VISION_IMAGES = 64;

export interface PrefillWork {
  readonly sequence: Sequence;
  readonly pending: Pending;
}

export class Prefill {
  private features = new WeakMap<ViewImage, Float32Array>();
  /** Images that went through the vision tower. */
  images = 0;
  /** Tokens whose keys and values were computed, padding not counted. */
  tokens = 0;

  constructor(
    private readonly model: DecoderModel,
    private readonly vision: CompiledGraph,
  ) {}

  /** Features belong to older weights: forget them. */
  reset(): void {
    this.features = new WeakMap();
  }

  /** Extends every cache by what is pending; returns the logits after each last token. */
  async run(work: readonly PrefillWork[]): Promise<Float32Array[]> {
    await this.computeFeatures(work.flatMap((w) => w.pending.images));
    const logits: Float32Array[] = [];
    for (let start = 0; start < work.length;) {
      let end = start;
      let longest = 0;
      while (end < work.length) {
        longest = Math.max(longest, (work[end] as PrefillWork).pending.tokens.length);
        if (end > start && longest * (end + 1 - start) > PREFILL_TOKENS) break;
        end++;
      }
      logits.push(...(await this.runChunk(work.slice(start, end))));
      start = end;
    }
    return logits;
  }

  private async runChunk(chunk: readonly PrefillWork[]): Promise<Float32Array[]> {
    const { model } = this;
    const batch = chunk.length;
    const width = model.config.hiddenSize;
    const length = Math.max(...chunk.map((w) => w.pending.tokens.length));
    const capacity = Math.max(1, ...chunk.map((w) => w.sequence.cache.length));
    const caches = chunk.map((w) => w.sequence.cache);
    const cache = new BatchCache(model.shape, caches, capacity);
    const embedded = new Float32Array(batch * length * width);
    const rotary = model.tables.allocate(batch * length);
    const keys = capacity + length;
    const bias = new Float32Array(batch * length * keys).fill(BLOCKED);
    chunk.forEach(({ sequence, pending }, b) => {
      this.embed(pending, embedded.subarray(b * length * width));
      const count = pending.tokens.length;
      this.tokens += count;
      const grids = pending.images.map((image) => image.grid);
      const positions = sequence.positions.append(pending.tokens, grids, model.config.imageTokenId);
      for (let t = 0; t < count; t++) model.tables.write(rotary, b * length + t, positions, count, t);
      for (let t = 0; t < length; t++) {
        const at = (b * length + t) * keys;
        bias.fill(0, at, at + sequence.cache.length);
        bias.fill(0, at + capacity, at + capacity + t + 1);
      }
    });
    const lastRows = chunk.map((w, b) => b * length + w.pending.tokens.length - 1);
    const past = cache.tensors;
    const input = { batch, length, embedded, rotary, bias, lastRows, past, capacity };
    const { logits, fresh } = await model.run(input);
    chunk.forEach((w, b) => w.sequence.cache.append(fresh, b, length, 0, w.pending.tokens.length));
    const vocab = model.config.vocabSize;
    return chunk.map((_, b) => logits.slice(b * vocab, (b + 1) * vocab));
  }

  /** Embeds tokens; placeholders take the features of the images, in order. */
  private embed({ tokens, images }: Pending, out: Float32Array): void {
    const { imageTokenId, hiddenSize: width } = this.model.config;
    const table = this.model.embeddings;
    let image = 0;
    for (let t = 0; t < tokens.length;) {
      const token = tokens[t] as number;
      if (token !== imageTokenId) {
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
    const { session, names } = this.vision;
    const { config, parameters } = this.model;
    const width = config.hiddenSize;
    for (let i = 0; i < fresh.length; i += VISION_IMAGES) {
      const chunk = fresh.slice(i, i + VISION_IMAGES);
      this.images += chunk.length;
      const { feeds, featureRows } = visionBatch(chunk, config);
      const results = await session.run({ ...feeds, ...parameters.feeds(names) });
      const all = results["features"]?.data as Float32Array;
      let at = 0;
      for (const image of chunk) {
        const first = featureRows[at] as number;
        this.features.set(image, all.slice(first * width, (first + image.tokenCount) * width));
        at += image.tokenCount;
      }
    }
  }
}
