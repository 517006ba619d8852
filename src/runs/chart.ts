// Curves as a picture: a grid of small line charts in one SVG, each with its own scale, for a README and for a browser.
// It brings its own white ground, so it reads the same on a dark page. Colours are those of Okabe and Ito, which colour-
// blind readers tell apart. Values that are not finite leave a gap; a series of one point is a dot.
import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { escapeXml, fixed, legend, text, themeStyle } from "./svg.ts";

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  /** Ends of a 95% interval, drawn as a band when both are finite. */
  readonly low?: number;
  readonly high?: number;
}

export interface Curve {
  /** Curves of one label have one colour in all panels. */
  readonly label: string;
  readonly points: readonly CurvePoint[];
}

export interface Panel {
  readonly title: string;
  /** Of the y axis, e.g. "nats"; left out for plain numbers. "%" shows shares of 1 as percent. */
  readonly unit?: string;
  readonly curves: readonly Curve[];
  /** Lets the y axis start at 0. */
  readonly fromZero?: boolean;
  /** What the quantity cannot leave: an interval ends there, whatever the normal approximation says. [0, 1] for "%". */
  readonly bounds?: Extent;
}

export interface ChartOptions {
  readonly title?: string;
  /** What x counts; "step" by default. */
  readonly xLabel?: string;
  /** Panels a row; 3 by default. */
  readonly columns?: number;
  /** Points of a centred moving mean drawn over the raw curve; 0 or 1 draws the raw curve alone. */
  readonly smooth?: number;
  /** Follows the reader's light or dark ground instead of bringing a white one. */
  readonly themed?: boolean;
}

export const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const panelWidth = 320;
const panelHeight = 210;
const inset = { left: 54, right: 14, top: 34, bottom: 40 };
const outer = 12;

type Extent = readonly [low: number, high: number];

