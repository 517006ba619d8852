// Pictures of the viewer for its documentation, taken in Chromium from real runs:
//   node --import tsx bench/viewerScreenshots.ts OUT-FOLDER RUN [RUN…]
// The first run is shown alone, all of them together where runs are compared. Only names given in SHOTS (comma-separated)
// are taken when that variable is set.
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { launchChromium } from "../src/viewer/testBrowser.ts";
import { openRuns } from "../src/viewer/runCollection.ts";
import { startViewer } from "../src/viewer/viewerServer.ts";

interface Shot {
  readonly name: string;
  readonly hash: string;
  readonly dark?: boolean;
  readonly narrow?: boolean;
  readonly act?: (page: Page) => Promise<void>;
}

const [out = "docs/images", ...dirs] = process.argv.slice(2);
const runs = openRuns(dirs, "runs");
const server = await startViewer(runs, { host: "127.0.0.1", port: 0 });
const keys = runs.list().chosen;
const [first = ""] = keys;
const alone = `runs=${first}`;
const overview = runs.get(first)?.overview();
const step =
  process.env["STEP"] ?? overview?.sets.find((set) => set.strategy !== undefined && set.step >= 5)?.step ?? 1;
const opened = process.env["TRAJECTORY"] ?? `set=train-${String(step).padStart(6, "0")}&i=0`;

const shots: readonly Shot[] = [
  { name: "curves", hash: `#/curves?runs=${keys.join()}&smooth=5` },
  { name: "curves-dark", hash: `#/curves?runs=${keys.join()}&smooth=5`, dark: true },
  { name: "strategy", hash: `#/strategy?${alone}&step=${step}` },
  { name: "strategy-dark", hash: `#/strategy?${alone}&step=${step}&by=trajectories`, dark: true },
  { name: "trajectories", hash: `#/trajectories?${alone}&f=negative` },
  {
    name: "trajectories-dark",
    hash: `#/trajectories?${alone}`,
    dark: true,
    act: async (page) => page.keyboard.press("j"),
  },
  {
    name: "trajectory",
    hash: `#/trajectory?${alone}&${opened}`,
    act: async (page) => page.keyboard.press("g"),
  },
  {
    name: "tokens-dark",
    hash: `#/trajectory?${alone}&${opened}&tokens=1`,
    dark: true,
    act: async (page) => {
      await page.locator(".token-sampled .token").nth(3).hover();
      await page.locator(".tokens").scrollIntoViewIfNeeded();
    },
  },
  { name: "compare", hash: `#/compare?runs=${keys.join()}&a=${first}/evaluation-000000/0` },
  { name: "help", hash: `#/trajectory?${alone}&${opened}`, act: async (page) => page.keyboard.press("?") },
  { name: "narrow-curves", hash: `#/curves?${alone}`, narrow: true },
  { name: "narrow-strategy", hash: `#/strategy?${alone}&step=${step}`, narrow: true, dark: true },
  { name: "narrow-trajectories", hash: `#/trajectories?${alone}`, narrow: true },
  { name: "narrow-trajectory", hash: `#/trajectory?${alone}&${opened}`, narrow: true, dark: true },
];

const wanted = process.env["SHOTS"]?.split(",");
mkdirSync(out, { recursive: true });
const browser = await launchChromium();
try {
  for (const shot of shots) {
    if (wanted !== undefined && !wanted.includes(shot.name)) continue;
    const context = await browser.newContext({
      viewport: shot.narrow === true ? { width: 390, height: 844 } : { width: 1280, height: 860 },
      deviceScaleFactor: Number(process.env["SCALE"] ?? 1),
      colorScheme: shot.dark === true ? "dark" : "light",
    });
    const page = await context.newPage();
    page.on(
      "console",
      (message) => message.type() === "error" && console.log(`${shot.name}: ${message.text()}`),
    );
    page.on("pageerror", (error) => console.log(`${shot.name}: ${error.message}`));
    await page.goto(`${server.url}${shot.hash}`);
    await page.locator("main").waitFor();
    await page.waitForLoadState("load");
    await page.waitForTimeout(500);
    await shot.act?.(page);
    await page.waitForTimeout(250);
    const path = join(out, `viewer-${shot.name}.png`);
    await page.screenshot({ path, fullPage: process.env["FULL"] === "1" });
    console.log(`${path} ${Math.round(statSync(path).size / 1000)} kB`);
    await context.close();
  }
} finally {
  await browser.close();
  await server.close();
}
