// TIR-Bench: the mean score over all items, fractions of a jigsaw included, and within each task.
import { accuracyBy } from "./additive.ts";

export const tirBenchAggregator = accuracyBy(["task"]);
