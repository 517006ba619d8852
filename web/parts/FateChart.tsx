// What became of everything drawn, step by step: one stacked column a step on a canvas. It is a slider too: pointer or
// arrow keys choose the step that is shown below.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { SetHead } from "../../src/viewer/protocol.ts";
import { fateRank, fateStyle } from "../data/fates.ts";
import { appearance, colour } from "../data/theme.ts";

export interface FateChartProps {
  /** Of training steps with a strategy log, in order. */
  readonly sets: readonly SetHead[];
  readonly unit: "groups" | "trajectories";
  readonly chosen: SetHead;
  readonly onChoose: (set: SetHead) => void;
}

const height = 150;
const axis = 22;

export function countsOf(set: SetHead, unit: FateChartProps["unit"]): Readonly<Record<string, number>> {
  return (unit === "groups" ? set.strategy?.groupFates : set.strategy?.memberFates) ?? {};
}

export function FateChart({ sets, unit, chosen, onChoose }: FateChartProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  const hovered = useSignal<number | undefined>(undefined);
  const at = Math.max(0, sets.indexOf(chosen));

  useEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    const observer = new ResizeObserver(() => (width.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    if (width.value > 0) draw(element, width.value, sets, unit, at, hovered.value);
  }, [width.value, sets, sets.length, unit, at, hovered.value, appearance.value]);

  const indexAt = (event: { readonly offsetX: number }): number =>
    Math.max(
      0,
      Math.min(sets.length - 1, Math.floor((event.offsetX / Math.max(1, width.value)) * sets.length)),
    );
  const choose = (index: number): void => {
    const set = sets[Math.max(0, Math.min(sets.length - 1, index))];
    if (set !== undefined) onChoose(set);
  };
  const named = sets[hovered.value ?? at] as SetHead;
  const counts = Object.entries(countsOf(named, unit)).sort(([a], [b]) => fateRank(a) - fateRank(b));
  const text = `step ${named.step}: ${counts.map(([fate, n]) => `${n} ${fateStyle(fate).label}`).join(", ")}`;
  const moves: Record<string, number> = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowDown: at - 1,
    ArrowUp: at + 1,
    Home: 0,
    End: sets.length - 1,
    PageDown: at - 10,
    PageUp: at + 10,
  };
  return (
    <div class="fate-chart">
      <canvas
        ref={canvas}
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="slider"
        aria-label="Step"
        aria-valuemin={sets[0]?.step ?? 0}
        aria-valuemax={sets.at(-1)?.step ?? 0}
        aria-valuenow={chosen.step}
        aria-valuetext={text}
        onPointerMove={(event) => {
          hovered.value = indexAt(event);
          if (event.buttons === 1) choose(indexAt(event));
        }}
        onPointerLeave={() => (hovered.value = undefined)}
        onPointerDown={(event) => choose(indexAt(event))}
        onKeyDown={(event) => {
          const to = moves[event.key];
          if (to === undefined) return;
          event.preventDefault();
          choose(to);
        }}
      />
      <p class="fate-caption" aria-hidden="true">
        <b>Step {named.step}</b>
        {counts.map(([fate, n]) => (
          <span key={fate} title={fateStyle(fate).about}>
            <i class="swatch" style={{ background: `var(${fateStyle(fate).colour})` }} />
            {n} {fateStyle(fate).label}
          </span>
        ))}
      </p>
    </div>
  );
}

function draw(
  canvas: HTMLCanvasElement,
  width: number,
  sets: readonly SetHead[],
  unit: FateChartProps["unit"],
  chosen: number,
  hovered: number | undefined,
): void {
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  pen.scale(scale, scale);
  const top = 6;
  const bottom = height - axis;
  const totals = sets.map((set) => Object.values(countsOf(set, unit)).reduce((n, value) => n + value, 0));
  const most = Math.max(1, ...totals);
  const column = width / sets.length;
  // Columns thinner than two pixels share one, and the widest says what is in it.
  const every = Math.max(1, Math.ceil(2 / column));
  const gap = column * every > 5 ? Math.min(2, column * 0.15) : 0;
  const colours = new Map<string, string>();
  const colourOf = (fate: string): string => {
    const variable = fateStyle(fate).colour;
    const known = colours.get(variable) ?? colour(variable);
    colours.set(variable, known);
    return known;
  };
  for (let i = 0; i < sets.length; i += every) {
    const counts = Object.entries(countsOf(sets[i] as SetHead, unit)).sort(
      ([a], [b]) => fateRank(a) - fateRank(b),
    );
    let y = bottom;
    for (const [fate, n] of counts) {
      const tall = (n / most) * (bottom - top);
      pen.fillStyle = colourOf(fate);
      pen.fillRect(i * column + gap / 2, y - tall, column * every - gap, tall);
      y -= tall;
    }
  }
  pen.fillStyle = colour("--faint");
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  pen.textBaseline = "bottom";
  for (const { index, text, align } of labels(sets, width)) {
    pen.textAlign = align;
    const x = align === "left" ? 0 : align === "right" ? width : (index + 0.5) * column;
    pen.fillText(text, x, height - 1);
  }
  for (const [index, strength] of [
    [hovered, 0.35],
    [chosen, 1],
  ] as const) {
    if (index === undefined) continue;
    const wide = Math.max(3, column);
    const x = Math.min(width - wide, Math.max(0, (index + 0.5) * column - wide / 2));
    pen.globalAlpha = strength;
    pen.strokeStyle = colour("--ink");
    pen.lineWidth = 1.5;
    pen.strokeRect(x + 0.75, top - 3, wide - 1.5, bottom - top + 5);
    pen.globalAlpha = 1;
  }
}

interface Label {
  readonly index: number;
  readonly text: string;
  readonly align: "left" | "center" | "right";
}

/** First and last step, and round ones between, where there is room. */
function labels(sets: readonly SetHead[], width: number): Label[] {
  const last = sets.length - 1;
  const stepOf = (index: number): number => (sets[index] as SetHead).step;
  const raw = stepOf(last) / Math.max(2, Math.min(8, width / 110));
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, raw)));
  const stride = [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= raw) ?? unit;
  const ends: Label[] = [{ index: 0, text: `step ${stepOf(0)}`, align: "left" }];
  if (last > 0) ends.push({ index: last, text: String(stepOf(last)), align: "right" });
  const between = sets.flatMap((set, index): Label[] => {
    const x = ((index + 0.5) * width) / sets.length;
    const clear = x > 60 && x < width - 44;
    return set.step % stride === 0 && clear ? [{ index, text: String(set.step), align: "center" }] : [];
  });
  return [...ends, ...between];
}
