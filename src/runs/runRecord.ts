// What a run was begun with, in run.json: which stage, which config, on what. By it the same command is known again, and
// a run that cannot be the same on another machine says so.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { ResolvedConfig } from "./config.ts";
import { writeFileAtomic } from "./files.ts";

export const runRecordName = "run.json";

const recordSchema = z.object({
  version: z.literal(1),
  stage: z.string(),
  fromScratch: z.boolean(),
  /** Times it was continued. */
  resumed: z.int().min(0),
  machine: z.string(),
  config: z.record(z.string(), z.unknown()),
});

export type RunRecord = z.output<typeof recordSchema>;

/** What a command asks for. */
export interface RunRequest {
  readonly stage: string;
  readonly fromScratch: boolean;
  readonly config: ResolvedConfig;
}

export function newRecord({ stage, fromScratch, config }: RunRequest): RunRecord {
  return { version: 1, stage, fromScratch, resumed: 0, machine: thisMachine(), config: plain(config) };
}

export function writeRecord(dir: string, record: RunRecord): void {
  writeFileAtomic(join(dir, runRecordName), `${JSON.stringify(record, null, 2)}\n`);
}

/** undefined when there is none that can be read. */
export function readRecord(dir: string): RunRecord | undefined {
  const path = join(dir, runRecordName);
  if (!existsSync(path)) return undefined;
  try {
    return recordSchema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/** Key paths in which the request differs from what the run was begun with, each with both values; none: the same. */
export function differencesFrom(record: RunRecord, request: RunRequest): string[] {
  const before = { stage: record.stage, "--from-scratch": record.fromScratch };
  const now = { stage: request.stage, "--from-scratch": request.fromScratch };
  return [...differences(before, now), ...differences(record.config, plain(request.config))];
}

/** What bits depend on beside the config: the number of cores, and the versions of what computes. */
export function thisMachine(): string {
  return `${process.platform} ${process.arch}, ${availableParallelism()} cores, Node ${process.versions.node}`;
}

function differences(before: unknown, now: unknown, path = ""): string[] {
  if (isRecord(before) && isRecord(now))
    return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
      differences(before[key], now[key], path === "" ? key : `${path}.${key}`),
    );
  if (JSON.stringify(before) === JSON.stringify(now)) return [];
  return [`${path} was ${show(before)}, now ${show(now)}`];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? "not set" : text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function plain(config: ResolvedConfig): Record<string, unknown> {
  return JSON.parse(JSON.stringify(config)) as Record<string, unknown>;
}
