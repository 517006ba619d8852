// Seeded random streams. Every trajectory, task and shuffle has a stream of its own, derived by name, so that nothing
// depends on the order in which concurrent work happens to finish.

export interface Random {
  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number;
  /** Uniform integer in [0, n). */
  below(n: number): number;
  /** Standard normal. */
  normal(): number;
  pick<T>(items: readonly T[]): T;
  /** A new shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
  /** Where the stream stands: `restoreRandom` goes on from there. */
  state(): RandomState;
}

/** Four unsigned 32-bit numbers: the three words of sfc32 and its counter. */
export type RandomState = readonly [number, number, number, number];

/** A stream for the given path of keys, e.g. `randomStream(seed, "rollout", step, taskIndex, member)`. */
export function randomStream(...path: readonly (string | number)[]): Random {
  // FNV-1a over the path, then sfc32 (public-domain generator of PractRand), warmed up for 12 rounds.
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  for (const char of path.map(String).join("/")) {
    const code = char.codePointAt(0) ?? 0;
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul((b ^ code) + (a >>> 15), 0x85ebca6b);
  }
  const random = streamFrom(a, b, a ^ 0xb7e15162, 1);
  for (let i = 0; i < 12; i++) random.next();
  return random;
}

/** A stream that goes on where another stood. @throws RangeError for anything but four unsigned 32-bit numbers */
export function restoreRandom(state: readonly number[]): Random {
  const [a, b, c, counter] = state;
  if (state.length !== 4 || state.some((word) => word >>> 0 !== word))
    throw new RangeError(
      `the state of a random stream must be four whole numbers below 2^32, got [${state.join(", ")}]`,
    );
  return streamFrom(a as number, b as number, c as number, counter as number);
}

function streamFrom(a: number, b: number, c: number, counter: number): Random {
  const nextUint32 = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t >>> 0;
  };
  const random: Random = {
    next: () => nextUint32() / 4294967296,
    below: (n) => Math.floor((nextUint32() / 4294967296) * n),
    normal: () => {
      const u = 1 - random.next();
      return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * random.next());
    },
    pick: (items) => {
      if (items.length === 0) throw new RangeError("internal: pick from an empty list");
      return items[random.below(items.length)] as (typeof items)[number];
    },
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        [copy[i], copy[j]] = [copy[j] as (typeof copy)[number], copy[i] as (typeof copy)[number]];
      }
      return copy;
    },
    state: () => [a >>> 0, b >>> 0, c >>> 0, counter >>> 0],
  };
  return random;
}
