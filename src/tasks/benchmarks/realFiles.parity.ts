// The benchmarks' own files, whole: as many items as were published, each readable and its pictures too, and the numbers of the
// papers. They are gigabytes and not ours to hand on: PYVISION_BENCHMARKS names a folder with a folder for each
// benchmark, named as in item.ts (`mathvision`, `hrbench-4k`), in a layout that its authors publish. Those that are missing are skipped.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { benchmarks } from "./all.ts";
import { BENCHMARK_NAMES, type BenchmarkItem, type BenchmarkName } from "./item.ts";

const folder = process.env["PYVISION_BENCHMARKS"];

/** Items by label, `questionType` among them, as their authors count them. */
type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

const SUBJECTS = {
  "metric geometry - area": 500,
  "metric geometry - length": 449,
  algebra: 345,
  "combinatorial geometry": 308,
  "solid geometry": 244,
  "metric geometry - angle": 173,
  "transformation geometry": 168,
  combinatorics: 168,
  arithmetic: 140,
  logic: 119,
  "descriptive geometry": 104,
  "graph theory": 90,
  "analytic geometry": 84,
  counting: 67,
  statistics: 58,
  topology: 23,
};

const PUBLISHED: Readonly<Partial<Record<`${BenchmarkName} ${string}`, Counts>>> = {
  "mathvision test": {
    subject: SUBJECTS,
    level: { 1: 237, 2: 738, 3: 551, 4: 830, 5: 684 },
    questionType: { "multi-choice": 1532, "free-form": 1508 },
  },
  "mathvision testmini": {
    subject: Object.fromEntries(Object.keys(SUBJECTS).map((subject) => [subject, 19])),
  },
  "wemath testmini": {
    key: {
      "2steps_1": 360,
      "2steps_2": 360,
      "2steps_multi": 360,
      "3steps_1": 165,
      "3steps_2": 165,
      "3steps_3": 165,
      "3steps_multi": 165,
    },
    answer: { A: 585, B: 507, C: 454, D: 193, E: 1 },
  },
  "dynamath test": {
    questionType: { float: 2960, "multiple choice": 1740, text: 310 },
    level: { "high school": 2770, undergraduate: 1610, "elementary school": 630 },
    subject: {
      statistics: 1250,
      "analytic geometry": 970,
      "plane geometry": 770,
      algebra: 510,
      "graph theory": 480,
      "scientific figure": 450,
      arithmetic: 260,
      "puzzle test": 170,
      "solid geometry": 150,
    },
    variant: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i + 1}`, 501])),
  },
  "mathverse testmini": {
    version: {
      "Text Dominant": 788,
      "Text Lite": 788,
      "Vision Intensive": 788,
      "Vision Dominant": 788,
      "Vision Only": 788,
    },
    questionType: { "multi-choice": 5 * 436, "free-form": 5 * 352 },
    subject: { "Plane Geometry": 5 * 510, Functions: 5 * 159, "Solid Geometry": 5 * 119 },
  },
};

for (const name of BENCHMARK_NAMES)
  for (const split of benchmarks[name].splits)
    test(`${name} ${split}, whole`, { skip: whyNot(name), timeout: 3_600_000 }, async (t) => {
      const began = performance.now();
      const files = benchmarks[name].open(join(folder ?? "", name), split);
      t.diagnostic(`opened in ${(performance.now() - began).toFixed(0)} ms`);
      try {
        assert.equal(files.count, files.published);
        const tallies = new Map<string, number>();
        const ids = new Set<string>();
        let pixels = 0;
        for (let i = 0; i < files.count; i++) {
          const item = files.at(i);
          ids.add(item.id);
          check(item);
          for (const [label, value] of tallied(item)) add(tallies, `${label} ${value}`);
          for (const { width, height, data } of item.images) {
            assert.equal(data.length, 3 * width * height, item.id);
            pixels += width * height;
          }
          // What a WeakRef was made of lives as long as the call that made it: without this, all pictures would be held.
          await setImmediate();
        }
        assert.equal(ids.size, files.count, "ids are unique");
        for (const [label, counts] of Object.entries(PUBLISHED[`${name} ${split}`] ?? {}))
          assert.deepEqual(countsOf(tallies, label), counts, label);
        t.diagnostic(
          `${files.count} items, ${(pixels / 1e6).toFixed(0)} megapixels in ${((performance.now() - began) / 1000).toFixed(0)} s; ` +
            `at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
        );
      } finally {
        files.close();
      }
    });

/** @returns false when the benchmark is there */
function whyNot(name: BenchmarkName): string | false {
  if (folder === undefined)
    return "PYVISION_BENCHMARKS is not set: it names the folder of the benchmarks' folders";
  const path = join(folder, name);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? false : `there is no ${path}`;
}

function check({ id, question, answer, options, images, videos, questionType }: BenchmarkItem): void {
  assert.match(id, /^[A-Za-z0-9._-]+$/);
  assert.ok(question.trim() !== "" && answer.trim() !== "" && questionType !== "", id);
  assert.notEqual(images.length > 0, (videos?.length ?? 0) > 0, `${id} has pictures or a video`);
  const letters = options.map(({ letter }) => letter);
  assert.deepEqual(letters, [...new Set(letters)].sort(), id);
  assert.ok(
    options.every(({ text }) => text.trim() !== ""),
    id,
  );
}

function tallied(item: BenchmarkItem): readonly (readonly [string, string])[] {
  return [...Object.entries(item.labels), ["questionType", item.questionType], ["answer", item.answer]];
}

function add(tallies: Map<string, number>, key: string): void {
  tallies.set(key, (tallies.get(key) ?? 0) + 1);
}

function countsOf(tallies: ReadonlyMap<string, number>, label: string): Record<string, number> {
  const entries = [...tallies].filter(([key]) => key.startsWith(`${label} `));
  return Object.fromEntries(entries.map(([key, count]) => [key.slice(label.length + 1), count]));
}
