// `synth`: a teacher plays the agent on tasks, the episodes worth learning from are chosen, and written as dialogues. Every
// episode is on disk as soon as it has ended, so the same command goes on where it was stopped (synthFolder.ts).
import { statSync } from "node:fs";
import { DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Task, TaskSource } from "../../core/task.ts";
import type { Sampler } from "../../engines/engine.ts";
import { brokenRecord, questionKeyOf, recordOf, type SynthRecord } from "../../learning/synthRecord.ts";
import { selectDemonstrations, whyNot } from "../../learning/synthSelect.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { decideOpen } from "./synthOpen.ts";
import { openSynthFolder, type SynthFolder } from "./synthFolder.ts";
import { formatSynthReport, synthReport, type SynthReport } from "./synthReport.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/**
 * Plays what is missing in `dir`, then chooses and writes anew.
 * @throws ConfigError when `dir` holds episodes of another recipe, DataError when no episode passed
 */
export async function runSynth(
  config: ResolvedConfig,
  dir: string,
  reporter: Reporter,
): Promise<SynthReport> {
  const folder = openSynthFolder(dir, config);
  const before = folder.records().length;
  if (before > 0) reporter.info(`${folder.path}: goes on after ${before} episodes`);
  const bench = await openWorkbench(config, config.model.init, "model.init", reporter);
  try {
    await decideOpen(bench.grading, folder, reporter);
    await playMissing(bench, config, folder, reporter);
  } catch (error) {
    reporter.info(`${folder.records().length} episodes are kept in ${folder.path}; the same command goes on`);
    throw error;
  } finally {
    await bench.close();
  }
  const { filter, perTask, balance } = config.synth;
  const records = folder.records();
  const selected = selectDemonstrations(records, { filter, perTask, balance, seed: config.seed });
  const report = synthReport(records, selected);
  folder.writeDialogues(selected.chosen);
  folder.writeReport(report);
  reporter.print(formatSynthReport(report));
  if (selected.chosen.length === 0)
    throw new DataError(
      `${folder.path}: none of ${records.length} episodes is a demonstration under synth.filter, so no dialogues were ` +
        "written; the reasons stand in report.json: relax the filter, or raise synth.tasks or synth.attempts",
    );
  reporter.info(`dialogues: ${folder.path}`);
  return report;
}

type PlayConfig = Pick<ResolvedConfig, "synth" | "seed">;

/** An episode to be played. */
interface Episode {
  readonly position: number;
  readonly attempt: number;
  readonly task: Task;
  readonly questionKey: string;
}

async function playMissing(
  bench: Workbench,
  config: ResolvedConfig,
  folder: SynthFolder,
  reporter: Reporter,
): Promise<void> {
  const { synth } = config;
  const source = bench.tasks(synth.split);
  const end = Math.min(synth.start + synth.tasks, source.size);
  const positions = Array.from({ length: Math.max(0, end - synth.start) }, (_, i) => synth.start + i);
  for (let attempt = 0; attempt < synth.attempts; attempt++) {
    const missing = positions.filter((position) => isMissing(folder, position, attempt, synth));
    if (missing.length === 0) continue;
    const label = synth.attempts === 1 ? "episodes" : `episodes, attempt ${attempt + 1}`;
    const progress = reporter.start(label, missing.length, "episodes");
    let right = 0;
    const keep = (record: SynthRecord): void => {
      folder.add(record);
      if (record.accuracy === 1) right++;
      progress.advance(1, `${right} right`);
    };
    for (let at = 0; at < missing.length; at += synth.concurrent) {
      const episodes = openTasks(source, missing.slice(at, at + synth.concurrent), attempt, keep);
      await playTogether(bench, config, folder, episodes, keep);
    }
    progress.end();
  }
}

/** Whether a task is to be played for the given time: not yet done, and too few of the times before were good. */
function isMissing(
  folder: SynthFolder,
  position: number,
  attempt: number,
  { filter, perTask }: ResolvedConfig["synth"],
): boolean {
  const records = folder.recordsOf(position);
  if (records.some((record) => record.attempt === attempt || record.end === "broken")) return false;
  const good = records.filter((record) => record.attempt < attempt && whyNot(record, filter) === undefined);
  return good.length < perTask;
}

/** The tasks at the positions; one whose media cannot be read is kept as broken. */
function openTasks(
  source: TaskSource,
  positions: readonly number[],
  attempt: number,
  keep: (record: SynthRecord) => void,
): Episode[] {
  return positions.flatMap((position): Episode[] => {
    try {
      const task = source.at(position);
      const questionKey = questionKeyOf(task, (path) => statSync(path).size);
      return [{ position, attempt, task, questionKey }];
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      keep(brokenRecord({ position, attempt, questionKey: "" }, `position ${position}`, error.message));
      return [];
    }
  });
}

/**
 * A task that cannot be shown stops all that are played with it. What has ended by then is kept; the rest is played in two
 * halves, until the broken one is alone.
 */
async function playTogether(
  bench: Workbench,
  config: PlayConfig,
  folder: SynthFolder,
  episodes: readonly Episode[],
  keep: (record: SynthRecord) => void,
): Promise<void> {
  const [first] = episodes;
  if (first === undefined) return;
  const { temperature, topP, topK, maxTurns, teacher } = config.synth;
  const { attempt } = first;
  const tasks = episodes.map(({ task }) => task);
  const ended = new Set<Episode>();
  try {
    await bench.rollout({
      tasks,
      n: 1,
      label: `synth/${attempt}`,
      sampling: { temperature, topP, topK },
      ...(maxTurns !== undefined && { maxTurns }),
      ...(teacher === "scripted" && { sampler: scriptedTeacher(bench, config.seed, tasks, attempt) }),
      onProgress: ({ taskIndex, trajectory }) => {
        const episode = episodes[taskIndex] as Episode;
        ended.add(episode);
        keep(recordOf(trajectory, episode, bench.codec, (image) => folder.putImage(image.pixels)));
      },
    });
  } catch (error) {
    const rest = episodes.filter((episode) => !ended.has(episode));
    const [alone] = rest;
    if (!(error instanceof DataError) || alone === undefined) throw error;
    if (rest.length === 1 && episodes.length === 1) {
      const { task, ...origin } = alone;
      keep(brokenRecord(origin, task.id, error.message));
      return;
    }
    const half = Math.ceil(rest.length / 2);
    await playTogether(bench, config, folder, rest.slice(0, half), keep);
    await playTogether(bench, config, folder, rest.slice(half), keep);
  }
}

function scriptedTeacher(bench: Workbench, seed: number, tasks: readonly Task[], attempt: number): Sampler {
  return bench.world.teacher({
    codec: bench.codec,
    // Sequence ids end with the number of the episode in this collection.
    taskOf: (sequenceId) => tasks[Number(sequenceId.slice(sequenceId.lastIndexOf("/") + 1))] as Task,
    randomOf: (task) => randomStream(seed, "synth teacher", attempt, task.id),
  });
}
