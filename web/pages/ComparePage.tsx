// The same task twice: at two steps, in two runs, or two members of one group, side by side.
import { useEffect } from "preact/hooks";
import type { RunOverview } from "../../src/viewer/protocol.ts";
import { groupOfRow } from "../../src/viewer/tableCodec.ts";
import { fixed } from "../data/format.ts";
import { useKeys } from "../data/keys.ts";
import { adjust, route } from "../data/route.ts";
import { loadTables, shownRuns, tableOf } from "../data/state.ts";
import { gridShown, nextEnlargement, PictureControls } from "../parts/Picture.tsx";
import { setTitle, TrajectoryView, trajectoryHref, type TrajectoryRef } from "../parts/TrajectoryView.tsx";

export function ComparePage() {
  const runs = shownRuns.value;
  const { a, b, tokens } = route.value.params;
  const first = refOf(a, runs);
  const candidates = first === undefined ? [] : sameTask(first, runs);
  const second = refOf(b, runs) ?? candidates[0];
  useEffect(() => {
    for (const run of runs)
      void loadTables(
        run.key,
        run.sets.map(({ name }) => name),
      );
  }, [runs.map(({ key, sets }) => `${key} ${sets.length}`).join()]);

  const step = (by: number): void => {
    const at = candidates.findIndex((each) => second !== undefined && nameOf(each) === nameOf(second));
    const next = candidates[(at + by + candidates.length) % Math.max(1, candidates.length)];
    if (next !== undefined) adjust({ b: nameOf(next) });
  };
  useKeys([
    { keys: ["j", "ArrowDown", "ArrowRight"], about: "compare with the next", act: () => step(1) },
    { keys: ["k", "ArrowUp", "ArrowLeft"], about: "compare with the previous", act: () => step(-1) },
    { keys: ["x"], about: "swap sides", act: () => second && adjust({ a: nameOf(second), b: a }) },
    { keys: ["t"], about: "tokens", act: () => adjust({ tokens: tokens === "1" ? undefined : "1" }) },
    { keys: ["g"], about: "grid of the pictures’ tokens", act: () => (gridShown.value = !gridShown.value) },
    { keys: ["z"], about: "enlarge pictures", act: nextEnlargement },
    { keys: ["Escape"], about: "back", act: () => history.back() },
  ]);

  if (first === undefined)
    return (
      <main class="page">
        <p class="empty">
          Open a trajectory and press c: it is put beside the same task at another step or in another run.
        </p>
      </main>
    );
  return (
    <main class="page page-compare">
      <h1 class="unseen">Compare</h1>
      <div class="toolbar">
        <label class="choice">
          <span>beside</span>
          <select
            aria-label="Compare with"
            value={second === undefined ? "" : nameOf(second)}
            onChange={(event) => adjust({ b: event.currentTarget.value })}
          >
            {candidates.length === 0 && <option value="">this task was drawn only once</option>}
            {candidates.map((each) => (
              <option key={nameOf(each)} value={nameOf(each)}>
                {optionText(each, runs.length > 1)}
              </option>
            ))}
          </select>
        </label>
        <span class="quiet">{candidates.length > 0 && `${candidates.length} more of this task`}</span>
        <span class="grow" />
        <PictureControls />
        <button
          type="button"
          class="chip"
          aria-pressed={tokens === "1"}
          onClick={() => adjust({ tokens: tokens === "1" ? undefined : "1" })}
        >
          tokens
        </button>
        <button
          type="button"
          class="chip"
          disabled={second === undefined}
          onClick={() => second && adjust({ a: nameOf(second), b: a })}
        >
          swap
        </button>
      </div>
      <div class="sides">
        <Side side={first} several={runs.length > 1} tokensOpen={tokens === "1"} />
        {second === undefined ? (
          <p class="empty">
            No other trajectory of this task is at hand. Tasks come again in evaluations, and in other runs of
            the same seed: pyvision view RUN OTHER-RUN.
          </p>
        ) : (
          <Side side={second} several={runs.length > 1} tokensOpen={tokens === "1"} />
        )}
      </div>
    </main>
  );
}

function Side({
  side,
  several,
  tokensOpen,
}: {
  readonly side: TrajectoryRef;
  readonly several: boolean;
  readonly tokensOpen: boolean;
}) {
  return (
    <section class="side" aria-label={`${side.run.key}, ${setTitle(side.set)}`}>
      <p class="side-head">
        <a href={trajectoryHref(side.run, side.set, side.index)}>
          {several && `${side.run.key} · `}
          {setTitle(side.set)}
        </a>
      </p>
      <TrajectoryView key={nameOf(side)} {...side} tokensOpen={tokensOpen} />
    </section>
  );
}

function nameOf({ run, set, index }: TrajectoryRef): string {
  return `${run.key}/${set}/${index}`;
}

function refOf(name: string | undefined, runs: readonly RunOverview[]): TrajectoryRef | undefined {
  const [key, set, index] = (name ?? "").split("/");
  const run = runs.find((each) => each.key === key);
  return run === undefined || set === undefined || index === undefined
    ? undefined
    : { run, set, index: Number(index) };
}

function optionText({ run, set, index }: TrajectoryRef, several: boolean): string {
  const table = tableOf(run.key, set);
  if (table === undefined) return set;
  const verdict = ["wrong", "right", "undecided"][table.accuracy[index] as number] ?? "";
  const where = several ? `${run.key}, ${setTitle(set)}` : setTitle(set);
  return `${where}, member ${table.member[index]}: ${verdict}, reward ${fixed(table.reward[index] as number, 2)}`;
}

/** Stored trajectories of the same task: other sets and runs first, then the group's own members. */
function sameTask(first: TrajectoryRef, runs: readonly RunOverview[]): TrajectoryRef[] {
  const own = tableOf(first.run.key, first.set);
  const task = own && groupOfRow(own, first.index)?.task;
  if (task === undefined) return [];
  const found = runs.flatMap((run) =>
    run.sets.flatMap(({ name: set }) => {
      const table = tableOf(run.key, set);
      const groups = table?.groups.filter((group) => group.task === task) ?? [];
      return groups.flatMap(({ start, count }) =>
        Array.from({ length: count }, (_, i): TrajectoryRef => ({ run, set, index: start + i })).filter(
          ({ index }) => index < (table?.stored ?? 0),
        ),
      );
    }),
  );
  const nearness = (ref: TrajectoryRef): number =>
    ref.run.key === first.run.key && ref.set === first.set ? 1 : 0;
  return found.filter((ref) => nameOf(ref) !== nameOf(first)).sort((x, y) => nearness(x) - nearness(y));
}
