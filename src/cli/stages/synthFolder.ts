// The folder that `synth` fills:
//   config.yaml       the recipe
//   episodes.jsonl    one line an episode, appended as it ends
//   images/           the pictures of answered episodes, named by their pixels
//   dialogues.json, dataset_info.json, llamafactory.yaml    the demonstrations, for LLaMA-Factory and for `sft.data`
//   report.json       how many there are, and why not the others
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { renameSync, rmSync, truncateSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { encode } from "fast-png";
import { ConfigError, DataError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";
import type { SynthRecord } from "../../learning/synthRecord.ts";
import { dumpConfig, loadConfig, type ResolvedConfig } from "../../runs/config.ts";
import { writeFileAtomic } from "../../runs/files.ts";
import { PLAYING_KEYS } from "../../runs/synthSchema.ts";
import { hashImage } from "../../runs/trajectoryStore.ts";
import { byteLines } from "../../tasks/formats/byteLines.ts";
import {
  DATASET_INFO_FILE,
  datasetInfo,
  DIALOGUES_FILE,
  dialoguesText,
  TRAINING_FILE,
  trainingFile,
} from "../../tasks/formats/shareGptExport.ts";

const CONFIG = "config.yaml";
const EPISODES = "episodes.jsonl";
const IMAGES = "images";
/** Tokens more than the agent's context: LLaMA-Factory closes every turn itself, the last one too. */
const SPARE_TOKENS = 64;
/** Pixel limits of Qwen2.5-VL as the paper trains it, where a recipe names none. */
const USUAL_PIXELS = { minPixels: 3136, maxPixels: 2_000_000 };

export interface SynthFolder {
  readonly path: string;
  /** Every episode so far. */
  records(): readonly SynthRecord[];
  recordsOf(position: number): readonly SynthRecord[];
  /** On disk when it returns. Replaces what there is of the same position and attempt. */
  add(record: SynthRecord): void;
  /** @returns the path from this folder */
  putImage(image: RgbImage): string;
  /** Replaces dialogues, dataset_info.json and training file; without a record they are removed. */
  writeDialogues(chosen: readonly SynthRecord[]): void;
  writeReport(report: unknown): void;
}

/**
 * Opens a new folder or one to go on with.
 * @throws ConfigError when it holds something else, or episodes that were played under another recipe
 */
export function openSynthFolder(dir: string, config: ResolvedConfig): SynthFolder {
  const path = resolve(dir);
  const at = (name: string): string => join(path, name);
  mkdirSync(path, { recursive: true });
  const found = readdirSync(path);
  if (found.includes(CONFIG) && found.includes(EPISODES)) checkSame(at(CONFIG), config);
  else if (found.length > 0)
    throw new ConfigError(
      `--out ${dir}: holds files, but no ${EPISODES} to go on with (${found.slice(0, 3).join(", ")}); name an empty or new folder`,
    );
  mkdirSync(at(IMAGES), { recursive: true });
  if (!existsSync(at(EPISODES))) appendFileSync(at(EPISODES), "");
  writeFileAtomic(at(CONFIG), dumpConfig(config));
  const byPosition = new Map<number, Map<number, SynthRecord>>();
  const put = (record: SynthRecord): void => {
    const attempts = byPosition.get(record.position) ?? new Map<number, SynthRecord>();
    byPosition.set(record.position, attempts.set(record.attempt, record));
  };
  // The sandbox's failures say nothing about the teacher: these episodes are played again.
  for (const record of readEpisodes(at(EPISODES))) if (record.end !== "sandboxFailure") put(record);
  const written = new Set<string>();
  return {
    path,
    records: () => [...byPosition.values()].flatMap((attempts) => [...attempts.values()]),
    recordsOf: (position) => [...(byPosition.get(position)?.values() ?? [])],
    add: (record) => {
      appendFileSync(at(EPISODES), `${JSON.stringify(record)}\n`);
      put(record);
    },
    putImage: (image) => {
      const name = `${IMAGES}/${hashImage(image)}.png`;
      if (!written.has(name) && !existsSync(at(name)))
        writeFileAtomic(at(name), encode({ ...image, channels: 3, depth: 8 }));
      written.add(name);
      return name;
    },
    writeDialogues: (chosen) => writeDialogues(at, chosen, config),
    writeReport: (report) => writeFileAtomic(at("report.json"), `${JSON.stringify(report, null, 2)}\n`),
  };
}

/** Whole lines; a last one without its newline is a write that was cut off, and is removed. */
function readEpisodes(file: string): SynthRecord[] {
  if (!existsSync(file)) return [];
  const records: SynthRecord[] = [];
  for (const { text, number, start, whole } of byteLines(file)) {
    if (!whole) {
      truncateSync(file, start);
      break;
    }
    try {
      records.push(JSON.parse(text) as SynthRecord);
    } catch (error) {
      throw new DataError(
        `${file} line ${number}: is not JSON (${(error as Error).message}); remove the line, and its episode is played again`,
      );
    }
  }
  return records;
}

/** What must not change between two runs into one folder. */
function playedUnder(config: ResolvedConfig): Readonly<Record<string, unknown>> {
  const { seed, engine, model, tasks, python, agent, reward, sft, synth } = config;
  const { judge, ...rules } = reward;
  const growing = new Set<string>(["tasks", "start", "attempts", "concurrent"]);
  const playing = PLAYING_KEYS.filter((key) => !growing.has(key)).map(
    (key) => [`synth.${key}`, synth[key]] as const,
  );
  return {
    seed,
    "engine.type": engine.type,
    "engine.model": "model" in engine ? engine.model : undefined,
    "engine.baseModel": "baseModel" in engine ? engine.baseModel : undefined,
    "model.init": model.init,
    "model.processor": model.processor,
    tasks,
    "python.matplotlibRc": python.matplotlibRc,
    "agent.template": agent.template,
    "agent.context": agent.context,
    "agent.maxTurns": agent.maxTurns,
    "agent.maxTurnTokens": agent.maxTurnTokens,
    "agent.maxContextTokens": agent.maxContextTokens,
    "agent.maxImages": agent.maxImages,
    "agent.onPythonError": agent.onPythonError,
    reward: rules,
    "reward.judge.model": judge?.model,
    "reward.judge.prompt": judge?.prompt,
    "reward.judge.prompts": judge?.prompts,
    ...(synth.teacher === "scripted" && { "sft.teacher": sft.teacher }),
    ...Object.fromEntries<unknown>(playing),
  };
}

function checkSame(file: string, config: ResolvedConfig): void {
  const [before, now] = [playedUnder(loadConfig(file)), playedUnder(config)];
  const show = (value: unknown): string => (value === undefined ? "not set" : JSON.stringify(value));
  const changed = Object.keys({ ...before, ...now }).find((key) => show(before[key]) !== show(now[key]));
  if (changed !== undefined)
    throw new ConfigError(
      `${changed}: the episodes in ${file.slice(0, -CONFIG.length - 1)} were played under ${show(before[changed])}, received ` +
        `${show(now[changed])}; go on under the old value, or name another folder with --out`,
    );
}

function writeDialogues(
  at: (name: string) => string,
  chosen: readonly SynthRecord[],
  config: ResolvedConfig,
): void {
  const rows = chosen.flatMap(({ taskId, attempt, dialogue }) =>
    dialogue === undefined ? [] : [{ id: `${taskId}/${attempt}`, dialogue }],
  );
  if (rows.length === 0) {
    for (const name of [DIALOGUES_FILE, DATASET_INFO_FILE, TRAINING_FILE]) rmSync(at(name), { force: true });
    return;
  }
  writePieces(at(DIALOGUES_FILE), dialoguesText(rows));
  const dataset = `${config.name}-synth`;
  writeFileAtomic(at(DATASET_INFO_FILE), datasetInfo(dataset));
  const { model, learningRate, epochs } = config.synth.student;
  const limits = config.model.processor ?? USUAL_PIXELS;
  // What lies outside the student's limits was within the teacher's.
  const pixels = chosen.flatMap((record) => record.pixels ?? []);
  const text = trainingFile({
    dataset,
    model,
    learningRate,
    epochs,
    cutoffTokens: config.agent.maxContextTokens + SPARE_TOKENS,
    minPixels: pixels.reduce((least, n) => Math.min(least, n), limits.minPixels),
    maxPixels: pixels.reduce((most, n) => Math.max(most, n), limits.maxPixels),
  });
  writeFileAtomic(at(TRAINING_FILE), text);
}

/** A file in one step, from text that may be too long for one string. */
function writePieces(file: string, pieces: Iterable<string>): void {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(beside, "w");
    try {
      for (const piece of pieces) writeSync(descriptor, piece);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
