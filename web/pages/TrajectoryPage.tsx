// One trajectory by itself, with what lies before and after it in the list it was opened from.
import { useEffect } from "preact/hooks";
import { useKeys } from "../data/keys.ts";
import { adjust, go, hrefOf, route } from "../data/route.ts";
import { currentRun, tableOf } from "../data/state.ts";
import { walkAround } from "../data/walk.ts";
import { grouped } from "../data/format.ts";
import { gridShown, nextEnlargement, PictureControls } from "../parts/Picture.tsx";
import { setTitle, TrajectoryView } from "../parts/TrajectoryView.tsx";
import { groupOfRow } from "../../src/viewer/tableCodec.ts";

export function TrajectoryPage() {
  const run = currentRun.value;
  const { params } = route.value;
  const set = params["set"] ?? "";
  const index = Number(params["i"] ?? 0);
  const tokensOpen = params["tokens"] === "1";
  const table = run && tableOf(run.key, set);
  const walked = run && walkAround(run.key, set, index);
  const { runs } = params;

  const open = (toSet: string, row: number): void => {
    if (run !== undefined)
      go("trajectory", { runs, run: run.key, set: toSet, i: row, tokens: params["tokens"] });
  };
  const along = (by: number): void => {
    if (walked !== undefined) {
      const to = walked.at + by;
      if (to < 0 || to >= walked.walk.rows.length) return;
      const { table: next, row } = walked.walk.rows.at(to);
      open(next.set, row);
    } else if (table !== undefined && index + by >= 0 && index + by < table.length) open(set, index + by);
  };
  const member = (by: number): void => {
    const group = table && groupOfRow(table, index);
    if (group !== undefined)
      open(set, group.start + ((index - group.start + by + group.count) % group.count));
  };
  const back = (): void => {
    if (walked !== undefined) location.hash = walked.walk.href;
    else go("trajectories", { runs, run: run?.key, set });
  };
  const compare = (): void => {
    if (run !== undefined) go("compare", { runs, a: `${run.key}/${set}/${index}` });
  };
  useKeys([
    { keys: ["j", "ArrowDown"], about: "next in the list", act: () => along(1) },
    { keys: ["k", "ArrowUp"], about: "previous in the list", act: () => along(-1) },
    { keys: ["ArrowRight"], about: "next member of the group", act: () => member(1) },
    { keys: ["ArrowLeft"], about: "previous member of the group", act: () => member(-1) },
    { keys: ["t"], about: "tokens", act: () => adjust({ tokens: tokensOpen ? undefined : "1" }) },
    { keys: ["c"], about: "compare with the same task elsewhere", act: compare },
    { keys: ["g"], about: "grid of the pictures’ tokens", act: () => (gridShown.value = !gridShown.value) },
    { keys: ["z"], about: "enlarge pictures", act: nextEnlargement },
    { keys: ["Escape"], about: "back to the list", act: back },
  ]);
  useEffect(() => scrollTo(0, 0), [set, index]);

  if (run === undefined) return null;
  if (!run.sets.some(({ name }) => name === set))
    return (
      <main class="page">
        <p class="empty">
          The run {run.key} has no {setTitle(set) || "such step"}.{" "}
          <a href={hrefOf("trajectories", { runs, run: run.key })}>All its trajectories</a>
        </p>
      </main>
    );
  return (
    <main class="page page-reading">
      <h1 class="unseen">Trajectory</h1>
      <div class="toolbar">
        <button type="button" class="plain" onClick={back}>
          ← {walked === undefined ? setTitle(set) : "list"}
        </button>
        {walked !== undefined && (
          <span class="quiet numbers">
            {grouped(walked.at + 1)} of {grouped(walked.walk.rows.length)}
          </span>
        )}
        <button type="button" class="plain" aria-label="Previous trajectory" onClick={() => along(-1)}>
          ↑
        </button>
        <button type="button" class="plain" aria-label="Next trajectory" onClick={() => along(1)}>
          ↓
        </button>
        <span class="grow" />
        <PictureControls />
        <button
          type="button"
          class="chip"
          aria-pressed={tokensOpen}
          onClick={() => adjust({ tokens: tokensOpen ? undefined : "1" })}
        >
          tokens
        </button>
        <button type="button" class="chip" onClick={compare}>
          compare
        </button>
      </div>
      <TrajectoryView run={run} set={set} index={index} tokensOpen={tokensOpen} />
    </main>
  );
}
