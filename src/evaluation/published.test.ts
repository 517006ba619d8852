import assert from "node:assert/strict";
import test from "node:test";
import { BENCHMARK_NAMES } from "../tasks/benchmarks/item.ts";
import { aggregators } from "./aggregates/all.ts";
import { itemScore } from "./aggregates/testing.ts";
import { published, publishedOf } from "./published.ts";

test("figures stand beside a number of the same name", () => {
  const types = ["object_counting", "object_rel_direction_hard", "route_planning", "obj_appearance_order"];
  const scores = types.map((type, i) => itemScore(i, 1, { other: "label" }, type));
  for (const { benchmark, metric } of published) {
    const { headline, metrics } = aggregators[benchmark].aggregate(scores);
    const names = [headline, ...metrics].map(({ name }) => name);
    assert.ok(names.includes(metric), `${benchmark} has no ${metric}, but ${names.join(", ")}`);
  }
});

test("the paper's headlines", () => {
  const headlines = BENCHMARK_NAMES.map((name) => {
    const { headline } = aggregators[name].aggregate([]);
    const own = publishedOf(name).filter(
      ({ model, metric }) => /^PyVision/.test(model) && metric === headline.name,
    );
    return [name, ...own.map(({ percent }) => percent)];
  });
  assert.deepEqual(headlines, [
    ["vstar", 88.7],
    ["hrbench-4k", 78.1],
    ["hrbench-8k", 74.3],
    ["mathverse", 55.8],
    ["mathvision", 28.7],
    ["wemath", 47.7],
    ["dynamath", 61.6],
    ["tir-bench", 19.8],
    ["vsi-bench", 44],
  ]);
  // The gains that the paper prints over its base model, where both are known.
  const gains = Object.fromEntries(
    BENCHMARK_NAMES.flatMap((name) => {
      const [base, own] = publishedOf(name);
      return base?.model === "Qwen2.5-VL-7B" && own?.model === "PyVision-Image-7B"
        ? [[name, Number((own.percent - base.percent).toFixed(1))]]
        : [];
    }),
  );
  assert.deepEqual(gains, {
    vstar: 10.2,
    "hrbench-4k": 6.5,
    "hrbench-8k": 6.4,
    mathverse: 10.2,
    wemath: 13.1,
    dynamath: 8.3,
    "tir-bench": 3.8,
  });
});
