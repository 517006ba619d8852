// Against a server that answers as the hub does (fakeHub.ts), with data sets of the published layouts and counts but small pictures.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { encode } from "fast-png";
import { DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { placeIn } from "./download.ts";
import { type FakeHub, type FakeHubOptions, type Fault, SHA, startFakeHub } from "./fakeHub.ts";
import { prepareBenchmark, type Prepared, type PrepareOptions } from "./prepare.ts";
import { chosenFiles, SOURCES } from "./sources.ts";
import { zipOf } from "./testZip.ts";

const PICTURE = encode({ width: 2, height: 2, data: new Uint8Array(12).fill(9), channels: 3 });

/** V* as it is published, `large` bytes of another file among it. */
function vstarFiles(count = 191): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    "README.md": "not fetched",
    "OCR/sa_1.jpg": PICTURE,
    "OCR/sa_1.json": "{}",
  };
  const rows: string[] = [];
  for (let i = 0; i < count; i++) {
    const category = i < 115 ? "direct_attributes" : "relative_position";
    const image = `${category}/sa_${i}.jpg`;
    files[image] = PICTURE;
    files[`${category}/sa_${i}.json`] = `{"question": "q${i}", "options": ["a", "b"]}`;
    rows.push(
      JSON.stringify({ image, category, text: `q${i}\n(A) b\n(B) a`, label: "B", question_id: String(i) }),
    );
  }
  files["test_questions.jsonl"] = rows.join("\n");
  return files;
}

/** TIR-Bench as it is published: all questions are about a few pictures, in an archive of 200 kB. */
function tirFiles(picture = "data/1.png"): Record<string, string | Uint8Array> {
  const rows = Array.from({ length: 1215 }, (_, id) => ({
    id,
    task: "ocr",
    prompt: "Read.",
    answer: "x",
    image_1: "data/1.png",
  }));
  const random = randomStream("noise");
  const noise = Uint8Array.from({ length: 200_000 }, () => random.below(256));
  return {
    "TIR-Bench.json": JSON.stringify(rows),
    "data.zip": zipOf([
      { name: picture, content: PICTURE },
      { name: "data/noise.bin", content: noise },
    ]),
    "README.md": "not fetched",
  };
}

async function hubWith(options: FakeHubOptions): Promise<FakeHub> {
  const hub = await startFakeHub(options);
  after(() => hub.close());
  return hub;
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "pyvision-bench-data-"));
  after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Of the transfer of TIR-Bench's archive to `dir`. */
const cutAfter = (after: number, dir: string): Fault => ({
  type: "cut",
  after,
  arrived: () => statSync(join(dir, "tir-bench/data.zip.part"), { throwIfNoEntry: false })?.size ?? 0,
});

/** Where nobody listens: a port that is given to nobody, not even for a moment. */
const NOBODY = { url: "http://127.0.0.1:4" };

function prepare(
  name: BenchmarkName,
  hub: Pick<FakeHub, "url">,
  dir: string,
  options: Partial<PrepareOptions> = {},
): Promise<Prepared> {
  const patience = { retries: 2, retryMs: 1 }; // and no silence on a machine that stands still for a moment
  return prepareBenchmark(name, { hubUrl: hub.url, dir, reporter: silentReporter, ...patience, ...options });
}

const VSTAR = "craigwu/vstar_bench";
const TIR = "Agents-X/TIR-Bench";

