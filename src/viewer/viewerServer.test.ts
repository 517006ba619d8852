import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import type { ChangeEvent, RunList, RunOverview, TrajectoryAnswer } from "./protocol.ts";
import { openRuns } from "./runCollection.ts";
import { decodeTables } from "./tableCodec.ts";
import { startTestRun, type TestRun } from "./testRun.ts";
import { allowedHost, startViewer, type ViewerServer } from "./viewerServer.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-viewer-server-"));
let run: TestRun;
let server: ViewerServer;

before(async () => {
  run = startTestRun(join(root, "runs", "first"), { groups: 4, members: 3, stored: 6 });
  await run.step();
  writeFileSync(join(root, "secret.txt"), "secret");
  server = await startViewer(openRuns([run.dir], join(root, "runs")), {
    host: "127.0.0.1",
    port: 0,
    pollMs: 20,
  });
});
after(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

/** On a connection of its own: one that was kept may be closed by the server while the next request is on its way. */
const at = (path: string): Promise<Response> =>
  fetch(new URL(path, server.url), { headers: { connection: "close" } });

/** As fetch never would: the path and the Host header exactly as given. */
function raw(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += part.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("the page may run its own script and nothing else", async () => {
  const response = await at("/");
  assert.equal(response.status, 200);
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.doesNotMatch(await response.text(), /<script(?! src="\/page\.js">)/);
  assert.equal((await at("/page.js")).headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal((await at("/page.css")).headers.get("content-type"), "text/css; charset=utf-8");
});

test("runs, figures, trajectories and pictures are served", async () => {
  const list = (await (await at("/api/runs")).json()) as RunList;
  assert.deepEqual([list.chosen, list.runs.map(({ key, step }) => [key, step])], [["first"], [["first", 1]]]);
  const overview = (await (await at("/api/runs/first")).json()) as RunOverview;
  assert.equal(overview.sets[0]?.name, "train-000001");
  const bytes = await (await at("/api/runs/first/table?set=train-000001")).arrayBuffer();
  assert.equal(decodeTables(bytes)[0]?.length, 12);
  const answer = (await (await at("/api/runs/first/trajectory/train-000001/2")).json()) as TrajectoryAnswer;
  assert.equal(answer.trajectory.member, 2);
  const picture = answer.trajectory.segments.find((segment) => segment.type === "image");
  const image = await at(`/api/runs/first/image/${picture?.image}.png`);
  assert.deepEqual([...new Uint8Array(await image.arrayBuffer()).slice(1, 4)], [80, 78, 71]);
  assert.equal(image.headers.get("cache-control"), "private, max-age=31536000, immutable");
});

test("a page that knows a part is told the rest; one of another generation everything", async () => {
  const overview = async (query: string): Promise<RunOverview> =>
    (await (await at(`/api/runs/first?${query}`)).json()) as RunOverview;
  const { generation, metrics } = await overview("");
  const steps = metrics.steps.length;
  await run.step();
  const news = await overview(`generation=${generation}&metrics=${steps}&sets=${steps}`);
  assert.deepEqual([news.metricsFrom, news.metrics.steps, news.sets.length], [steps, [steps + 1], 1]);
  const all = await overview(`generation=${generation + 1}&metrics=${steps}&sets=${steps}`);
  assert.deepEqual([all.metricsFrom, all.metrics.steps.length], [0, steps + 1]);
});

test("whoever listens hears of a new step", async () => {
  await at("/api/runs/first");
  const response = await at("/api/events");
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  const heard = async (metrics: number): Promise<ChangeEvent> => {
    for (;;) {
      const whole = text.split("\n\n").slice(0, -1); // the last may be under way
      const events = whole.filter((part) => part.startsWith("data: "));
      const found = events
        .map((part) => JSON.parse(part.slice(6)) as ChangeEvent)
        .find((event) => event.metrics === metrics);
      if (found !== undefined) return found;
      const { value, done } = await reader.read();
      assert.ok(!done, "the stream must stay open");
      text += new TextDecoder().decode(value);
    }
  };
  const overview = (await (await at("/api/runs/first")).json()) as RunOverview;
  const now = overview.metrics.steps.length;
  assert.equal((await heard(now)).key, "first");
  await run.step();
  assert.equal((await heard(now + 1)).sets, now + 1);
  await reader.cancel();
});

test("no path leads out of the runs", async () => {
  const paths = [
    "/../secret.txt",
    "/secret.txt",
    "/api/runs/..",
    "/api/runs/%2e%2e",
    "/api/runs/..%2f..%2fsecret.txt",
    "/api/runs/second",
    "/api/runs/first/image/..%2f..%2f..%2fsecret.txt",
    "/api/runs/first/image/%00",
    "/api/runs/first/trajectory/..%2f..%2fmetrics/0",
    "/api/runs/first/trajectory/train-000001/-1",
    "/api/runs/first/trajectory/train-000001/1e3",
    "/api/runs/first/trajectory/train-000001",
    "/api/runs/first/table?set=..%2fsecret",
    "/api/runs/first/config.yaml",
    "/%ff",
  ];
  for (const path of paths) {
    const { status, body } = await raw(path);
    assert.equal(status, 404, path);
    assert.doesNotMatch(body, /^secret/, path);
  }
});

test("another site's name for this machine is refused, and so is writing", async () => {
  const { port } = new URL(server.url);
  for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", `localhost:${Number(port) + 1}`])
    assert.equal((await raw("/api/runs", { host })).status, 403, host);
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
    assert.equal((await raw("/api/runs", { host })).status, 200, host);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"])
    assert.equal((await raw("/api/runs", {}, method)).status, 405, method);
});

test("hosts by the address listened at", () => {
  assert.equal(allowedHost("192.168.1.5:8500", "0.0.0.0", 8500), true);
  assert.equal(allowedHost("[fe80::1]:8500", "::", 8500), true);
  assert.equal(allowedHost("rebound.example:8500", "0.0.0.0", 8500), false);
  assert.equal(allowedHost("192.168.1.5:8500", "127.0.0.1", 8500), false);
  assert.equal(allowedHost("box.lan:8500", "box.lan", 8500), true);
  assert.equal(allowedHost(undefined, "127.0.0.1", 8500), false);
  assert.equal(allowedHost("127.0.0.1", "127.0.0.1", 80), true);
});

test("a port in use and a folder without a run are told as such", async () => {
  const port = Number(new URL(server.url).port);
  const runs = openRuns([], join(root, "runs"));
  await assert.rejects(startViewer(runs, { host: "127.0.0.1", port }), /^ConfigError: --port \d+: is in use/);
  assert.throws(() => openRuns([root], "runs"), ConfigError);
});

test("without a run, those of the folder are listed, also such as come later, under names of their own", async () => {
  const runs = openRuns([], join(root, "runs"));
  assert.deepEqual(
    runs.list().runs.map(({ key }) => key),
    ["first"],
  );
  startTestRun(join(root, "runs", "späte Läufe"), { groups: 1, members: 1, stored: 0 });
  assert.deepEqual(
    runs
      .list()
      .runs.map(({ key }) => key)
      .sort(),
    ["first", "sp-te-L-ufe"],
  );
  const twins = openRuns(
    [run.dir, startTestRun(join(root, "other", "first"), { groups: 1, members: 1, stored: 0 }).dir],
    "runs",
  );
  assert.deepEqual(twins.list().chosen, ["first", "other.first"]);
});
