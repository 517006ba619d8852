// How fast the viewer opens a long run: a generated one of 500 steps with 512 trajectories each, in headless Chromium.
//   node --import tsx bench/viewer.ts [STEPS] [GROUPS] [MEMBERS]
// Prints one figure a line; nothing is asserted, since clocks of shared machines are not to be trusted.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strategyLogName } from "../src/runs/strategyLog.ts";
import { openRuns } from "../src/viewer/runCollection.ts";
import { launchChromium } from "../src/viewer/testBrowser.ts";
import { startTestRun } from "../src/viewer/testRun.ts";
import { startViewer } from "../src/viewer/viewerServer.ts";

/** In the page; as text, since the program's own types know no document. */
const twoFrames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";
const scrolling = `(async () => {
  const list = document.querySelector(".virtual");
  const frame = () => new Promise(requestAnimationFrame);
  let last = await frame();
  let longest = 0;
  for (let i = 0; i < 60; i++) {
    list.scrollTop += 5000;
    const now = await frame();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
})()`;

const [steps = 500, groups = 64, members = 8] = process.argv.slice(2).map(Number);
const root = mkdtempSync(join(tmpdir(), "pyvision-bench-viewer-"));
const figures: Record<string, string> = {};
const browser = await launchChromium();
try {
  const run = startTestRun(join(root, "long"), {
    groups,
    members,
    stored: 16,
    callsAt: (step) => 2 - step / 400,
  });
  for (let step = 0; step < steps; step++) await run.step();
  run.finish();
  figures["trajectories"] = String(steps * groups * members);
  figures["strategy.jsonl"] = `${(statSync(join(run.dir, strategyLogName)).size / 1e6).toFixed(1)} MB`;

  const server = await startViewer(openRuns([run.dir], root), { host: "127.0.0.1", port: 0 });
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  const timed = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    const from = performance.now();
    await work();
    figures[name] = `${Math.round(performance.now() - from)} ms`;
  };
  const firstCurve = page.locator(".chart canvas").first();
  await timed("first opening (bundles the page, reads the run) to curves", async () => {
    await page.goto(server.url);
    await firstCurve.waitFor();
  });
  await timed("opening again to curves", async () => {
    await page.reload();
    await firstCurve.waitFor();
  });
  const paint = await page.evaluate<number>(
    `performance.getEntriesByName("first-contentful-paint")[0].startTime`,
  );
  figures["first contentful paint, opening again"] = `${Math.round(paint)} ms`;
  await timed("strategy: to the groups of the last step", async () => {
    await page.goto(`${server.url}#/strategy`);
    await page.locator(".group-list .group").first().waitFor();
  });
  await timed("trajectories: to the first rows", async () => {
    await page.goto(`${server.url}#/trajectories`);
    await page.locator("a.row").first().waitFor();
  });
  await timed("trajectories: until all are read", async () => {
    await page.locator(".found", { hasNotText: "reading" }).waitFor();
  });
  const heap = await page.evaluate<number>("performance.memory.usedJSHeapSize");
  figures["memory of the page's script"] = `${Math.round(heap / 1e6)} MB`;
  figures["longest frame while scrolling 300 000 px"] =
    `${Math.round(await page.evaluate<number>(scrolling))} ms`;
  await timed("filter: right, advantage < 0", async () => {
    await page.locator(".chip", { hasText: "advantage" }).click();
    await page.evaluate(twoFrames);
  });
  await timed("sort by reward", async () => {
    await page.locator(".cells-head button", { hasText: "reward" }).click();
    await page.evaluate(twoFrames);
  });
  await timed("type a word into the search", async () => {
    await page.locator("input[type=search]").fill("bead at");
    await page.evaluate(twoFrames);
  });
  await server.close();
} finally {
  await browser.close();
  rmSync(root, { recursive: true, force: true });
}
for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(62)} ${value}`);
