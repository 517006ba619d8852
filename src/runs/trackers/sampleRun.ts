// An RL run of a few steps as its trackers see it, for the parity tests: two groups a step, with pictures.
import { encode } from "fast-png";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import { group } from "../../learning/testSupport.ts";
import { withAdvantages, type AdvantagedGroup } from "../../learning/selection.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { MetricsRecord } from "../metrics.ts";
import { createRun } from "../runDirectory.ts";
import { temporaryFolder, testConfig } from "./testSupport.ts";
import type { Outcome } from "./tracker.ts";
import { openTrackers } from "./trackers.ts";

/** A picture whose pixels tell the step and its place. */
export function picture(step: number, place: number): ViewImage {
  const [width, height] = [28 * (place + 1), 28];
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * 7 + step * 31 + place * 101) % 256,
  );
  return { pixels: { width, height, data }, grid: [1, 2, 2 * (place + 1)], tokenCount: place + 1 };
}

export function pictureBytes({ pixels: { width, height, data } }: ViewImage): Uint8Array {
  return encode({ width, height, data, channels: 3, depth: 8 });
}

/** The first trajectory is shown a picture in the prompt and two by its program. */
export function drawnAt(step: number): AdvantagedGroup[] {
  const image = (source: "prompt" | "observation", place: number): Segment => ({
    type: "image",
    source,
    image: picture(step, place),
  });
  const segments: Segment[] = [
    image("prompt", 0),
    { type: "sampled", tokens: [3, 4, 5], logprobs: [-0.5, -1, -1.5] },
    image("observation", 1),
    image("observation", 2),
    { type: "sampled", tokens: [6], logprobs: [-2] },
  ];
  const groups = [
    group("first", [{ accuracy: 1, calls: 2, segments }, { accuracy: 0 }, { accuracy: undefined }]),
    group("second", [
      { accuracy: 1, calls: 1 },
      { accuracy: 0, calls: step % 4 },
    ]),
  ];
  return groups.map((drawn) => withAdvantages(drawn, { baseline: "totalReward", normalizeByStd: false }));
}

/** Numbers that 32 bits hold, so that what is read back is equal. */
export function metricsAt(step: number): MetricsRecord {
  return {
    step,
    "reward/mean": step / 4,
    "train/loss": -step / 8,
    "time/step_s": 1.5 * step,
    "end/answered": 5,
  };
}

/** A run in a folder of its own, and what its trackers warned about. @param tracker as `logging.trackers` has it */
export function sampleRun(tracker: string) {
  const config = testConfig(`name: parity\nseed: 3\nlogging: { tags: [small, red], trackers: [${tracker}] }`);
  const root = temporaryFolder();
  const run = createRun(config, { root });
  const warnings: string[] = [];
  const reporter = { ...silentReporter, warn: (text: string) => void warnings.push(text) };
  /** Tells the tracker of these steps, and of the end. `train/entropy` is not a number at step 2. */
  const take = async (first: number, last: number, outcome: Outcome) => {
    const resumeFrom = first === 1 ? {} : { resumeFrom: first - 1 };
    const trackers = openTrackers(config, run, reporter, {
      stage: "train",
      finishMs: 300_000,
      ...resumeFrom,
    });
    for (let step = first; step <= last; step++) {
      run.appendMetrics(metricsAt(step));
      trackers.metrics({ ...metricsAt(step), "train/entropy": step === 2 ? NaN : step });
      trackers.rlStep(step, drawnAt(step));
    }
    const [report] = await trackers.finish(outcome);
    return report;
  };
  return { run, root, warnings, take };
}
