import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";
import { folderAbove, readableFolders } from "./readableFolders.ts";
import { printed, runtimeForTests } from "./testRuntime.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "readable-")));
after(() => rmSync(root, { recursive: true, force: true }));
const linuxOnly = process.platform === "linux" ? false : "there is no sandbox elsewhere";

test(
  "what is named is what a program sees: the system's folders, the interpreter's and its packages",
  { skip: linuxOnly },
  async () => {
    const folders = await readableFolders();
    const packages = realpathSync(fileURLToPath(new URL("../../.venv/lib", import.meta.url)));
    for (const folder of ["/usr/share", "/usr/lib", packages]) assert.ok(folders.includes(folder), folder);
    const session = await (await runtimeForTests()).open({ images: [] });
    try {
      const seen = `import json, os\nprint(json.dumps([os.access(path, os.R_OK) for path in json.loads(${JSON.stringify(JSON.stringify([...folders, root]))})]))`;
      assert.deepEqual(JSON.parse(await printed(session, seen)), [...folders.map(() => true), false]);
    } finally {
      await session.close();
    }
  },
);

test("a path is below a folder by where its links lead, also when it is not there yet", () => {
  const shown = join(root, "shown");
  for (const folder of ["shown/data", "shown-too"]) mkdirSync(join(root, folder), { recursive: true });
  symlinkSync(join(shown, "data"), join(root, "link"));
  const folders = ["/usr/share", shown];
  for (const [path, expected] of [
    [join(shown, "data"), shown],
    [shown, shown],
    [join(root, "link"), shown],
    [join(root, "link", "new", "run"), shown],
    [join(root, "shown-too"), undefined],
    [join(root, "none"), undefined],
    ["/usr/share/../share/x.json", "/usr/share"],
    [root, undefined],
  ] as const)
    assert.equal(folderAbove(path, folders), expected, path);
});

test("an interpreter that is not there is told of", { skip: linuxOnly }, async () => {
  await assert.rejects(
    readableFolders(join(root, "python")),
    (error) =>
      error instanceof SandboxError && /python cannot say which folders its programs see/.test(error.message),
  );
});
