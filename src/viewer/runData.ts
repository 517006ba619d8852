// One run as the page sees it. Files are read as they grow; what cannot be read is named among the problems, and the
// rest is shown. Nothing here writes.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { metricInfo } from "../learning/metrics.ts";
import { collapseAlarm } from "../runs/collapseAlarm.ts";
import { strategyLogName } from "../runs/strategyLog.ts";
import type { TrajectoryJson } from "../runs/trajectoryJson.ts";
import { flatConfig } from "./configDifferences.ts";
import { openLineFile } from "./lineFile.ts";
import { openMetricLog } from "./metricLog.ts";
import type { Problem, RunListing, RunOverview, RunState, SetHead, TokensAnswer } from "./protocol.ts";
import { openStoredSets, type StoredSets } from "./storedSets.ts";
import { strategyGroups, strategySets, type StrategySet } from "./strategySets.ts";
import { encodeTable } from "./tableCodec.ts";
import { openTokenTexts } from "./tokenTexts.ts";

/** A run that has written nothing for so long, and has no summary, is taken for stopped. */
const quietMs = 120_000;

export interface RunData {
  readonly key: string;
  readonly path: string;
  /** Reads what is new. @returns whether there was anything */
  update(): boolean;
  listing(): RunListing;
  /** Metrics and sets from these counts on, for a reader that has the others of the same generation. */
  overview(metricsFrom?: number, setsFrom?: number): RunOverview;
  /** A block of tableCodec.ts. @throws RangeError when there is no such set */
  table(name: string): Uint8Array;
  trajectory(name: string, index: number): TrajectoryJson;
  tokens(name: string, index: number): Promise<TokensAnswer>;
  imagePath(hash: string): string;
}

