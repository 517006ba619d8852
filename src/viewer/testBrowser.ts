// Chromium for the page's tests, bench and screenshots: the machine's own, without a window, and quiet on the network.
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

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
