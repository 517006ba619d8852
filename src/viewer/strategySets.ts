// The strategy log as sets: heads of all steps from the beginnings of their lines, and one step's groups as a table when
// somebody asks for it. A step that stands there twice (a run that was resumed) counts once, with its later line.
import type { SelectionRecord } from "../learning/selection.ts";
import { stepOfLine, type StrategyGroup, type StrategyStep } from "../runs/strategyLog.ts";
import type { LineFile } from "./lineFile.ts";
import type { Problem, SetHead } from "./protocol.ts";
import type { TableGroupRows, TableRow } from "./tableCodec.ts";

/** Reasons and counts: no head comes near it. */
const headBytes = 16_384;

export interface StrategySet extends SetHead {
  /** Where it stands in the log. */
  readonly line: number;
}

/** Heads of the lines from `from` on; lines that cannot be read become problems. */
export function strategySets(
  log: LineFile,
  from: number,
): { readonly sets: readonly StrategySet[]; readonly problems: readonly Problem[] } {
  const sets: StrategySet[] = [];
  const problems: Problem[] = [];
  for (let line = from; line < log.count; line++) {
    const set = setOf(log.line(line, headBytes), line);
    if (set !== undefined) sets.push(set);
    else
      problems.push({
        file: "strategy.jsonl",
        message: `line ${line + 1} is not a record of a step, so that step's groups are missing`,
      });
  }
  return { sets, problems };
}

/** @throws SyntaxError when the line is damaged behind its head */
export function strategyGroups(log: LineFile, line: number): TableGroupRows[] {
  const { groups } = JSON.parse(log.line(line)) as StrategyStep;
  return groups.map((group) => {
    const { task, kind, question, spread, fate, member } = group;
    return { task, kind, question, spread, fate, rows: member.map((_, i) => rowOf(group, i)) };
  });
}

function setOf(start: string, line: number): StrategySet | undefined {
  const end = start.indexOf(',"groups":[');
  const step = stepOfLine(start);
  if (end < 0 || step === undefined) return undefined;
  try {
    const head = JSON.parse(`${start.slice(0, end)}}`) as Omit<StrategyStep, "groups">;
    const { stored, trajectories, groupFates, memberFates } = head;
    const record: SelectionRecord = head.record;
    if (typeof stored.name !== "string" || typeof record.promptsDrawn !== "number") return undefined;
    return {
      name: stored.name,
      stage: "train",
      step,
      trajectories,
      stored: stored.count,
      strategy: { record, groupFates, memberFates },
      line,
    };
  } catch {
    return undefined;
  }
}

function rowOf(group: StrategyGroup, i: number): TableRow {
  return {
    reward: group.reward[i] ?? NaN,
    advantage: group.advantage[i] ?? NaN,
    tokens: group.tokens[i] ?? 0,
    calls: group.calls[i] ?? 0,
    effective: group.effective[i] ?? 0,
    errors: group.errors[i] ?? 0,
    turns: group.turns[i] ?? 0,
    member: group.member[i] ?? i,
    accuracy: group.accuracy[i] ?? undefined,
    end: group.end[i] ?? "",
    fate: group.fates[i] ?? "",
  };
}
