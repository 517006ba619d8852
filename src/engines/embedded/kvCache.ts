// Keys and values of sequences. Each sequence owns its cache between turns; for a run of decoding the caches of the
// active sequences are gathered into one batch with room to grow, and scattered back afterwards.

export interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly size: number;
}

/** One tensor per layer for keys, then one per layer for values. */
type Tensors = Float32Array[];

/** Cache of one sequence, layout [heads, capacity, size] per tensor. */
export class SequenceCache {
  length = 0;
  private capacity = 0;
  private tensors: Tensors;

  constructor(private readonly shape: CacheShape) {
    this.tensors = Array.from({ length: 2 * shape.layers }, () => new Float32Array(0));
  }

  clone(): SequenceCache {
    const copy = new SequenceCache(this.shape);
    copy.length = this.length;
    copy.capacity = this.capacity;
    copy.tensors = this.tensors.map((t) => t.slice());
    return copy;
  }

  /** Appends tokens `from` to `to` of row `row` of a batch tensor list with layout [rows, heads, stride, size]. */
  append(batch: readonly Float32Array[], row: number, stride: number, from: number, to: number): void {
    const { heads, size } = this.shape;
    this.reserve(this.length + to - from);
    batch.forEach((source, i) => {
      const target = this.tensors[i] as Float32Array;
      for (let h = 0; h < heads; h++) {
        const start = (row * heads + h) * stride;
        target.set(
          source.subarray((start + from) * size, (start + to) * size),
          (h * this.capacity + this.length) * size,
        );
      }
    });
    this.length += to - from;
  }

  /** Copies everything into row `row` of batch tensors [rows, heads, stride, size], at the front. */
  copyTo(batch: readonly Float32Array[], row: number, stride: number): void {
    const { heads, size } = this.shape;
    batch.forEach((target, i) => {
      const source = this.tensors[i] as Float32Array;
      for (let h = 0; h < heads; h++) {
        const start = h * this.capacity * size;
        target.set(source.subarray(start, start + this.length * size), (row * heads + h) * stride * size);
      }
    });
  }

  private reserve(length: number): void {
    if (length <= this.capacity) return;
    const { heads, size } = this.shape;
    const capacity = Math.ceil((length * 1.25) / 32) * 32;
    this.tensors = this.tensors.map((old) => {
      const grown = new Float32Array(heads * capacity * size);
      for (let h = 0; h < heads; h++) {
        const start = h * this.capacity * size;
        grown.set(old.subarray(start, start + this.length * size), h * capacity * size);
      }
      return grown;
    });
    this.capacity = capacity;
  }
}

/** Memory for one batch at a time, used again by the next: fresh pages cost four times what it costs to copy into them. */
export class CacheMemory {
  private tensors: Tensors = [];

  /** What was in it is still there: finite numbers, which whoever attends must not see. */
  take(count: number, size: number): Tensors {
    if (this.tensors.length < count || (this.tensors[0] as Float32Array).length < size)
      this.tensors = Array.from({ length: count }, () => new Float32Array(size));
    return this.tensors.slice(0, count).map((tensor) => tensor.subarray(0, size));
  }

  /** Numbers that are not finite would spoil even what does not see them. */
  drop(): void {
    this.tensors = [];
  }
}

/** The gathered caches of the rows of one batch. */
export class BatchCache {
  readonly tensors: readonly Float32Array[];
  /** Valid tokens of each row. */
  readonly lengths: Int32Array;
  private readonly sequences: SequenceCache[];

  constructor(
    private readonly shape: CacheShape,
    sequences: readonly SequenceCache[],
    /** Room per row in tokens; at least 1, because a tensor without keys has no products. */
    readonly capacity: number,
    memory = new CacheMemory(),
  ) {
    this.sequences = [...sequences];
    const size = sequences.length * shape.heads * capacity * shape.size;
    this.tensors = memory.take(2 * shape.layers, size);
    this.lengths = Int32Array.from(sequences, (s) => s.length);
    sequences.forEach((s, row) => s.copyTo(this.tensors, row, capacity));
  }

  /** Appends one token to every row from tensors [rows, heads, size]. */
  appendToken(fresh: readonly Float32Array[]): void {
    const { heads, size } = this.shape;
    this.tensors.forEach((target, i) => {
      const source = fresh[i] as Float32Array;
      let from = 0;
      for (let row = 0; row < this.lengths.length; row++)
        for (let h = 0; h < heads; h++) {
          let to = ((row * heads + h) * this.capacity + (this.lengths[row] as number)) * size;
          for (const end = from + size; from < end;) target[to++] = source[from++] as number;
        }
    });
    for (let row = 0; row < this.lengths.length; row++) this.lengths[row]!++;
  }

  /** Gives a row to another sequence, which must fit. What the row held and was not written back is lost. */
  replace(row: number, sequence: SequenceCache): void {
    this.sequences[row] = sequence;
    this.lengths[row] = sequence.length;
    sequence.copyTo(this.tensors, row, this.capacity);
  }

  /** Writes what was appended to a row back to its sequence. */
  writeBack(row: number): void {
    const sequence = this.sequences[row] as SequenceCache;
    sequence.append(this.tensors, row, this.capacity, sequence.length, this.lengths[row] as number);
  }
}
