// The rows that are being decoded together, one token a step. A row that ends leaves its slot free; a row that arrives
// takes a free slot, so that joining costs one copy of its own cache and nothing for the others.
import type { Distribution } from "./drawToken.ts";
import { BatchCache, type CacheMemory, type CacheShape } from "./kvCache.ts";
import type { MropeTables, RotaryRows } from "./rotaryTables.ts";
import type { Row } from "./sequence.ts";
import type { TokenModel } from "./tokenModel.ts";
import { BLOCKED } from "./visionBatch.ts";

/** Most room that a batch gains at a time, in tokens. A step reads all of it, so there is no more than rows may need. */
const DECODE_ROOM = 64;
/** Capacities are multiples of it. */
const ROOM_STEP = 16;

/** What every batch of a sampler decodes with. */
export interface DecodeTools {
  readonly model: TokenModel;
  readonly shape: CacheShape;
  readonly tables: MropeTables;
  readonly memory: CacheMemory;
}

export class DecodeBatch {
  private readonly rows: Row[];
  private readonly cache: BatchCache;
  private readonly bias: Float32Array;
  /** Of the tokens that are fed, as the model takes them. */
  private readonly tokens: BigInt64Array;
  private readonly rotary: RotaryRows;
  /** Steps until the longest row has filled its room. */
  private room: number;

  constructor(
    private readonly tools: DecodeTools,
    rows: readonly Row[],
  ) {
    this.rows = [...rows];
    this.tokens = new BigInt64Array(rows.length);
    this.rotary = tools.tables.allocate(rows.length);
    const longest = Math.max(...rows.map((row) => row.sequence.cache.length));
    const wanted = Math.max(...rows.map((row) => row.request.params.maxNewTokens - row.tokens.length));
    const capacity = Math.ceil((longest + Math.min(wanted, DECODE_ROOM)) / ROOM_STEP) * ROOM_STEP;
    this.room = capacity - longest;
    const sequences = rows.map((row) => row.sequence.cache);
    this.cache = new BatchCache(tools.shape, sequences, capacity, tools.memory);
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
   * Feeds every live row its last token. Slots without a live row run along on what they had: their results are not used.
   * @param accept takes a row's distribution; a row that has ended by it is written back and left
   */
  async step(accept: (row: Row, next: Distribution) => void): Promise<void> {
    const { rows, cache, bias, tokens, rotary } = this;
    const { model, tables } = this.tools;
    rows.forEach((row, slot) => {
      if (row.stop !== undefined) return;
      tokens[slot] = BigInt(row.tokens[row.tokens.length - 1] as number);
      tables.write(rotary, slot, row.sequence.positions.appendText(1), 1, 0);
    });
    const { capacity, tensors: past } = cache;
    const { logprobs, probabilities, fresh } = await model.run({ tokens, rotary, bias, past, capacity });
    rows.forEach((_, slot) => (bias[slot * (capacity + 1) + (cache.lengths[slot] as number)] = 0));
    cache.appendToken(fresh);
    this.room--;
    const vocab = logprobs.length / rows.length;
    rows.forEach((row, slot) => {
      if (row.stop !== undefined) return;
      const [from, to] = [slot * vocab, (slot + 1) * vocab];
      accept(row, {
        logprobs: logprobs.subarray(from, to),
        probabilities: probabilities.subarray(from, to),
      });
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
