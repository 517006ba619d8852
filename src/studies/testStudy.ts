// Made-up studies for tests: a study file of two arms, and data whose figures are chosen.
import type { RunFigures, StudyData } from "./data.ts";
import { parseStudy, type Study, type StudyTest } from "./studyFile.ts";

export const STUDY = `
name: tiny
title: A tiny study
claim: The bonus raises calls.
refutedBy: Calls are not more.
recipe: configs/image-mini.yaml
seeds: [0, 1]
set: { engine.threads: 1, train.steps: 2 }
arms:
  - { name: none, label: no bonus, set: { reward.toolCall: 0 } }
  - { name: bonus, baseline: true }
tests:
  - says: Without the bonus calls are fewer
    arm: none
    measure: { of: tool_calls/mean, as: tail }
    expect: lower
table:
  - { of: heldOut/accuracy, as: last }
  - { of: tool_calls/mean, as: tail }
  - { of: tool_calls/effective_mean, as: last } # kept because it is asked for here
cost: { step: 1, heldOutTask: 0.5, start: 2 }
`;

export function tinyStudy(test: Partial<StudyTest> = {}): Study {
  const study = parseStudy(STUDY, "tiny.yaml");
  return { ...study, tests: study.tests.map((first) => ({ ...first, ...test })) };
}

/** A run of one step whose tool calls are `calls` and whose held-out accuracy goes from 0.5 to `accuracy`. */
export function tinyRun(arm: string, seed: number, calls: number, accuracy = 0.75): RunFigures {
  const evaluation = {
    judged: 4,
    interval: [0.2, 0.9] as [number, number],
    kinds: { look: [accuracy, 4] as [number, number] },
  };
  return {
    ...{ arm, seed, digest: `${arm}${seed}`, seconds: 60, resumed: 0, steps: 1 },
    curves: { "tool_calls/mean": calls, "groups/dropped/allRight": [2] },
    heldOut: { steps: [0, 1], curves: { accuracy: [0.5, accuracy], visualTokens: [10, 10 + seed] } },
    before: { ...evaluation, accuracy: 0.5 },
    after: { ...evaluation, accuracy },
    gain: [accuracy - 0.5, -0.1, 0.6],
  };
}

export function tinyData(runs: readonly RunFigures[], study = tinyStudy()): StudyData {
  const versions = { "pyvision-rl": "0.1.0", node: "20.19.0" };
  return {
    ...{ version: 1, study, set: [], seeds: [0, 1], runs: [...runs], missing: [] },
    origins: [{ commit: "0123456789ab", versions, machine: "linux x64, 2 cores" }],
  };
}
