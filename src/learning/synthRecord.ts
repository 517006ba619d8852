// What is kept of one episode of a teacher: the facts by which demonstrations are chosen, and the dialogue itself.
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { segmentLength } from "../core/datum.ts";
import type { Codec } from "../core/codec.ts";
import type { Task } from "../core/task.ts";
import type { ScoredTrajectory, ViewImage } from "../core/trajectory.ts";
import type { RewardFunction } from "../rewards/reward.ts";
import type { Dialogue } from "../tasks/formats/shareGpt.ts";
import { dialogueOf } from "../tasks/formats/shareGptSegments.ts";
import type { SynthFacts } from "./synthSelect.ts";

export interface SynthRecord extends SynthFacts {
  /** Of an answered episode that can be written. */
  readonly dialogue?: Dialogue;
  /** Pixels of the dialogue's smallest and largest picture, where it has one. */
  readonly pixels?: readonly [least: number, most: number];
  /** Of an answered episode that nobody could decide: what is to be decided. */
  readonly open?: { readonly question: string; readonly answer: string; readonly truth: string };
  /** What was wrong with a broken task, or with the sandbox. */
  readonly message?: string;
}

export interface SynthOrigin {
  readonly task: Task;
  readonly position: number;
  readonly attempt: number;
  readonly questionKey: string;
}

/** @param putImage keeps a picture and returns its path, as the dialogue is to have it */
export function recordOf(
  trajectory: ScoredTrajectory,
  { task, position, attempt, questionKey }: SynthOrigin,
  codec: Codec,
  putImage: (image: ViewImage) => string,
): SynthRecord {
  const { segments, turns, endReason, reward } = trajectory;
  const calls = turns.flatMap(({ tool }) => (tool === undefined ? [] : [tool.outcome.type === "ok"]));
  const ran = calls.filter((ok) => ok).length;
  const answered = endReason.type === "answered";
  const written = answered ? dialogueOf(segments, codec) : undefined;
  const areas = segments.flatMap((segment) =>
    segment.type === "image" ? [segment.image.pixels.width * segment.image.pixels.height] : [],
  );
  return {
    taskId: task.id,
    kind: task.kind,
    position,
    attempt,
    questionKey,
    wordsKey: keyOf(turns.map(({ text }) => collapse(text))),
    end: endReason.type,
    ...(reward.accuracy !== undefined && { accuracy: reward.accuracy }),
    turns: turns.length,
    calls: ran,
    failedCalls: calls.length - ran,
    lastCallRan: calls.at(-1) ?? true,
    images: areas.length,
    tokens: segments.reduce((n, segment) => n + segmentLength(segment), 0),
    ...(written?.type === "unwritable" && { unwritable: written.reason }),
    ...(written?.type === "dialogue" && {
      dialogue: { ...written.dialogue, images: written.dialogue.images.map(putImage) },
      ...(areas.length > 0 && { pixels: [Math.min(...areas), Math.max(...areas)] as const }),
    }),
    ...(answered &&
      reward.accuracy === undefined && {
        open: { question: task.question, answer: trajectory.answer ?? "", truth: task.answer },
      }),
    ...(endReason.type === "sandboxFailure" && { message: endReason.message }),
  };
}

/**
 * Decides an open episode with a judge that may answer now.
 * @returns the record as it is then; the same one when it is still open
 */
export async function decided(record: SynthRecord, reward: RewardFunction): Promise<SynthRecord> {
  const { open, ...rest } = record;
  if (open === undefined) return record;
  const { accuracy } = await reward({
    taskId: record.taskId,
    taskKind: record.kind,
    question: open.question,
    groundTruth: open.truth,
    member: 0,
    segments: [],
    turns: [],
    endReason: { type: "answered" },
    answer: open.answer,
    toolCalls: record.calls,
    effectiveToolCalls: record.calls,
  });
  return accuracy === undefined ? record : { ...rest, accuracy };
}

/** The record of a task that could not be put before the model. */
export function brokenRecord(
  origin: Omit<SynthOrigin, "task">,
  taskId: string,
  message: string,
): SynthRecord {
  return {
    ...origin,
    taskId,
    kind: "",
    wordsKey: "",
    end: "broken",
    turns: 0,
    calls: 0,
    failedCalls: 0,
    lastCallRan: true,
    images: 0,
    tokens: 0,
    message,
  };
}

/**
 * Equal for tasks that ask the same about the same medium, whatever their ids are: questions spaces aside, pictures by their
 * pixels, videos by file name and size.
 */
export function questionKeyOf(task: Task, videoBytes: (path: string) => number): string {
  const hash = createHash("sha256").update(collapse(task.question));
  for (const { width, height, data } of task.images) hash.update(`\0${width}x${height}:`).update(data);
  for (const path of task.videos ?? []) hash.update(`\0${basename(path)}:${videoBytes(path)}`);
  return hash.digest("hex").slice(0, 32);
}

function keyOf(texts: readonly string[]): string {
  return createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 32);
}

function collapse(text: string): string {
  return text.normalize("NFKC").replace(/\s+/g, " ").trim();
}
