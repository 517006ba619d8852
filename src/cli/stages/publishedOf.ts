// The published numbers that stand beside a run's own.
import type { PublishedScore } from "../../evaluation/summary.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

export function publishedOf(_config: ResolvedConfig): readonly PublishedScore[] {
  return [];
}
