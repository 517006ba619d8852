// The fake policy draws its turns from the trajectory's own random stream; the fake Python takes a random time. Lockstep
// must hide that time completely.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { draw, byteCodec, fakeImage, sayLine, toolResult } from "../agent/scriptedFakes.ts";
import { loadTemplate } from "../agent/template.ts";
import { DataError, EngineError } from "../core/errors.ts";
import { randomStream } from "../core/random.ts";
import type { Sampler, SampleRequest } from "../engines/engine.ts";
import type { PythonRuntime, SessionOptions } from "../sandbox/runtime.ts";
import { scoreTrajectory } from "../rewards/reward.ts";
import type { RewardOptions } from "../rewards/reward.ts";
import { collectGroups } from "./collect.ts";
import type { CollectOptions, CollectProgress } from "./collect.ts";

const REWARD: RewardOptions = { toolCall: 0.1, countedCalls: "ran", maxAnswerChars: 1000 };

/** Each turn: code (3 in 5), an answer, or nonsense. Logs each batch as drawn sequences. */
class RandomPolicy implements Sampler {
  readonly batches: string[][] = [];
  readonly ids: string[][] = [];
  readonly released = new Set<string>();
  async sample(requests: readonly SampleRequest[]) {
    this.batches.push(requests.map((r) => draw(r.segments).tokens));
    this.ids.push(
      requests.map((r) => `${r.sequenceId.replace(/^.*\//, "")} ${r.promptKey?.replace(/^.*\//, "")}`),
    );
    await sleep(1);
    return requests.map((r) => {
      const x = r.random.below(5);
      const line =
        x < 3 ? `<code>${r.random.below(100)}</code>` : x === 3 ? "<answer>\\boxed{4}</answer>" : "hm";
      return sayLine(line, r.params.maxNewTokens);
    });
  }
  release(sequenceId: string): void {
    this.released.add(sequenceId);
  }
}

class SlowRuntime implements PythonRuntime {
  readonly isolation = { level: "process", by: "none", shortfalls: [] } as const;
  open_ = 0;
  most = 0;
  constructor(private readonly failOn?: (code: string) => Error | undefined) {}
  async open(_options?: SessionOptions) {
    this.most = Math.max(this.most, ++this.open_);
    return {
      run: async (code: string) => {
        await sleep(Math.random() * 6);
        const failure = this.failOn?.(code);
        if (failure !== undefined) throw failure;
        return toolResult({ stdout: code });
      },
      close: async () => {
        this.open_--;
      },
    };
  }
  async close(): Promise<void> {}
}

const tasks = Array.from({ length: 5 }, (_, i) => ({
  id: `t${i}`,
  kind: "k",
  question: `Q${i}`,
  answer: "4",
  images: [fakeImage(1)],
}));

function options(more: Partial<CollectOptions> = {}): CollectOptions {
  return {
    tasks,
    n: 4,
    template: loadTemplate("mini"),
    codec: byteCodec,
    sampler: new RandomPolicy(),
    runtime: new SlowRuntime(),
    limits: { maxTurns: 4, maxTurnTokens: 100, maxContextTokens: 1000, maxImages: 4 },
    errorPolicy: "show",
    sampling: { temperature: 1, topP: 1, topK: 0 },
    reward: (trajectory) => scoreTrajectory(trajectory, REWARD),
    randomFor: (task, member) => randomStream(7, "rollout", task.id, member),
    ...more,
  };
}

for (const [name, more] of [
  ["all at once", {}],
  ["few at a time", { concurrency: 3 }],
  ["in chunks", { concurrency: 7, batching: { schedule: "lockstep", maxBatch: 2 } }],
] as const)
  test(`lockstep, ${name}: two runs give identical batches and groups, whatever Python's timing`, async () => {
    const [one, two] = [new RandomPolicy(), new RandomPolicy()];
    const first = await collectGroups(options({ sampler: one, ...more }));
    const second = await collectGroups(options({ sampler: two, ...more }));
    assert.deepEqual(one.batches, two.batches);
    assert.deepEqual(one.ids, two.ids);
    assert.deepEqual(first, second);
    assert.ok(one.batches.length > 3);
  });

test("schedule and concurrency change the batches but not a single trajectory", async () => {
  const reference = await collectGroups(options());
  assert.deepEqual(await collectGroups(options({ concurrency: 2 })), reference);
  assert.deepEqual(await collectGroups(options({ batching: { schedule: "eager", maxBatch: 3 } })), reference);
});

