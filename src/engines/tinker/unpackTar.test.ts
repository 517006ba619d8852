// Archives from the network: what is taken, and everything that is not.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import { DataError } from "../../core/errors.ts";
import { folder } from "./engineHarness.ts";
import { pathWithin, unpackTar } from "./unpackTar.ts";

const file = (name: string, body: string): TarEntry => ({
  header: { name, size: Buffer.byteLength(body), type: "file" },
  body,
});

async function unpacked(
  t: TestContext,
  entries: readonly TarEntry[],
  change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
  maxBytes = 1000,
): Promise<{ readonly dir: string; readonly done: Promise<string[]> }> {
  const root = await folder(t);
  const archive = join(root, "archive.tar");
  await writeFile(archive, change(await packTar(entries)));
  const dir = join(root, "to");
  await mkdir(dir);
  await writeFile(join(dir, "kept"), "old");
  await writeFile(join(dir, "b.txt"), "old");
  return { dir, done: unpackTar(archive, dir, maxBytes) };
}

const entries = [
  { header: { name: "a/", size: 0, type: "directory" as const } },
  file("a/one.txt", "1"),
  file("./b.txt", "two"),
];

for (const [name, change] of [
  ["plain", (bytes: Uint8Array) => bytes],
  ["gzipped", (bytes: Uint8Array) => gzipSync(bytes)],
] as const)
  test(`a ${name} archive is unpacked over what was there`, async (t) => {
    const { dir, done } = await unpacked(t, entries, change);
    assert.deepEqual(await done, ["a/one.txt", "b.txt"]);
    assert.deepEqual((await readdir(dir)).sort(), ["a", "b.txt", "kept"]);
    assert.equal(await readFile(join(dir, "b.txt"), "utf8"), "two");
    assert.equal(await readFile(join(dir, "a", "one.txt"), "utf8"), "1");
  });

test("an archive that begins with the folder itself, by any name, is unpacked", async (t) => {
  for (const name of ["/", ".", "./"]) {
    const { dir, done } = await unpacked(t, [
      { header: { name, size: 0, type: "directory" } },
      file("good.txt", "x"),
    ]);
    assert.deepEqual(await done, ["good.txt"], name);
    assert.deepEqual((await readdir(dir)).sort(), ["b.txt", "good.txt", "kept"]);
  }
});

const good = file("good.txt", "x");
for (const [name, evil, why] of [
  ["a path upwards", file("../evil.txt", "x"), /leads out of the folder/],
  ["a path upwards within", file("a/../../evil.txt", "x"), /leads out of the folder/],
  ["an absolute path", file("/tmp/evil.txt", "x"), /leads out of the folder/],
  ["a Windows path", file("..\\evil.txt", "x"), /leads out of the folder/],
  [
    "a symbolic link",
    { header: { name: "link", size: 0, type: "symlink", linkname: "/etc" } },
    /is a symlink, only files and folders are taken/,
  ],
  ["a hard link", { header: { name: "link", size: 0, type: "link", linkname: "good.txt" } }, /is a link/],
  ["the same file twice", good, /EEXIST/],
] as readonly (readonly [string, TarEntry, RegExp])[])
  test(`${name} is refused, and nothing is unpacked`, async (t) => {
    const { dir, done } = await unpacked(t, [good, evil]);
    await assert.rejects(done, (error) => error instanceof DataError && why.test(error.message));
    assert.deepEqual((await readdir(dir)).sort(), ["b.txt", "kept"]);
    assert.deepEqual((await readdir(join(dir, ".."))).sort(), ["archive.tar", "to"]);
  });

test("more bytes than agreed are refused before they are written", async (t) => {
  const { done } = await unpacked(t, [file("a", "x".repeat(600)), file("b", "x".repeat(401))]);
  await assert.rejects(done, /"b" brings the files to more than 1000 bytes/);
});

test("a broken archive is refused", async (t) => {
  const cut = await unpacked(t, [file("a", "x".repeat(900))], (bytes) => bytes.subarray(0, 700));
  await assert.rejects(cut.done, DataError);
  const torn = await unpacked(t, entries, (bytes) => gzipSync(bytes).subarray(0, 60));
  await assert.rejects(torn.done, DataError);
  const noise = await unpacked(t, entries, () => new Uint8Array(2048).fill(7));
  await assert.rejects(noise.done, DataError);
});

test("paths within", () => {
  assert.equal(pathWithin("/d", "a/b"), "/d/a/b");
  assert.equal(pathWithin("/d", "./a"), "/d/a");
  for (const name of ["..", "a/..", "/a", "C:/a", "a\\b", "a\0b"])
    assert.equal(pathWithin("/d", name), undefined);
});
