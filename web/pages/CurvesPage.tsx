// Curves of any metric, runs laid over each other, and what sets the runs apart.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { configDifferences } from "../../src/viewer/configDifferences.ts";
import type { RunOverview } from "../../src/viewer/protocol.ts";
import { defaultMetrics, metricTitle, unitSuffix } from "../data/format.ts";
import { useKeys } from "../data/keys.ts";
import { adjust, route } from "../data/route.ts";
import { colourNumber, shownRuns } from "../data/state.ts";
import { Alarms } from "../parts/Notices.tsx";
import { Chart, hoveredStep, zoom } from "../parts/Chart.tsx";

export function CurvesPage() {
  const runs = shownRuns.value;
  const search = useRef<HTMLInputElement>(null);
  const typed = useSignal("");
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.metrics.columns)))].sort();
  const chosen = chosenMetrics(names);
  const smooth = Math.max(1, Number(route.value.params["smooth"] ?? 1) || 1);
  const steps = [...new Set(runs.flatMap((run) => run.metrics.steps))].sort((a, b) => a - b);

  const move = (by: number): void => {
    const at = hoveredStep.value === undefined ? steps.length - 1 : steps.indexOf(hoveredStep.value);
    hoveredStep.value = steps[Math.max(0, Math.min(steps.length - 1, at + by))];
  };
  useKeys([
    { keys: ["/"], about: "search metrics", act: () => search.current?.focus() },
    { keys: ["ArrowLeft", "h"], about: "read the step before", act: () => move(-1) },
    { keys: ["ArrowRight", "l"], about: "read the step after", act: () => move(1) },
    {
      keys: ["Escape"],
      about: "see all steps again",
      act: () => {
        [zoom.value, hoveredStep.value, typed.value] = [undefined, undefined, ""];
      },
    },
  ]);

  const toggle = (name: string): void => {
    const next = chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name];
    adjust({ m: next.join(",") });
  };
  const needle = typed.value.trim().toLowerCase();
  const found = names.filter((name) => `${name} ${metricTitle(name)}`.toLowerCase().includes(needle));

  return (
    <main class="page">
      <h1 class="unseen">Curves</h1>
      <Alarms runs={runs} />
      <div class="toolbar">
        <label class="search">
          <span class="unseen">Search metrics</span>
          <input
            ref={search}
            type="search"
            placeholder="Search metrics"
            value={typed.value}
            onInput={(event) => (typed.value = event.currentTarget.value)}
          />
          <kbd>/</kbd>
        </label>
        <label class="slider">
          Smooth
          <input
            type="range"
            min={1}
            max={Math.max(5, Math.min(101, steps.length | 1))}
            step={2}
            value={smooth}
            onInput={(event) =>
              adjust({ smooth: event.currentTarget.value === "1" ? undefined : event.currentTarget.value })
            }
          />
          <output>{smooth === 1 ? "off" : `${smooth} steps`}</output>
        </label>
        <span class="grow" />
        {zoom.value !== undefined && (
          <button type="button" class="chip" onClick={() => (zoom.value = undefined)}>
            steps {zoom.value[0]}–{zoom.value[1]} <span aria-hidden="true">×</span>
          </button>
        )}
        <span class="quiet hint">
          {hoveredStep.value === undefined ? "drag to zoom" : `step ${hoveredStep.value}`}
        </span>
      </div>
      {needle !== "" && (
        <ul class="metric-list card" aria-label="Metrics found">
          {found.length === 0 && <li class="quiet">No metric has “{typed.value}” in its name.</li>}
          {found.map((name) => (
            <MetricChoice key={name} name={name} runs={runs} on={chosen.includes(name)} toggle={toggle} />
          ))}
        </ul>
      )}
      {names.length === 0 && <p class="empty">No step is finished yet. Curves appear with the first.</p>}
      <div class="charts">
        {chosen.map((metric) => (
          <Chart key={metric} metric={metric} runs={runs} smooth={smooth} />
        ))}
      </div>
      {names.length > 0 && needle === "" && (
        <details class="all-metrics">
          <summary>
            Choose among {names.length} metrics <span class="quiet">({chosen.length} shown)</span>
          </summary>
          <ul class="metric-list">
            {names.map((name) => (
              <MetricChoice key={name} name={name} runs={runs} on={chosen.includes(name)} toggle={toggle} />
            ))}
          </ul>
        </details>
      )}
      <Settings runs={runs} />
    </main>
  );
}

/** Those of the address; else the usual ones there are; else the first there are. */
function chosenMetrics(names: readonly string[]): readonly string[] {
  const named = route.value.params["m"];
  if (named !== undefined) return named.split(",").filter((name) => names.includes(name));
  const usual = defaultMetrics.filter((name) => names.includes(name));
  return usual.length >= 3 ? usual : names.slice(0, 9);
}

interface MetricChoiceProps {
  readonly name: string;
  readonly runs: readonly RunOverview[];
  readonly on: boolean;
  readonly toggle: (name: string) => void;
}

function MetricChoice({ name, runs, on, toggle }: MetricChoiceProps) {
  const info = runs.map((run) => run.metricInfo[name]).find((each) => each !== undefined);
  return (
    <li>
      <label title={info?.about}>
        <input type="checkbox" checked={on} onChange={() => toggle(name)} />
        <span>{metricTitle(name)}</span>
        <code>{name}</code>
        <span class="quiet">{info?.unit === "share" ? "%" : unitSuffix(info?.unit)}</span>
      </label>
    </li>
  );
}

function Settings({ runs }: { readonly runs: readonly RunOverview[] }) {
  if (runs.length < 2) return null;
  const differences = configDifferences(runs.map(({ config }) => config)).filter(({ key }) => key !== "name");
  return (
    <section class="settings" aria-labelledby="settings-title">
      <h2 id="settings-title">What sets these runs apart</h2>
      {differences.length === 0 ? (
        <p class="quiet">Nothing: every key of their configs has the same value.</p>
      ) : (
        <div class="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">key</th>
                {runs.map(({ key }) => (
                  <th key={key} scope="col" class={`run-name run-${colourNumber(key)}`}>
                    {key}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {differences.map(({ key, values }) => (
                <tr key={key}>
                  <th scope="row">
                    <code>{key}</code>
                  </th>
                  {values.map((value, i) => (
                    <td key={i}>
                      <code>{value ?? "–"}</code>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