test("groups come in task order with members in order, scored, and the first batch holds every prompt", async () => {
  const sampler = new RandomPolicy();
  const progress: CollectProgress[] = [];
  const groups = await collectGroups(options({ sampler, onProgress: (p) => progress.push(p) }));
  assert.deepEqual(
    groups.map((g) => g.taskId),
    ["t0", "t1", "t2", "t3", "t4"],
  );
  for (const group of groups) {
    assert.deepEqual(
      group.trajectories.map((t) => t.member),
      [0, 1, 2, 3],
    );
    for (const t of group.trajectories) {
      assert.equal(t.taskId, group.taskId);
      assert.deepEqual(t.reward, scoreTrajectory(t, REWARD));
      assert.equal(t.segments[1], group.trajectories[0]?.segments[1], "a group shares its image");
    }
  }
  assert.deepEqual(sampler.ids[0]?.slice(2, 6), ["2 task0", "3 task0", "4 task1", "5 task1"]);
  assert.equal(sampler.batches[0]?.length, 20);
  assert.equal(sampler.released.size, 20);
  assert.deepEqual(
    progress.map((p) => p.finished),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  assert.ok(progress.every((p) => p.total === 20 && tasks[p.taskIndex]?.id === p.trajectory.taskId));
  assert.ok(new Set(groups.flatMap((g) => g.trajectories.map((t) => t.endReason.type))).size >= 3);
});

test("a context is prepared once a task, whoever of the group comes first, also when that takes time", async () => {
  const sampler = new RandomPolicy();
  const prepared: string[] = [];
  const runtime = new SlowRuntime();
  const open = runtime.open.bind(runtime);
  runtime.open = async (session?: SessionOptions) => {
    for (const path of session?.videos ?? []) prepared.push(path);
    const { run, close } = await open();
    const facts = '{"frames": 30, "fps": 10, "seconds": 3, "width": 64, "height": 48}';
    return {
      run: async (code: string) =>
        code.includes("json") ? (await run(code), toolResult({ stdout: facts })) : run(code),
      close,
    };
  };
  const videos = tasks.map((task) => ({ ...task, images: [], videos: [`${task.id}.mp4`] }));
  const more = { tasks: videos, sampler, runtime, template: loadTemplate("standard") };
  const limits = { maxTurns: 1, maxTurnTokens: 100, maxContextTokens: 10_000, maxImages: 4 };
  const groups = await collectGroups(options({ ...more, limits }));
  assert.deepEqual(prepared.sort(), ["t0.mp4", "t1.mp4", "t2.mp4", "t3.mp4", "t4.mp4"]);
  assert.deepEqual([runtime.open_, sampler.batches.length], [0, 1]);
  assert.equal(sampler.batches[0]?.length, 20);
  for (const { trajectories } of groups)
    for (const t of trajectories)
      assert.equal(t.segments[0], trajectories[0]?.segments[0], "a group shares its prompt");
});

test("a video that cannot be read rejects with its task, and no session stays open", async () => {
  const runtime = new SlowRuntime();
  runtime.open = () => Promise.reject(new DataError("video a.mp4: is empty"));
  const task = { id: "film", kind: "k", question: "Q", answer: "4", images: [], videos: ["a.mp4"] };
  await assert.rejects(
    collectGroups(options({ tasks: [task], n: 2, runtime, template: loadTemplate("standard") })),
    (error) => {
      assert.ok(error instanceof DataError);
      assert.equal(error.message, "task film, member 0: video a.mp4: is empty");
      return true;
    },
  );
  assert.equal(runtime.open_, 0);
});

test("concurrency bounds the open sessions", async () => {
  const runtime = new SlowRuntime();
  await collectGroups(options({ runtime, concurrency: 3 }));
  assert.ok(runtime.most <= 3 && runtime.most > 0, `at most 3 sessions, had ${runtime.most}`);
  assert.equal(runtime.open_, 0);
});

test(
  "a bug in one episode rejects with task and member, after every session is closed",
  { timeout: 60_000 },
  async () => {
    let calls = 0;
    const runtime = new SlowRuntime(() => (++calls === 5 ? new TypeError("boom") : undefined));
    await assert.rejects(collectGroups(options({ runtime, concurrency: 6 })), (error: Error) => {
      assert.match(error.message, /^internal: task t\d, member \d: boom$/);
      assert.ok(error.cause instanceof TypeError);
      return true;
    });
    assert.equal(runtime.open_, 0);
  },
);

test("an engine error keeps its class", { timeout: 60_000 }, async () => {
  const sampler: Sampler = {
    sample: () => Promise.reject(new EngineError("no weights")),
    release: () => undefined,
  };
  await assert.rejects(collectGroups(options({ sampler })), (error) => {
    assert.ok(error instanceof EngineError);
    assert.equal(error.message, "task t0, member 0: no weights");
    return true;
  });
});

test("no tasks, no groups; a concurrency of 0 is refused", async () => {
  assert.deepEqual(await collectGroups(options({ tasks: [] })), []);
  await assert.rejects(collectGroups(options({ concurrency: 0 })), /concurrency/);
});
