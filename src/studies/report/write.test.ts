import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DataError } from "../../core/errors.ts";
import { dataText, loadData, parseData, rounded } from "../data.ts";
import { tinyData, tinyRun, tinyStudy } from "../testStudy.ts";
import { reportFiles } from "./write.ts";

const runs = [
  tinyRun("none", 0, 1, 0.5),
  tinyRun("none", 1, 1.25, 0.5),
  tinyRun("bonus", 0, 2),
  tinyRun("bonus", 1, 2.5),
];
const data = tinyData(runs);

test("the data file alone gives the same files to the byte", () => {
  const files = reportFiles([data]);
  assert.deepEqual(
    [...files.keys()],
    ["tiny.json", "tiny-curves.svg", "tiny-selection.svg", "studies.md", "studies.html"],
  );
  const again = reportFiles([parseData(files.get("tiny.json") ?? "", "tiny.json")]);
  assert.deepEqual([...again], [...files]);
  const moved = tinyData(runs.map((run) => ({ ...run, curves: { ...run.curves, "tool_calls/mean": 9 } })));
  assert.notEqual(reportFiles([moved]).get("studies.html"), files.get("studies.html"));
});

test("Markdown says claim, what would refute it, verdict, figures with intervals, configs and origin", () => {
  const text = (reportFiles([data]).get("studies.md") ?? "").replace(/ {2,}/g, " ");
  for (const part of [
    "**Claim.** The bonus raises calls.",
    "**What would refute it.** Calls are not more.",
    // -1 and -1.25: mean -1.125, half 12.706 · 0.1768 / √2 = 1.588.
    "**Verdict: cannot be told apart at this scale.**",
    "| Without the bonus calls are fewer | Tool calls per trajectory, last quarter | no bonus minus bonus | lower | -1.13 \\[-2.71, +0.463\\] | 2 | cannot be told apart |",
    "| Held-out accuracy, at the end, % | 50.0 ± 0.0 | 75.0 ± 0.0 |",
    "| Held-out accuracy, at the end, % | -25.0 \\[-25.0, -25.0\\] |",
    "![What the policy does, by step](tiny-curves.svg)",
    "| no bonus | reward.toolCall=0 | those of model.init | 0: none0, 1: none1 |",
    "- Overrides of all arms: engine.threads=1, train.steps=2",
    "- Commit 0123456789ab",
    "- Versions: pyvision-rl 0.1.0, node 20.19.0",
  ])
    assert.ok(text.includes(part), `${part}\n\n${text}`);
});

test("what is missing is said, and a study without runs still has a report", () => {
  const missing = [
    { arm: "bonus", seed: 0, reason: "killed by SIGKILL" },
    { arm: "bonus", seed: 1, reason: "killed by SIGKILL" },
    { arm: "none", seed: 1, reason: "was not run" },
  ];
  const text = reportFiles([{ ...tinyData([]), missing }]).get("studies.md") ?? "";
  assert.match(text, /- arm bonus, seeds 0, 1: killed by SIGKILL\n- arm none, seed 1: was not run\n/);
  assert.match(text, /Verdict: cannot be told: too few seeds\./);
  assert.match(text, /\| 0 of 3 \|\n/);
});

test("HTML is one file without addresses, and no text in its pictures is smaller than 11 px", () => {
  const study = { ...tinyStudy(), title: "A <tiny> & study", claim: "`x<y`, says the paper." };
  const html = reportFiles([tinyData(runs, study)]).get("studies.html") ?? "";
  assert.ok(html.includes("A &lt;tiny&gt; &amp; study") && html.includes("<code>x&lt;y</code>"));
  assert.ok(!html.includes("<tiny>"));
  const addresses = [...html.matchAll(/(?:href|src|url)\s*[=(]\s*["']?([^"')\s>]+)/g)].map(([, to]) => to);
  assert.ok(
    addresses.every((to) => to?.startsWith("#")),
    addresses.join(", "),
  );
  assert.doesNotMatch(html, /<(script|link|img|iframe)\b/);
  const sizes = [...html.matchAll(/font-size="([\d.]+)"/g)].map(([, size]) => Number(size));
  assert.ok(sizes.length > 20 && Math.min(...sizes) >= 11);
  // Every colour of the pictures has one for a dark ground.
  const colours = new Set(
    [...html.matchAll(/(?:fill|stroke)="(#[0-9a-f]{6})"/g)].map(([, colour]) => colour),
  );
  for (const colour of colours) assert.ok(html.includes(`.themed [fill="${colour}"]`), colour);
});

test("a picture of accuracy against visual tokens", () => {
  const frontier = {
    x: { of: "heldOut/visualTokens", as: "last" } as const,
    y: { of: "heldOut/accuracy", as: "last" } as const,
    joined: ["none", "bonus"],
    reference: { label: "a perfect reader", points: [[9, 0.2], [90, 0.4]] as [number, number][] }, // prettier-ignore
  };
  const files = reportFiles([tinyData(runs, { ...tinyStudy(), frontier })]);
  const svg = files.get("tiny-frontier.svg") ?? "";
  assert.match(svg, /a perfect reader/);
  assert.equal([...svg.matchAll(/<circle/g)].length, 2);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  // Two arms at one place: their labels are not.
  const alike = [tinyRun("none", 0, 1), tinyRun("bonus", 0, 2)];
  const drawn = reportFiles([tinyData(alike, { ...tinyStudy(), frontier })]).get("tiny-frontier.svg") ?? "";
  const [first, second] = ["no bonus", "bonus"].map((label) =>
    Number(new RegExp(`y="([\\d.]+)"[^>]*>${label}<`).exec(drawn)?.[1]),
  );
  assert.ok(Math.abs((first as number) - (second as number)) >= 14, `${first} ${second}`);
});

test("runs stand one a line; numbers keep few digits; what is no data is refused", () => {
  const lines = dataText(data).split("\n");
  assert.equal(lines.filter((line) => line.startsWith('    {"arm":')).length, 4);
  assert.equal(rounded(0.123456, 4), 0.1235);
  assert.equal(rounded(123456, 4), 123500);
  assert.equal(rounded(NaN, 4), null);
  const refused = (text: string, message: RegExp): void =>
    assert.throws(() => parseData(text, "x.json"), (error) => error instanceof DataError && message.test(error.message)); // prettier-ignore
  refused("{", /^x\.json: not JSON: .*; give the \.json file that a study has written$/);
  refused('{"version":2}', /^x\.json: is not the data of a study: version .*received 2/);
});

test("the reports in docs are what their data make", () => {
  const dir = fileURLToPath(new URL("../../../docs/experiments/studies", import.meta.url));
  const names = readdirSync(dir).filter((name) => name.endsWith(".json"));
  const carried = readdirSync(fileURLToPath(new URL("../../../configs/studies", import.meta.url)));
  assert.deepEqual(names.sort(), carried.map((name) => name.replace(/\.yaml$/, ".json")).sort());
  const files = reportFiles(names.map((name) => loadData(join(dir, name))));
  assert.deepEqual([...files.keys()].sort(), readdirSync(dir).sort());
  for (const [name, text] of files)
    assert.ok(
      readFileSync(join(dir, name), "utf8") === text,
      `${name}: run pyvision study --report-only docs/experiments/studies/*.json`,
    );
});
