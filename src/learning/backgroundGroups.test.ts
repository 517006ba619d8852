// Collection in the background, in virtual time: a scripted engine samples groups for as long as the script says, beside a
// trainer that takes its own time. No real clock takes part.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError } from "../core/errors.ts";
import { randomStream } from "../core/random.ts";
import type { AdamWParams } from "../engines/engine.ts";
import { metricInfo } from "./metrics.ts";
import { initialRlState, rlLoop } from "./rlLoop.ts";
import type { RlLoopOptions, RlLoopState, RlStepReport } from "./rlLoop.ts";
import { group, paperAdvantage, right, ScriptedEngine, strictFilters, wrong } from "./testSupport.ts";
import { VirtualClock } from "./virtualClock.ts";

const selection = {
  trainGroups: 2,
  genBatch: 4,
  groupSize: 2,
  maxGenBatches: 3,
  ranking: "group",
  filters: strictFilters,
  advantage: paperAdvantage,
} as const;

const base: RlLoopOptions = {
  steps: 4,
  seed: 4,
  selection,
  maxStaleness: 1,
  minibatches: 1,
  microBatchTokens: 1000,
  clipLow: 0.2,
  clipHigh: 0.2,
  maxLogprobGap: 0.01,
  optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
  schedule: { type: "constant", peak: 1, warmupSteps: 0, finalFraction: 0 },
};

interface Script {
  readonly options?: Partial<RlLoopOptions>;
  /** Seconds that the group of a position takes to sample. */
  readonly seconds: (position: number) => number;
  /** Whether it has variance. Default: every group. */
  readonly useful?: (position: number) => boolean;
  /** Seconds of an update. */
  readonly update?: number;
  readonly from?: RlLoopState;
  /** Ends the consumer's loop after so many reports. */
  readonly stopAfter?: number;
  readonly fails?: (position: number) => Error | undefined;
}

interface Played {
  readonly reports: RlStepReport[];
  /** By position: updates made, by the engine's own count, when its sampling began. */
  readonly begunAt: ReadonlyMap<number, number>;
  readonly ended: readonly number[];
  readonly labels: readonly string[];
  readonly engine: ScriptedEngine;
  readonly seconds: number;
  readonly mostAtOnce: number;
}

