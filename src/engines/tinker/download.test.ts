// What a server may write to the disk: bounded by what it announces before anything is written, and by what comes.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import test from "node:test";
import { silentReporter } from "../../core/reporter.ts";
import { downloadArchive, downloadFiles, MAX_BYTES } from "./download.ts";
import { folder } from "./engineHarness.ts";
import { settingsOf } from "./options.ts";
import { brokenConnection, type Stub, stub, type StubRoute } from "./stubServer.ts";
import { Transport } from "./transport.ts";

const SETTINGS = settingsOf({
  baseUrl: "http://tinker.test",
  dialect: "pyvision",
  baseModel: "base",
  rank: 8,
});
const FILES = "http://files.test/api/v1";

interface Server extends Stub {
  readonly transport: Transport;
}

function server(routes: Readonly<Record<string, StubRoute>>): Server {
  const made = stub(routes);
  return { ...made, transport: new Transport(SETTINGS, made.world) };
}

test("all weights of the largest model in float32 fit, four times as much does not", () => {
  const weights72B = 73.41e9;
  assert.ok(MAX_BYTES > 4 * weights72B * 1.05);
  assert.ok(MAX_BYTES < 4 * 4 * weights72B);
});

test("an archive that announces more than a checkpoint may have is refused before a byte of it is read", async (t) => {
  const dir = await folder(t);
  let read = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        read = true;
        controller.enqueue(new Uint8Array(10));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const announced = 400 * 1024 ** 3;
  const { transport, named } = server({
    packed: () => new Response(body, { headers: { "content-length": String(announced) } }),
  });
  await assert.rejects(downloadArchive("packed", { transport, dir, reporter: silentReporter }), {
    kind: "refused",
    message:
      "http://tinker.test, packed: it announces 429496729600 bytes after 0, and a checkpoint may have 343597383680 bytes " +
      "(320 GiB) in all its files; the file was not kept; look at what the server gives",
  });
  assert.deepEqual([read, named("packed").length, await readdir(dir)], [false, 1, []]);
});

test("a refusal in passing is asked again, no sooner than the server wishes; one that stays is not", async (t) => {
  const dir = await folder(t);
  const lines: string[] = [];
  const reporter = { ...silentReporter, info: (line: string) => void lines.push(line) };
  const passing = (status: number, wish?: string): Response =>
    new Response("", { status, headers: wish === undefined ? {} : { "retry-after": wish } });
  const lists = [passing(503), passing(429, "7")];
  const answers = [passing(429, "20"), passing(408), passing(500), passing(502, "86400")];
  const { transport, named, pauses } = server({
    list: ({ index }) => lists[index] ?? { urls: { a: `${FILES}/a` } },
    gone: () => ({ urls: { b: `${FILES}/b` } }),
    hidden: () => passing(404),
    a: ({ index }) => answers[index] ?? new Response("x"),
    b: () => passing(403),
  });
  const options = { transport, dir, reporter };
  assert.deepEqual(await downloadFiles("list", options), ["a"]);
  assert.deepEqual([named("list").length, named("a").length], [3, 5]);
  assert.deepEqual(pauses, [1000, 7000, 20_000, 2000, 3000, 60_000]);
  assert.equal(lines[2], "downloading a: http://tinker.test, a: 429; beginning anew");
  const stays = {
    kind: "failed",
    message: "http://tinker.test, b: 403; the checkpoint is not there to download",
  };
  await assert.rejects(downloadFiles("gone", options), stays);
  await assert.rejects(downloadFiles("hidden", options), { kind: "refused", message: /hidden: 404$/ });
  assert.deepEqual([named("b").length, named("hidden").length], [1, 1]);
});

test("what does not pass within five attempts is told as what it is", async (t) => {
  const dir = await folder(t);
  const { transport, named } = server({
    list: () => ({ urls: { a: `${FILES}/a` } }),
    broken: () => brokenConnection(),
    a: () => new Response("", { status: 500, statusText: "Internal Server Error" }),
  });
  const options = { transport, dir, reporter: silentReporter };
  const tried = "(5 attempts); save again later, or look into the server's log";
  await assert.rejects(downloadFiles("list", options), {
    kind: "failed",
    message: `http://tinker.test, a: 500 Internal Server Error ${tried}`,
  });
  await assert.rejects(downloadFiles("broken", options), {
    kind: "unreachable",
    message: `http://tinker.test, downloading broken: other side closed ${tried}`,
  });
  assert.deepEqual([named("a").length, named("broken").length], [5, 5]);
});

test("what comes without announcement is cut off at the bound", async (t) => {
  const dir = await folder(t);
  const { transport } = server({ packed: () => new Response("x".repeat(101)) });
  await assert.rejects(
    downloadArchive("packed", { transport, dir, reporter: silentReporter, maxBytes: 100 }),
    /packed: 101 bytes came after 0, and a checkpoint may have 100 bytes/,
  );
  assert.deepEqual(await readdir(dir), []);
});

test("files that come one by one are bounded together", async (t) => {
  const dir = await folder(t);
  const { transport } = server({
    list: () => ({ urls: { a: `${FILES}/a`, b: `${FILES}/b` } }),
    a: () => new Response("x".repeat(60)),
    b: ({ index }) =>
      new Response("y".repeat(60), index === 0 ? { headers: { "content-length": "60" } } : undefined),
  });
  const options = { transport, dir, reporter: silentReporter };
  await assert.rejects(
    downloadFiles("list", { ...options, maxBytes: 119 }),
    /b: it announces 60 bytes after 60, and a checkpoint may have 119 bytes/,
  );
  assert.deepEqual(await readdir(dir), ["a"]);
  await assert.rejects(
    downloadFiles("list", { ...options, maxBytes: 119 }),
    /b: 60 bytes came after 60, and a checkpoint may have 119 bytes/,
  );
  assert.deepEqual(await downloadFiles("list", { ...options, maxBytes: 120 }), ["a", "b"]);
});
