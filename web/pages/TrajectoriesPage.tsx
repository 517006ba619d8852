// Every trajectory of a run, searched by what was wrong with it. Lists and counts come from the figures of all of them.
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RunOverview } from "../../src/viewer/protocol.ts";
import { groupOfRow, type SetTable } from "../../src/viewer/tableCodec.ts";
import { fateRank, fateStyle } from "../data/fates.ts";
import {
  filteredRows,
  flagCounts,
  flagNames,
  flagText,
  sortedRows,
  type FlagName,
  type RowRef,
  type SortKey,
} from "../data/filters.ts";
import { advantageText, count, fixed, grouped, tone } from "../data/format.ts";
import { useKeys } from "../data/keys.ts";
import { adjust, go, hrefOf, route } from "../data/route.ts";
import { currentRun, loadTables, shownRuns, tableOf, tablesVersion } from "../data/state.ts";
import { setWalk } from "../data/walk.ts";
import { RunPicker } from "../parts/RunPicker.tsx";
import { setTitle, trajectoryHref } from "../parts/TrajectoryView.tsx";
import { VirtualList } from "../parts/VirtualList.tsx";

const sortKeys: readonly SortKey[] = ["step", "reward", "advantage", "calls", "errors", "turns", "tokens"];

export function TrajectoriesPage() {
  const run = currentRun.value;
  const { params } = route.value;
  const search = useRef<HTMLInputElement>(null);
  const active = useSignal(-1);
  const narrow = useSignal(matchMedia("(max-width: 720px)").matches);
  const sets = setOrder(run);
  useEffect(() => {
    if (run !== undefined)
      void loadTables(
        run.key,
        sets.map(({ name }) => name),
      );
  }, [run?.key, run?.generation, run?.sets.length]);
  useEffect(() => {
    const media = matchMedia("(max-width: 720px)");
    const listen = (): void => void (narrow.value = media.matches);
    media.addEventListener("change", listen);
    return () => media.removeEventListener("change", listen);
  }, []);

  const tables = useComputed((): readonly SetTable[] => {
    void tablesVersion.value;
    const now = currentRun.value;
    return now === undefined ? [] : setOrder(now).flatMap(({ name }) => tableOf(now.key, name) ?? []);
  });
  const counts = useComputed(() => flagCounts(tables.value));
  const kinds = useComputed(() =>
    [...new Set(tables.value.flatMap((t) => t.groups.map(({ kind }) => kind)))]
      .filter((kind) => kind !== "")
      .sort(),
  );
  const fates = useComputed(() =>
    [...new Set(tables.value.flatMap((t) => t.fates))]
      .filter((fate) => fate !== "")
      .sort((a, b) => fateRank(a) - fateRank(b)),
  );
  const flags = useComputed((): readonly FlagName[] =>
    flagNames.filter((flag) => (route.value.params["f"] ?? "").split(",").includes(flag)),
  );
  const sort = useComputed(() => {
    const named = route.value.params["sort"] ?? "";
    const key = sortKeys.find((each) => each === named.replace(/^-/, "")) ?? "step";
    return { key, descending: named.startsWith("-") };
  });
  const rows = useComputed(() => {
    const { kind, set, fate, q } = route.value.params;
    const filter = {
      flags: flags.value,
      text: q ?? "",
      ...(kind && { kind }),
      ...(set && { set }),
      ...(fate && { fate }),
    };
    return sortedRows(filteredRows(tables.value, filter), sort.value.key, sort.value.descending);
  });
  useSignalEffect(() => {
    const now = currentRun.value;
    if (now === undefined || rows.value.length === 0) return;
    setWalk({
      runKey: now.key,
      rows: rows.value,
      href: hrefOf("trajectories", route.value.params),
      label: "the list",
    });
  });

  const move = (to: number): void => {
    active.value = Math.max(0, Math.min(rows.value.length - 1, to));
    requestAnimationFrame(() =>
      document.getElementById(`row-${active.value}`)?.focus({ preventScroll: true }),
    );
  };
  const clear = (): void =>
    adjust({ f: undefined, kind: undefined, set: undefined, fate: undefined, q: undefined });
  useKeys([
    { keys: ["/"], about: "search questions", act: () => search.current?.focus() },
    { keys: ["j", "ArrowDown"], about: "next trajectory", act: () => move(active.value + 1) },
    { keys: ["k", "ArrowUp"], about: "trajectory before", act: () => move(active.value - 1) },
    { keys: ["Home"], about: "first trajectory", act: () => move(0) },
    { keys: ["End"], about: "last trajectory", act: () => move(rows.value.length - 1) },
    {
      keys: ["Enter"],
      about: "open the trajectory",
      act: () => {
        if (active.value < 0 || active.value >= rows.value.length || run === undefined) return;
        const { table, row } = rows.value.at(active.value);
        location.hash = trajectoryHref(run, table.set, row);
      },
    },
    { keys: ["Escape"], about: "clear all filters", act: clear },
  ]);

  if (run === undefined) return null;
  const total = tables.value.reduce((n, table) => n + table.length, 0);
  const expected = run.sets.reduce((n, set) => n + set.trajectories, 0);
  const toggle = (flag: FlagName): void => {
    const next = flags.value.includes(flag)
      ? flags.value.filter((other) => other !== flag)
      : [...flags.value, flag];
    adjust({ f: next.join(",") });
  };
  const filtered =
    flags.value.length > 0 || ["kind", "set", "fate", "q"].some((name) => params[name] !== undefined);
  return (
    <main class="page page-list">
      <h1 class="unseen">Trajectories</h1>
      <div class="toolbar">
        <RunPicker runs={shownRuns.value} run={run} onPick={(key) => adjust({ run: key, set: undefined })} />
        <label class="search">
          <span class="unseen">Search questions, tasks and kinds</span>
          <input
            ref={search}
            type="search"
            placeholder="Search questions"
            value={params["q"] ?? ""}
            onInput={(event) => adjust({ q: event.currentTarget.value })}
          />
          <kbd>/</kbd>
        </label>
        <Choice
          label="step"
          value={params["set"]}
          all="every step"
          options={sets.map(({ name }) => [name, setTitle(name)])}
          onPick={(set) => adjust({ set })}
        />
        <Choice
          label="kind"
          value={params["kind"]}
          all="every kind"
          options={kinds.value.map((kind) => [kind, kind])}
          onPick={(kind) => adjust({ kind })}
        />
        <Choice
          label="fate"
          value={params["fate"]}
          all="every fate"
          options={fates.value.map((fate) => [fate, fateStyle(fate).label])}
          onPick={(fate) => adjust({ fate })}
        />
      </div>
      <div class="chips" role="group" aria-label="Filters">
        {flagNames.map((flag) => (
          <button
            key={flag}
            type="button"
            class="chip"
            aria-pressed={flags.value.includes(flag)}
            title={flagText[flag].about}
            onClick={() => toggle(flag)}
          >
            {flagText[flag].label} <small>{grouped(counts.value[flag])}</small>
          </button>
        ))}
        {filtered && (
          <button type="button" class="chip chip-clear" onClick={clear}>
            clear
          </button>
        )}
      </div>
      <p class="found" role="status">
        <b>{grouped(rows.value.length)}</b> of {grouped(total)} trajectories
        {total < expected && <span class="quiet"> · reading {grouped(expected - total)} more…</span>}
      </p>
      {expected === 0 ? (
        <p class="empty">{run.absent.trajectories ?? "There are no trajectories yet."}</p>
      ) : rows.value.length === 0 && total === expected ? (
        <p class="empty">No trajectory passes these filters. Esc clears them.</p>
      ) : (
        <div class="table card">
          {!narrow.value && <Head sort={sort.value} />}
          <VirtualList
            count={rows.value.length}
            rowHeight={narrow.value ? 64 : 34}
            label="Trajectories"
            {...(active.value >= 0 && { active: active.value })}
            render={(index) => (
              <Row
                run={run}
                item={rows.value.at(index)}
                index={index}
                narrow={narrow.value}
                onFocus={() => (active.value = index)}
              />
            )}
          />
        </div>
      )}
    </main>
  );
}

