import assert from "node:assert/strict";
import { test } from "node:test";
import { ensurePackages } from "./packages.ts";

test("requirements that are met are looked up and nothing is installed", async () => {
  const said: string[] = [];
  const { preload, versions } = await ensurePackages(["numpy", "Pillow>=10", "python-dateutil"], (line) =>
    said.push(line),
  );
  assert.deepEqual(preload, ["numpy", "PIL", "dateutil"]);
  assert.deepEqual(versions.map((text) => text.replace(/ [\d.]+(post\d+)?$/, "")), ["numpy", "Pillow", "python-dateutil"]); // prettier-ignore
  assert.deepEqual(said, []);
  assert.deepEqual(await ensurePackages([], () => assert.fail("nothing to say")), {
    preload: [],
    versions: [],
  });
});

test("what pip cannot read or find is a ConfigError that names it", async () => {
  const said: string[] = [];
  const say = (line: string): void => void said.push(line);
  await assert.rejects(ensurePackages(["numpy["], say), {
    name: "ConfigError",
    message: /^python\.packages: must be names that pip understands \(.*Parse error/,
  });
  // No index is asked for a version that the pins of requirements.txt rule out.
  await assert.rejects(ensurePackages(["numpy<1"], say), {
    name: "ConfigError",
    message: /^python\.packages: numpy<1 could not be installed \(.+\); check the names, the versions/,
  });
  assert.deepEqual(said, ["installing numpy<1 into the project's Python environment"]);
});
