// For the tests of aggregates.
import assert from "node:assert/strict";
import type { Aggregate, ItemScore } from "./aggregate.ts";

export const itemScore = (
  id: number | string,
  score: number,
  labels: Readonly<Record<string, string>>,
  questionType = "",
): ItemScore => ({ item: { id: `item-${id}`, questionType, labels }, score });

/** @throws Error for a name that the aggregate has not */
export function valueOf({ headline, metrics }: Aggregate, name: string): number | null {
  const metric = [headline, ...metrics].find((one) => one.name === name);
  if (metric === undefined)
    throw new Error(`no metric ${name}; there are ${metrics.map((one) => one.name).join(", ")}`);
  return metric.value;
}

export const isWithin = (
  given: number | null | undefined,
  expected: number | undefined,
  error: number,
): void => {
  assert.ok(
    typeof given === "number" && expected !== undefined && Math.abs(given - expected) <= error,
    `${given} is not within ${error} of ${expected}`,
  );
};
