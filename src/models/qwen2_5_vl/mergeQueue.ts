// Binary heap of merge candidates, ordered by rank, then by position: the next merge is the best pair, leftmost first.

export interface Candidate {
  readonly rank: number;
  readonly position: number;
}

export class MergeQueue {
  readonly #heap: Candidate[] = [];

  push(rank: number, position: number): void {
    const heap = this.#heap;
    const item = { rank, position };
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Candidate;
      if (!before(item, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = item;
  }

  pop(): Candidate | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Candidate, heap[child] as Candidate)) child++;
      if (!before(heap[child] as Candidate, last)) break;
      heap[i] = heap[child] as Candidate;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Candidate, b: Candidate): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.position < b.position);
}