test("many small files: those needed come, page by page of the listing, at the commit that was found first", async () => {
  const hub = await hubWith({ dataset: VSTAR, files: vstarFiles(), licence: "apache-2.0", pageSize: 100 });
  const dir = folder();
  const said: string[] = [];
  const reporter = { ...silentReporter, info: (text: string) => void said.push(text) };
  const prepared = await prepare("vstar", hub, dir, { reporter });
  assert.deepEqual(
    { ...prepared, fetchedBytes: prepared.fetchedBytes > 30_000 },
    {
      folder: join(dir, "vstar"),
      items: 191,
      dataset: VSTAR,
      revision: SHA,
      licence: "apache-2.0",
      fetchedBytes: true,
    },
  );
  assert.deepEqual(readdirSync(join(dir, "vstar")).sort(), [
    "direct_attributes",
    "relative_position",
    "test_questions.jsonl",
  ]);
  assert.equal(hub.requests.length, 2 * 191 + 1);
  assert.match(
    said[0] ?? "",
    /V\*: http.*\/datasets\/craigwu\/vstar_bench at 0123456789ab\n {2}licence: apache-2\.0;/,
  );
  assert.match(said[0] ?? "", /to fetch: [\d.]+ kB in 383 files\n {2}disk: [\d.]+ kB needed, .* free in /);

  // Again: nothing is fetched; a damaged file of the right length is found by its hash, and comes again.
  const picture = join(dir, "vstar/direct_attributes/sa_3.json");
  writeFileSync(picture, readFileSync(picture, "utf8").replace("q3", "q4"));
  const again = await prepare("vstar", hub, dir, { reporter });
  assert.deepEqual([again.items, hub.requests.length], [191, 384]);
  assert.match(readFileSync(picture, "utf8"), /q3/);
  assert.match(said[1] ?? "", /in 1 files \([\d.]+ kB are here already\)/);
});

test("an archive is unpacked and taken away, and is not fetched again while its content is there", async () => {
  const hub = await hubWith({ dataset: TIR, files: tirFiles() });
  const dir = folder();
  assert.equal((await prepare("tir-bench", hub, dir)).items, 1215);
  const inside = join(dir, "tir-bench");
  assert.deepEqual(readdirSync(inside).sort(), [".bench-data.json", "TIR-Bench.json", "data"]);
  assert.equal((await prepare("tir-bench", hub, dir)).fetchedBytes, 0);
  assert.equal(hub.requests.length, 2);
  rmSync(join(inside, "data/noise.bin"));
  const again = await prepare("tir-bench", hub, dir, { keepArchives: true });
  assert.ok(again.fetchedBytes > 100_000 && existsSync(join(inside, "data/noise.bin")));
  assert.ok(existsSync(join(inside, "data.zip")));
});

test("transfers that are cut, silent or refused for a while go on where they were", async () => {
  const dir = folder();
  const hub = await hubWith({
    dataset: TIR,
    files: tirFiles(),
    faults: {
      "data.zip": [
        cutAfter(50_000, dir),
        { type: "status", status: 429, retryAfter: 0.01 },
        { type: "silence", after: 20_000 },
        { type: "status", status: 503 },
      ],
    },
  });
  // The 20 kB before the silence have to come within this time.
  await prepare("tir-bench", hub, dir, { silenceMs: 10_000 });
  const ranges = hub.requests
    .filter(([path]) => path === "data.zip")
    .map(([, range]) => Number(/\d+/.exec(range)?.[0] ?? 0));
  // Five requests: whole; from the cut on, refused and again; from the silence on, refused and again.
  assert.deepEqual(ranges, [0, 50_000, 50_000, 70_000, 70_000]);
});

test("what an attempt left that was ended is gone on with by the next", async () => {
  const files = tirFiles();
  const dir = folder();
  const none = Array.from({ length: 5 }, () => cutAfter(0, dir));
  const faults = { "data.zip": [cutAfter(60_000, dir), ...none] };
  const first = await hubWith({ dataset: TIR, files, faults });
  await assert.rejects(
    prepare("tir-bench", first, dir),
    /data\.zip: the transfer ended 5 times without a byte at 60000 of \d+; run the same command again to go on there/,
  );
  const second = await hubWith({ dataset: TIR, files });
  await prepare("tir-bench", second, dir);
  assert.deepEqual(
    second.requests.map(([path, range]) => [path, range.replace(/-\d+$/, "-")]),
    [["data.zip", "bytes=60000-"]],
  );
});

