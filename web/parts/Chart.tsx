// One metric over steps, every run on show in its colour. Drag to zoom all charts, double-click to see everything again;
// the crosshair is shared, and the head of the chart has the values under it.
import uPlot from "uplot";
import { batch, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RunOverview } from "../../src/viewer/protocol.ts";
import { metricTitle, plain, withUnit } from "../data/format.ts";
import { colourNumber } from "../data/state.ts";
import { appearance, colour } from "../data/theme.ts";

/** Step under the pointer, or chosen with the arrow keys. */
export const hoveredStep = signal<number | undefined>(undefined);
export const zoom = signal<readonly [first: number, last: number] | undefined>(undefined);

export interface ChartProps {
  readonly metric: string;
  readonly runs: readonly RunOverview[];
  /** Steps of a centred moving mean; 1 is none. */
  readonly smooth: number;
}

type Values = (number | null)[];

export function Chart({ metric, runs, smooth }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const info = runs.map((run) => run.metricInfo[metric]).find((found) => found !== undefined);
  const unit = info?.unit;
  const steps = unionOfSteps(runs);
  const curves = runs.map((run) => aligned(run, metric, steps));
  const smoothed = curves.map((values) => movingMean(values, smooth));
  const shape = `${runs.map(({ key }) => key).join()} ${smooth > 1} ${unit ?? ""} ${appearance.value}`;

  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const made = new uPlot(
      options(element, runs, smooth > 1, unit),
      data(steps, curves, smoothed, smooth),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: chartHeight });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [shape]);

  const latest = `${steps.length} ${smooth} ${runs.map((run) => run.updatedAt).join()}`;
  useEffect(() => {
    plot.current?.setData(data(steps, curves, smoothed, smooth), zoom.peek() === undefined);
  }, [latest, shape]);

  const range = zoom.value;
  useEffect(() => {
    const [min, max] = range ?? [steps[0] ?? 0, steps.at(-1) ?? 1];
    plot.current?.setScale("x", { min, max: max > min ? max : min + 1 });
  }, [range, latest, shape]);

  const hovered = hoveredStep.value;
  useEffect(() => {
    const u = plot.current;
    if (u === undefined) return;
    u.setCursor({ left: hovered === undefined ? -10 : u.valToPos(hovered, "x"), top: 10 }, false);
  }, [hovered, shape]);

  const at = hovered === undefined ? -1 : steps.indexOf(hovered);
  const shown = runs.map((_, r) => {
    const values = smoothed[r] as Values;
    return at >= 0 ? values[at] : values.findLast((value) => value !== null);
  });
  const title = metricTitle(metric);
  const summary = runs.map(({ key }, r) => `${key} ${withUnit(shown[r], unit)}`).join(", ");
  return (
    <section class="chart card" aria-label={title}>
      <header>
        <div class="chart-name">
          <h3 title={info?.about}>{title}</h3>
          <code>{metric}</code>
        </div>
        <div class="chart-values" aria-hidden="true">
          {runs.map(({ key }, r) => (
            <span key={key} class={runs.length > 1 ? `chart-value run-${colourNumber(key)}` : "chart-value"}>
              {withUnit(shown[r], unit)}
            </span>
          ))}
        </div>
      </header>
      <div
        ref={box}
        class="chart-plot"
        role="img"
        aria-label={`${title} by step. ${at >= 0 ? `Step ${hovered}` : "Last"}: ${summary}`}
      />
    </section>
  );
}

const chartHeight = 172;

