// How long a trajectory is, in the units results are reported in.
import { segmentLength } from "../core/datum.ts";
import type { Segment, Trajectory } from "../core/trajectory.ts";

type WithSegments = Pick<Trajectory, "segments">;

/** Image placeholder tokens in the context: the task's images and every observed figure. */
export function visualTokens(trajectory: WithSegments): number {
  return sum(trajectory, (segment) => segment.type === "image");
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
