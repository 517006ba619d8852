// The Weights & Biases tracker, through W&B's own Python client: the package for Node is a beta without images, histograms or
// offline runs and has not been published since 2024, and the protocol to the server is not documented (docs/trackers.md).
import { createHash } from "node:crypto";
import { z } from "zod";
import type { TrackerClock } from "../clock.ts";
import { flattenConfig } from "../flatten.ts";
import { histogramOf } from "../histogram.ts";
import { TrackerError, type Opened, type TrackedRun, type Tracker, type Update } from "../tracker.ts";
import { startBridge, type Bridge, type BridgeOptions } from "./bridge.ts";

export interface WandbOptions {
  readonly project: string;
  readonly entity?: string;
  readonly group?: string;
  readonly mode: "online" | "offline";
  readonly python: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: TrackerClock;
  readonly start?: (options: BridgeOptions) => Bridge;
}

const openReply = z.looseObject({
  where: z.string().nullable(),
  offline: z.boolean(),
  lastStep: z.number().nullable(),
});

export function wandbTracker(options: WandbOptions): Tracker {
  const { project, entity, group, mode, python, env, clock } = options;
  let bridge: Bridge | undefined;

  return {
    type: "wandb",
    open: async (run, signal) => {
      bridge ??= (options.start ?? startBridge)({ python, env, clock, signal });
      const runId = (run.resumeFrom > 0 ? run.before?.memory["runId"] : undefined) ?? newRunId(run, clock);
      const order = {
        type: "open",
        ...{ project, entity, group, mode, runId },
        ...{ name: run.name, stage: run.stage, tags: run.tags, dir: run.path },
        config: flattenConfig(run.config),
      };
      const reply = openReply.parse(await bridge.order(order).catch(endedBefore(bridge)));
      // An offline run knows no server: what this process was told by the last one has to do.
      const confirmed = run.resumeFrom > 0 ? (run.before?.lastStep ?? 0) : 0;
      return {
        where: reply.where ?? `project ${project}`,
        lastStep: reply.lastStep ?? confirmed,
        memory: { runId },
      } satisfies Opened;
    },
    write: async (update) => {
      await bridge?.order(orderOf(update));
    },
    close: async (outcome) => {
      await bridge?.order({ type: "close", success: outcome === "finished" });
      await bridge?.end();
    },
  };
}

/** What cannot be opened leaves no process behind. */
function endedBefore(bridge: Bridge): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!(error instanceof TrackerError && error.then === "retry")) await bridge.end();
    throw error;
  };
}

/** Eight letters and digits, as W&B's own; two runs of one name differ by the time they began at. */
function newRunId(run: TrackedRun, clock: TrackerClock): string {
  const seed = `${run.path}\n${run.name}\n${clock.now()}\n${process.pid}`;
  return BigInt(`0x${createHash("sha256").update(seed).digest("hex")}`)
    .toString(36)
    .slice(0, 8);
}

function orderOf(update: Update): Readonly<Record<string, unknown>> {
  const { type, step } = update;
  switch (update.type) {
    case "metrics":
      // JSON has no NaN: it goes as null and is made NaN again on the other side.
      return { type, step, values: update.values };
    case "histogram": {
      const { counts, edges } = histogramOf(update.values);
      return { type, step, name: update.name, counts, edges };
    }
    case "text":
      return { type, step, name: update.name, text: update.markdown };
    case "image":
      return {
        ...{ type, step, name: update.name, caption: update.caption },
        png: Buffer.from(update.png).toString("base64"),
      };
  }
}
