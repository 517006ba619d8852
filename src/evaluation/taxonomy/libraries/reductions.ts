// Numbers out of pixels, by function or method: `np.mean(a)`, `a.mean()`, `sum(pixels)`.
import { numberOf } from "../cell.ts";
import type { Cell } from "../cell.ts";
import { NUMBER, NUMBERS } from "../values.ts";
import type { Picture, Value } from "../values.ts";

export const REDUCTIONS: ReadonlySet<string> = new Set(
  (
    "mean sum max min amax amin std var median any all argmax argmin percentile quantile count_nonzero nonzero " +
    "argwhere flatnonzero unique histogram histogram2d bincount ptp cumsum average nanmean nansum nanmax nanmin " +
    "nanmedian corrcoef argsort sort searchsorted trapz diff item"
  ).split(" "),
);

/** @param axis undefined: over everything */
export function reduced(from: Picture, name: string, axis: Value | undefined, cell: Cell): Value {
  const along = numberOf(axis);
  const channels = along === -1 || along === (from.form === "frames" ? 3 : 2);
  // Over the channels of each pixel: still one value a pixel.
  if (channels && from.form !== "pixels") {
    if (from.form === "mask" || name === "any" || name === "all")
      return from.form === "frames" ? from : { ...from, form: "mask" };
    return { ...from, adjusted: true };
  }
  cell.add("measure");
  return axis === undefined && !["nonzero", "argwhere", "flatnonzero", "unique", "histogram"].includes(name)
    ? NUMBER
    : NUMBERS;
}
