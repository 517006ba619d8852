// One answer of an evaluation as a line of items.jsonl: what was scored, how, and what it took. A line ends with a checksum of
// itself, so that one that a kill or a disk cut short is known, and is asked again.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Task } from "../core/task.ts";
import type { Trajectory } from "../core/trajectory.ts";
import { countTrajectory } from "../learning/trajectoryStats.ts";
import type { ItemVerdict } from "../rewards/itemVerdict.ts";

/** `unreadable`: the item's own files are damaged. `failed`: engine or tool failed, which says nothing of the answer. */
export const STAGES = ["rule", "judge", "none", "unreadable", "failed"] as const;
export type Stage = (typeof STAGES)[number];

const count = z.int().min(0);

const recordSchema = z.strictObject({
  /** Of the item among those of its source. */
  position: count,
  repeat: count,
  id: z.string(),
  /** `contentOf` the item as it was asked. */
  content: z.string(),
  kind: z.string(),
  questionType: z.string(),
  labels: z.record(z.string(), z.string()),
  /** Whether its options stand in an order of our own; absent unless they were to. */
  shuffled: z.boolean().exactOptional(),
  /** In [0, 1]. */
  score: z.number().min(0).max(1),
  stage: z.enum(STAGES),
  /** What was compared. */
  extracted: z.string().exactOptional(),
  /** The truth. */
  answer: z.string(),
  /** Of the episode; "none" where there was none. */
  endReason: z.string(),
  /** Why it could not be read, or failed. */
  error: z.string().exactOptional(),
  turns: count,
  toolCalls: count,
  /** Cells handed to Python, and those of them that raised. */
  cells: count,
  pythonErrors: count,
  visualTokens: count,
  sampledTokens: count,
  /** What the cells did, each category once, sorted. */
  code: z.array(z.string()),
  judge: z
    .strictObject({
      model: z.string(),
      promptHash: z.string(),
      verdict: z.enum(["right", "wrong", "undecided", "failed", "overBudget"]),
      failure: z.string().exactOptional(),
    })
    .exactOptional(),
  /** From asking to the score, with others at the same time. */
  seconds: z.number().min(0),
});

export type ItemRecord = Readonly<z.output<typeof recordSchema>>;

/** What an item is broken down by; tasks of files have their kind. */
export interface DescribedTask extends Task {
  readonly questionType?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly details?: Readonly<Record<string, string | number>>;
  readonly options?: readonly { readonly letter: string; readonly text: string }[];
}

type Described = Pick<
  ItemRecord,
  "position" | "repeat" | "id" | "content" | "kind" | "questionType" | "labels" | "shuffled" | "answer"
>;

export function describeItem(
  item: Omit<DescribedTask, "images">,
  position: number,
  repeat: number,
): Described {
  const { id, kind, answer, questionType = kind, labels = { kind }, details } = item;
  const shuffled = details?.["shuffled"];
  return {
    ...{ position, repeat, id, content: contentOf(item), kind, questionType, labels, answer },
    ...(shuffled !== undefined && { shuffled: shuffled === 1 }),
  };
}

/** By which an answer's item is known again: 16 hex digits of its id, question, truth and options. Its media are not read. */
export function contentOf({
  id,
  question,
  answer,
  options = [],
}: Omit<DescribedTask, "images" | "kind">): string {
  return digest(JSON.stringify([id, question, answer, options.map(({ letter, text }) => [letter, text])]));
}

/** @param classify what each cell of an episode did, by their code */
export function answeredRecord(
  item: Described,
  trajectory: Trajectory,
  { score, stage, extracted, judge }: ItemVerdict,
  seconds: number,
  classify: (codes: readonly string[]) => readonly (readonly string[])[],
): ItemRecord {
  const { visualTokens, sampledTokens, cells, pythonErrors } = countTrajectory(trajectory);
  const { endReason, turns, toolCalls } = trajectory;
  const ran = turns.flatMap(({ action, tool }) =>
    action.type === "code" && tool !== undefined ? [action.code] : [],
  );
  const code = ran.length === 0 ? [] : classify(ran).flat();
  const failed = endReason.type === "sandboxFailure";
  return {
    ...item,
    score: failed ? 0 : score,
    stage: failed ? "failed" : stage,
    ...(extracted !== undefined && { extracted }),
    endReason: endReason.type,
    ...(failed && { error: endReason.message }),
    ...{ turns: turns.length, toolCalls, cells, pythonErrors, visualTokens, sampledTokens },
    code: [...new Set(code)].sort(),
    ...(judge !== undefined && { judge: { ...judge } }),
    seconds: rounded(seconds),
  };
}

/** An item that brought no episode. */
export function lostRecord(
  item: Described,
  stage: "unreadable" | "failed",
  error: string,
  seconds: number,
): ItemRecord {
  const nothing = { turns: 0, toolCalls: 0, cells: 0, pythonErrors: 0, visualTokens: 0, sampledTokens: 0 };
  const endReason = stage === "failed" ? "engineFailure" : "none";
  return {
    ...item,
    score: 0,
    stage,
    answer: item.answer,
    endReason,
    error,
    ...nothing,
    code: [],
    seconds: rounded(seconds),
  };
}

const rounded = (seconds: number): number => Math.round(1000 * Math.max(0, seconds)) / 1000;

/** Without its newline. */
export function recordLine(record: ItemRecord): string {
  // Keys in the schema's order, so that a record which was read is written as it stood.
  const text = JSON.stringify(recordSchema.parse(record)).slice(0, -1);
  return `${text},"sum":"${digest(text)}"}`;
}

/** @throws Error when the line is not what was written */
export function recordOfLine(line: string): ItemRecord {
  const [, text, sum] = /^(.*),"sum":"([0-9a-f]{16})"\}$/.exec(line) ?? [];
  if (text === undefined || digest(text) !== sum) throw new Error("a line is not what was written");
  return recordSchema.parse(JSON.parse(`${text}}`));
}

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);
