// From a run's curves to the numbers that are compared, and from the numbers of several seeds to a mean with its interval.
import { mean } from "../learning/statistics.ts";
import type { CurvePoint } from "../runs/chart.ts";
import { studentT95 } from "../runs/curves.ts";
import type { RunFigures } from "./data.ts";
import { heldOutField } from "./quantities.ts";
import type { Measure, Reduction } from "./studyFile.ts";

/** The quantity by step, steps without a value left out; held-out figures have a step 0, before training. */
export function pointsOf({ curves, heldOut, steps }: RunFigures, quantity: string): CurvePoint[] {
  const field = heldOutField(quantity);
  if (field !== undefined)
    return heldOut.steps.flatMap((x, i) => {
      const y = heldOut.curves[field]?.[i];
      return typeof y === "number" ? [{ x, y }] : [];
    });
  // A family's reason that never occurred in this run is no gap.
  const stored = curves[quantity] ?? (/^(groups|trajectories)\/dropped\//.test(quantity) ? 0 : []);
  return Array.from({ length: steps }, (_, i) => i + 1).flatMap((x) => {
    const y = typeof stored === "number" ? stored : stored[x - 1];
    return typeof y === "number" ? [{ x, y }] : [];
  });
}

/** undefined when the run has no value of it. */
export function measureRun(run: RunFigures, { of, as }: Measure): number | undefined {
  return reduce(pointsOf(run, of), as);
}

/**
 * `last`: at the last step. `tail`: mean of the last quarter of the values. `mean`: area under the curve by its length (trapezoids).
 * `early`: the same over the first half of the steps. `trend`: mean of the last quarter minus mean of the first. `fluctuation`: root
 * mean square of the differences between neighbours in the last half, divided by √2: the deviation of values around a slow curve.
 * @returns undefined for too few points
 */
export function reduce(points: readonly CurvePoint[], as: Reduction): number | undefined {
  const ys = points.map(({ y }) => y);
  const quarter = Math.max(1, Math.ceil(ys.length / 4));
  switch (as) {
    case "last":
      return ys.at(-1);
    case "tail":
      return mean(ys.slice(-quarter));
    case "mean":
      return meanHeight(points);
    case "early": {
      const [first, last] = [points[0], points.at(-1)];
      if (first === undefined || last === undefined) return undefined;
      return meanHeight(points.filter(({ x }) => x <= (first.x + last.x) / 2));
    }
    case "trend":
      return ys.length < 2
        ? undefined
        : (mean(ys.slice(-quarter)) ?? NaN) - (mean(ys.slice(0, quarter)) ?? NaN);
    case "fluctuation": {
      const half = ys.slice(Math.floor(ys.length / 2));
      const squares = half.slice(1).map((y, i) => (y - (half[i] as number)) ** 2);
      const square = mean(squares);
      return square === undefined ? undefined : Math.sqrt(square / 2);
    }
    default:
      return as satisfies never;
  }
}

function meanHeight(points: readonly CurvePoint[]): number | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  if (first.x === last.x) return first.y;
  const area = points.slice(1).reduce((sum, { x, y }, i) => {
    const before = points[i] as CurvePoint;
    return sum + ((x - before.x) * (y + before.y)) / 2;
  }, 0);
  return area / (last.x - first.x);
}

export interface Estimate {
  readonly mean: number;
  readonly n: number;
  /** Half width of the 95% interval (Student's t over seeds); undefined for one seed. */
  readonly half?: number;
}

/** undefined without values. */
export function estimate(values: readonly number[]): Estimate | undefined {
  const centre = mean(values);
  if (centre === undefined) return undefined;
  const n = values.length;
  if (n < 2) return { mean: centre, n };
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (n - 1);
  return { mean: centre, n, half: studentT95(n - 1) * Math.sqrt(variance / n) };
}
