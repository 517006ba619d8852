// A run that is interrupted and resumed, told to a real MLflow tracking server, and read back by MLflow's own Python client.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { metricsAt, picture, pictureBytes, sampleRun } from "./sampleRun.ts";
import { temporaryFolder } from "./testSupport.ts";
import { readWithPython, trackersPython } from "./trackersPython.ts";

interface FoundRun {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly seconds: number | null;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, readonly (readonly [number, string])[]>>;
  readonly artifacts: Readonly<Record<string, string>>;
}

/** It makes its tables first, on a busy machine for a minute. */
const START_MS = 600_000;

const python = await trackersPython();
const root = temporaryFolder();
const url = await serve();
const { warnings, take } = sampleRun(`{ type: mlflow, url: "${url}", experiment: tests, images: 2 }`);
await take(1, 5, "interrupted");
const [interrupted] = await read();
const report = await take(4, 7, "finished");
const runs = await read();
const [found] = runs;
const steps = [1, 2, 3, 4, 5, 6, 7];

test("nothing was refused or lost, and there is one run, whose page is named", () => {
  assert.deepEqual(warnings, []);
  assert.deepEqual([report?.dropped, report?.failures], [0, 0]);
  assert.equal(runs.length, 1);
  assert.equal(found?.id, interrupted?.id);
  assert.match(report?.where ?? "", new RegExp(`^${url}/#/experiments/\\d+/runs/${found?.id}$`));
});

test("the run's name, tags, times and how it ended, twice", () => {
  assert.equal(interrupted?.status, "KILLED");
  assert.equal(found?.status, "FINISHED");
  assert.equal(found.name, "parity");
  assert.ok(found.seconds !== null && found.seconds >= 0 && found.seconds < 3600);
  assert.deepEqual([found.tags["pyvision.stage"], found.tags["pyvision.tags"]], ["train", "small,red"]);
});

test("parameters: the config by dotted names", () => {
  const { params = {} } = found ?? {};
  assert.deepEqual(
    [
      params["seed"],
      params["train.steps"],
      params["selection.dropBroken"],
      params["selection.keepEndReasons"],
    ],
    ["3", "700", "true", '["answered","turnLimit","pythonError"]'],
  );
  assert.ok(Object.keys(params).length > 100, "more than one request takes");
});

test("metrics: every step once, although three steps were taken twice", () => {
  for (const name of ["reward/mean", "train/loss", "time/step_s", "end/answered"])
    assert.deepEqual(
      found?.metrics[name]?.map(([step, value]) => [step, Number(value)]),
      steps.map((step) => [step, metricsAt(step)[name]]),
      name,
    );
});

test("metrics: what could not be measured is not a number there either", () => {
  assert.deepEqual(found?.metrics["train/entropy"]?.[1], [2, "nan"]);
});

test("files: images and texts of every step, byte for byte", () => {
  const { artifacts = {} } = found ?? {};
  const places = steps.map((step) => `step-${String(step).padStart(6, "0")}`);
  const wanted = places.flatMap((place) => [
    `trajectory/image_1/${place}.png`,
    `trajectory/image_2/${place}.png`,
    `trajectory/text/${place}.md`,
  ]);
  assert.deepEqual(Object.keys(artifacts).sort(), wanted.sort());
  for (const place of [0, 1])
    assert.equal(
      artifacts[`trajectory/image_${place + 1}/step-000006.png`],
      Buffer.from(pictureBytes(picture(6, place))).toString("base64"),
    );
  const text = Buffer.from(artifacts["trajectory/text/step-000001.md"] ?? "", "base64").toString();
  assert.match(text, /^\*\*first\*\*, member 0: right/);
});

async function read(): Promise<FoundRun[]> {
  return (await readWithPython(python, "readMlflow.py", [url, "tests"])) as FoundRun[];
}

/** Another program may take a port between its choice and the server's start: then the server says so, and another is chosen. */
async function serve(): Promise<string> {
  for (;;) {
    const { url, log } = await serveAt(await freePort());
    if (url !== undefined) return url;
    if (!/address already in use/i.test(log))
      throw new Error(`mlflow server did not start: ${log.slice(-2000)}`);
  }
}

async function serveAt(port: number): Promise<{ readonly url?: string; readonly log: string }> {
  const stores = [
    "--backend-store-uri",
    `sqlite:///${root}/runs.db`,
    "--artifacts-destination",
    `${root}/files`,
  ];
  const address = ["--host", "127.0.0.1", "--port", String(port), "--workers", "1"];
  const server = spawn(python, ["-m", "mlflow", "server", ...stores, ...address], {
    env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: "true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false" },
    stdio: ["ignore", "ignore", "pipe"],
    // With a group of its own, so that its workers end with it.
    detached: true,
  });
  let log = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = new Promise<void>((resolve) => server.once("close", () => resolve()));
  after(async () => {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGKILL");
    await exited;
  });
  const until = performance.now() + START_MS;
  while (performance.now() < until && server.exitCode === null && !/Uvicorn running on/.test(log))
    await sleep(250);
  // Its own word first: whoever answers at the port may be another.
  while (performance.now() < until && server.exitCode === null) {
    const isUp = await fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return { url: `http://127.0.0.1:${port}`, log };
    await sleep(250);
  }
  return { log };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
