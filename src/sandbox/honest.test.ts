// Honest programs at the default isolation: hardening never costs them anything.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { HONEST_PROGRAMS } from "./honest/all.ts";
import { defineHonestSuite } from "./honest/harness.ts";
import { makeVideo } from "./honest/video.ts";
import { runtimeForTests } from "./testRuntime.ts";

const folder = mkdtempSync(join(tmpdir(), "honest-"));
after(() => rmSync(folder, { recursive: true }));
const video = join(folder, "levels.mp4");
makeVideo(video);
const runtime = await runtimeForTests();

test("every program has a name of its own and at least one cell", () => {
  assert.equal(new Set(HONEST_PROGRAMS.map(({ name }) => name)).size, HONEST_PROGRAMS.length);
  assert.ok(HONEST_PROGRAMS.every(({ cells }) => cells.length > 0));
});

defineHonestSuite("default isolation", runtime, video);
