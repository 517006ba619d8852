import assert from "node:assert/strict";
import { test } from "node:test";
import { planStudies, type StudyRun } from "./grid.ts";
import { type RunOutcome, runPool } from "./pool.ts";
import { parseStudy } from "./studyFile.ts";
import { STUDY } from "./testStudy.ts";

const [sample] = planStudies([parseStudy(STUDY, "tiny.yaml")]).runs;
const run = (digest: string, needs?: string): StudyRun => ({ ...(sample as StudyRun), digest, ...(needs !== undefined && { needs }) }); // prettier-ignore
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("never more side by side than allowed; what is needed comes before; a failure takes its dependants alone", async () => {
  const begun: string[] = [];
  let alive = 0;
  let most = 0;
  const outcomes = await runPool(
    [run("base"), run("sft", "base"), run("a", "sft"), run("bad"), run("b", "bad"), run("c")],
    {
      parallel: 2,
      stopping: () => false,
      start: async ({ digest }) => {
        begun.push(digest);
        most = Math.max(most, ++alive);
        await soon();
        alive--;
        return digest === "bad" ? { type: "failed", reason: "no memory" } : { type: "done" };
      },
    },
  );
  assert.equal(most, 2);
  assert.deepEqual(begun, ["base", "bad", "sft", "c", "a"]);
  assert.deepEqual(outcomes.get("b"), { type: "failed", reason: "it starts from run bad, which failed" });
  assert.deepEqual(
    [...outcomes]
      .filter(([, { type }]) => type === "done")
      .map(([digest]) => digest)
      .sort(),
    ["a", "base", "c", "sft"],
  );
});

test("what was done before can be needed, and is not begun again", async () => {
  const begun: string[] = [];
  const outcomes = await runPool([run("a", "sft"), run("b")], {
    parallel: 2,
    done: ["base", "sft"],
    stopping: () => false,
    start: async ({ digest }): Promise<RunOutcome> => {
      begun.push(digest);
      await soon();
      return { type: "done" };
    },
  });
  assert.deepEqual(begun, ["a", "b"]);
  assert.deepEqual([...outcomes.keys()].sort(), ["a", "b", "base", "sft"]);
});

test("asked to stop, it begins no more and waits for those at work", async () => {
  let stopping = false;
  const begun: string[] = [];
  const outcomes = await runPool([run("a"), run("b"), run("c", "a")], {
    parallel: 1,
    stopping: () => stopping,
    start: async ({ digest }): Promise<RunOutcome> => {
      begun.push(digest);
      stopping = true;
      await soon();
      return { type: "stopped" };
    },
  });
  assert.deepEqual(begun, ["a"]);
  assert.deepEqual(
    [...outcomes.values()].map(({ type }) => type),
    ["stopped", "stopped", "stopped"],
  );
});