/** @param now milliseconds since 1970, to tell a running run from a stopped one */
export function openRunData(path: string, key: string, now: () => number = Date.now): RunData {
  const metrics = openMetricLog(join(path, "metrics.jsonl"));
  const log = openLineFile(join(path, strategyLogName));
  const stored = openStoredSets(join(path, "trajectories"));
  const texts = openTokenTexts(path);
  let strategy = new Map<string, StrategySet>();
  let logRead = 0;
  let logSeen = 0;
  let sets: SetHead[] = [];
  let setProblems: Problem[] = [];
  /** Found only when a step is opened. */
  const tableProblems = new Map<string, Problem>();
  let setsReplaced = 0;
  let config: Config = { flat: {}, problems: [], text: undefined };
  const tables = new Map<string, Uint8Array>();

  const startSetsOver = (): void => {
    [sets, setsReplaced] = [[], setsReplaced + 1];
    tables.clear();
    tableProblems.clear();
  };

  const readStrategy = (): void => {
    log.update();
    if (log.generation !== logSeen) {
      strategy = new Map();
      [logRead, logSeen, setProblems] = [0, log.generation, []];
      startSetsOver();
    }
    const found = strategySets(log, logRead);
    logRead = log.count;
    setProblems.push(...found.problems);
    for (const set of found.sets) {
      if (strategy.has(set.name)) startSetsOver();
      strategy.set(set.name, set);
    }
  };

  /** Sets are only ever added at the end, unless everything starts over. */
  const readSets = (): void => {
    readStrategy();
    const names = stored.names();
    const known = new Map(sets.map((set) => [set.name, set]));
    for (const { line: _, ...head } of strategy.values()) if (!known.has(head.name)) sets.push(head);
    for (const name of names) {
      if (strategy.has(name)) continue;
      const head = stored.head(name);
      const before = known.get(name);
      if (before === undefined) sets.push(head);
      else if (before.trajectories !== head.trajectories) {
        startSetsOver();
        readSets();
        return;
      }
    }
  };

  const generation = (): number => metrics.generation + setsReplaced;
  const signature = (): string =>
    [generation(), metrics.records.length, sets.length, existsSync(join(path, "summary.json"))].join(" ");

  const state = (): RunState => {
    if (existsSync(join(path, "summary.json"))) return "finished";
    return now() - updatedAt() < quietMs ? "running" : "stopped";
  };
  const updatedAt = (): number =>
    Math.max(metrics.changedAt, log.changedAt, modifiedAt(join(path, "config.yaml")));

  const listing = (): RunListing => {
    const last = metrics.records.at(-1);
    const totalSteps = Number(config.flat["train.steps"]);
    const isTraining = strategy.size > 0 || last?.["groups/prompts_drawn"] !== undefined;
    const number = (name: string): number | undefined => {
      const value = last?.[name];
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    };
    const accuracy = number("accuracy/mean");
    const toolCalls = number("tool_calls/mean");
    return {
      key,
      path,
      state: state(),
      step: last?.step ?? 0,
      ...(isTraining && totalSteps > 0 && { totalSteps }),
      updatedAt: updatedAt(),
      ...(accuracy !== undefined && { accuracy }),
      ...(toolCalls !== undefined && { toolCalls }),
    };
  };

  return {
    key,
    path,
    update: () => {
      const before = signature();
      config = readConfig(path, config);
      metrics.update();
      readSets();
      return signature() !== before;
    },
    listing,
    overview: (metricsFrom = 0, setsFrom = 0) => {
      const columns = metrics.columns(metricsFrom);
      const alarm = collapseAlarm(metrics.records);
      return {
        ...listing(),
        generation: generation(),
        metricsFrom,
        setsFrom,
        metrics: columns,
        sets: sets.slice(setsFrom),
        config: config.flat,
        metricInfo: Object.fromEntries(
          Object.keys(columns.columns).flatMap((name) => {
            const info = metricInfo(name);
            return info === undefined ? [] : [[name, info]];
          }),
        ),
        problems: [...config.problems, ...metrics.problems, ...setProblems, ...tableProblems.values()],
        ...(alarm !== undefined && { alarm }),
        absent: absences(sets, config.flat),
      };
    },
    table: (name) => {
      const head = sets.find((set) => set.name === name);
      if (head === undefined) throw new RangeError(`the run has no set named ${JSON.stringify(name)}`);
      const known = tables.get(name);
      if (known !== undefined) return known;
      const block = tableOf(head, strategy.get(name)?.line);
      tables.set(name, block);
      return block;
    },
    trajectory: (name, index) => stored.trajectory(name, index),
    tokens: async (name, index) => texts.of(stored.trajectory(name, index)),
    imagePath: (hash) => stored.imagePath(hash),
  };

  function tableOf(head: SetHead, line: number | undefined): Uint8Array {
    if (line === undefined) return encodeTable(head.name, stored.groups(head.name), head.stored);
    try {
      return encodeTable(head.name, strategyGroups(log, line), storedCount(stored, head));
    } catch (error) {
      const message = `line ${line + 1} is damaged, so the groups of step ${head.step} are missing (${(error as Error).message})`;
      tableProblems.set(head.name, { file: strategyLogName, message });
      return encodeTable(head.name, [], 0);
    }
  }
}

/** The log says how many were stored; the file may be gone since. */
function storedCount(stored: StoredSets, head: SetHead): number {
  return head.stored === 0 ? 0 : Math.min(head.stored, stored.head(head.name).trajectories);
}

interface Config {
  readonly text: string | undefined;
  readonly flat: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/** Read leniently: a viewer shows the configs of other versions too. */
function readConfig(path: string, before: Config): Config {
  let text: string;
  try {
    text = readFileSync(join(path, "config.yaml"), "utf8");
  } catch {
    const message = "is missing or cannot be read, so settings are not shown";
    return { text: undefined, flat: {}, problems: [{ file: "config.yaml", message }] };
  }
  if (text === before.text) return before;
  try {
    return { text, flat: flatConfig(parse(text)), problems: [] };
  } catch (error) {
    const message = `is not YAML, so settings are not shown (${(error as Error).message.split("\n")[0]})`;
    return { text, flat: {}, problems: [{ file: "config.yaml", message }] };
  }
}

function absences(sets: readonly SetHead[], config: Config["flat"]): RunOverview["absent"] {
  const perStep = config["logging.trajectoriesPerStep"];
  return {
    ...(!sets.some((set) => set.strategy !== undefined) && {
      strategy: "There is no strategy.jsonl in this run: it is written by pyvision train, step by step.",
    }),
    ...(!sets.some((set) => set.stored > 0) && {
      trajectories:
        perStep === "0"
          ? "This run stored no trajectories: logging.trajectoriesPerStep is 0. Set it above 0 to see them."
          : "This run has stored no trajectories yet.",
    }),
  };
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
