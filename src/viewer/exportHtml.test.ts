import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { exportHtml, spread } from "./exportHtml.ts";
import type { EmbeddedIndex, EmbeddedTrajectory } from "./protocol.ts";
import { openRunData } from "./runData.ts";
import { startTestRun } from "./testRun.ts";

const root = mkdtempSync(join(tmpdir(), "pyvision-export-"));
after(() => rmSync(root, { recursive: true, force: true }));

const block = (html: string, id: string): string | undefined =>
  new RegExp(`<script type="application/octet-stream" id="${id}">([^<]*)</script>`).exec(html)?.[1];

test("the file holds figures of everything, and as many whole trajectories as asked for", async () => {
  const writer = startTestRun(join(root, "run"), {
    groups: 4,
    members: 3,
    stored: 9,
    text: " </script><img src=x onerror=alert(1)>",
  });
  for (let i = 0; i < 4; i++) await writer.step();
  const result = await exportHtml([openRunData(writer.dir, "run")], { maxTrajectories: 15 });
  assert.equal(result.trajectories, 15);
  assert.equal(result.storedTrajectories, 36);
  const { html } = result;
  assert.doesNotMatch(html, /<img/, "nothing a model wrote stands in the file as markup");
  assert.doesNotMatch(html.replace(/http:\/\/www\.w3\.org\/[\w/]+/g, ""), /(src|href)="(?!data:|#)/);
  assert.match(html, /connect-src 'none'/);
  const index = JSON.parse(block(html, "index") ?? "") as EmbeddedIndex;
  assert.deepEqual(index.runs[0]?.sets.map(({ stored }) => stored).sort(), [3, 3, 3, 6]);
  assert.equal(index.note, "An export with 15 of 36 stored trajectories in full");
  assert.equal(index.runs[0]?.path, "run", "where the run lay is nobody's business");
  const set = gunzipSync(Buffer.from(block(html, "set-0-train-000002") ?? "", "base64")).toString();
  const trajectories = JSON.parse(set) as EmbeddedTrajectory[];
  const picture = trajectories[0]?.trajectory.segments.find((segment) => segment.type === "image");
  assert.match(block(html, `image-0-${picture?.image}`) ?? "", /^iVBOR/);
});

test("a range of steps leaves the other sets out", async () => {
  const writer = startTestRun(join(root, "range"), { groups: 2, members: 2, stored: 4 });
  for (let i = 0; i < 4; i++) await writer.step();
  const { html } = await exportHtml([openRunData(writer.dir, "run")], {
    maxTrajectories: 100,
    steps: { first: 2, last: 3 },
  });
  const index = JSON.parse(block(html, "index") ?? "") as EmbeddedIndex;
  assert.deepEqual(
    index.runs[0]?.sets.map(({ step }) => step),
    [2, 3],
  );
  assert.deepEqual(index.runs[0]?.metrics.steps, [1, 2, 3, 4]);
  assert.match(index.note, /, of steps 2 to 3$/);
});

test("whole groups are taken, one of every set before a second of any", () => {
  const three = [4, 8, 12];
  assert.deepEqual(spread([three, three, three], 12), [4, 4, 4]);
  assert.deepEqual(spread([three, three, three], 20), [8, 4, 8]);
  assert.deepEqual(spread([three, three, three], 100), [12, 12, 12]);
  assert.deepEqual(spread([three, [], three], 7), [4, 0, 0]);
  assert.deepEqual(spread([[1], [1], [1], [1], [1]], 3), [1, 0, 1, 0, 1]);
  assert.deepEqual(spread([], 3), []);
});
