// What the page knows, as signals: the list of runs, those opened, and the tables of their sets as they come in.
import { computed, signal } from "@preact/signals";
import type { MetricColumns, RunList, RunOverview } from "../../src/viewer/protocol.ts";
import type { SetTable } from "../../src/viewer/tableCodec.ts";
import { route } from "./route.ts";
import { openSource } from "./source.ts";

export const source = openSource();

export const runList = signal<RunList | undefined>(undefined);
export const overviews = signal<ReadonlyMap<string, RunOverview>>(new Map());
/** Said to the person; the first is shown. */
export const failure = signal<string | undefined>(undefined);
/** False when the server that feeds the page is gone. */
export const connected = signal(true);

/** Keys of the runs on show: those of the address, or those of the command line. */
export const shownKeys = computed((): readonly string[] => {
  const named = route.value.params["runs"];
  const known = new Set(runList.value?.runs.map(({ key }) => key));
  if (named !== undefined) return named.split(",").filter((key) => known.has(key));
  return runList.value?.chosen ?? [];
});

/** Of these, those that have been loaded, in their order. */
export const shownRuns = computed((): readonly RunOverview[] =>
  shownKeys.value.flatMap((key) => overviews.value.get(key) ?? []),
);

/** The one run that strategy and trajectories are of. */
export const currentRun = computed((): RunOverview | undefined => {
  const { run } = route.value.params;
  return shownRuns.value.find(({ key }) => key === run) ?? shownRuns.value[0];
});

/** Colours go by place among the runs on show. */
export function colourNumber(key: string): number {
  return Math.max(0, shownKeys.value.indexOf(key)) % 6;
}

export async function start(): Promise<void> {
  await refreshList();
  source.listen(
    ({ key, generation, metrics, sets, state }) => {
      if (loading.has(key)) {
        loadAgain.add(key);
        return;
      }
      const known = overviews.value.get(key);
      if (known === undefined) return;
      const same =
        known.generation === generation &&
        known.metrics.steps.length === metrics &&
        known.sets.length === sets &&
        known.state === state;
      if (!same) void loadRun(key);
    },
    (state) => (connected.value = state),
  );
}

export async function refreshList(): Promise<void> {
  await attempt(async () => {
    runList.value = await source.list();
  });
}

const loading = new Map<string, Promise<void>>();
/** Runs of which there was news while they were loading, which may have come too late for what is on its way. */
const loadAgain = new Set<string>();

/** Loads a run, or what is new of it; while it loads, that is waited for. */
export function loadRun(key: string): Promise<void> {
  const before = loading.get(key);
  if (before !== undefined) return before;
  const work = attempt(async () => {
    const known = overviews.value.get(key);
    const news = await source.overview(
      key,
      known && { generation: known.generation, metrics: known.metrics.steps.length, sets: known.sets.length },
    );
    if (known !== undefined && known.generation !== news.generation) dropTables(key);
    overviews.value = new Map(overviews.value).set(key, merged(known, news));
  }).finally(() => {
    loading.delete(key);
    if (loadAgain.delete(key)) void loadRun(key);
  });
  loading.set(key, work);
  return work;
}

export async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
    failure.value = undefined;
  } catch (error) {
    failure.value = (error as Error).message;
  }
}

/** What was known, and the news behind it. */
export function merged(known: RunOverview | undefined, news: RunOverview): RunOverview {
  if (known === undefined || known.generation !== news.generation) return news;
  return {
    ...news,
    metricsFrom: 0,
    setsFrom: 0,
    metrics: joined(known.metrics, news.metrics, news.metricsFrom),
    sets: [...known.sets.slice(0, news.setsFrom), ...news.sets],
    metricInfo: { ...known.metricInfo, ...news.metricInfo },
  };
}

/** A metric that only one part has is null in the other. */
function joined(known: MetricColumns, news: MetricColumns, from: number): MetricColumns {
  const names = new Set([...Object.keys(known.columns), ...Object.keys(news.columns)]);
  const part = (columns: MetricColumns, name: string, count: number): readonly (number | null)[] =>
    columns.columns[name]?.slice(0, count) ?? Array.from({ length: count }, () => null);
  return {
    steps: [...known.steps.slice(0, from), ...news.steps],
    columns: Object.fromEntries(
      [...names].map((name) => [name, [...part(known, name, from), ...part(news, name, news.steps.length)]]),
    ),
  };
}

const tables = new Map<string, Map<string, SetTable>>();
/** Counts arrivals of tables; read it to be told of them. */
export const tablesVersion = signal(0);
const setsARequest = 24;

export function tableOf(key: string, set: string): SetTable | undefined {
  void tablesVersion.value;
  return tables.get(key)?.get(set);
}

/** Loads those of these sets that are not here yet, a few at a time, so that the first are seen at once. */
export async function loadTables(key: string, sets: readonly string[]): Promise<void> {
  const own = tables.get(key) ?? new Map<string, SetTable>();
  tables.set(key, own);
  const missing = sets.filter((set) => !own.has(set));
  for (let at = 0; at < missing.length; at += setsARequest) {
    const wanted = missing.slice(at, at + setsARequest).filter((set) => !own.has(set));
    if (wanted.length === 0) continue;
    let ok = false;
    await attempt(async () => {
      for (const table of await source.tables(key, wanted)) own.set(table.set, table);
      ok = true;
    });
    if (!ok || tables.get(key) !== own) return;
    tablesVersion.value++;
  }
}

function dropTables(key: string): void {
  tables.delete(key);
  tablesVersion.value++;
}
