import assert from "node:assert/strict";
import test from "node:test";
import { settled } from "../../../core/testTime.ts";
import { testClock, trackedRun, type TestClock } from "../testSupport.ts";
import { TrackerError, type Update } from "../tracker.ts";
import { mlflowTracker, type MlflowOptions } from "./mlflow.ts";

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}
type Answer = { readonly status?: number; readonly json?: unknown; readonly text?: string } | "hang" | Error;

/** A server that answers by the path's last word; a list is used up, its last answer stays. */
function server(answers: Readonly<Record<string, Answer | Answer[]>>): {
  calls: Call[];
  fetch: typeof fetch;
} {
  const calls: Call[] = [];
  const fake: typeof fetch = async (input, init) => {
    const { pathname, search } = new URL(input as string);
    const text = typeof init?.body === "string" ? init.body : undefined;
    const body: unknown = text === undefined ? init?.body : JSON.parse(text);
    const method = init?.method ?? "GET";
    calls.push({ method, path: `${pathname}${search}`, headers: new Headers(init?.headers), body });
    const found =
      answers[
        pathname.includes("/mlflow-artifacts/") ? "artifacts" : pathname.replace("/api/2.0/mlflow/", "")
      ];
    const answer = Array.isArray(found) ? (found.length > 1 ? found.shift() : found[0]) : found;
    if (answer === "hang")
      return new Promise((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
      );
    if (answer instanceof Error) throw answer;
    if (answer === undefined) throw new Error(`unexpected ${pathname}`);
    return new Response(answer.text ?? JSON.stringify(answer.json ?? {}), { status: answer.status ?? 200 });
  };
  return { calls, fetch: fake };
}

const run = (
  metrics: unknown[] = [],
  params: unknown[] = [],
  artifacts = "mlflow-artifacts:/4/r1/artifacts",
) => ({
  json: { run: { info: { run_id: "r1", artifact_uri: artifacts }, data: { metrics, params } } },
});
const known = { "experiments/get-by-name": { json: { experiment: { experiment_id: "4" } } } };
const fresh = { ...known, "runs/create": run(), "runs/log-batch": {}, "runs/update": {}, "runs/get": run() };

function tracker(answers: Parameters<typeof server>[0], changes: Partial<MlflowOptions> = {}) {
  const { calls, fetch } = server(answers);
  const clock: TestClock = testClock();
  const options = { url: "http://ml", experiment: "mine", env: {}, clock, fetch, ...changes };
  return { calls, clock, tracker: mlflowTracker(options), signal: new AbortController().signal };
}
const metrics = (step: number, values: Record<string, number>): Update => ({
  type: "metrics",
  step,
  timeMs: 1000 + step,
  values,
});
const asked = (calls: readonly Call[]): string[] => calls.map(({ method, path }) => `${method} ${path}`);
const fails = (then: string, text: RegExp) => (error: unknown) =>
  error instanceof TrackerError && error.then === then && text.test(error.message);

test("a new run: the experiment found, the run made in it, the config as parameters, a hundred at a time", async () => {
  const { tracker: mlflow, calls, signal } = tracker(fresh);
  const opened = await mlflow.open(trackedRun(), signal);
  assert.deepEqual(asked(calls).slice(0, 2), [
    "GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=mine",
    "POST /api/2.0/mlflow/runs/create",
  ]);
  assert.deepEqual(calls[1]?.body, {
    experiment_id: "4",
    run_name: "try",
    start_time: 1_700_000_000_000,
    tags: [
      { key: "mlflow.source.name", value: "pyvision" },
      { key: "pyvision.stage", value: "train" },
      { key: "pyvision.tags", value: "small" },
    ],
  });
  const sent = calls
    .slice(2)
    .map(({ body }) => (body as { params: { key: string; value: string }[] }).params);
  assert.equal(sent[0]?.length, 100);
  assert.deepEqual(
    sent.flat().find(({ key }) => key === "seed"),
    { key: "seed", value: "3" },
  );
  assert.deepEqual(opened, {
    where: "http://ml/#/experiments/4/runs/r1",
    lastStep: 0,
    memory: { url: "http://ml", runId: "r1" },
    warnings: [],
  });
});

test("an experiment that is not there is made; one that another run makes at that moment is taken", async () => {
  const missing = { status: 404, json: { error_code: "RESOURCE_DOES_NOT_EXIST", message: "no" } };
  const made = tracker({
    ...fresh,
    "experiments/get-by-name": missing,
    "experiments/create": { json: { experiment_id: "9" } },
  });
  assert.match((await made.tracker.open(trackedRun(), made.signal)).where, /experiments\/9\/runs/);
  const raced = tracker({
    ...fresh,
    "experiments/get-by-name": [missing, { json: { experiment: { experiment_id: "5" } } }],
    "experiments/create": { status: 400, json: { error_code: "RESOURCE_ALREADY_EXISTS", message: "taken" } },
  });
  assert.match((await raced.tracker.open(trackedRun(), raced.signal)).where, /experiments\/5\/runs/);
});

test("a resumed run goes on where each metric stands, and its parameters stay", async () => {
  const stands = [
    { key: "loss", value: 1, step: "6" },
    { key: "reward", value: 1, step: "5" },
  ];
  const {
    tracker: mlflow,
    calls,
    signal,
  } = tracker({ ...fresh, "runs/get": run(stands, [{ key: "seed", value: "3" }]) });
  const before = { memory: { url: "http://ml", runId: "r1" }, lastStep: 6 };
  const opened = await mlflow.open(trackedRun({ resumeFrom: 4, before }), signal);
  assert.equal(opened.lastStep, 5);
  assert.deepEqual(asked(calls).slice(1), [
    "GET /api/2.0/mlflow/runs/get?run_id=r1",
    "POST /api/2.0/mlflow/runs/update",
  ]);
  await mlflow.write(metrics(6, { loss: 6, reward: 7 }));
  assert.deepEqual(calls.at(-1)?.body, {
    run_id: "r1",
    metrics: [{ key: "reward", value: 7, timestamp: 1006, step: 6 }],
  });
});

test("a run that the server has no more, or of another server, is made anew", async () => {
  const gone = { status: 404, json: { error_code: "RESOURCE_DOES_NOT_EXIST", message: "no" } };
  for (const url of ["http://ml", "http://other"]) {
    const { tracker: mlflow, calls, signal } = tracker({ ...fresh, "runs/get": gone });
    const before = { memory: { url, runId: "old" }, lastStep: 6 };
    const { memory } = await mlflow.open(trackedRun({ resumeFrom: 4, before }), signal);
    assert.equal(memory["runId"], "r1");
    assert.ok(asked(calls).includes("POST /api/2.0/mlflow/runs/create"));
  }
});

test("an attempt that got no answer may have arrived: the server is asked before it is made again", async () => {
  const {
    tracker: mlflow,
    calls,
    signal,
  } = tracker({
    ...fresh,
    "runs/log-batch": [{}, {}, { status: 502, text: "bad gateway" }, {}],
    "runs/get": run([{ key: "loss", step: 1 }]),
  });
  await mlflow.open(trackedRun(), signal);
  const update = metrics(1, { loss: 2, reward: 3 });
  await assert.rejects(mlflow.write(update), fails("retry", /http:\/\/ml answered 502: bad gateway/));
  await mlflow.write(update);
  assert.deepEqual(calls.at(-1)?.body, {
    run_id: "r1",
    metrics: [{ key: "reward", value: 3, timestamp: 1001, step: 1 }],
  });
});

test("what is no number is written in protobuf's words", async () => {
  const { tracker: mlflow, calls, signal } = tracker(fresh);
  await mlflow.open(trackedRun(), signal);
  await mlflow.write(metrics(1, { a: NaN, b: -Infinity }));
  assert.deepEqual(
    (calls.at(-1)?.body as { metrics: { value: unknown }[] }).metrics.map(({ value }) => value),
    ["NaN", "-Infinity"],
  );
});

test("a second attempt to open does not make a second run", async () => {
  const {
    tracker: mlflow,
    calls,
    signal,
  } = tracker({ ...fresh, "runs/log-batch": [{ status: 500, text: "" }, {}] });
  await assert.rejects(mlflow.open(trackedRun(), signal), fails("retry", /answered 500/));
  await mlflow.open(trackedRun(), signal);
  assert.equal(asked(calls).filter((call) => call.endsWith("runs/create")).length, 1);
});

test("no server, no answer, and a server that is busy may pass", async () => {
  const away = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:5000") });
  const one = tracker({ ...fresh, "experiments/get-by-name": away });
  await assert.rejects(
    one.tracker.open(trackedRun(), one.signal),
    fails(
      "retry",
      /http:\/\/ml cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:5000; see that .*`mlflow server`/,
    ),
  );
  const two = tracker({ ...fresh, "experiments/get-by-name": "hang" });
  const waiting = assert.rejects(
    two.tracker.open(trackedRun(), two.signal),
    fails("retry", /no answer within 30 s/),
  );
  await settled();
  await two.clock.advance(30_000);
  await waiting;
  const three = tracker({ ...fresh, "experiments/get-by-name": { status: 429, text: "slow down" } });
  await assert.rejects(three.tracker.open(trackedRun(), three.signal), fails("retry", /429/));
});

test("what cannot pass says what to do", async () => {
  const cases: [Answer, RegExp][] = [
    [{ status: 401, text: "" }, /refuses \(401\).*MLFLOW_TRACKING_TOKEN/],
    [{ status: 404, text: "<html>" }, /no MLflow tracking server/],
    [{ text: "<html>welcome" }, /not JSON.*no MLflow tracking server/],
    [{ json: { experiment: { experiment_id: 4 } } }, /not as MLflow's API says: experiment\.experiment_id/],
    [
      { json: { experiment: { experiment_id: "4", lifecycle_stage: "deleted" } } },
      /mlflow experiments restore/,
    ],
  ];
  for (const [answer, text] of cases) {
    const { tracker: mlflow, signal } = tracker({ ...fresh, "experiments/get-by-name": answer });
    await assert.rejects(mlflow.open(trackedRun(), signal), fails("stop", text));
  }
});

test("the address: of the config, else of the environment; stores that are no server are refused with the remedy", async () => {
  const addressOf = async (MLFLOW_TRACKING_URI: string): Promise<string> => {
    const { fetch } = server(fresh);
    const clock = testClock();
    const mlflow = mlflowTracker({ experiment: "mine", env: { MLFLOW_TRACKING_URI }, clock, fetch });
    return (await mlflow.open(trackedRun(), new AbortController().signal)).where;
  };
  assert.equal(await addressOf("https://there/"), "https://there/#/experiments/4/runs/r1");
  await assert.rejects(addressOf(""), fails("stop", /no tracking server is named/));
  await assert.rejects(addressOf("sqlite:///mlflow.db"), fails("stop", /`mlflow server`/));
});

test("keys come from MLflow's own variables, and only from there", async () => {
  const headerOf = async (env: Record<string, string>): Promise<string | null> => {
    const { tracker: mlflow, calls, signal } = tracker(fresh, { env });
    await mlflow.open(trackedRun(), signal);
    return calls[0]?.headers.get("authorization") ?? null;
  };
  assert.equal(await headerOf({}), null);
  assert.equal(await headerOf({ MLFLOW_TRACKING_TOKEN: "t" }), "Bearer t");
  assert.equal(
    await headerOf({ MLFLOW_TRACKING_USERNAME: "me", MLFLOW_TRACKING_PASSWORD: "pw" }),
    "Basic bWU6cHc=",
  );
});

test("images and texts are files of the run; histograms are none; a store that the server cannot reach is told", async () => {
  const image: Update = {
    ...{ type: "image", step: 12, timeMs: 0, name: "trajectory/image_1", index: 0, caption: "" },
    ...{ png: Uint8Array.of(1, 2), width: 1, height: 1 },
  };
  const one = tracker({ ...fresh, artifacts: { text: "" } });
  await one.tracker.open(trackedRun(), one.signal);
  await one.tracker.write(image);
  const { method, path, headers, body } = one.calls.at(-1) as Call;
  assert.deepEqual(
    [method, path, headers.get("content-type"), body],
    [
      "PUT",
      "/api/2.0/mlflow-artifacts/artifacts/4/r1/artifacts/trajectory/image_1/step-000012.png",
      "image/png",
      Uint8Array.of(1, 2),
    ],
  );
  const count = one.calls.length;
  await one.tracker.write({ type: "histogram", step: 1, timeMs: 0, name: "h", values: [1] });
  assert.equal(one.calls.length, count);
  const two = tracker({ ...fresh, "runs/create": run([], [], "s3://bucket/4/r1") });
  await two.tracker.open(trackedRun(), two.signal);
  await assert.rejects(two.tracker.write(image), fails("skip", /--serve-artifacts/));
});

test("parameters that the server refuses cost themselves only", async () => {
  const refused = { status: 400, json: { error_code: "INVALID_PARAMETER_VALUE", message: "too long" } };
  const { tracker: mlflow, signal } = tracker({ ...fresh, "runs/log-batch": [refused, {}] });
  const { warnings } = await mlflow.open(trackedRun(), signal);
  assert.deepEqual(warnings, [
    "parameters 1 to 100: the server refused (400 INVALID_PARAMETER_VALUE): too long",
  ]);
});
