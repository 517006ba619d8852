// How two lists of numbers are said to agree, and the largest disagreement seen, for the report.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";

type Numbers = ArrayLike<number>;

/** max |a - b| / max |b|. */
export function relativeToLargest(a: Numbers, b: Numbers): number {
  return fraction(largest(a, b), largest(b));
}

/** |a - b| / |b|, Euclidean norms over all elements. */
export function relativeNorm(a: Numbers, b: Numbers): number {
  return fraction(norm(a, b), norm(b));
}

function fraction(difference: number, scale: number): number {
  return difference === 0 ? 0 : difference / scale;
}

function largest(a: Numbers, b?: Numbers): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs((a[i] as number) - (b?.[i] ?? 0));
    if (!(d <= most)) most = d; // takes NaN, too
  }
  return most;
}

export function norm(a: Numbers, b?: Numbers): number {
  let square = 0;
  for (let i = 0; i < a.length; i++) square += ((a[i] as number) - (b?.[i] ?? 0)) ** 2;
  return Math.sqrt(square);
}

/** Collects the largest error of each kind of comparison, and fails at once where a limit is passed. */
export class Agreement {
  readonly worst = new Map<string, { readonly error: number; readonly at: string }>();

  /** max |a - b| / max |b| within `limit`, and every |a - b| within `limit` * (max |b| / 10 + |b|). */
  values(kind: string, at: string, got: Numbers, wanted: Numbers, limit: number): void {
    assert.equal(got.length, wanted.length, `${kind} of ${at}: number of values`);
    this.#note(kind, at, relativeToLargest(got, wanted), limit);
    const floor = largest(wanted) / 10;
    for (let i = 0; i < wanted.length; i++) {
      const allowed = limit * (floor + Math.abs(wanted[i] as number));
      const difference = Math.abs((got[i] as number) - (wanted[i] as number));
      assert.ok(difference <= allowed, `${kind} of ${at}: value ${i} is ${got[i]}, wanted ${wanted[i]}`);
    }
  }

  /** |a - b| / |b| within `limit`. */
  norms(kind: string, at: string, got: Numbers, wanted: Numbers, limit: number): void {
    assert.equal(got.length, wanted.length, `${kind} of ${at}: number of values`);
    this.#note(kind, at, relativeNorm(got, wanted), limit);
  }

  report(context: Pick<TestContext, "diagnostic">): void {
    for (const [kind, { error, at }] of this.worst)
      context.diagnostic(`largest error of ${kind}: ${error.toExponential(2)} (${at})`);
  }

  #note(kind: string, at: string, error: number, limit: number): void {
    if (!(error <= (this.worst.get(kind)?.error ?? -1))) this.worst.set(kind, { error, at });
    assert.ok(error <= limit, `${kind} of ${at}: relative error ${error}, at most ${limit} is allowed`);
  }
}