/** An SVG document. Every coordinate in it is finite, whatever the series hold. */
export function renderCurves(panels: readonly Panel[], options: ChartOptions = {}): string {
  const columns = Math.max(1, Math.min(options.columns ?? 3, Math.max(1, panels.length)));
  const rows = Math.ceil(panels.length / columns);
  const labels = [...new Set(panels.flatMap((panel) => panel.curves.map((curve) => curve.label)))];
  const colourOf = (label: string): string => palette[labels.indexOf(label) % palette.length] ?? "#000000";
  const width = columns * panelWidth + 2 * outer;
  const titleHeight = options.title === undefined ? 0 : 26;
  const key = labels.length > 1 ? legend(labels, colourOf, width - 2 * outer) : { height: 0, svg: "" };
  const gridTop = outer + titleHeight + key.height;
  const height = gridTop + rows * panelHeight + outer;
  const body = panels.map((panel, i) => {
    const x = outer + (i % columns) * panelWidth;
    const y = gridTop + Math.floor(i / columns) * panelHeight;
    return `<g transform="translate(${x},${y})">${renderPanel(panel, options, colourOf)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img"${options.themed === true ? ' class="themed"' : ""} ` +
      `font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    ...(options.themed === true ? [themeStyle] : []),
    `<title>${escapeXml(options.title ?? panels.map((panel) => panel.title).join(", "))}</title>`,
    `<rect width="${width}" height="${height}" rx="6" fill="#ffffff"/>`,
    options.title === undefined ? "" : text(outer + 4, outer + 14, options.title, { size: 15, weight: 600 }),
    `<g transform="translate(${outer},${outer + titleHeight})">${key.svg}</g>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

function renderPanel(given: Panel, options: ChartOptions, colourOf: (label: string) => string): string {
  const bounds = given.bounds ?? (given.unit === "%" ? [0, 1] : undefined);
  const panel = bounds === undefined ? given : withBandsWithin(given, bounds);
  const right = panelWidth - inset.right;
  const bottom = panelHeight - inset.bottom;
  const percent = panel.unit === "%";
  const head = text(inset.left, 20, panel.title, { size: 12.5, weight: 600 });
  const unit =
    panel.unit === undefined || percent
      ? ""
      : text(right, 20, panel.unit, { size: 11, anchor: "end", fill: "#666666" });
  const xName = text((inset.left + right) / 2, panelHeight - 8, options.xLabel ?? "step", {
    size: 11,
    anchor: "middle",
    fill: "#666666",
  });
  const frame = `<path d="M${inset.left},${inset.top}V${bottom}H${right}" fill="none" stroke="#999999"/>`;
  const xExtent = extentOf(
    panel.curves.flatMap((c) => c.points.filter((p) => Number.isFinite(p.y)).map((p) => p.x)),
  );
  const yExtent = extentOf(
    panel.curves.flatMap((c) =>
      c.points
        .filter((p) => Number.isFinite(p.x))
        .flatMap((p) => [p.y, ...(hasBand(p) ? [p.low, p.high] : [])]),
    ),
  );
  if (xExtent === undefined || yExtent === undefined)
    return (
      head +
      frame +
      text((inset.left + right) / 2, (inset.top + bottom) / 2, "no data", {
        anchor: "middle",
        fill: "#999999",
      })
    );

  const xScale = scaleLinear(widened(xExtent, 1), [inset.left, right]);
  const yDomain: Extent =
    panel.fromZero === true ? [Math.min(0, yExtent[0]), Math.max(0, yExtent[1])] : yExtent;
  const yScale = scaleLinear(widened(yDomain, 0.1), [bottom, inset.top]).nice(4);
  const yFormat = yScale.tickFormat(4, percent ? "%" : tickStyle(yScale.domain()));
  const wholeSteps = xScale.ticks(5).filter(Number.isInteger);
  const xFormat = xScale.tickFormat(
    5,
    Math.abs(xExtent[1]) >= 1e5 ? "~s" : wholeSteps.length > 1 ? ",d" : undefined,
  );
  const yTicks = yScale.ticks(4).map((value) => {
    const y = fixed(yScale(value));
    return (
      `<path d="M${inset.left},${y}H${right}" stroke="#e6e6e6"/>` +
      text(inset.left - 6, Number(y) + 4, yFormat(value), { size: 11, anchor: "end" })
    );
  });
  const xTicks = (wholeSteps.length > 1 ? wholeSteps : xScale.ticks(5)).map((value) =>
    text(Number(fixed(xScale(value))), bottom + 16, xFormat(value), { size: 11, anchor: "middle" }),
  );
  const curves = panel.curves.map((curve) =>
    renderCurve(curve, colourOf(curve.label), { x: xScale, y: yScale }, options.smooth ?? 0),
  );
  return [head, unit, ...yTicks, ...xTicks, frame, xName, ...curves].join("");
}

function renderCurve(
  curve: Curve,
  colour: string,
  scales: { readonly x: (value: number) => number; readonly y: (value: number) => number },
  smooth: number,
): string {
  const points = curve.points.filter((p) => Number.isFinite(p.x));
  const drawn = (p: CurvePoint): boolean => Number.isFinite(p.y);
  const toPath = line<CurvePoint>(
    (p) => scales.x(p.x),
    (p) => scales.y(p.y),
  )
    .defined(drawn)
    .digits(2);
  const toBand = area<CurvePoint>()
    .x((p) => scales.x(p.x))
    .y0((p) => scales.y(p.low ?? p.y))
    .y1((p) => scales.y(p.high ?? p.y))
    .defined((p) => drawn(p) && hasBand(p))
    .digits(2);
  const stroke = (path: string | null, style: string): string =>
    path === null || path === ""
      ? ""
      : `<path d="${path}" fill="none" stroke="${colour}" stroke-linejoin="round" stroke-linecap="round" ${style}/>`;
  const band = toBand(points) ?? "";
  const main = smooth > 1 ? smoothed(points, smooth) : points;
  const last = main.findLast(drawn);
  return [
    band === "" ? "" : `<path d="${band}" fill="${colour}" fill-opacity="0.16"/>`,
    smooth > 1 ? stroke(toPath(points), 'stroke-width="1" stroke-opacity="0.3"') : "",
    stroke(toPath(main), 'stroke-width="2"'),
    last === undefined
      ? ""
      : `<circle cx="${fixed(scales.x(last.x))}" cy="${fixed(scales.y(last.y))}" r="2.6" fill="${colour}"/>`,
  ].join("");
}

/** Mean over the up to `window` points around each that are finite; a gap stays a gap. */
export function smoothed(points: readonly CurvePoint[], window: number): CurvePoint[] {
  const reach = Math.floor(window / 2);
  return points.map((point, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1).filter((p) => Number.isFinite(p.y));
    const y = Number.isFinite(point.y) ? near.reduce((sum, p) => sum + p.y, 0) / near.length : NaN;
    return { x: point.x, y };
  });
}

function withBandsWithin(panel: Panel, [least, most]: Extent): Panel {
  const inside = (value: number): number => Math.max(least, Math.min(most, value));
  const curves = panel.curves.map((curve) => ({
    ...curve,
    points: curve.points.map((p) => (hasBand(p) ? { ...p, low: inside(p.low), high: inside(p.high) } : p)),
  }));
  return { ...panel, curves };
}

/** Labels must fit left of the axis: SI letters for large numbers, exponents for tiny ones. */
function tickStyle(domain: readonly number[]): string | undefined {
  const largest = Math.max(...domain.map(Math.abs));
  if (largest >= 1e5) return "~s";
  return largest > 0 && largest < 1e-3 ? ".1~e" : undefined;
}

function hasBand(point: CurvePoint): point is CurvePoint & { low: number; high: number } {
  return Number.isFinite(point.low) && Number.isFinite(point.high);
}

function extentOf(values: readonly number[]): Extent | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : undefined;
}

/** A flat extent gets room on both sides, or its scale would divide by zero. */
function widened([low, high]: Extent, room: number): [number, number] {
  if (high > low) return [low, high];
  const by = Math.max(Math.abs(low) * 0.1, room);
  return [low - by, high + by];
}
