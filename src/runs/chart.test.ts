import assert from "node:assert/strict";
import { test } from "node:test";
import { renderCurves, smoothed, type Panel } from "./chart.ts";
import { meanCurve, metricPoints, panelsOf, studentT95 } from "./curves.ts";

/** Every number in the attributes that hold coordinates. */
function coordinates(svg: string): number[] {
  const attributes = [...svg.matchAll(/ (?:d|x|y|cx|cy|width|height|viewBox|transform)="([^"]*)"/g)];
  return attributes.flatMap(([, value = ""]) =>
    (value.match(/NaN|Infinity|[-+]?[\d.]+(?:e[-+]?\d+)?/gi) ?? []).map(Number),
  );
}

function pathsOf(svg: string): string[] {
  return [...svg.matchAll(/<path d="([^"]*)" fill="none" stroke="#0072b2"/g)].map(([, d = ""]) => d);
}

test("a curve runs from the lower left to the upper right of its panel", () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 5 },
    { x: 20, y: 10 },
  ];
  const svg = renderCurves([{ title: "t", curves: [{ label: "a", points }] }]);
  // x from 54 to 320 - 14, y from 210 - 40 up to 34; the middle point is half-way.
  assert.deepEqual(pathsOf(svg), ["M54,170L180,102L306,34"]);
  assert.match(svg, /<circle cx="306" cy="34"/);
});

test("only finite coordinates, for empty, one-point, flat and damaged series", () => {
  const point = (x: number, y: number, low?: number, high?: number) => ({
    x,
    y,
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
  });
  const series = [
    [],
    [point(3, 5)],
    [point(1, NaN), point(2, NaN)],
    [point(1, 2), point(2, NaN), point(3, 4)],
    [point(1, 7), point(2, 7)],
    [point(1, 0), point(1, 0)],
    [point(NaN, 1), point(Infinity, 2), point(1, Infinity), point(2, -Infinity)],
    [point(1, 1, NaN, 2), point(2, 2, 1, Infinity), point(3, 3, 2, 4)],
    [point(-1e300, 1e300), point(1e300, -1e300)],
    [point(1, 1e-300), point(2, 2e-300)],
  ];
  const panels: Panel[] = [
    { title: "no curve", curves: [] },
    ...series.map((points): Panel => ({ title: "p", unit: "%", curves: [{ label: "a", points }] })),
    ...series.map((points): Panel => ({
      title: "p",
      fromZero: true,
      curves: [
        { label: "a", points },
        { label: "b", points: [] },
      ],
    })),
  ];
  for (const smooth of [0, 5]) {
    const svg = renderCurves(panels, { title: "all", smooth });
    const numbers = coordinates(svg);
    assert.ok(numbers.length > 500);
    assert.ok(numbers.every(Number.isFinite), svg.match(/.*(?:NaN|Infinity).*/)?.[0]);
  }
  assert.ok(coordinates(renderCurves([])).every(Number.isFinite));
});

test("a NaN breaks the line in two and a panel without values says so", () => {
  const points = [1, 2, NaN, 4, 5].map((y, x) => ({ x, y }));
  const [path = ""] = pathsOf(renderCurves([{ title: "t", curves: [{ label: "a", points }] }]));
  assert.equal(path.split("M").length - 1, 2);
  const empty = renderCurves([{ title: "t", curves: [{ label: "a", points: [{ x: 1, y: NaN }] }] }]);
  assert.match(empty, />no data</);
});

test("a band is drawn where both ends are known, and a share's band stays in [0, 1]", () => {
  const points = [
    { x: 0, y: 0.9, low: 0.5, high: 1.5 },
    { x: 1, y: 1, low: 0.8, high: 1.2 },
  ];
  const bandOf = (unit: string, bounds?: [number, number]): string =>
    renderCurves([
      { title: "t", unit, fromZero: true, ...(bounds && { bounds }), curves: [{ label: "a", points }] },
    ]).match(/<path d="([^"]*)" fill="#0072b2"/)?.[1] ?? "";
  assert.equal(bandOf("%"), "M54,34L306,34L306,61.2L54,102Z"); // 1 is the top, 0.8 and 0.5 below it
  assert.notEqual(bandOf("calls"), bandOf("%"));
  assert.equal(bandOf("calls", [0, 1]), bandOf("%")); // also of another quantity that cannot leave them
});

test("names from outside are escaped, and a legend appears for two labels or more", () => {
  const curve = (label: string) => ({ label, points: [{ x: 1, y: 1 }] });
  const svg = renderCurves([{ title: "<b> & c", curves: [curve('x"<script>'), curve("second")] }]);
  assert.ok(!svg.includes("<script>") && svg.includes("&lt;script&gt;") && svg.includes("&lt;b&gt; &amp; c"));
  assert.ok(svg.includes(">second</text>"));
  assert.ok(!renderCurves([{ title: "t", curves: [curve("alone")] }]).includes(">alone</text>"));
});

test("smoothing is a centred mean of the finite neighbours", () => {
  const y = smoothed(
    [1, 2, 6, NaN, 4].map((value, x) => ({ x, y: value })),
    3,
  ).map((p) => p.y);
  assert.deepEqual(y, [1.5, 3, 4, NaN, 4]);
});

test("seeds become their mean with Student's interval", () => {
  const run = (...ys: number[]) => ys.map((y, i) => ({ x: i + 1, y }));
  const [first, second, third] = meanCurve([run(1, 5, 9), run(2, 5), run(3, 5)]);
  // mean 2, s = 1, t(2) = 4.303: half width 4.303 / sqrt(3) = 2.48434
  assert.ok(first !== undefined && Math.abs((first.high ?? 0) - 4.48434) < 1e-4 && first.y === 2);
  assert.deepEqual(second, { x: 2, y: 5, low: 5, high: 5 });
  assert.deepEqual(third, { x: 3, y: 9 });
  assert.deepEqual(meanCurve([]), []);
  assert.ok(Math.abs(studentT95(11) - 2.20099) < 0.0005 && Math.abs(studentT95(30) - 2.04227) < 0.0005);
});

test("panels come from records, with the metric's unit; a step without the metric is left out", () => {
  const records = [
    { step: 1, "accuracy/mean": 0.5 },
    { step: 2, other: 1 },
    { step: 3, "accuracy/mean": 0.75 },
  ];
  assert.deepEqual(metricPoints(records, "accuracy/mean"), [
    { x: 1, y: 0.5 },
    { x: 3, y: 0.75 },
  ]);
  const [panel] = panelsOf([{ label: "a", runs: [records] }]);
  assert.equal(panel?.unit, "%");
  assert.equal(panel?.curves[0]?.points.length, 2);
});
