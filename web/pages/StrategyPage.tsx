// The rollout strategy made visible: what became of everything drawn over the steps, and one step's groups in the order
// they were ranked, with the line below which nothing was trained on.
import { useEffect } from "preact/hooks";
import type { RunOverview, SetHead } from "../../src/viewer/protocol.ts";
import type { SetTable, TableGroup } from "../../src/viewer/tableCodec.ts";
import { fateRank, fateStyle } from "../data/fates.ts";
import { count, fixed } from "../data/format.ts";
import { useKeys } from "../data/keys.ts";
import { adjust, route } from "../data/route.ts";
import { currentRun, loadTables, shownRuns, tableOf } from "../data/state.ts";
import { FateChart } from "../parts/FateChart.tsx";
import { Alarms } from "../parts/Notices.tsx";
import { rewardExtent, Rewards } from "../parts/Rewards.tsx";
import { RunPicker } from "../parts/RunPicker.tsx";
import { trajectoryHref } from "../parts/TrajectoryView.tsx";

export function StrategyPage() {
  const run = currentRun.value;
  const sets = trainingSets(run);
  const unit = route.value.params["by"] === "trajectories" ? "trajectories" : "groups";
  const named = sets.find(({ step }) => step === Number(route.value.params["step"]));
  const chosen = named ?? sets.at(-1);
  const choose = (set: SetHead): void => adjust({ step: set === sets.at(-1) ? undefined : set.step });
  const move = (by: number): void => {
    const at = sets.indexOf(chosen as SetHead);
    const next = sets[Math.max(0, Math.min(sets.length - 1, at + by))];
    if (next !== undefined) choose(next);
  };
  useKeys([
    { keys: ["ArrowLeft", "k"], about: "step before", act: () => move(-1) },
    { keys: ["ArrowRight", "j"], about: "step after", act: () => move(1) },
  ]);
  useEffect(() => {
    if (run !== undefined && chosen !== undefined) void loadTables(run.key, [chosen.name]);
  }, [run?.key, run?.generation, chosen?.name]);

  if (run === undefined) return null;
  return (
    <main class="page">
      <h1 class="unseen">Rollout strategy</h1>
      <Alarms runs={[run]} />
      <div class="toolbar">
        <RunPicker runs={shownRuns.value} run={run} onPick={(key) => adjust({ run: key, step: undefined })} />
        <span class="grow" />
        {chosen !== undefined && (
          <div class="segmented" role="group" aria-label="Count">
            {(["groups", "trajectories"] as const).map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={unit === each}
                onClick={() => adjust({ by: each === "groups" ? undefined : each })}
              >
                {each}
              </button>
            ))}
          </div>
        )}
      </div>
      {chosen === undefined ? (
        <p class="empty">
          {run.absent.strategy ?? "No step is finished yet. Its groups appear with the first."}
        </p>
      ) : (
        <>
          <section class="card" aria-label="Fates over steps">
            <FateChart sets={sets} unit={unit} chosen={chosen} onChoose={choose} />
          </section>
          <StepView run={run} set={chosen} />
        </>
      )}
    </main>
  );
}

export function trainingSets(run: RunOverview | undefined): readonly SetHead[] {
  return (run?.sets ?? []).filter(({ strategy }) => strategy !== undefined).sort((a, b) => a.step - b.step);
}

function StepView({ run, set }: { readonly run: RunOverview; readonly set: SetHead }) {
  const table = tableOf(run.key, set.name);
  const record = set.strategy?.record;
  if (record === undefined) return null;
  const filtered = Object.values(record.droppedGroups).reduce((n, value) => n + value, 0);
  return (
    <section class="step" aria-labelledby="step-title">
      <h2 id="step-title">Step {set.step}</h2>
      <ol class="funnel">
        <Stage
          value={record.promptsDrawn}
          name="drawn"
          about={`${record.batchesDrawn === 0 ? "in the background" : `in ${count(record.batchesDrawn, "batch").replace("batchs", "batches")}`}, ${count(set.trajectories, "trajectory")}`}
        />
        <Stage value={-filtered} name="filtered" about={droppedText(record.droppedGroups)} />
        <Stage
          value={-record.rankCut}
          name="rank cut"
          about={record.rankCut > 0 ? "a smaller spread of rewards" : "none: all survivors are used"}
        />
        <Stage
          value={record.groupsTrained}
          name="trained on"
          about={count(set.strategy?.memberFates["trained"] ?? 0, "trajectory")}
        />
      </ol>
      {record.capHit && (
        <p class="notice">
          The cap on prompt batches was reached before enough groups survived, so the step trained on fewer.
        </p>
      )}
      {table === undefined ? (
        <p class="quiet">Reading the step’s groups…</p>
      ) : (
        <Groups run={run} set={set} table={table} />
      )}
    </section>
  );
}

