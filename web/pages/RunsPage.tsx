// The runs there are: choose one, or several to lay over each other.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunListing } from "../../src/viewer/protocol.ts";
import { ago, withUnit } from "../data/format.ts";
import { useKeys } from "../data/keys.ts";
import { go, hrefOf } from "../data/route.ts";
import { refreshList, runList, shownKeys } from "../data/state.ts";

export function RunsPage() {
  const list = runList.value;
  const picked = useSignal<readonly string[]>(shownKeys.value);
  const active = useSignal(-1);
  const runs = list?.runs ?? [];
  useEffect(() => {
    const timer = setInterval(() => void refreshList(), 5000);
    return () => clearInterval(timer);
  }, []);
  const move = (to: number): void => {
    active.value = Math.max(0, Math.min(runs.length - 1, to));
    document.getElementById(`run-${active.value}`)?.focus();
  };
  const open = (): void => {
    if (picked.value.length > 0) go("curves", { runs: picked.value.join(",") });
  };
  useKeys([
    { keys: ["j", "ArrowDown"], about: "next run", act: () => move(active.value + 1) },
    { keys: ["k", "ArrowUp"], about: "run before", act: () => move(active.value - 1) },
    { keys: ["o"], about: "open the chosen runs", act: open },
  ]);
  if (list === undefined) return null;
  const toggle = (key: string): void => {
    picked.value = picked.value.includes(key)
      ? picked.value.filter((each) => each !== key)
      : [...picked.value, key];
  };
  return (
    <main class="page page-runs">
      <div class="toolbar">
        <h1>Runs</h1>
        {list.root !== undefined && <code class="quiet">{list.root}</code>}
        <span class="grow" />
        <button type="button" class="primary" disabled={picked.value.length === 0} onClick={open}>
          {picked.value.length > 1 ? `Overlay ${picked.value.length} runs` : "Open"}
        </button>
      </div>
      {runs.length === 0 && (
        <p class="empty">
          There is no run in this folder yet. One is made by{" "}
          <code>pyvision train configs/image-mini.yaml</code>; a run elsewhere is named on the command line:{" "}
          <code>pyvision view PATH</code>.
        </p>
      )}
      <ul class="runs">
        {runs.map((run, i) => (
          <li key={run.key} class="card">
            <input
              type="checkbox"
              aria-label={`Choose ${run.key}`}
              checked={picked.value.includes(run.key)}
              onChange={() => toggle(run.key)}
            />
            <a id={`run-${i}`} href={hrefOf("curves", { runs: run.key })} onFocus={() => (active.value = i)}>
              <b>{run.key}</b>
              <StateBadge run={run} />
            </a>
            <span class="run-figures">
              <span>
                {run.totalSteps === undefined ? `${run.step} steps` : `${run.step} / ${run.totalSteps} steps`}
              </span>
              <span>{run.accuracy !== undefined && `accuracy ${withUnit(run.accuracy, "share")}`}</span>
              <span>{run.toolCalls !== undefined && `${withUnit(run.toolCalls, "count")} calls`}</span>
              <span class="quiet">{ago(Date.now() - run.updatedAt)}</span>
            </span>
          </li>
        ))}
      </ul>
    </main>
  );
}

export function StateBadge({ run }: { readonly run: RunListing }) {
  return <span class={`state state-${run.state}`}>{run.state}</span>;
}
