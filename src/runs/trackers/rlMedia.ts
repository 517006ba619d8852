// What a tracker is shown of an RL step beside its metrics: the spread of a few numbers over the step's trajectories, and one
// trajectory to look at, with the images at the size that the model saw them. Only drawn training trajectories: nothing here
// may hold a held-out answer (a program of the policy could find it on disk).
import { encode } from "fast-png";
import type { ScoredTrajectory, Segment, Turn } from "../../core/trajectory.ts";
import type { AdvantagedGroup } from "../../learning/selection.ts";
import { countTrajectory } from "../../learning/trajectoryStats.ts";
import type { MediaUpdate } from "./tracker.ts";

/** Characters of a turn's text or output that are shown. */
const SHOWN = 4_000;

/**
 * Histograms first, then the sample's text and images.
 * @param images at most so many
 */
export function rlMedia(
  step: number,
  timeMs: number,
  drawn: readonly AdvantagedGroup[],
  images: number,
): MediaUpdate[] {
  const sample = chooseSample(drawn);
  return [
    ...histograms(step, timeMs, drawn),
    ...(sample === undefined ? [] : trajectoryMedia(step, timeMs, sample, images)),
  ];
}

/** `histogram/…` by trajectory; what has no value (an undecided answer's reward) is left out. */
function histograms(step: number, timeMs: number, drawn: readonly AdvantagedGroup[]): MediaUpdate[] {
  const all = drawn.flatMap(({ group }) => group.trajectories);
  const counts = all.map((trajectory) => ({ trajectory, ...countTrajectory(trajectory) }));
  const judged = all.filter(({ reward }) => reward.accuracy !== undefined);
  const lists: Readonly<Record<string, readonly (number | undefined)[]>> = {
    "histogram/reward": judged.map(({ reward }) => reward.total),
    "histogram/advantage": drawn.flatMap(({ advantages_G }) => advantages_G),
    "histogram/response_tokens": counts.map(({ sampledTokens }) => sampledTokens),
    "histogram/tool_calls": all.map(({ toolCalls }) => toolCalls),
    "histogram/sampled_logprob": counts.map(({ logprobSum, sampledTokens }) =>
      sampledTokens === 0 ? undefined : logprobSum / sampledTokens,
    ),
  };
  return Object.entries(lists).flatMap(([name, list]): MediaUpdate[] => {
    const values = list.filter((value): value is number => value !== undefined && Number.isFinite(value));
    return values.length === 0 ? [] : [{ type: "histogram", step, timeMs, name, values }];
  });
}

/** The first that was shown an image by its own program, else the first with an image, else the first. */
function chooseSample(drawn: readonly AdvantagedGroup[]): ScoredTrajectory | undefined {
  const all = drawn.flatMap(({ group }) => group.trajectories);
  const shows = ({ segments }: ScoredTrajectory, source?: "observation"): boolean =>
    segments.some((s) => s.type === "image" && (source === undefined || s.source === source));
  return all.find((t) => shows(t, "observation")) ?? all.find((t) => shows(t)) ?? all[0];
}

function trajectoryMedia(
  step: number,
  timeMs: number,
  sample: ScoredTrajectory,
  images: number,
): MediaUpdate[] {
  const seen = sample.segments.filter(
    (segment): segment is Extract<Segment, { type: "image" }> => segment.type === "image",
  );
  // A prompt of many frames leaves room for what the program drew.
  const observed = seen.filter(({ source }) => source === "observation").slice(0, Math.ceil(images / 2));
  const prompt = seen.filter(({ source }) => source === "prompt").slice(0, images - observed.length);
  const chosen = [...prompt, ...observed];
  const text: MediaUpdate = {
    type: "text",
    step,
    timeMs,
    name: "trajectory/text",
    markdown: trajectoryMarkdown(sample),
  };
  return [
    text,
    ...chosen.map(({ source, image: { pixels, grid } }, index): MediaUpdate => {
      const { width, height, data } = pixels;
      const whence = source === "prompt" ? "in the prompt" : "shown by the model's program";
      return {
        type: "image",
        step,
        timeMs,
        name: `trajectory/image_${index + 1}`,
        index,
        png: encode({ width, height, data, channels: 3, depth: 8 }),
        width,
        height,
        caption: `${sample.taskId}: ${whence}, ${width} × ${height} pixels, ${(grid[0] * grid[1] * grid[2]) / 4} tokens`,
      };
    }),
  ];
}

export function trajectoryMarkdown(trajectory: ScoredTrajectory): string {
  const { taskId, question, groundTruth, reward, endReason, turns } = trajectory;
  const verdict = reward.accuracy === undefined ? "undecided" : reward.accuracy === 1 ? "right" : "wrong";
  return [
    `**${taskId}**, member ${trajectory.member}: ${verdict}, reward ${reward.total}, ended as ${endReason.type}`,
    `Question\n\n${fenced(question)}`,
    `Truth: \`${groundTruth.replaceAll("`", "'")}\``,
    ...turns.map((turn, i) => turnMarkdown(turn, i + 1)),
  ].join("\n\n");
}

function turnMarkdown({ text, tool }: Turn, number: number): string {
  const parts = [`Turn ${number}\n\n${fenced(text)}`];
  if (tool !== undefined) {
    const { outcome, stdout, figures } = tool;
    parts.push(
      `Python: ${outcome.type}, ${figures.length} figures${stdout === "" ? "" : `\n\n${fenced(stdout)}`}`,
    );
    if (outcome.type === "pythonError") parts.push(fenced(outcome.traceback));
  }
  return parts.join("\n\n");
}

/** As a block of code whose fence is longer than any in the text. */
function fenced(text: string): string {
  const shown =
    text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}\n… ${text.length - SHOWN} characters more`;
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${shown}\n${fence}`;
}