function Stage({
  value,
  name,
  about,
}: {
  readonly value: number;
  readonly name: string;
  readonly about: string;
}) {
  return (
    <li>
      <b>{value < 0 ? `−${-value}` : value}</b> <span>{name}</span>
      <small>{about}</small>
    </li>
  );
}

function droppedText(dropped: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(dropped).map(([fate, n]) => `${n} ${fateStyle(fate).label}`);
  return parts.length > 0 ? parts.join(", ") : "every group had something to teach";
}

interface GroupsProps {
  readonly run: RunOverview;
  readonly set: SetHead;
  readonly table: SetTable;
}

function Groups({ run, set, table }: GroupsProps) {
  if (table.groups.length === 0) return <p class="notice">The groups of this step could not be read.</p>;
  const extent = rewardExtent(table);
  const survivors = table.groups
    .filter(({ fate }) => fateRank(fate) <= 1)
    .sort((a, b) => (b.spread ?? 0) - (a.spread ?? 0) || a.start - b.start);
  const trained = survivors.filter(({ fate }) => fate === "trained");
  const cut = survivors.filter(({ fate }) => fate !== "trained");
  const dropped = table.groups.filter((group) => !survivors.includes(group));
  const reasons = [...new Set(dropped.map(({ fate }) => fate))].sort((a, b) => fateRank(a) - fateRank(b));
  const row = (group: TableGroup, rank?: number) => (
    <GroupRow
      key={group.start}
      run={run}
      set={set}
      table={table}
      group={group}
      extent={extent}
      {...(rank !== undefined && { rank })}
    />
  );
  return (
    <div class="groups">
      <div class="group group-head" aria-hidden="true">
        <span class="group-rank">#</span>
        <span class="group-rewards">
          <span>{fixed(extent[0], 1)}</span>
          <span>rewards of the members</span>
          <span>{fixed(extent[1], 1)}</span>
        </span>
        <span class="group-spread">spread</span>
        <span class="group-task">task</span>
      </div>
      <ol class="group-list" aria-label="Groups that were trained on">
        {trained.map((group) => row(group, survivors.indexOf(group) + 1))}
      </ol>
      {cut.length > 0 && (
        <>
          <h3 class="cut-line">
            <span>rank cut: the update is made from the {trained.length} above</span>
          </h3>
          <ol class="group-list" aria-label="Groups cut by rank">
            {cut.map((group) => row(group, survivors.indexOf(group) + 1))}
          </ol>
        </>
      )}
      {reasons.map((fate) => {
        const own = dropped.filter((group) => group.fate === fate);
        const style = fateStyle(fate);
        return (
          <section key={fate} class="dropped">
            <h3>
              <i class="swatch" style={{ background: `var(${style.colour})` }} /> Filtered: {style.label}{" "}
              <span class="quiet">
                {count(own.length, "group")} · {style.about}
              </span>
            </h3>
            <ol class="group-list" aria-label={`Groups filtered: ${style.label}`}>
              {own.map((group) => row(group))}
            </ol>
          </section>
        );
      })}
    </div>
  );
}

interface GroupRowProps extends GroupsProps {
  readonly group: TableGroup;
  readonly extent: readonly [number, number];
  readonly rank?: number;
}

function GroupRow({ run, set, table, group, extent, rank }: GroupRowProps) {
  const href = (row: number): string => trajectoryHref(run, set.name, row);
  const right = Array.from({ length: group.count }, (_, i) => table.accuracy[group.start + i]).filter(
    (a) => a === 1,
  ).length;
  return (
    <li class="group">
      <span class="group-rank">{rank ?? ""}</span>
      <span class="group-rewards">
        <Rewards table={table} group={group} extent={extent} hrefOf={href} />
      </span>
      <span class="group-spread">{fixed(group.spread ?? NaN, 3)}</span>
      <a
        class="group-task"
        href={href(group.start)}
        aria-label={`${group.question} ${right} of ${group.count} right, spread ${fixed(group.spread ?? NaN, 3)}`}
      >
        <span dir="auto">{group.question}</span>
        <small>
          {group.kind} · {right} of {group.count} right
        </small>
      </a>
    </li>
  );
}
