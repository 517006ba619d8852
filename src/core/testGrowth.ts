// Whether a pass over a long text is linear, asked so that no machine is too slow or too busy for the answer.
import assert from "node:assert/strict";

/** Four times the text takes a linear pass four times as long, and a quadratic one sixteen times. */
const PARTS = 4;
const TOO_STEEP = 9;
/** Of the processor: below it a noisy clock says more than the growth does, and nobody waits. */
const NO_MATTER_SECONDS = 0.2;
const TRIES = 6;
/** What is too steep and takes this long is not disturbed: it is not tried again. */
const HOPELESS_SECONDS = 20;

/**
 * Asserts that `work`'s processor time grows about in proportion to its size: compared with a quarter of the same work a
 * moment before, never with a number of seconds, and only when it is disturbed at each of six times does it fail wrongly.
 * @param work does the work for this size, from a quarter of `size` to `size`; called up to thirteen times
 */
export function assertLinear(what: string, size: number, work: (size: number) => void): void {
  let [part, whole] = [0, 0];
  work(Math.ceil(size / PARTS)); // compiled before it is timed: a cold quarter would hide a square
  for (let i = 0; i < TRIES && whole < HOPELESS_SECONDS; i++) {
    part = secondsOf(() => work(Math.ceil(size / PARTS)));
    whole = secondsOf(() => work(size));
    if (whole < NO_MATTER_SECONDS || whole < TOO_STEEP * part) return;
  }
  assert.fail(`${what}: ${whole.toFixed(2)} s of the processor, a quarter of it ${part.toFixed(2)} s`);
}

/** Of the processor, which other programs do not lengthen much. */
function secondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
