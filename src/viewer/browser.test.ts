// The page in a real browser, on generated runs: what a person does, by mouse and by keys, and what hostile model output
// must not do. Needs Chromium; a machine without it fails with the remedy, unless it is told to leave these tests out.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { exportHtml } from "./exportHtml.ts";
import { openRuns } from "./runCollection.ts";
import { namelessControls, paleTexts } from "./pageProbes.ts";
import { drawn, hashOf, launchChromium, opened, overhang } from "./testBrowser.ts";
import { startTestRun, type TestRun } from "./testRun.ts";
import { startViewer, type ViewerServer } from "./viewerServer.ts";

const left = process.env["PYVISION_SKIP_BROWSER_TESTS"] ?? "";
const hostile =
  ' <img src="https://evil.example/x" onerror="window.hacked=1"><script>window.hacked=1</script>&amp; \u202eright to left\u202c ' +
  "x".repeat(3000);

describe(
  "the page in Chromium",
  { skip: left === "" ? false : `PYVISION_SKIP_BROWSER_TESTS: ${left}` },
  () => {
    const root = mkdtempSync(join(tmpdir(), "pyvision-browser-"));
    let browser: Browser;
    let server: ViewerServer;
    let live: TestRun;
    /** What the pages of a test complained about, or asked of strangers. */
    let complaints: string[] = [];

    before(async () => {
      browser = await launchChromium();
      live = startTestRun(join(root, "live"), { groups: 6, members: 4, stored: 12 });
      const other = startTestRun(join(root, "other"), {
        groups: 6,
        members: 4,
        stored: 12,
        callsAt: (step) => (step < 8 ? 2 : -1),
        config: "name: other\nseed: 0\nlogging:\n  trajectoriesPerStep: 12\nreward:\n  toolCall: 0.5\n",
      });
      const bad = startTestRun(join(root, "hostile"), {
        groups: 2,
        members: 2,
        stored: 4,
        text: hostile,
        questions: [`Q${hostile}`],
      });
      for (let i = 0; i < 6; i++) await live.step();
      for (let i = 0; i < 14; i++) await other.step();
      for (const step of [0, 6]) live.evaluation(step, 3);
      await bad.step();
      // A clock that stands still, so that no run is taken for stopped while the tests take their time.
      const began = Date.now();
      const runs = openRuns([live.dir, other.dir, bad.dir], root, () => began);
      server = await startViewer(runs, { host: "127.0.0.1", port: 0, pollMs: 50 });
    });
    after(async () => {
      await browser?.close();
      await server?.close();
      rmSync(root, { recursive: true, force: true });
    });

    /** Opens an address in a browser context of its own, and closes it after the work. */
    const visit = async (
      hash: string,
      work: (page: Page) => Promise<void>,
      options: BrowserContextOptions = {},
    ): Promise<void> => {
      complaints = [];
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
      try {
        context.setDefaultTimeout(60_000);
        const page = await context.newPage();
        page.on("pageerror", (error) => complaints.push(error.message));
        page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
        page.on("request", (request) => {
          if (!/^(http:\/\/127\.0\.0\.1:|file:|data:)/.test(request.url()))
            complaints.push(`asked ${request.url()}`);
        });
        await page.goto(hash.startsWith("file:") ? hash : `${server.url}${hash}`);
        await opened(page, hash);
        await work(page);
        assert.deepEqual(complaints, []);
      } finally {
        await context.close();
      }
    };

    test("curves: values, another metric by search, and what sets runs apart", async () => {
      await visit("#/curves?runs=live,other", async (page) => {
        await page.locator(".chart canvas").first().waitFor();
        assert.ok((await page.locator(".chart").count()) >= 5);
        const accuracy = page.locator(".chart", { hasText: "accuracy/mean" });
        assert.match(await accuracy.locator(".chart-values").innerText(), /^\d+\.\d%\s+\d+\.\d%$/);
        const box = await accuracy.locator(".u-over").boundingBox();
        assert.ok(box !== null);
        await page.mouse.move(box.x + 2, box.y + 40);
        await page.locator(".hint", { hasText: "step 1" }).waitFor();
        await page.keyboard.press("/");
        await page.keyboard.type("turns");
        await page.locator(".metric-list label", { hasText: "response/turns_mean" }).click();
        await page.locator(".chart", { hasText: "response/turns_mean" }).waitFor();
        assert.match(await hashOf(page), /m=[^&]*response\/turns_mean/);
        const settings = await page.locator(".settings tbody th").allInnerTexts();
        assert.deepEqual(settings, ["reward.toolCall", "train.steps"]);
      });
    });

    test("dragging zooms every chart, Escape shows all steps again", async () => {
      await visit("#/curves?runs=other", async (page) => {
        const box = await page.locator(".u-over").first().boundingBox();
        assert.ok(box !== null);
        await page.mouse.move(box.x + box.width * 0.3, box.y + 30);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.6, box.y + 30, { steps: 4 });
        await page.mouse.up();
        await page.locator(".chip", { hasText: /^steps \d+–\d+/ }).waitFor();
        await page.keyboard.press("Escape");
        await page.locator(".chip", { hasText: "steps" }).waitFor({ state: "detached" });
      });
    });

    test("collapsing tool use is said on the page", async () => {
      await visit("#/curves?runs=other", async (page) => {
        assert.match(
          await page.locator(".alarm").innerText(),
          /Tool use has collapsed: 0\.\d\d calls per right answer/,
        );
      });
      await visit("#/curves?runs=live", async (page) => {
        await page.locator(".chart").first().waitFor();
        assert.equal(await page.locator(".alarm").count(), 0);
      });
    });

    test("strategy: the step's groups in rank order, the line, the filtered; arrow keys go through the steps", async () => {
      await visit("#/strategy?runs=live&step=2", async (page) => {
        await page.locator(".cut-line, .dropped").first().waitFor();
        const trained = page.getByRole("list", { name: "Groups that were trained on" });
        const spreads = (await trained.locator(".group-spread").allInnerTexts()).map(Number);
        assert.ok(spreads.length > 0);
        assert.deepEqual(
          spreads,
          [...spreads].sort((a, b) => b - a),
        );
        assert.equal(await page.locator("li.group").count(), 6);
        assert.match(await page.locator(".funnel").innerText(), /^6\s+drawn/);
        await page.keyboard.press("ArrowRight");
        await page.locator("h2", { hasText: /^Step 3$/ }).waitFor();
        assert.match(await hashOf(page), /step=3/);
        const slider = page.getByRole("slider", { name: "Step" });
        await slider.focus();
        await page.keyboard.press("Home");
        await page.locator("h2", { hasText: /^Step 1$/ }).waitFor();
        assert.equal(await slider.getAttribute("aria-valuenow"), "1");
        assert.match((await slider.getAttribute("aria-valuetext")) ?? "", /^step 1: \d+ trained/);
      });
    });

    test("the whole way by keys: list, trajectory, tokens, next, back, help", async () => {
      await visit("#/curves?runs=live", async (page) => {
        await page.keyboard.press("3");
        await page.locator(".found", { hasText: "of 150 trajectories" }).waitFor();
        await page.keyboard.press("j");
        await page.keyboard.press("j");
        await page.locator("#row-1:focus").waitFor();
        await page.keyboard.press("Enter");
        await page.locator(".turn").first().waitFor();
        assert.match(await hashOf(page), /^#\/trajectory\?runs=live&run=live&set=train-000001&i=1$/);
        assert.ok((await page.locator(".code .tok-keyword").allInnerTexts()).includes("for"));
        assert.ok((await page.locator(".picture img").count()) >= 1);
        assert.match(
          await page.locator(".picture figcaption").first().innerText(),
          /84 × 56 px · grid 1 × 4 × 6 · 6 tokens/,
        );
        await page.keyboard.press("t");
        await page.locator(".token-stream .token").nth(5).hover();
        await page.locator(".token-told", { hasText: /id \d+/ }).waitFor();
        await page.keyboard.press("j");
        await page.waitForURL(/i=2/);
        await page.keyboard.press("?");
        await page.locator("dialog[open]").getByText("next in the list").waitFor();
        await page.keyboard.press("j");
        assert.match(await hashOf(page), /i=2/, "keys do nothing behind the help");
        await page.keyboard.press("Escape");
        await page.locator("dialog[open]").waitFor({ state: "detached" });
        await page.keyboard.press("Escape");
        await page.locator(".found").waitFor();
      });
    });

    test("filters narrow the list, stand in the address, and are cleared by Escape", async () => {
      await visit("#/trajectories?runs=live", async (page) => {
        await page.locator(".found", { hasText: "of 150" }).waitFor();
        const wrong = page.getByRole("button", { name: /^wrong/ });
        const count = Number(await wrong.locator("small").innerText());
        await wrong.click();
        await page.locator(".found b", { hasText: new RegExp(`^${count}$`) }).waitFor();
        assert.match(await hashOf(page), /f=wrong/);
        const verdicts = await page.locator(".row .cell-verdict").allInnerTexts();
        assert.ok(verdicts.length > 0 && verdicts.every((mark) => mark === "✕"));
        await page.getByRole("combobox", { name: "kind" }).selectOption("search");
        assert.ok(
          (await page.locator(".row .cell-question small").allInnerTexts()).every(
            (kind) => kind.trim() === "search",
          ),
        );
        await page.keyboard.press("/");
        await page.keyboard.type("nowhere to be found");
        await page.locator(".empty").waitFor();
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");
        await page.locator(".found b", { hasText: /^150$/ }).waitFor();
      });
      await visit("#/trajectories?runs=live&f=negative&sort=advantage", async (page) => {
        await page.locator("a.row").first().waitFor();
        const shown = await page.locator(".row .cell-advantage").allInnerTexts();
        const values = shown.map((text) => Number(text.replace("−", "-")));
        assert.ok(values.every((value) => value < 0));
        assert.deepEqual(
          values,
          [...values].sort((a, b) => a - b),
        );
      });
    });

    test("the same task before and after is compared side by side", async () => {
      await visit("#/trajectory?runs=live&run=live&set=evaluation-000000&i=1", async (page) => {
        await page.locator(".turn").first().waitFor();
        await page.keyboard.press("c");
        await page.locator(".side .turn").first().waitFor();
        await page.locator(".side").nth(1).locator(".turn").first().waitFor();
        assert.deepEqual(await page.locator(".side-head").allInnerTexts(), [
          "evaluation before RL",
          "evaluation after step 6",
        ]);
        const questions = await page.locator(".side .question").allInnerTexts();
        assert.equal(questions[0], questions[1]);
        await page.keyboard.press("x");
        await page.locator(".side-head").first().getByText("evaluation after step 6").waitFor();
      });
    });

    test("a step that is finished while the page is open appears by itself", async () => {
      await visit("#/strategy?runs=live", async (page) => {
        await page.locator("h2", { hasText: /^Step 6$/ }).waitFor();
        await live.step();
        await page.locator("h2", { hasText: /^Step 7$/ }).waitFor();
        await page.locator(".top-step", { hasText: "7/500" }).waitFor();
      });
    });

    test("what a model wrote is text, whatever it wrote", async () => {
      await visit("#/trajectory?runs=hostile&set=train-000001&i=0", async (page) => {
        await page.locator(".turn").first().waitFor();
        await page.keyboard.press("t");
        await page.locator(".token-stream").waitFor();
        await drawn(page);
        assert.equal(await page.evaluate("window.hacked"), undefined);
        assert.equal(await page.locator("main img:not(.picture img)").count(), 0);
        assert.match(
          await page.locator(".question").innerText(),
          /<img src="https:\/\/evil\.example\/x" onerror=/,
        );
        assert.match(
          await page.locator(".code").first().innerText(),
          /<script>window\.hacked=1<\/script>&amp;/,
        );
        assert.equal(await overhang(page), 0, "long lines scroll in their own box");
      });
      await visit("#/trajectories?runs=hostile", async (page) => {
        await page.locator("a.row").first().waitFor();
        await drawn(page);
        assert.equal(await overhang(page), 0);
        assert.equal(await page.evaluate("window.hacked"), undefined);
      });
    });

    test("nothing is wider than a telephone", async () => {
      const pages = [
        "#/curves?runs=live,other",
        "#/strategy?runs=live&step=2",
        "#/trajectories?runs=live",
        "#/trajectory?runs=live&set=train-000001&i=0&tokens=1",
        "#/trajectory?runs=hostile&set=train-000001&i=0",
        "#/compare?runs=live&a=live/evaluation-000000/0",
        "#/runs",
      ];
      for (const hash of pages)
        await visit(
          hash,
          async (page) => {
            await page.locator(".chart, .group, .row, .turn, .runs li").first().waitFor();
            await drawn(page);
            assert.equal(await overhang(page), 0, hash);
          },
          { viewport: { width: 390, height: 844 } },
        );
    });

    test("text is legible in light and in dark: at least 4.5 to 1", async () => {
      for (const colorScheme of ["light", "dark"] as const)
        for (const hash of [
          "#/curves?runs=live,other",
          "#/strategy?runs=live&step=2",
          "#/trajectories?runs=live",
          "#/trajectory?runs=live&set=train-000001&i=0&tokens=1",
        ])
          await visit(
            hash,
            async (page) => {
              await page.locator(".chart, .group, .row, .token").first().waitFor();
              await drawn(page);
              const pale = await page.evaluate<string[]>(paleTexts);
              assert.deepEqual(pale, [], `${hash} in ${colorScheme}`);
            },
            { colorScheme },
          );
    });

    test("the switch goes from the system's appearance to light and dark, and is remembered", async () => {
      await visit("#/curves?runs=live", async (page) => {
        const ground = (): Promise<string> =>
          page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
        const light = await ground();
        await page.keyboard.press("d");
        assert.equal(await ground(), light);
        await page.keyboard.press("d");
        const dark = await ground();
        assert.notEqual(dark, light);
        await page.reload();
        await page.locator("main").waitFor();
        assert.equal(await ground(), dark);
      });
    });

    test("every control has a name, and the focus is seen", async () => {
      for (const hash of [
        "#/curves?runs=live,other",
        "#/strategy?runs=live",
        "#/trajectories?runs=live",
        "#/trajectory?runs=live&set=train-000001&i=0",
        "#/runs",
      ])
        await visit(hash, async (page) => {
          await page.locator(".chart, .group, .row, .turn, .runs li").first().waitFor();
          assert.deepEqual(await page.evaluate<string[]>(namelessControls), [], hash);
          await page.keyboard.press("Tab");
          await page.keyboard.press("Tab");
          const outline = await page.evaluate<string>(
            "getComputedStyle(document.activeElement).outlineStyle",
          );
          assert.equal(outline, "solid", hash);
        });
    });

    test("an exported file opens from disk, without a server or a network", async () => {
      const runs = openRuns([join(root, "live"), join(root, "hostile")], root);
      const { html } = await exportHtml(
        runs.list().chosen.flatMap((key) => runs.get(key) ?? []),
        { maxTrajectories: 40 },
      );
      const file = join(root, "export.html");
      writeFileSync(file, html);
      const address = pathToFileURL(file).href;
      await visit(`${address}#/curves`, async (page) => {
        await page.locator(".chart canvas").first().waitFor();
        assert.match(
          await page.locator(".foot").innerText(),
          /^An export with 40 of \d+ stored trajectories in full\.$/,
        );
        await page.keyboard.press("3");
        await page.locator("a.row").first().waitFor();
        await page.getByRole("button", { name: /^stored in full/ }).click();
        await page.locator("a.row").first().click();
        await page.locator(".turn").first().waitFor();
        const picture = `document.querySelector(".picture img")`;
        const width = await page.evaluate<number>(`${picture}.decode().then(() => ${picture}.naturalWidth)`);
        assert.equal(width, 84);
        await page.keyboard.press("t");
        await page.locator(".token-stream .token").first().waitFor();
      });
      await visit(`${address}#/trajectory?run=hostile&set=train-000001&i=0`, async (page) => {
        await page.locator(".turn").first().waitFor();
        assert.equal(await page.evaluate("window.hacked"), undefined);
      });
    });

    test("without a choice the runs are listed; one or several are opened", async () => {
      await visit("#/runs", async (page) => {
        assert.equal(await page.locator(".runs li").count(), 3);
        await page.locator(".runs a", { hasText: "other" }).click();
        await page.locator(".chart").first().waitFor();
        assert.match(await hashOf(page), /runs=other$/);
      });
    });
  },
);
