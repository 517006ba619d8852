import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ZipEntry, zipOf } from "./testZip.ts";
import { unpack } from "./unzip.ts";

function archive(name: string, content: Buffer): { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), "pyvision-unzip-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), content);
  return { folder, path: join(folder, name) };
}

const refused = async (entries: readonly ZipEntry[], message: RegExp): Promise<string> => {
  const { folder, path } = archive("data.zip", zipOf(entries));
  await assert.rejects(unpack(path), message);
  return folder;
};

test("the content lies below a folder of the archive's name, whether the archive says so or not", async () => {
  const plain = archive(
    "data.zip",
    zipOf([
      { name: "a/1.txt", content: "one" },
      { name: "2.txt", content: "" },
    ]),
  );
  const unpacked = await unpack(plain.path);
  assert.deepEqual(unpacked, {
    folder: join(plain.folder, "data"),
    files: [
      { path: "a/1.txt", size: 3 },
      { path: "2.txt", size: 0 },
    ],
  });
  assert.equal(readFileSync(join(plain.folder, "data/a/1.txt"), "utf8"), "one");
  const named = archive(
    "data.zip",
    zipOf([
      { name: "data/", content: "" },
      { name: "data/a/1.txt", content: "one" },
      { name: "__MACOSX/data/a/._1.txt", content: "junk" },
      { name: "data/.DS_Store", content: "junk" },
    ]),
  );
  const steps: number[][] = [];
  assert.deepEqual((await unpack(named.path, (...step) => steps.push(step))).files, [
    { path: "data/a/1.txt", size: 3 },
  ]);
  assert.deepEqual(readdirSync(join(named.folder, "data"), { recursive: true }).sort(), ["a", "a/1.txt"]);
  assert.deepEqual(steps, [[3, 3]]);
});

test("what is there with its size is kept; what is shorter is written again", async () => {
  const { folder, path } = archive(
    "x.zip",
    zipOf([
      { name: "1", content: "one" },
      { name: "2", content: "two" },
    ]),
  );
  await unpack(path);
  utimesSync(join(folder, "x/1"), 1, 1);
  writeFileSync(join(folder, "x/2"), "t");
  await unpack(path);
  assert.equal(statSync(join(folder, "x/1")).mtimeMs, 1000);
  assert.equal(readFileSync(join(folder, "x/2"), "utf8"), "two");
});

test("names that lead out of the folder, and links, are refused before anything is written", async () => {
  const good = { name: "good.txt", content: "x" };
  for (const name of ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:/evil"]) {
    const folder = await refused([good, { name, content: "x" }], /evil|invalid|absolute/i);
    assert.ok(!existsSync(join(folder, "data/good.txt")), name);
  }
  await refused(
    [good, { name: "link", content: "/etc/passwd", mode: 0o120777 }],
    /data\.zip: link is a link; archives of data hold files only/,
  );
});

test("an archive of far more than its own bytes is not unpacked", async () => {
  const zeros = Buffer.alloc(3_000_000);
  const folder = await refused(
    [
      { name: "1", content: "x" },
      { name: "2", content: zeros },
    ],
    /its \d+ bytes stand for more than 3000001 in 2 files; it is not unpacked/,
  );
  assert.deepEqual(readdirSync(folder), ["data.zip"]);
});

test("an entry that is longer than it says is stopped, and damage is told", async () => {
  await refused(
    [{ name: "1", content: Buffer.alloc(500_000), size: 10 }],
    /data\.zip: 1: is damaged \(too many bytes/,
  );
  await refused(
    [{ name: "1", content: "abc", checksum: 7 }],
    /data\.zip: 1: is damaged \(its checksum differs\)/,
  );
  const whole = zipOf([{ name: "1", content: "abc" }]);
  const cut = archive("cut.zip", whole.subarray(0, 60));
  await assert.rejects(unpack(cut.path), /cut\.zip: is damaged \(.*\); download it again/);
});
