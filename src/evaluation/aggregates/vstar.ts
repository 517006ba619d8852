// V*: the share of right answers over all items, and in each of the two categories.
import { accuracyBy } from "./additive.ts";

export const vstarAggregator = accuracyBy(["category"], {
  order: ["direct_attributes", "relative_position"],
});