async function play(script: Script): Promise<Played> {
  const { options, seconds, useful = () => true, update = 0, from = initialRlState, stopAfter } = script;
  const clock = new VirtualClock();
  class Slow extends ScriptedEngine {
    made = 0;
    override async optimStep(params: AdamWParams): Promise<{ gradNorm: number | undefined }> {
      await clock.sleep(update * 1000);
      this.made++;
      return super.optimStep(params);
    }
  }
  const engine = new Slow();
  const begunAt = new Map<number, number>();
  const ended: number[] = [];
  const labels: string[] = [];
  const reports: RlStepReport[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  const loop = rlLoop(
    { ...base, ...options },
    {
      engine,
      taskAt: (position) => ({ id: `${position}`, kind: "kind", question: "?", answer: "!", images: [] }),
      rollout: async (tasks, _n, label) => {
        labels.push(label);
        const played = tasks.map(async ({ id }) => {
          const position = Number(id);
          assert.ok(!begunAt.has(position), `position ${position} is begun twice`);
          begunAt.set(position, engine.made);
          mostAtOnce = Math.max(mostAtOnce, ++atOnce);
          await clock.sleep(seconds(position) * 1000);
          atOnce--;
          ended.push(position);
          const error = script.fails?.(position);
          if (error !== undefined) throw error;
          return group(id, useful(position) ? [...right(position % 3), ...wrong(1)] : wrong(2));
        });
        return Promise.all(played);
      },
      now: () => clock.now(),
    },
    from,
  );
  const consume = async (): Promise<void> => {
    for await (const report of loop) {
      reports.push(report);
      if (reports.length === stopAfter) break;
    }
  };
  await clock.run(consume());
  return { reports, begunAt, ended, labels, engine, seconds: clock.now() / 1000, mostAtOnce };
}

const metric = ({ reports }: Played, name: string): (number | undefined)[] =>
  reports.map(({ metrics }) => (metrics as Readonly<Record<string, number>>)[name]);
const taskIds = ({ rollout }: RlStepReport): number[] => [
  ...new Set(rollout.samples.map(({ trajectory }) => Number(trajectory.taskId))),
];

test("sampling beside training: the trainer waits for what sampling takes longer, and a synchronous loop for all of it", async () => {
  // Every group takes 10 s, as many at once as there are; an update takes 8 s.
  const script = { seconds: () => 10, update: 8 };
  const sync = await play({ ...script, options: { maxStaleness: 0 } });
  assert.deepEqual(metric(sync, "time/rollout_s"), [10, 10, 10, 10]);
  assert.equal(sync.seconds, 72);
  const one = await play(script);
  // Four begin at 0. Two are trained from 10 to 18; the other two are there for the next update, from 18 to 26, with which two
  // begin that end at 28, 2 s after it. Two more begin at 26, when step 3 waits, and are there at its end.
  assert.deepEqual(metric(one, "time/trainer_idle_s"), [10, 0, 2, 0]);
  assert.deepEqual(metric(one, "staleness/mean"), [0, 1, 1, 1]);
  assert.equal(one.seconds, 44);
  // Two updates of 8 s hide 10 s of sampling wholly, unless the recipe oversamples: then two of four are cut by rank.
  const exact = { ...selection, genBatch: 2 };
  const two = await play({ ...script, options: { maxStaleness: 2, steps: 6, selection: exact } });
  assert.deepEqual(metric(two, "time/trainer_idle_s"), [10, 0, 0, 0, 0, 0]);
  assert.deepEqual(metric(two, "groups/rank_cut"), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(metric(two, "staleness/max"), [0, 1, 2, 2, 2, 2]);
  const over = await play({ ...script, options: { maxStaleness: 2, steps: 6 } });
  assert.deepEqual(metric(over, "time/trainer_idle_s"), [10, 0, 2, 0, 2, 0]);
  assert.deepEqual(metric(over, "groups/rank_cut"), [0, 2, 0, 2, 0, 0]);
});

test("a trajectory with a long tail holds no step; it is dropped as stale and counted when it ends", async () => {
  const slow = 3;
  const played = await play({
    options: { steps: 9 },
    seconds: (position) => (position === slow ? 33 : 4),
    update: 5,
  });
  // The slow one began with the first four and would have held step 1 of a synchronous loop for 33 s. While it may still come
  // in time it takes up room for one, so that step 2 waits for one more group of 4 s.
  assert.deepEqual(metric(played, "time/trainer_idle_s"), [4, 4, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(metric(played, "groups/dropped/stale").filter((n) => n !== undefined), [1]); // prettier-ignore
  const at = played.reports.find(({ metrics }) => metrics["groups/dropped/stale"] === 1) as RlStepReport;
  const stale = at.rollout.drawn.filter((drawn) => drawn.stale);
  assert.deepEqual(stale.map(({ group: { taskId } }) => taskId), [`${slow}`]); // prettier-ignore
  assert.equal(played.reports.flatMap(taskIds).includes(slow), false);
  assert.ok(played.ended.includes(slow));
});

test("groups that end in the order they began in are never too old, however slow they are", async () => {
  for (const k of [1, 2, 3])
    for (const [sampling, update] of [
      [1, 10],
      [10, 1],
      [5, 5],
    ] as const) {
      let free = 0; // one group after the other
      const played = await play({
        options: { steps: 8, maxStaleness: k },
        seconds: () => (free += sampling),
        update,
      });
      assert.equal(played.reports.length, 8);
      assert.ok(metric(played, "groups/dropped/stale").every((n) => n === undefined));
    }
});

test("of the groups that have survived the oldest go first, so that waiting makes none too old", async () => {
  const played = await play({
    options: { maxStaleness: 2, selection: { ...selection, trainGroups: 1, genBatch: 1, maxGenBatches: 9 } },
    seconds: (position) => [1, 11, 20, 2][position] ?? 50,
    update: 10,
  });
  // Group 2 began at 0 and ended at 20; group 3 began at 11, an update later, and ended at 13. Step 3 begins at 21.
  assert.deepEqual(played.reports.map(taskIds), [[0], [1], [2], [3]]);
  assert.deepEqual(metric(played, "staleness/max"), [0, 1, 2, 2]);
});

/** A random world: durations over three orders of magnitude, groups with and without variance. */
function randomScript(seed: number): Script {
  const random = randomStream("background", seed);
  const k = 1 + random.below(3);
  const maxGroupsInFlight = random.below(2) === 0 ? undefined : 1 + random.below(8);
  const of = (position: number, what: string): number => randomStream(seed, what, position).next();
  return {
    options: {
      steps: 12,
      maxStaleness: k,
      ...(maxGroupsInFlight !== undefined && { maxGroupsInFlight }),
      selection: {
        ...selection,
        trainGroups: 1 + random.below(4),
        ranking: random.pick(["group", "sample", "off"] as const),
      },
    },
    seconds: (position) => Math.ceil(10 ** (3 * of(position, "seconds"))) / 10,
    useful: (position) => of(position, "useful") < 0.6,
    update: 1 + random.below(20),
  };
}

test("property: in random worlds the bound holds by the engine's own count, and every prompt has one fate", async () => {
  let stale = 0;
  let carried = 0;
  for (let seed = 0; seed < 30; seed++) {
    const script = randomScript(seed);
    const played = await play(script);
    const { maxStaleness: k = 0, maxGroupsInFlight = Infinity } = script.options ?? {};
    assert.equal(played.reports.length, 12);
    let updates = 0;
    let open = 0;
    const decided: number[] = [];
    for (const { rollout, metrics } of played.reports) {
      for (const { trajectory, staleness } of rollout.samples) {
        const age = updates - (played.begunAt.get(Number(trajectory.taskId)) as number);
        assert.ok(age <= k, `seed ${seed}: a group of ${age} updates is trained on, more than ${k}`);
        assert.equal(staleness, age);
      }
      if (rollout.samples.length > 0) updates++;
      const { record, background, drawn } = rollout;
      decided.push(...drawn.map(({ group: { taskId } }) => Number(taskId)));
      const dropped = Object.values(record.droppedGroups).reduce((sum, n) => sum + n, 0);
      assert.equal(record.groupsSurviving + dropped, drawn.length);
      if (script.options?.selection?.ranking !== "sample")
        assert.equal(record.groupsTrained + record.rankCut, record.groupsSurviving);
      open += (background?.begun ?? NaN) - drawn.length;
      assert.equal(open, background?.inFlight);
      stale += record.droppedGroups.stale ?? 0;
      carried += background?.inFlight ?? 0;
      for (const name of Object.keys(metrics)) assert.ok(metricInfo(name), `${name} is not in the table`);
    }
    assert.equal(new Set(decided).size, decided.length, "no group is decided on twice");
    assert.ok(decided.every((position) => played.begunAt.has(position)));
    assert.ok(played.mostAtOnce <= maxGroupsInFlight);
    // The end waits for what was begun.
    assert.deepEqual([...played.ended].sort((a, b) => a - b), [...played.begunAt.keys()].sort((a, b) => a - b)); // prettier-ignore
  }
  assert.ok(stale > 0 && carried > 0, "the worlds are of the kind that the test is about");
});

test("property: a virtual clock makes it deterministic, and random numbers depend on the position alone", async () => {
  for (const seed of [1, 2, 3]) {
    const [once, again] = [await play(randomScript(seed)), await play(randomScript(seed))];
    assert.deepEqual(
      again.reports.map(({ metrics, state }) => ({ metrics, state })),
      once.reports.map(({ metrics, state }) => ({ metrics, state })),
    );
    assert.deepEqual(again.engine.events, once.engine.events);
    assert.deepEqual(
      once.labels,
      [...once.begunAt.keys()].map((position) => `train/at/${position}`),
    );
  }
});

test("no staleness is the loop without a background", async () => {
  const script = { seconds: (position: number) => 1 + (position % 5), update: 3 };
  const { maxStaleness: _, ...without } = base;
  const zero = await play({ ...script, options: { maxStaleness: 0 } });
  const none = await play({
    ...script,
    options: { ...without, maxStaleness: undefined as unknown as number },
  });
  assert.deepEqual(zero.reports, none.reports);
  assert.deepEqual(zero.labels, ["train/1/0", "train/2/0", "train/3/0", "train/4/0"]);
  for (const { state, rollout, metrics } of zero.reports) {
    assert.deepEqual(Object.keys(state), ["step", "cursor"]);
    assert.equal(rollout.background, undefined);
    assert.ok(rollout.samples.every((sample) => !("staleness" in sample)));
    assert.ok(!Object.keys(metrics).some((name) => /staleness|in_flight|idle|begun/.test(name)));
  }
});

test("no variance anywhere: the cap on prompts ends the step, which makes no update and ages nothing", async () => {
  const played = await play({
    options: { steps: 2 },
    seconds: () => 1,
    useful: (position) => position >= 12,
  });
  const [first, second] = played.reports;
  assert.equal(first?.rollout.record.capHit, true);
  assert.equal(first.rollout.drawn.length, 12); // genBatch * maxGenBatches
  assert.match(first.warnings[0] ?? "", /maxGenBatches = 3 reached: no group survived 12 prompts/);
  assert.equal(second?.metrics["staleness/max"], 0);
});

test("an episode's error comes at the next step with its task, ends the loop, and what was begun is waited for", async () => {
  const failing = 5;
  const played: number[] = [];
  const failed = play({
    seconds: (position) => {
      played.push(position);
      return position === 4 ? 100 : 2;
    },
    update: 20,
    fails: (position) => (position === failing ? new EngineError("task 5, member 1: no answer") : undefined),
  });
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof EngineError);
    assert.equal(error.message, "RL step 3: task 5, member 1: no answer");
    return true;
  });
  // Nothing is begun after it.
  assert.deepEqual(played, [0, 1, 2, 3, 4, 5]);
});

test("a consumer that stops early waits for what is under way, and a resumed run begins it again", async () => {
  const script = { seconds: (position: number) => 1 + 7 * (position % 2), update: 2 };
  const stopped = await play({ ...script, stopAfter: 2 });
  const { step, cursor, undecided } = stopped.reports[1]?.state ?? assert.fail();
  assert.equal(step, 2);
  assert.equal(stopped.ended.length, stopped.begunAt.size);
  const decided = stopped.reports.flatMap(({ rollout }) => rollout.drawn.map(({ group: { taskId } }) => Number(taskId))); // prettier-ignore
  const all = [...decided, ...(undecided ?? [])].sort((a, b) => a - b);
  assert.deepEqual(all, [...Array(cursor).keys()], "each position is decided on or kept for later");
  assert.ok((undecided ?? []).length > 0);
  const resumed = await play({ ...script, from: { step, cursor, undecided: undecided ?? [] } });
  // Two steps of two groups need four; the fifth is kept once more.
  assert.deepEqual([undecided, [...resumed.begunAt.keys()]], [[3, 5, 6, 7, 8], [3, 5, 6, 7]]); // prettier-ignore
  assert.ok(resumed.reports.at(-1)?.state.undecided?.includes(8));
  assert.deepEqual(resumed.reports.map((report) => report.step), [3, 4]); // prettier-ignore
});
