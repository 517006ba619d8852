import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { parseConfig } from "../runs/config.ts";
import { planStudies } from "./grid.ts";
import { loadStudy, parseStudy } from "./studyFile.ts";
import { STUDY } from "./testStudy.ts";

const refused = (text: string, message: string | RegExp): void => {
  assert.throws(
    () => parseStudy(text, "tiny.yaml"),
    (error) => {
      assert.ok(error instanceof ConfigError);
      if (typeof message === "string") assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    },
  );
};

test("a study file is read with its defaults", () => {
  const study = parseStudy(STUDY, "tiny.yaml");
  assert.deepEqual(study.arms, [
    { name: "none", label: "no bonus", set: { "reward.toolCall": 0 }, baseline: false, coldStart: false },
    { name: "bonus", set: {}, baseline: true, coldStart: false },
  ]);
  assert.deepEqual(study.cost, { step: 1, heldOutTask: 0.5, start: 2, pretrainStep: 0, sftStep: 0 });
});

test("a mistake is told with the file, the key, the rule and the value", () => {
  refused(STUDY.replace("claim:", "clam:"), /tiny\.yaml: claim is missing: .*\n.*unknown key clam \(value "The bonus raises calls\."\); nearest valid name: claim/s); // prettier-ignore
  refused(
    STUDY.replace("tool_calls/mean, as: tail }\n    expect", "tool_calls/meen, as: tail }\n    expect"),
    /^tiny\.yaml: tests\.0\.measure\.of must be a metric of docs\/metrics\.md, or heldOut\/ and one of accuracy, .*, received "tool_calls\/meen"$/,
  );
  refused(
    STUDY.replace("heldOut/accuracy", "heldOut/acuracy"),
    /table\.0\.of must be a metric .* received "heldOut\/acuracy"/,
  );
  refused(
    STUDY.replace("arm: none", "arm: nobody"),
    'tiny.yaml: tests.0.arm must be the name of an arm (none, bonus), received "nobody"',
  );
  refused(
    STUDY.replace("arm: none", "arm: bonus"),
    'tiny.yaml: tests.0.arm must differ from the arm it is compared with; name another in `against`, received "bonus"',
  );
  refused(
    STUDY.replace(", baseline: true", ""),
    /^tiny\.yaml: arms must have exactly one arm with baseline: true, and 0 have it, received \[/,
  );
  refused(
    STUDY.replace("seeds: [0, 1]", "seeds: [1, 1]"),
    "tiny.yaml: seeds must not name a seed twice, received [1,1]",
  );
  assert.throws(
    () => loadStudy("nowhere.yaml"),
    /^ConfigError: study file nowhere\.yaml cannot be read: ENOENT/,
  );
});

test("the studies of configs/studies are valid, every arm's config too; what they share is run once", () => {
  const files = readdirSync("configs/studies").filter((file) => file.endsWith(".yaml"));
  const studies = files.map((file) => loadStudy(`configs/studies/${file}`));
  assert.deepEqual(
    studies.map(({ name, seeds }) => `${name} ${seeds.length}`),
    [
      ...["baseline-advantage 3", "filters 3", "needless-calls 5", "python-errors 3", "ranking 3"],
      ...["reward-brakes 3", "std-normalisation 3", "tool-reward 5", "turn-budget 5", "video-frames 3"],
    ],
  );
  assert.deepEqual(
    files,
    studies.map(({ name }) => `${name}.yaml`),
  );
  const { runs, studies: planned } = planStudies(studies);
  // Seven image studies: 1 + 2 + 1 + 2 + 1 arms beside the baseline of 3 seeds, 3 + 2 of 5, the baseline 5; video: 4 of 3, and 3
  // cold starts of two runs; where calls are not needed: 2 arms of 5 and 2 of 3, and one cold start for all of them.
  assert.equal(
    runs.filter(({ stage }) => stage === "train").length,
    7 * 3 + 5 * 5 + 5 + 4 * 3 + 2 * 5 + 2 * 3,
  );
  assert.equal(runs.filter(({ stage }) => stage !== "train").length, 6 + 2);
  const baselinesOf = (cold: boolean): ReadonlySet<string | undefined> => {
    const baselines = planned
      .filter(({ study }) => study.recipe === "configs/image-mini.yaml")
      .map(({ arms }) => arms.find(({ arm }) => arm.baseline));
    return new Set(baselines.filter((own) => own?.arm.coldStart === cold).map((own) => own?.runs.get(2)));
  };
  assert.deepEqual([baselinesOf(false).size, baselinesOf(true).size], [1, 1]);
});

test("the settings of the arms reach the config that is run", () => {
  const { runs, studies } = planStudies(["filters", "turn-budget", "video-frames"].map((name) => loadStudy(`configs/studies/${name}.yaml`))); // prettier-ignore
  const configOf = (study: number, arm: string) => {
    const digest = studies[study]?.arms.find((a) => a.arm.name === arm)?.runs.get(1);
    return runs.find((run) => run.digest === digest)?.config;
  };
  const none = configOf(0, "none");
  assert.deepEqual([none?.selection.zeroVariance, none?.selection.dropBroken], [{ accuracy: false, total: false, tolerance: 1e-6 }, false]); // prettier-ignore
  assert.deepEqual([configOf(1, "2")?.agent.maxTurns, configOf(1, "2")?.evaluation.maxTurns], [2, 5]);
  const frames = configOf(2, "frames32");
  assert.deepEqual(frames?.agent.context, { type: "videoFrames", frames: 32, inRuntime: false });
  assert.deepEqual([frames?.agent.maxContextTokens, frames?.seed], [640, 1]);
  // One prompt of 32 frames has at most 508 tokens, and a turn 64.
  assert.ok((frames?.agent.maxContextTokens ?? 0) >= 508 + 64);
  assert.deepEqual(parseConfig("", "x.yaml").seed, 0);
});
