// The frame around every page: which runs, which page, appearance, help.
import { useEffect, useRef } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import { boundKeys, helpOpen, useKeys } from "./data/keys.ts";
import { go, hrefOf, route, type PageName } from "./data/route.ts";
import {
  colourNumber,
  connected,
  loadRun,
  overviews,
  refreshList,
  runList,
  shownKeys,
  shownRuns,
  source,
} from "./data/state.ts";
import { nextTheme, theme } from "./data/theme.ts";
import { ComparePage } from "./pages/ComparePage.tsx";
import { CurvesPage } from "./pages/CurvesPage.tsx";
import { RunsPage, StateBadge } from "./pages/RunsPage.tsx";
import { StrategyPage } from "./pages/StrategyPage.tsx";
import { TrajectoriesPage } from "./pages/TrajectoriesPage.tsx";
import { TrajectoryPage } from "./pages/TrajectoryPage.tsx";
import { Problems } from "./parts/Notices.tsx";

const tabs: readonly {
  readonly page: PageName;
  readonly label: string;
  readonly also: readonly PageName[];
}[] = [
  { page: "curves", label: "Curves", also: [] },
  { page: "strategy", label: "Strategy", also: [] },
  { page: "trajectories", label: "Trajectories", also: ["trajectory", "compare"] },
];

export function App() {
  const { page, params } = route.value;
  const list = runList.value;
  const keys = shownKeys.value;
  useSignalEffect(() => {
    for (const key of shownKeys.value) if (!overviews.peek().has(key)) void loadRun(key);
  });
  const goTo = (to: PageName): void => go(to, { runs: params["runs"], run: params["run"] });
  useKeys(
    [
      ...tabs.map((tab, i) => ({
        keys: [String(i + 1)],
        about: tab.label.toLowerCase(),
        act: () => goTo(tab.page),
      })),
      { keys: ["0"], about: "list of runs", act: () => openList() },
      { keys: ["d"], about: "dark, light, or as the system says", act: nextTheme },
      { keys: ["?"], about: "this help", act: () => (helpOpen.value = !helpOpen.value) },
    ],
    "frame",
  );
  const openList = (): void => {
    void refreshList();
    go("runs", { runs: params["runs"] });
  };

  const showList = page === "runs" || (list !== undefined && keys.length === 0);
  return (
    <>
      <a
        class="skip"
        href="#content"
        onClick={(event) => (
          event.preventDefault(),
          document.querySelector("main")?.querySelector<HTMLElement>("a, button, input, [tabindex]")?.focus()
        )}
      >
        Skip to content
      </a>
      <header class="top">
        <button type="button" class="brand" onClick={openList} aria-label="PyVision: list of runs">
          <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
            <rect width="32" height="32" rx="9" />
            <circle cx="14" cy="14" r="5.5" />
            <path d="M18.2 18.2 24 24" />
          </svg>
        </button>
        <ul class="top-runs" aria-label="Runs on show">
          {shownRuns.value.map((run) => (
            <li key={run.key} title={run.path}>
              <i class={`dot run-${colourNumber(run.key)}`} />
              <b>{run.key}</b>
              <span class="top-step">
                {run.totalSteps === undefined ? run.step : `${run.step}/${run.totalSteps}`}
              </span>
              <StateBadge run={run} />
            </li>
          ))}
        </ul>
        <div class="top-tools">
          {!connected.value && (
            <span class="badge bad" role="status">
              offline
            </span>
          )}
          <button
            type="button"
            class="plain"
            onClick={nextTheme}
            title="Dark, light, or as the system says (d)"
            aria-label={`Appearance: ${theme.value}`}
          >
            {theme.value === "dark" ? "☾" : theme.value === "light" ? "☀" : "◐"}
          </button>
          <button
            type="button"
            class="plain"
            onClick={() => (helpOpen.value = true)}
            title="Keys (?)"
            aria-label="Help"
          >
            ?
          </button>
        </div>
        {!showList && (
          <nav class="tabs" aria-label="Pages">
            {tabs.map((tab) => (
              <a
                key={tab.page}
                href={hrefOf(tab.page, { runs: params["runs"], run: params["run"] })}
                aria-current={tab.page === page || tab.also.includes(page) ? "page" : undefined}
              >
                {tab.label}
              </a>
            ))}
          </nav>
        )}
      </header>
      <div class="messages">
        <Problems />
      </div>
      {showList ? (
        <RunsPage />
      ) : shownRuns.value.length === 0 ? (
        <p class="empty">Reading…</p>
      ) : (
        <Page page={page} />
      )}
      {source.note !== undefined && <footer class="foot quiet">{source.note}.</footer>}
      <Help />
    </>
  );
}

function Page({ page }: { readonly page: PageName }) {
  switch (page) {
    case "runs":
      return <RunsPage />;
    case "curves":
      return <CurvesPage />;
    case "strategy":
      return <StrategyPage />;
    case "trajectories":
      return <TrajectoriesPage />;
    case "trajectory":
      return <TrajectoryPage />;
    case "compare":
      return <ComparePage />;
  }
}

const keyNames: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
};

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      // At once, and not when the browser gets round to telling of the close: the next key is the page's already.
      onCancel={() => (helpOpen.value = false)}
      onClose={() => (helpOpen.value = false)}
      onClick={(event) => event.target === dialog.current && (helpOpen.value = false)}
    >
      <header class="row">
        <h2 id="help-title">Keys</h2>
        <span class="grow" />
        <button type="button" class="plain" aria-label="Close" onClick={() => (helpOpen.value = false)}>
          ×
        </button>
      </header>
      {open && (
        <dl>
          {boundKeys().map(({ keys, about }) => (
            <div key={about}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{keyNames[key] ?? key}</kbd>
                ))}
              </dt>
              <dd>{about}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="quiet">
        The address bar always holds what you see: copy it to show somebody this very step, trajectory or
        filter.
      </p>
    </dialog>
  );
}