test("bytes that are not the hub's are fetched once more, and then refused", async () => {
  const other = { type: "other" } as const;
  const once = await hubWith({ dataset: TIR, files: tirFiles(), faults: { "data.zip": [other] } });
  assert.equal((await prepare("tir-bench", once, folder())).items, 1215);
  const twice = await hubWith({ dataset: TIR, files: tirFiles(), faults: { "data.zip": [other, other] } });
  const dir = folder();
  await assert.rejects(
    prepare("tir-bench", twice, dir),
    /data\.zip: what came twice is not what the hub lists \(its SHA-256 differs\)/,
  );
  assert.ok(
    !existsSync(join(dir, "tir-bench/data.zip")) && !existsSync(join(dir, "tir-bench/data.zip.part")),
  );
});

describe("what the hub refuses for good is said with its remedy", () => {
  const refused = async (
    options: Partial<FakeHubOptions>,
    message: RegExp,
    prepared: Partial<PrepareOptions> = {},
    dir = folder(),
  ): Promise<void> => {
    const hub = await hubWith({ dataset: TIR, files: tirFiles(), ...options });
    await assert.rejects(prepare("tir-bench", hub, dir, prepared), message);
  };
  const token = { value: "hf_good", status: 403 };

  test("a gated data set", async () => {
    await refused(
      { token },
      /refuses it \(403\): its authors may ask to accept terms at http.* first; then set HF_TOKEN/,
    );
    await refused({ token: { ...token, status: 401 } }, /\(401\).*the token given does not open it/, {
      token: "hf_bad",
    });
    const hub = await hubWith({ dataset: TIR, files: tirFiles(), token });
    assert.equal((await prepare("tir-bench", hub, folder(), { token: "hf_good" })).items, 1215);
  });

  test("an unknown data set, an unknown revision, a file that is gone", async () => {
    await refused({ dataset: "somebody/else" }, /TIR-Bench: the hub has no such data set \(404\): see http/);
    await refused({}, /no such data set or revision "v9" \(404\)/, { revision: "v9" });
    await refused({ faults: { "data.zip": [{ type: "status", status: 404 }] } }, /TIR-Bench: .*\(404\)/);
  });

  test("too many requests, a broken server", async () => {
    const busy = Array.from({ length: 3 }, () => ({ type: "status", status: 429 }) as const);
    await refused(
      { faults: { "data.zip": busy } },
      /takes no more requests for now \(429\): try again in some minutes/,
    );
    const broken = Array.from({ length: 3 }, () => ({ type: "status", status: 500 }) as const);
    await refused(
      { faults: { "TIR-Bench.json": broken } },
      /the hub answers with status 500: try again later/,
    );
  });

  test("a mirror that sends whole files where parts are asked for", async () => {
    const dir = folder();
    const faults = { "data.zip": [cutAfter(10, dir), { type: "whole" } as const] };
    await refused(
      { faults },
      /data\.zip: http.* sends no parts of files: take its \.part away to begin again/,
      {},
      dir,
    );
  });

  test("files in no form that is known", async () => {
    await refused(
      { files: { "new.json": "[]" } },
      /does not hold tir-bench in a form known here \(TIR-Bench\.json \+ data\.zip\); it has 1 files: new\.json/,
    );
  });
});

test("no hub at all: the address and the way without it are named", async () => {
  await assert.rejects(
    prepare("tir-bench", NOBODY, folder()),
    /TIR-Bench: http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\): is there a network\? Files fetched elsewhere/,
  );
});

test("a hub that refuses connections is given up after two tries, and the second is told of", async () => {
  const said: string[] = [];
  const reporter = { ...silentReporter, warn: (text: string) => void said.push(text) };
  await assert.rejects(
    prepare("tir-bench", NOBODY, folder(), { reporter, retries: 6 }),
    /cannot be reached \(ECONNREFUSED\)/,
  );
  assert.deepEqual(said, [
    `${new URL(NOBODY.url).host} cannot be reached (ECONNREFUSED): trying again in 1 s (1 of 1)`,
  ]);
});

