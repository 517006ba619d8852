// The promises, the attacks and the honest programs at the launchers that are not the default: what a machine without
// bubblewrap, or without user namespaces, gets.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { LITE_GAPS } from "./attacks/gaps.ts";
import { defineAttackSuite } from "./attacks/harness.ts";
import { CONFORMANCE_OPTIONS, defineConformance } from "./conformance.ts";
import { startPythonRuntime } from "./forkServer.ts";
import { defineHonestSuite } from "./honest/harness.ts";
import { makeVideo } from "./honest/video.ts";
import { runtimeForTests, UNISOLATED } from "./testRuntime.ts";

const OWN_NAMESPACES = { launchers: ["worker"] } as const;
const LITE = { launchers: ["landlock"] } as const;

/** Honest programs that level `lite` costs something. */
const LITE_LOSSES = { "what the machine is like": "/etc/passwd, which names the users, is not shown" };

const folder = mkdtempSync(join(tmpdir(), "honest-"));
after(() => rmSync(folder, { recursive: true }));
const video = join(folder, "levels.mp4");
makeVideo(video);

for (const [name, options] of [
  ["namespaces of the worker's own", OWN_NAMESPACES],
  ["lite", LITE],
  ["no isolation", UNISOLATED],
] as const) {
  defineConformance(name, () => startPythonRuntime({ ...CONFORMANCE_OPTIONS, ...options }));
  defineHonestSuite(name, await runtimeForTests(options), video, options === LITE ? LITE_LOSSES : {});
}

// Never without isolation: the attacks are real.
defineAttackSuite("attacks in namespaces of the worker's own", { runtime: OWN_NAMESPACES });
defineAttackSuite("attacks at level lite", { runtime: LITE, level: "lite" }, LITE_GAPS);
