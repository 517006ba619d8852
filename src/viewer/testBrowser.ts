// Chromium for the page's tests, bench and screenshots: the machine's own, without a window, and quiet on the network.
import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";

const usualPlaces = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Where it is, or undefined. What PYVISION_CHROMIUM names is the only one, when it is set. */
export function chromiumPath(): string | undefined {
  const named = process.env["PYVISION_CHROMIUM"];
  return (named === undefined ? usualPlaces : [named]).find((path) => existsSync(path));
}

export const chromiumRemedy =
  "the viewer's browser tests need Chromium: apt-get install chromium, or name one in PYVISION_CHROMIUM; " +
  "to leave them out, set PYVISION_SKIP_BROWSER_TESTS to the reason why";

/** @throws Error with the remedy when there is no Chromium */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error(chromiumRemedy);
  // Playwright gives every browser an empty profile in a folder of its own.
  return chromium.launch({
    executablePath,
    headless: true,
    timeout: 180_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Waits until the page of an address is there, with every run that its "#" names. */
export async function opened(page: Page, address: string): Promise<void> {
  await page.locator("main").waitFor();
  const runs = /[?&]runs=([^&]*)/.exec(address)?.[1]?.split(",").length ?? 0;
  const lastRun = page.locator(".top-runs li").nth(runs - 1);
  if (runs > 0) await lastRun.waitFor({ state: "attached" });
  await drawn(page);
}

/** Waits until what a page does behind its first picture is done and shown: charts are made, widths are measured. */
export async function drawn(page: Page): Promise<void> {
  for (let i = 0; i < 3; i++)
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
}

/** The address behind "#", as the page itself has it. */
export async function hashOf(page: Page): Promise<string> {
  return decodeURIComponent(await page.evaluate<string>("location.hash"));
}

/** Horizontal scrolling of the whole document, in pixels. */
export function overhang(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
