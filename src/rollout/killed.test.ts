// Sessions of the real tool, killed from outside at random moments during many episodes. Each episode ends in a way that
// has a name, none hangs, and none gets another's output. A slow run has as many kills as a fast one.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { byteCodec, fakeImage, sayLine } from "../agent/scriptedFakes.ts";
import { loadTemplate } from "../agent/template.ts";
import { randomStream } from "../core/random.ts";
import type { Trajectory } from "../core/trajectory.ts";
import type { Sampler, SampleRequest } from "../engines/engine.ts";
import { startPythonRuntime } from "../sandbox/forkServer.ts";
import { collectGroups } from "./collect.ts";

const EPISODES = 2000;
const GROUP = 8;
const CALLS = 2;
/** One session is killed for so many turns. */
const TURNS_PER_KILL = 15;
const LATEST_KILL_MS = 15;

/** Two calls that print whose they are, then an answer. */
const policy: Sampler = {
  sample: (requests) => {
    for (const _ of requests) if (++asked % TURNS_PER_KILL === 0) killSoon();
    return Promise.resolve(requests.map((request) => sayLine(lineFor(request), request.params.maxNewTokens)));
  },
  release: () => undefined,
};

let asked = 0;
let killSoon = (): void => undefined;
const turns = new Map<string, number>();

function lineFor({ sequenceId }: SampleRequest): string {
  const episode = sequenceId.replace(/^.*\//, "");
  const turn = (turns.get(episode) ?? 0) + 1;
  turns.set(episode, turn);
  if (turn > CALLS) return "<answer>\\boxed{4}</answer>";
  return `<code>mine = globals().get("mine", []) + ["${episode}.${turn}"]\nprint(*mine)</code>`;
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    return ""; // it has ended in the meantime
  }
}

/** The zygote: the process below ours that is the first of a namespace. */
function zygote(): number {
  const below = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
  const found = below(process.pid).find((pid) => /^NSpid:\s+\d+\s+1$/m.test(statusOf(pid)));
  return found ?? assert.fail("internal: no zygote was found");
}

test("2,000 episodes while sessions are killed at random: defined ends, nobody's output but one's own", async (context) => {
  const runtime = await startPythonRuntime({ callTimeoutMs: 60_000 });
  assert.equal(runtime.isolation.level, "namespaces", runtime.isolation.shortfalls.join("; "));
  const parent = zygote();
  let kills = 0;
  const random = randomStream("kills");
  const kill = (): void => {
    const sessions = childrenOf(parent);
    if (sessions.length === 0) return;
    try {
      process.kill(random.pick(sessions), "SIGKILL");
      kills++;
    } catch {
      // it has ended by itself
    }
  };
  const killers: NodeJS.Timeout[] = [];
  killSoon = () => void killers.push(setTimeout(kill, random.below(LATEST_KILL_MS)));
  let groups;
  try {
    groups = await collectGroups({
      tasks: Array.from({ length: EPISODES / GROUP }, (_, i) => ({
        id: `t${i}`,
        kind: "k",
        question: "Q",
        answer: "4",
        images: [fakeImage(1)],
      })),
      n: GROUP,
      template: loadTemplate("mini"),
      codec: byteCodec,
      sampler: policy,
      runtime,
      limits: { maxTurns: 4, maxTurnTokens: 200, maxContextTokens: 4000, maxImages: 4 },
      errorPolicy: "show",
      sampling: { temperature: 1, topP: 1, topK: 0 },
      reward: () => ({ total: 0, accuracy: 0, toolCall: 0 }),
      randomFor: (task, member) => randomStream(7, "rollout", task.id, member),
      batching: { schedule: "eager" },
      concurrency: 32,
    });
  } finally {
    killers.forEach(clearTimeout);
    await runtime.close();
  }
  const trajectories = groups.flatMap((group) => group.trajectories);
  const killed = trajectories.map((trajectory, i) => checkEpisode(trajectory, i)).reduce((a, b) => a + b, 0);
  const unopened = trajectories.filter(({ endReason }) => endReason.type === "sandboxFailure").length;
  context.diagnostic(
    `${kills} sessions killed, ${killed} of ${CALLS * EPISODES} calls hit, ${unopened} episodes without a session`,
  );
  assert.ok(unopened < EPISODES / 100, `${unopened} episodes got no session`);
  assert.equal(trajectories.length, EPISODES);
  assert.ok(kills > 100 && killed > 10, `${kills} kills, ${killed} calls hit: the test has tested little`);
});

/** Returns how many of the episode's calls died. */
function checkEpisode(trajectory: Trajectory, index: number): number {
  if (trajectory.endReason.type === "sandboxFailure") {
    // Killed at each of several attempts to open it; the episode is left out of training and counted.
    assert.match(
      trajectory.endReason.message,
      /did not open \(the process was killed by SIGKILL\)|ended at its start: with status -9/,
    );
    return 0;
  }
  assert.deepEqual(trajectory.endReason, { type: "answered" });
  const calls = trajectory.turns.flatMap(({ tool }) => tool ?? []);
  assert.equal(calls.length, CALLS);
  let deaths = 0;
  let expected: string[] = [];
  calls.forEach(({ outcome, alive, stdout }, i) => {
    expected.push(`${index}.${i + 1}`);
    if (outcome.type === "ok") {
      // A session that was killed between two calls has lost its variables, and is never somebody else's.
      if (stdout !== `${expected.join(" ")}\n`) expected = [`${index}.${i + 1}`];
      assert.equal(stdout, `${expected.join(" ")}\n`);
      assert.equal(alive, true);
      return;
    }
    assert.deepEqual(outcome, { type: "killed", reason: "the process was killed by SIGKILL" });
    assert.deepEqual([alive, stdout], [false, ""]);
    expected = [];
    deaths++;
  });
  return deaths;
}
