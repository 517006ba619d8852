// `pyvision ask` before the real server process, whose replies are cut and refused on their way.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { startFaultProxy } from "../../server/openai/faults.ts";
import { startTestServer } from "../../server/openai/testServer.ts";
import { createWorld } from "../../tasks/world/world.ts";
import { ask } from "./askHarness.ts";
import type { AskReport } from "./reports.ts";

const root = mkdtempSync(join(tmpdir(), "ask-served-"));
after(() => rmSync(root, { recursive: true, force: true }));
const task = createWorld({ seed: 1, split: "test" }).at(0);
const [picture] = task.images;
assert.ok(picture);
writeFileSync(join(root, "beads.png"), encode({ ...picture, channels: 3 }));
const recipe = fileURLToPath(new URL("../../../configs/image-mini.yaml", import.meta.url));

test("a reply that is cut and then refused is asked for again; the conversation is the one without faults", async () => {
  const server = await startTestServer();
  const proxy = await startFaultProxy(server.baseUrl, [
    { type: "cut", afterEvents: 2 },
    { type: "status", status: 429, retryAfter: "0" },
  ]);
  try {
    const flags = ["--config", recipe, "--set", "evaluation.temperature=0", "--model", server.model];
    const asked = [task.question, "--image", "beads.png", ...flags];
    const [good, spoilt] = await Promise.all([
      ask(root, ...asked, "--json", "--base-url", server.baseUrl),
      ask(root, ...asked, "--base-url", proxy.baseUrl),
    ]);
    const reports = good.stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as AskReport); // prettier-ignore
    const [, turn] = reports;
    assert.ok(turn?.type === "turn", good.stderr);
    // The picture's first view is 112 x 84 pixels; the server counts with the checkpoint's tokenizer.
    assert.equal(turn.tokens.visual, 12);
    assert.deepEqual([turn.requests, proxy.seen.length >= 3], [1, true]);
    assert.ok((turn.tokens.context ?? 0) > 20 && (turn.tokens.sampled ?? 0) > 0);

    const shown = spoilt.stdout;
    // Each time it is told when it happens, and the turn begins anew.
    const [before = "", refused = "", rest = ""] = shown.split(/ {2}.*; asking again\n/);
    assert.match(before, /\nturn 1\n {2}\S/, "a piece came before the cut");
    assert.equal(refused, "", "none came with the refusal");
    const first = turn.text.split("\n")[0]?.split("<")[0]?.trim();
    assert.ok(first !== undefined && rest.startsWith(`  ${first}`), shown);
    assert.match(rest, /^[^]*?, 3 requests\)\n/);
    const end = reports.at(-1);
    assert.ok(end?.type === "end");
    assert.match(shown, end.answer === undefined ? /\nno answer: / : new RegExp(`\nanswer: ${end.answer}\n`));
    assert.equal(spoilt.code, good.code);
  } finally {
    await proxy.close();
    await server.stop();
  }
});