function options(
  element: HTMLElement,
  runs: readonly RunOverview[],
  smooth: boolean,
  unit: string | undefined,
): uPlot.Options {
  const ink = colour("--faint");
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: ink, font, ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
  const ticksOf = (_: uPlot, values: number[]): string[] =>
    values.map((value) => (unit === "share" ? `${Number((value * 100).toPrecision(4))}%` : tickText(value)));
  const line = (key: string, faint: boolean): uPlot.Series => {
    const stroke = colour(`--run-${colourNumber(key)}`);
    const dim = stroke.replace("rgb(", "rgba(").replace(")", ", 0.28)");
    return {
      stroke: faint ? dim : stroke,
      width: faint ? 1 : 1.75,
      spanGaps: false,
      points: { show: (u, index) => !faint && isLonely(u.data[index] as Values) },
    };
  };
  return {
    width: Math.max(200, element.clientWidth),
    height: chartHeight,
    legend: { show: false },
    scales: {
      x: { time: false },
      y: { range: (_, low, high) => roomy(low, high) },
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 6,
        space: 56,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000],
      },
      { ...axis, size: 48, gap: 6, space: 32, values: ticksOf },
    ],
    series: [
      {},
      ...runs.map(({ key }) => line(key, smooth)),
      ...(smooth ? runs.map(({ key }) => line(key, false)) : []),
    ],
    cursor: {
      y: false,
      points: { size: 6, width: 0 },
      drag: { x: true, y: false, setScale: false },
      focus: { prox: -1 },
    },
    hooks: {
      setCursor: [
        (u) => {
          if (u.cursor.event === undefined || u.cursor.event === null) return;
          hoveredStep.value =
            u.cursor.idx === null || u.cursor.idx === undefined ? undefined : u.data[0][u.cursor.idx];
        },
      ],
      setSelect: [
        (u) => {
          if (u.select.width < 6) return;
          const first = u.posToVal(u.select.left, "x");
          const last = u.posToVal(u.select.left + u.select.width, "x");
          batch(() => {
            zoom.value = [Math.floor(first), Math.ceil(last)];
          });
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      ready: [
        (u) => {
          u.over.addEventListener("dblclick", () => (zoom.value = undefined));
          u.over.addEventListener("mouseleave", () => (hoveredStep.value = undefined));
        },
      ],
    },
  };
}

/** Round numbers as they are; only the very large and small are shortened. */
function tickText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e4)
    ? plain(value)
    : String(Number(value.toPrecision(4))).replace("-", "−");
}

/** A curve of one point has no line to be seen by. */
function isLonely(values: Values): boolean {
  return values.filter((value) => value !== null).length === 1;
}

/** From zero when that costs little, with air at the top; a flat line runs through the middle. */
function roomy(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (low === high) {
    const by = Math.abs(low) * 0.2 || 1;
    return low >= 0 && low - by < 0 ? [0, low + by] : [low - by, high + by];
  }
  const room = (high - low) * 0.08;
  const bottom = low >= 0 && low < (high - low) * 1.5 ? 0 : low - room;
  return [bottom, high + room];
}

function unionOfSteps(runs: readonly RunOverview[]): number[] {
  if (runs.length === 1) return [...(runs[0] as RunOverview).metrics.steps];
  return [...new Set(runs.flatMap((run) => run.metrics.steps))].sort((a, b) => a - b);
}

function aligned(run: RunOverview, metric: string, steps: readonly number[]): Values {
  const column = run.metrics.columns[metric];
  if (column === undefined) return steps.map(() => null);
  const valueAt = new Map(run.metrics.steps.map((step, i) => [step, column[i] ?? null]));
  return steps.map((step) => valueAt.get(step) ?? null);
}

/** Over the values around each that are there; a gap stays a gap. */
export function movingMean(values: Values, width: number): Values {
  if (width <= 1) return values;
  const reach = Math.floor(width / 2);
  return values.map((value, i) => {
    if (value === null) return null;
    let sum = 0;
    let count = 0;
    for (let j = Math.max(0, i - reach); j <= Math.min(values.length - 1, i + reach); j++) {
      const near = values[j];
      if (near === null || near === undefined) continue;
      sum += near;
      count++;
    }
    return sum / count;
  });
}

function data(
  steps: readonly number[],
  curves: readonly Values[],
  smoothed: readonly Values[],
  smooth: number,
): uPlot.AlignedData {
  return [[...steps], ...curves, ...(smooth > 1 ? smoothed : [])] as uPlot.AlignedData;
}