describe("a server of another kind", () => {
  const cases: readonly [string, number, string, RegExp, number][] = [
    ["a record of nothing", 200, "{}", /TIR-Bench.* gave "\{\}"/, 0],
    ["a web page", 200, "<html></html>", /gave "<html><\/html>"/, 0],
    ["nothing", 200, "", /gave nothing/, 0],
    ["one that is busy", 503, "{}", /the hub answers with status 503: try again later/, 2],
  ];
  for (const [name, status, body, why, retries] of cases)
    test(name, async () => {
      const server = createServer((_, response) => response.writeHead(status).end(body));
      await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const said: string[] = [];
      const reporter = { ...silentReporter, warn: (text: string) => void said.push(text) };
      try {
        await assert.rejects(prepare("tir-bench", { url }, folder(), { reporter }), (error) => {
          assert.ok(error instanceof DataError);
          assert.match(error.message, why);
          if (status === 200)
            assert.match(error.message, /does not answer as a hub does: .* with --hub or HF_/);
          return true;
        });
        assert.equal(said.length, retries);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    });

  test("one that lists no files, though it knows the data set", async () => {
    const server = createServer((request, response) =>
      response.end(request.url?.includes("/tree/") ? '{"files": 1}' : '{"id": "x", "sha": "1"}'),
    );
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await assert.rejects(
        prepare("tir-bench", { url }, folder()),
        /does not answer as a hub does: .*\/tree\/1\?.* gave "\{\\"files\\": 1\}"/,
      );
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  test("one that takes requests and never answers", async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await assert.rejects(
        prepare("tir-bench", { url }, folder(), { silenceMs: 50 }),
        /cannot be reached \(ETIMEDOUT\)/,
      );
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

test("a disk that is too small is said before anything is fetched", async () => {
  const hub = await hubWith({ dataset: TIR, files: tirFiles() });
  await assert.rejects(
    prepare("tir-bench", hub, folder(), { freeBytes: () => Promise.resolve(300_000) }),
    /tir-bench: \d+ kB are needed, 300 kB are free: free some space, or name a folder on another disk with --dir/,
  );
  assert.equal(hub.requests.length, 0);
});

test("other items than the published ones fail, and name what is wrong", async () => {
  const files = tirFiles();
  const rows = JSON.parse(files["TIR-Bench.json"] as string) as unknown[];
  const few = await hubWith({
    dataset: TIR,
    files: { ...files, "TIR-Bench.json": JSON.stringify(rows.slice(1)) },
  });
  await assert.rejects(
    prepare("tir-bench", few, folder()),
    /tir-bench: TIR-Bench has 1214 items there instead of the 1215 published; take the folder away/,
  );
  const without = await hubWith({ dataset: TIR, files: tirFiles("data/2.png") });
  await assert.rejects(
    prepare("tir-bench", without, folder()),
    /1215 of 1215 items of TIR-Bench cannot be asked; the first: .*there is no file data\/1\.png/,
  );
});

test("paths of the listing that lead out of the folder are neither chosen nor written", () => {
  for (const path of ["../evil.json", "a/../../evil.json", "/etc/evil", "a\0"])
    assert.throws(
      () => placeIn("/data/vstar", path),
      /leads out of the data set's folder; it is not written/,
    );
  assert.equal(placeIn("/data/vstar", "a/../b.json"), "/data/vstar/b.json");
  const published = [
    "direct_attributes/a.jpg",
    "direct_attributes/../../evil.jpg",
    "relative_position/b.jpg",
  ];
  assert.deepEqual(
    chosenFiles(
      SOURCES.vstar,
      published.map((path) => ({ path })),
    )?.map(({ path }) => path),
    ["direct_attributes/a.jpg", "relative_position/b.jpg"],
  );
});
