// One quantity against another, an arm a point with its intervals in both directions, the horizontal axis logarithmic: what is
// paid against what is got.
import { scaleLinear, scaleLog } from "d3-scale";
import { palette } from "../../runs/chart.ts";
import { escapeXml, fixed, text, themeStyle } from "../../runs/svg.ts";
import type { StudyData } from "../data.ts";
import { type Estimate, estimate } from "../measures.ts";
import { unitOf } from "../quantities.ts";
import type { Frontier } from "../studyFile.ts";
import { valuesBySeed } from "../verdict.ts";
import type { Figure } from "./figure.ts";
import { measureTitle, quantityTitle } from "./words.ts";

const size = { width: 680, height: 360, left: 64, right: 24, top: 20, bottom: 52 };

interface ArmPoint {
  readonly name: string;
  /** That of the arm in all figures. */
  readonly colour: string;
  readonly label: string;
  readonly x: Estimate;
  readonly y: Estimate;
}

/** Nothing when no arm has both values. */
export function renderFrontier(data: StudyData, frontier: Frontier): Figure[] {
  const points = data.study.arms.flatMap(({ name, label }, i): ArmPoint[] => {
    const colour = palette[i % palette.length] as string;
    const [x, y] = [frontier.x, frontier.y].map((m) => estimate([...valuesBySeed(data, m, name).values()]));
    return x === undefined || y === undefined || x.mean <= 0
      ? []
      : [{ name, colour, label: label ?? name, x, y }];
  });
  if (points.length === 0) return [];
  const reference = frontier.reference;
  const xs = [...points.map(({ x }) => x.mean), ...(reference?.points.map(([x]) => x) ?? [])];
  const right = size.width - size.right;
  const bottom = size.height - size.bottom;
  const xScale = scaleLog([Math.min(...xs) / 1.6, Math.max(...xs) * 1.6], [size.left, right]);
  const share = unitOf(frontier.y.of) === "share";
  const highest = share
    ? 1
    : Math.max(
        ...points.map(({ y }) => y.mean + (y.half ?? 0)),
        ...(reference?.points.map(([, y]) => y) ?? []),
      );
  const yScale = scaleLinear([0, highest], [bottom, size.top]);
  const show = yScale.tickFormat(5, share ? "%" : undefined);
  const at = (x: number, y: number): string => `${fixed(xScale(x))},${fixed(yScale(y))}`;
  const axes = [
    ...yScale.ticks(5).map((value) => {
      const y = fixed(yScale(value));
      const label = text(size.left - 8, Number(y) + 4, show(value), { anchor: "end" });
      return `<path d="M${size.left},${y}H${right}" stroke="#e6e6e6"/>${label}`;
    }),
    ...ticksOf(xScale.domain()).map((value) =>
      text(Number(fixed(xScale(value))), bottom + 18, String(value), { anchor: "middle" }),
    ),
    `<path d="M${size.left},${size.top}V${bottom}H${right}" fill="none" stroke="#999999"/>`,
    text((size.left + right) / 2, size.height - 10, `${measureTitle(frontier.x)} (logarithmic)`, {
      anchor: "middle",
      fill: "#666666",
    }),
    text(size.left, 13, measureTitle(frontier.y), { weight: 600 }),
  ];
  const joined = frontier.joined.flatMap((name) => points.find((point) => point.name === name) ?? []);
  const line =
    joined.length < 2
      ? ""
      : `<path d="M${joined.map(({ x, y }) => at(x.mean, y.mean)).join("L")}" fill="none" stroke="#999999"/>`;
  const heights = labelHeights(
    points.map(({ x, y, label }) => ({ x: xScale(x.mean), y: yScale(y.mean), label })),
  );
  const marks = points.map((point, i) => mark(at, point, heights[i] as number, xScale, yScale));

  const end = reference?.points.at(-1) ?? [1, 0];
  const bound =
    reference === undefined
      ? ""
      : `<path d="M${reference.points.map(([x, y]) => at(x, y)).join("L")}" fill="none" stroke="#666666" stroke-dasharray="4 4"/>` +
        text(xScale(end[0]) - 10, yScale(end[1]) + 4, reference.label, { anchor: "end", fill: "#666666" });
  const title = `${quantityTitle(frontier.y.of)} against ${quantityTitle(frontier.x.of).toLowerCase()}`;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" ` +
      `role="img" class="themed" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    themeStyle,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${size.width}" height="${size.height}" rx="6" fill="#ffffff"/>`,
    ...axes,
    line,
    bound,
    ...marks,
    "</svg>",
    "",
  ].join("\n");
  return [{ file: `${data.study.name}-frontier.svg`, alt: title, svg }];
}

/** Of a label, in pixels. */
const LINE = 14;
const LETTER = 6.5;

function mark(
  at: (x: number, y: number) => string,
  { x, y, colour, label }: ArmPoint,
  labelHeight: number,
  xScale: (value: number) => number,
  yScale: { (value: number): number; domain(): number[] },
): string {
  const [lowest, highest] = yScale.domain() as [number, number];
  const inside = (value: number): number => Math.min(highest, Math.max(lowest, value));
  const bar = (path: string): string => `<path d="${path}" stroke="${colour}" stroke-width="1.5"/>`;
  const vertical =
    y.half === undefined
      ? ""
      : bar(`M${at(x.mean, inside(y.mean - y.half))}L${at(x.mean, inside(y.mean + y.half))}`);
  const horizontal =
    x.half === undefined || x.half <= 0
      ? ""
      : bar(`M${at(Math.max(x.mean / 1.5, x.mean - x.half), y.mean)}L${at(x.mean + x.half, y.mean)}`);
  const centre = `<circle cx="${fixed(xScale(x.mean))}" cy="${fixed(yScale(y.mean))}" r="4.5" fill="${colour}"/>`;
  return vertical + horizontal + centre + text(xScale(x.mean) + 9, labelHeight, label);
}

/** Baselines of the points' labels: above the point, or where no label to the left of it runs into it. */
function labelHeights(
  points: readonly { readonly x: number; readonly y: number; readonly label: string }[],
): number[] {
  const placed: { readonly end: number; readonly height: number }[] = [];
  const heights = points.map(() => 0);
  const leftToRight = points.map((point, i) => ({ ...point, i })).sort((a, b) => a.x - b.x);
  for (const { x, y, label, i } of leftToRight) {
    const free = (height: number): boolean =>
      placed.every((other) => other.end < x || Math.abs(other.height - height) >= LINE);
    const height = [y - 8, y - 26, y + 20, y + 38].find(free) ?? y - 8;
    placed.push({ end: x + 9 + LETTER * label.length, height });
    heights[i] = height;
  }
  return heights;
}

/** 1, 2 and 5 of every power of ten inside. */
function ticksOf([low, high]: readonly number[]): number[] {
  const [from, to] = [Math.floor(Math.log10(low ?? 1)), Math.ceil(Math.log10(high ?? 1))];
  return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i))
    .flatMap((power) => [power, 2 * power, 5 * power])
    .map((value) => Number(value.toPrecision(1)))
    .filter((value) => value >= (low ?? 0) && value <= (high ?? 0));
}
