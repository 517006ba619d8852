// All trackers of a run behind one door. Nothing here waits, and nothing here throws: a run hands in its numbers and goes on.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { z } from "zod";
import { Interrupted } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { AdvantagedGroup } from "../../learning/selection.ts";
import type { ResolvedConfig } from "../config.ts";
import type { TrackerSettings } from "../loggingSchema.ts";
import type { MetricsRecord } from "../metrics.ts";
import type { RunDirectory } from "../runDirectory.ts";
import { systemClock, type TrackerClock } from "./clock.ts";
import { defaultLimits, Feed, metricsUpdate, type FeedLimits, type TrackerReport } from "./feed.ts";
import { mlflowTracker } from "./mlflow/mlflow.ts";
import { rlMedia } from "./rlMedia.ts";
import { tensorBoardTracker } from "./tensorboard/tensorboard.ts";
import type { Outcome, TrackedRun, Tracker, Update } from "./tracker.ts";
import { wandbTracker } from "./wandb/wandb.ts";

/** Finds the run's places again after a restart; beside metrics.jsonl. */
export const trackersFile = "trackers.json";

export interface Trackers {
  /** The record that goes to metrics.jsonl. */
  metrics(record: MetricsRecord): void;
  /** Histograms, a sample trajectory and its images of an RL step. */
  rlStep(step: number, drawn: readonly AdvantagedGroup[]): void;
  /** Waits some seconds at most for what is under way. Only the first call counts. @returns an entry a tracker, for the summary */
  finish(outcome: Outcome): Promise<readonly TrackerReport[]>;
}

/** How a run ended that ended with an error. */
export const outcomeOf = (error: unknown): Outcome =>
  error instanceof Interrupted ? "interrupted" : "failed";

export interface OpenTrackersOptions {
  readonly stage: TrackedRun["stage"];
  /** Steps done before this process began. Metrics of these that a tracker lacks are sent from metrics.jsonl; default 0. */
  readonly resumeFrom?: number;
  readonly clock?: TrackerClock;
  readonly fetch?: typeof fetch;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly limits?: FeedLimits;
  readonly finishMs?: number;
  /** Makes a tracker of its settings; the real ones by default. */
  readonly make?: (settings: TrackerSettings) => Tracker;
}

/** Long enough for a server to take a few images, short enough for a person who waits. */
const FINISH_MS = 10_000;

const memorySchema = z.record(
  z.string(),
  z.object({ memory: z.record(z.string(), z.string()), lastStep: z.number() }),
);
type Memories = z.output<typeof memorySchema>;

/** Opens what `logging.trackers` names, in the background; where each can be looked at is told when it is open. */
export function openTrackers(
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  options: OpenTrackersOptions,
): Trackers {
  const { tags, trackers } = config.logging;
  const clock = options.clock ?? systemClock;
  const resumeFrom = options.resumeFrom ?? 0;
  const memories: Memories = resumeFrom > 0 ? readMemories(run, reporter) : {};
  const warn = (text: string): void => reporter.warn(text);
  const saved = (change: () => void): void => {
    change();
    run.writeFile(trackersFile, `${JSON.stringify(memories, null, 2)}\n`);
  };
  const most = Math.max(0, ...trackers.map(({ images }) => images));
  const feeds = trackers.map((settings) => {
    const { type } = settings;
    const before = memories[type];
    return new Feed({
      tracker: (options.make ?? ((chosen) => makeTracker(chosen, options, clock)))(settings),
      run: {
        ...{
          name: nameOf(run, options.stage),
          stage: options.stage,
          tags,
          config,
          path: run.path,
          resumeFrom,
        },
        ...(before !== undefined && { before }),
      },
      images: settings.images,
      clock,
      limits: options.limits ?? defaultLimits,
      history: () => run.readMetrics(),
      opened: ({ where, memory, lastStep }) => {
        reporter.info(`${type}: ${where}`);
        saved(() => (memories[type] = { memory: { ...memory }, lastStep }));
      },
      confirmed: (step) =>
        saved(() => {
          const entry = memories[type];
          if (entry !== undefined) entry.lastStep = Math.max(entry.lastStep, step);
        }),
      warn,
    });
  });
  const offer = (update: Update): void => feeds.forEach((feed) => feed.offer(update));
  let finished: Promise<readonly TrackerReport[]> | undefined;

  return {
    metrics: (record) => offer(metricsUpdate(record, clock.now())),
    rlStep: (step, drawn) => {
      if (feeds.length === 0) return;
      try {
        for (const update of rlMedia(step, clock.now(), drawn, most)) offer(update);
      } catch (error) {
        reporter.warn(`trackers: step ${step} cannot be shown: ${(error as Error).message}; the run goes on`);
      }
    },
    finish: (outcome) =>
      (finished ??= Promise.all(feeds.map((feed) => feed.finish(outcome, options.finishMs ?? FINISH_MS)))),
  };
}

/** What the summary says of them; nothing of a run without trackers. */
export function trackerRecord(reports: readonly TrackerReport[]): {
  readonly trackers?: readonly TrackerReport[];
} {
  return reports.length === 0 ? {} : { trackers: reports };
}

function makeTracker(settings: TrackerSettings, options: OpenTrackersOptions, clock: TrackerClock): Tracker {
  const env = options.env ?? process.env;
  switch (settings.type) {
    case "tensorboard": {
      const { dir } = settings;
      return tensorBoardTracker({ ...(dir !== undefined && { dir }), now: () => clock.now() });
    }
    case "wandb": {
      const { type: _, images: __, ...rest } = settings;
      return wandbTracker({ ...rest, env, clock });
    }
    case "mlflow": {
      const { url, experiment } = settings;
      return mlflowTracker({
        ...(url !== undefined && { url }),
        ...{ experiment, env, clock, fetch: options.fetch ?? fetch },
      });
    }
  }
}

/** The run's folder; a stage inside another run is named after both. */
function nameOf(run: RunDirectory, stage: string): string {
  return run.name === stage ? `${basename(dirname(run.path))}-${stage}` : run.name;
}

function readMemories(run: RunDirectory, reporter: Reporter): Memories {
  const path = run.filePath(trackersFile);
  if (!existsSync(path)) return {};
  try {
    return memorySchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    reporter.warn(
      `${path} cannot be read (${(error as Error).message.slice(0, 100)}); trackers on servers begin a new run there`,
    );
    return {};
  }
}
