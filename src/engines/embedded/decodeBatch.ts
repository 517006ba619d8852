// The rows that are being decoded together, one token a step. A row that ends leaves its slot free; a row that arrives
// takes a free slot, so that joining costs one copy of its own cache and nothing for the others.
import { BatchCache } from "./kvCache.ts";
import type { DecoderModel } from "./decoderModel.ts";
import type { Row } from "./sequence.ts";
import { BLOCKED } from "./visionBatch.ts";

/** Room that a batch gains at a time, in tokens. */
const DECODE_ROOM = 64;

export class DecodeBatch {
  private readonly rows: Row[];
  private readonly cache: BatchCache;
  private readonly bias: Float32Array;
  /** Steps until the longest row has filled its room. */
  private room: number;

  constructor(
    private readonly model: DecoderModel,
    rows: readonly Row[],
  ) {
    this.rows = [...rows];
    const longest = Math.max(...rows.map((row) => row.sequence.cache.length));
    const capacity = Math.ceil((longest + DECODE_ROOM) / DECODE_ROOM) * DECODE_ROOM;
    this.room = capacity - longest;
    const sequences = rows.map((row) => row.sequence.cache);
    this.cache = new BatchCache(model.shape, sequences, capacity);
    this.bias = new Float32Array(rows.length * (capacity + 1));
    rows.forEach((_, slot) => this.openBias(slot));
  }

  /** Rows that have not ended. */
  get live(): Row[] {
    return this.rows.filter((row) => row.stop === undefined);
  }

  /** Whether the rows that are left are better gathered anew: half of the slots are idle, or there is no room. */
  get worn(): boolean {
    return this.room === 0 || this.live.length <= this.rows.length / 2;
  }

  /** Puts arrivals into free slots. False when they do not fit; then nothing has changed. */
  place(arrivals: readonly Row[]): boolean {
    const free = [...this.rows.keys()].filter((slot) => this.rows[slot]?.stop !== undefined);
    const longest = Math.max(0, ...arrivals.map((row) => row.sequence.cache.length));
    if (arrivals.length > free.length || longest >= this.cache.capacity) return false;
    arrivals.forEach((row, i) => {
      const slot = free[i] as number;
      this.rows[slot] = row;
      this.cache.replace(slot, row.sequence.cache);
      this.openBias(slot);
    });
    this.room = Math.min(this.room, this.cache.capacity - longest);
    return true;
  }

  /**
   * Feeds every live row its last token. Slots without a live row run along on zeros: their results are not used.
   * @param accept takes a row's logits; a row that has ended by it is written back and left
   */
  async step(accept: (row: Row, logits: Float32Array) => void): Promise<void> {
    const { model, rows, cache, bias } = this;
    const width = model.config.hiddenSize;
    const table = model.embeddings;
    const embedded = new Float32Array(rows.length * width);
    const rotary = model.tables.allocate(rows.length);
    rows.forEach((row, slot) => {
      if (row.stop !== undefined) return;
      const token = row.tokens[row.tokens.length - 1] as number;
      embedded.set(table.subarray(token * width, (token + 1) * width), slot * width);
      model.tables.write(rotary, slot, row.sequence.positions.appendText(1), 1, 0);
    });
    const { logits, fresh } = await model.run({
      batch: rows.length,
      length: 1,
      embedded,
      rotary,
      bias,
      lastRows: Int32Array.from(rows.keys()),
      past: cache.tensors,
      capacity: cache.capacity,
    });
    rows.forEach((_, slot) => (bias[slot * (cache.capacity + 1) + (cache.lengths[slot] as number)] = 0));
    cache.appendToken(fresh);
    this.room--;
    const vocab = model.config.vocabSize;
    rows.forEach((row, slot) => {
      if (row.stop !== undefined) return;
      accept(row, logits.subarray(slot * vocab, (slot + 1) * vocab));
      if (row.stop !== undefined) cache.writeBack(slot);
    });
  }

  /** Writes the caches of the live rows back; the batch is not used after it. */
  close(): void {
    this.rows.forEach((row, slot) => {
      if (row.stop === undefined) this.cache.writeBack(slot);
    });
  }

  /** A slot sees its own cached tokens and the token it is fed. */
  private openBias(slot: number): void {
    const { capacity, lengths } = this.cache;
    const at = slot * (capacity + 1);
    this.bias.fill(BLOCKED, at, at + capacity);
    this.bias.fill(0, at, at + (lengths[slot] as number));
    this.bias[at + capacity] = 0;
  }
}
