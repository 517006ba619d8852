// The same policy twice: in this process, and behind a real server process, through the same stages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { datumFromSegments, unfitForTraining } from "../../core/datum.ts";
import { ConfigError } from "../../core/errors.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import type { Sampler, SampleRequest } from "../../engines/engine.ts";
import { loadConfig, type ResolvedConfig } from "../../runs/config.ts";
import { startTestServer, type TestServer } from "../../server/openai/testServer.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { runRollout } from "./rollout.ts";
import { openServedModel } from "./servedModel.ts";
import { trainingEngine } from "./trainingEngine.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const TASKS = 5;

function recipe(engine: string): ResolvedConfig {
  return loadConfig("configs/image-mini.yaml", [
    `engine=${engine}`,
    `evaluation.tasks=${TASKS}`,
    "evaluation.temperature=0",
    "tasks.weights={plain: 0, look: 1, search: 1, compare: 0, count: 0}",
  ]);
}

const served = (more: string): string =>
  `{type: openai, baseUrl: "${server.baseUrl}", model: ${server.model}, apiKeyVariable: NO_KEY_AT_ALL, ${more}}`;

async function evaluated(config: ResolvedConfig): Promise<readonly ScoredTrajectory[]> {
  const bench = await openWorkbench(config, config.model.init, "model.init", silentReporter);
  try {
    const { report, trajectories } = await evaluateHeldOut(bench, config, "test", silentReporter);
    assert.equal(report.overall.judged, TASKS);
    return [...trajectories, ...(await looked(bench, config))];
  } finally {
    await bench.close();
  }
}

const LOOK = "<code>\n```python\nplt.imshow(image_clue_0)\nplt.show()\nprint(12)\n```\n</code>";

/** The policy hardly ever looks when nothing is drawn, so two looks are put into its mouth: with the end of the turn, without. */
async function looked(bench: Workbench, config: ResolvedConfig): Promise<ScoredTrajectory[]> {
  const { engine, model } = config;
  const { sampler, codec } =
    engine.type === "openai"
      ? await openServedModel(engine, model)
      : { sampler: bench.engine, codec: bench.engine.codec };
  const words = codec.encodeText(LOOK);
  const begun = (request: SampleRequest): boolean => request.segments.some(({ type }) => type === "sampled");
  const lookFirst = (closed: boolean): Sampler => ({
    sample: async (requests) => {
      const [request] = requests;
      if (request !== undefined && begun(request)) return sampler.sample(requests);
      const tokens = closed ? [...words, codec.endOfTurnId] : words;
      return [{ tokens, logprobs: tokens.map(() => -1), stop: "stop" }];
    },
    release: (sequenceId) => sampler.release(sequenceId),
  });
  const groups = [true, false].map((closed) =>
    bench.rollout({
      tasks: [bench.tasks("test").at(closed ? 7 : 8)],
      n: 1,
      label: "look",
      sampling: { temperature: 0, topP: 1, topK: 0 },
      sampler: lookFirst(closed),
    }),
  );
  return (await Promise.all(groups)).flat().flatMap((group) => group.trajectories);
}

let inProcess: Promise<readonly ScoredTrajectory[]> | undefined;
const here = (): Promise<readonly ScoredTrajectory[]> =>
  (inProcess ??= evaluated(recipe("{type: embedded, threads: 1}")));

const texts = (trajectory: ScoredTrajectory): string[] => trajectory.turns.map(({ text }) => text);
const counts = ({ segments }: ScoredTrajectory): number[] =>
  segments.map((s) => (s.type === "image" ? s.image.tokenCount : s.tokens.length));

test("by token ids: the same ids, the same log-probabilities, fit for training", async () => {
  const theirs = await evaluated(recipe(served("dialect: vllm, tokenizer: checkpoints/image-mini/sft")));
  const ours = await here();
  assert.ok(
    ours.some(({ toolCalls }) => toolCalls > 0),
    "a test without a call would not test observations",
  );
  for (const [i, trajectory] of theirs.entries()) {
    const twin = ours[i] ?? assert.fail();
    assert.equal(unfitForTraining(trajectory.segments), undefined);
    const [datum, expected] = [trajectory, twin].map(({ segments }) => datumFromSegments(segments, 1, 0));
    assert.deepEqual(datum?.tokens, expected?.tokens);
    assert.deepEqual(datum?.mask, expected?.mask);
    const gaps = [...(datum?.logprobs ?? [])].map((p, at) => Math.abs(p - (expected?.logprobs[at] ?? NaN)));
    assert.ok(Math.max(...gaps) < 1e-4, `log-probabilities differ by ${Math.max(...gaps)}`);
    assert.deepEqual([trajectory.endReason, trajectory.reward], [twin.endReason, twin.reward]);
  }
});

test("by chat messages: the same words, tokens as the server counts them, unfit for training", async () => {
  const theirs = await evaluated(recipe(served("dialect: openai")));
  const ours = await here();
  for (const [i, trajectory] of theirs.entries()) {
    const twin = ours[i] ?? assert.fail();
    assert.deepEqual(texts(trajectory), texts(twin));
    assert.deepEqual([trajectory.endReason, trajectory.reward], [twin.endReason, twin.reward]);
    const answers = ({ turns }: ScoredTrajectory): number[] => turns.slice(-1).map((t) => t.tokenCount);
    assert.deepEqual(answers(trajectory), answers(twin));
    assert.throws(() => datumFromSegments(trajectory.segments, 1, 0), /a chat server wrote it/);
    // What the server counts as a turn's prompt is what stands before it in the twin's own sequence.
    const before = counts(twin);
    const prompts = twin.segments.flatMap((s, at) =>
      s.type === "sampled" ? [before.slice(0, at).reduce((a, b) => a + b, 0)] : [],
    );
    const last = trajectory.turns.at(-1)?.served;
    assert.equal(last?.promptTokens, prompts.at(-1));
    const images = (until: number): number =>
      twin.segments.slice(0, until).reduce((n, s) => n + (s.type === "image" ? s.image.tokenCount : 0), 0);
    assert.equal(last?.visualTokens, images(twin.segments.length));
  }
});

test("one rollout of a served model, which needs no checkpoint of its own", async () => {
  const { model, ...config } = recipe(served("dialect: openai"));
  const { init: _, ...without } = model;
  const trajectory = await runRollout(
    { ...config, model: without },
    { split: "test", taskIndex: 0, member: 0 },
    silentReporter,
  );
  const twin = (await here())[0] ?? assert.fail();
  assert.deepEqual(texts(trajectory), texts(twin));
});

test("stages that train refuse it, before anything is made", () => {
  const config = recipe(served("dialect: openai"));
  assert.throws(
    () => trainingEngine(config, "train"),
    (error: Error) =>
      error instanceof ConfigError &&
      /^engine\.type: must be "embedded" or "tinker" for train.*received "openai"/.test(error.message),
  );
  assert.deepEqual(trainingEngine(recipe("{type: embedded, threads: 3}"), "train"), {
    type: "embedded",
    threads: 3,
  });
});
