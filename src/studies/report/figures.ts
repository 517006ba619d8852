// The pictures of a report: curves of every quantity (mean and 95% interval over seeds), and one quantity against another. Each
// follows the reader's light or dark ground.
import { type Curve, type Panel, renderCurves, smoothed } from "../../runs/chart.ts";
import { meanCurve } from "../../runs/curves.ts";
import type { StudyData } from "../data.ts";
import { pointsOf } from "../measures.ts";
import { dynamicsPanels, heldOutField, type PanelOf, selectionPanels } from "../quantities.ts";
import type { Figure } from "./figure.ts";
import { renderFrontier } from "./frontier.ts";

/** Steps of the moving mean that each run's curve is drawn with. */
export const SMOOTHING = 5;

export function figuresOf(data: StudyData): Figure[] {
  const { name, frontier } = data.study;
  const curves = (part: string, title: string, panels: readonly PanelOf[]): Figure[] => {
    const drawn = panels.map((panel) => panelOf(data, panel)).filter(hasSomething);
    if (drawn.length === 0) return [];
    return [{ file: `${name}-${part}.svg`, alt: title, svg: renderCurves(drawn, { themed: true }) }];
  };
  return [
    ...(frontier === undefined ? [] : renderFrontier(data, frontier)),
    ...curves("curves", "What the policy does, by step", dynamicsPanels),
    ...curves("selection", "What is selected, and where the time goes, by step", selectionPanels),
  ];
}

export function labelOf({ study }: StudyData, arm: string): string {
  return study.arms.find(({ name }) => name === arm)?.label ?? arm;
}

/** Held-out figures are few points a run; only curves with a value a step are smoothed. */
function panelOf(data: StudyData, { quantity, title, unit }: PanelOf): Panel {
  const window = heldOutField(quantity) === undefined ? SMOOTHING : 0;
  const curves = data.study.arms.map(({ name }): Curve => {
    const runs = data.runs.filter(({ arm }) => arm === name).map((run) => pointsOf(run, quantity));
    const each = window > 1 ? runs.map((points) => smoothed(points, window)) : runs;
    return { label: labelOf(data, name), points: meanCurve(each) };
  });
  // Nothing that is drawn can be negative; of shares the chart knows it.
  const bounds = unit === "%" ? {} : { bounds: [0, Infinity] as const };
  return { title, ...(unit !== undefined && { unit }), fromZero: true, ...bounds, curves };
}

function hasSomething({ curves }: Panel): boolean {
  return curves.some(({ points }) => points.some(({ y }) => y !== 0));
}