function setOrder(run: RunOverview | undefined): RunOverview["sets"] {
  return [...(run?.sets ?? [])].sort((a, b) => b.stage.localeCompare(a.stage) || a.step - b.step);
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly all: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onPick: (value: string | undefined) => void;
}

function Choice({ label, value, all, options, onPick }: ChoiceProps) {
  if (options.length < 2 && value === undefined) return null;
  return (
    <select
      aria-label={label}
      value={value ?? ""}
      onChange={(event) => onPick(event.currentTarget.value || undefined)}
    >
      <option value="">{all}</option>
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}

const columns: readonly { readonly key?: SortKey; readonly label: string; readonly name: string }[] = [
  { key: "step", label: "step", name: "step" },
  { label: "", name: "verdict" },
  { label: "question", name: "question" },
  { key: "reward", label: "reward", name: "reward" },
  { key: "advantage", label: "advantage", name: "advantage" },
  { key: "calls", label: "calls", name: "calls" },
  { key: "errors", label: "errors", name: "errors" },
  { key: "turns", label: "turns", name: "turns" },
  { key: "tokens", label: "tokens", name: "tokens" },
  { label: "fate", name: "fate" },
];

function Head({ sort }: { readonly sort: { readonly key: SortKey; readonly descending: boolean } }) {
  const pick = (key: SortKey): void => {
    // Figures are wanted largest first, steps from the first on; a second press turns them round.
    const first = key === "step" ? "" : "-";
    const again = sort.key === key && sort.descending === (first === "-");
    const value = `${again ? (first === "-" ? "" : "-") : first}${key}`;
    adjust({ sort: value === "step" ? undefined : value });
  };
  return (
    <div class="cells cells-head">
      {columns.map(({ key, label, name }) =>
        key === undefined ? (
          <span key={name} class={`cell-${name}`}>
            {label}
          </span>
        ) : (
          <button
            key={name}
            type="button"
            class={`cell-${name}`}
            aria-pressed={sort.key === key}
            onClick={() => pick(key)}
          >
            {label}
            {sort.key === key && <span aria-hidden="true">{sort.descending ? " ↓" : " ↑"}</span>}
          </button>
        ),
      )}
    </div>
  );
}

interface RowProps {
  readonly run: RunOverview;
  readonly item: RowRef;
  readonly index: number;
  readonly narrow: boolean;
  readonly onFocus: () => void;
}

function Row({ run, item: { table, row }, index, narrow, onFocus }: RowProps) {
  const group = groupOfRow(table, row);
  const accuracy = table.accuracy[row];
  const [mark, verdict] =
    accuracy === 1 ? ["✓", "right"] : accuracy === 0 ? ["✕", "wrong"] : ["?", "undecided"];
  const fate = fateStyle(table.fates[table.fate[row] as number] ?? "");
  const advantage = table.advantage[row] as number;
  const href = trajectoryHref(run, table.set, row);
  const open = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    go("trajectory", { runs: route.value.params["runs"], run: run.key, set: table.set, i: row });
  };
  const step = setTitle(table.set)
    .replace(/^step /, "")
    .replace("evaluation after step", "eval")
    .replace("evaluation before RL", "eval 0");
  const stored = row < table.stored;
  const common = { id: `row-${index}`, href, onClick: open, onFocus };
  const advantageTone = tone(advantage);
  if (narrow)
    return (
      <a {...common} class={`row row-narrow${stored ? "" : " row-light"}`}>
        <span class={`cell-verdict verdict-${verdict}`} aria-label={verdict}>
          {mark}
        </span>
        <span class="cell-question" dir="auto">
          {group?.question}
        </span>
        <span class="row-under">
          <span>{setTitle(table.set)}</span>
          <span>reward {fixed(table.reward[row] as number, 2)}</span>
          <span class={advantageTone}>{advantageText(advantage)}</span>
          <span>{count(table.calls[row] as number, "call")}</span>
          <span>{fate.label}</span>
        </span>
      </a>
    );
  return (
    <a {...common} class={`row cells${stored ? "" : " row-light"}`}>
      <span class="cell-step">{step}</span>
      <span class={`cell-verdict verdict-${verdict}`} aria-label={verdict}>
        {mark}
      </span>
      <span class="cell-question" dir="auto">
        {group?.question}
        <small> {group?.kind}</small>
      </span>
      <span class="cell-reward">{fixed(table.reward[row] as number, 2)}</span>
      <span class={`cell-advantage ${advantageTone}`}>{advantageText(advantage)}</span>
      <span class="cell-calls">{table.calls[row]}</span>
      <span class={`cell-errors${table.errors[row] === 0 ? " zero" : ""}`}>{table.errors[row]}</span>
      <span class="cell-turns">{table.turns[row]}</span>
      <span class="cell-tokens">{grouped(table.tokens[row] as number)}</span>
      <span class="cell-fate">
        <i class="swatch" style={{ background: `var(${fate.colour})` }} />
        {fate.label}
      </span>
    </a>
  );
}
