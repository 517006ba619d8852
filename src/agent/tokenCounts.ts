// How long a trajectory is, in the units results are reported in.
import { segmentLength } from "../core/datum.ts";
import type { Segment, Trajectory } from "../core/trajectory.ts";

type WithSegments = Pick<Trajectory, "segments">;

/**
 * Image placeholder tokens in the context, t * h * w / 4 for every image's grid: those of the prompt and those that the
 * model's own code showed.
 */
export function visualTokens(trajectory: WithSegments): { prompt: number; observation: number; all: number } {
  const from = (source: "prompt" | "observation"): number =>
    sum(trajectory, (segment) => segment.type === "image" && segment.source === source);
  const [prompt, observation] = [from("prompt"), from("observation")];
  return { prompt, observation, all: prompt + observation };
}

/** Tokens the model sampled (the response length). */
export function sampledTokens(trajectory: WithSegments): number {
  return sum(trajectory, (segment) => segment.type === "sampled");
}

/** The whole sequence. */
export function totalTokens(trajectory: WithSegments): number {
  return sum(trajectory, () => true);
}

function sum(trajectory: WithSegments, keep: (segment: Segment) => boolean): number {
  return trajectory.segments.filter(keep).reduce((n, segment) => n + segmentLength(segment), 0);
}
