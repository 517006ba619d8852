// The trajectories folder as sets: what is stored in full. Training steps come with the strategy log; evaluations, and
// runs from before that log, are known only from here.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../core/errors.ts";
import { trajectoryFromJson, type TrajectoryJson } from "../runs/trajectoryJson.ts";
import { openLineFile, type LineFile } from "./lineFile.ts";
import type { SetHead } from "./protocol.ts";
import type { TableGroupRows, TableRow } from "./tableCodec.ts";

const setName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export interface StoredSets {
  /** Names of the files there are. */
  names(): string[];
  head(name: string): SetHead;
  /** Their figures, as far as a stored trajectory tells: advantages and fates it does not. Damaged lines are left out. */
  groups(name: string): TableGroupRows[];
  /** @throws DataError when there is none, or it is damaged */
  trajectory(name: string, index: number): TrajectoryJson;
  /** Path of a picture. @throws DataError when the reference is not one, or there is no such picture */
  imagePath(hash: string): string;
}

export function openStoredSets(path: string): StoredSets {
  const files = new Map<string, LineFile>();
  const fileOf = (name: string): LineFile => {
    if (!setName.test(name)) throw new DataError(`no trajectories are named ${JSON.stringify(name)}`);
    const file = files.get(name) ?? openLineFile(join(path, `${name}.jsonl`));
    files.set(name, file);
    file.update();
    return file;
  };
  const read = (name: string, index: number): TrajectoryJson => {
    const file = fileOf(name);
    if (!Number.isInteger(index) || index < 0 || index >= file.count)
      throw new DataError(`${name} holds ${file.count} trajectories, none at ${index}`);
    return checked(file.line(index), `trajectories/${name}.jsonl line ${index + 1}`);
  };

  return {
    names: () =>
      existsSync(path) && statSync(path).isDirectory()
        ? readdirSync(path)
            .filter((file) => file.endsWith(".jsonl") && setName.test(file))
            .map((file) => file.slice(0, -".jsonl".length))
            .sort()
        : [],
    head: (name) => {
      const { count } = fileOf(name);
      const [, stage, step] = /^(.+)-(\d+)$/.exec(name) ?? [];
      return { name, stage: stage ?? name, step: Number(step ?? 0), trajectories: count, stored: count };
    },
    groups: (name) => {
      const groups: (Omit<TableGroupRows, "rows"> & { rows: TableRow[] })[] = [];
      for (let i = 0; i < fileOf(name).count; i++) {
        const { task, kind, question, row } = rowOfStored(() => read(name, i));
        const last = groups.at(-1);
        if (last?.task === task) last.rows.push(row);
        else groups.push({ task, kind, question, spread: null, fate: "", rows: [row] });
      }
      return groups;
    },
    trajectory: read,
    imagePath: (hash) => {
      if (!/^[0-9a-f]{32}$/.test(hash))
        throw new DataError(`a picture is named by 32 hex digits, received ${JSON.stringify(hash)}`);
      const file = join(path, "images", `${hash}.png`);
      if (!existsSync(file)) throw new DataError(`picture ${hash}.png is missing in ${join(path, "images")}`);
      return file;
    },
  };
}

/** Checks the shape with the reader of the store, without opening a picture. */
function checked(line: string, where: string): TrajectoryJson {
  try {
    const json = JSON.parse(line) as TrajectoryJson;
    trajectoryFromJson(json, () => ({ width: 0, height: 0, data: new Uint8Array() }));
    return json;
  } catch (error) {
    throw new DataError(`${where} cannot be shown: ${(error as Error).message}`);
  }
}

interface StoredRow {
  readonly task: string;
  readonly kind: string;
  readonly question: string;
  readonly row: TableRow;
}

/** A damaged line keeps its place, so that the numbers of the others stay right. */
function rowOfStored(read: () => TrajectoryJson): StoredRow {
  let json: TrajectoryJson;
  try {
    json = read();
  } catch {
    const none = { tokens: 0, calls: 0, effective: 0, errors: 0, turns: 0, member: 0 };
    const row = {
      ...none,
      reward: NaN,
      advantage: NaN,
      accuracy: undefined,
      end: "damaged",
      fate: "damaged",
    };
    return { task: "", kind: "", question: "(this trajectory is damaged)", row };
  }
  const { taskId, taskKind, question, reward, turns, segments } = json;
  const row: TableRow = {
    reward: reward?.total ?? NaN,
    advantage: NaN,
    tokens: segments.reduce((n, s) => n + (s.type === "sampled" ? s.tokens.length : 0), 0),
    calls: json.toolCalls,
    effective: json.effectiveToolCalls,
    errors: turns.filter(({ tool }) => tool?.outcome.type === "pythonError").length,
    turns: turns.length,
    member: json.member,
    accuracy: reward?.accuracy,
    end: json.endReason.type,
    fate: "",
  };
  return { task: taskId, kind: taskKind, question: question.slice(0, 200), row };
}
