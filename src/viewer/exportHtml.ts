// A viewer in one HTML file: the page, the figures of every trajectory, and a choice of whole trajectories with their
// pictures. It asks nothing of any network, so it can be mailed and opened from disk.
//
// Blocks are JSON, or gzip in base64 where they are large; the page unpacks a set's trajectories when one is opened.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { TrajectoryJson } from "../runs/trajectoryJson.ts";
import { pageBundle } from "./pageBundle.ts";
import { embeddedHtml, embeddedJson } from "./pageHtml.ts";
import type { EmbeddedIndex, EmbeddedTrajectory, RunOverview, SetHead } from "./protocol.ts";
import type { RunData } from "./runData.ts";
import { decodeTables, joinTables } from "./tableCodec.ts";

export interface ExportOptions {
  /** Only sets of these steps; metrics are always whole. */
  readonly steps?: { readonly first: number; readonly last: number };
  /** Trajectories embedded in full, over all runs. */
  readonly maxTrajectories: number;
}

export interface ExportResult {
  readonly html: string;
  readonly trajectories: number;
  /** Stored in the runs, of the steps chosen. */
  readonly storedTrajectories: number;
  readonly pictures: number;
}

export async function exportHtml(
  runs: readonly RunData[],
  { steps, maxTrajectories }: ExportOptions,
): Promise<ExportResult> {
  const inRange = ({ step }: SetHead): boolean =>
    steps === undefined || (step >= steps.first && step <= steps.last);
  const blocks: Record<string, string> = {};
  const overviews: RunOverview[] = [];
  let trajectories = 0;
  let storedTrajectories = 0;
  let pictures = 0;

  const chosen = runs.map((run) => {
    run.update();
    return { run, sets: run.overview().sets.filter(inRange) };
  });
  const shares = spread(
    chosen.flatMap(({ run, sets }) => groupEnds(run, sets)),
    maxTrajectories,
  );

  let share = 0;
  for (const [r, { run, sets }] of chosen.entries()) {
    const images = new Map<string, string>();
    const embedded: SetHead[] = [];
    for (const set of sets) {
      const whole = await readSet(run, set.name, shares[share++] as number, images);
      if (whole.length > 0) blocks[`set-${r}-${set.name}`] = packed(JSON.stringify(whole));
      embedded.push({ ...set, stored: whole.length });
      trajectories += whole.length;
      storedTrajectories += set.stored;
    }
    pictures += images.size;
    blocks[`table-${r}`] = packed(joinTables(sets.map((set) => run.table(set.name))));
    for (const [hash, data] of images) blocks[`image-${r}-${hash}`] = data;
    overviews.push({ ...run.overview(), path: run.key, sets: embedded });
  }

  const note =
    `An export with ${trajectories} of ${storedTrajectories} stored trajectories in full` +
    (steps === undefined ? "" : `, of steps ${steps.first} to ${steps.last}`);
  const index: EmbeddedIndex = { runs: overviews, note };
  const html = embeddedHtml(await pageBundle(), { index: embeddedJson(index), ...blocks });
  return { html, trajectories, storedTrajectories, pictures };
}

async function readSet(
  run: RunData,
  name: string,
  count: number,
  images: Map<string, string>,
): Promise<(EmbeddedTrajectory | null)[]> {
  const chosen: (EmbeddedTrajectory | null)[] = [];
  for (let i = 0; i < count; i++) {
    try {
      const trajectory = run.trajectory(name, i);
      for (const hash of imagesOf(trajectory))
        if (!images.has(hash)) images.set(hash, readFileSync(run.imagePath(hash)).toString("base64"));
      chosen.push({ trajectory, tokens: await run.tokens(name, i) });
    } catch {
      chosen.push(null); // damaged, or without its picture: the page says so when it is opened
    }
  }
  return chosen;
}

/** Every picture that it refers to. */
function imagesOf({ segments, turns }: TrajectoryJson): string[] {
  const seen = segments.flatMap((segment) => (segment.type === "image" ? [segment.image] : []));
  return [...seen, ...turns.flatMap(({ tool }) => tool?.figures ?? [])];
}

/** For each set, the numbers of trajectories at which a stored group ends. */
function groupEnds(run: RunData, sets: readonly SetHead[]): number[][] {
  return sets.map(({ name, stored }) => {
    const [table] = decodeTables(joinTables([run.table(name)]).buffer as ArrayBuffer);
    return (table?.groups ?? []).map(({ start, count }) => start + count).filter((end) => end <= stored);
  });
}

/**
 * How many trajectories of each set are taken: whole groups, one more of every set in turn until `most` is reached, so
 * that every step is seen before any is seen whole.
 */
export function spread(ends: readonly (readonly number[])[], most: number): number[] {
  const taken = ends.map(() => 0);
  let total = 0;
  const rounds = Math.max(0, ...ends.map((own) => own.length));
  for (let round = 0; round < rounds; round++)
    for (const i of evenly(ends.length)) {
      const end = ends[i]?.[round];
      if (end === undefined) continue;
      const added = end - (taken[i] as number);
      if (total + added > most) continue;
      if (round > 0 && taken[i] !== ends[i]?.[round - 1]) continue;
      taken[i] = end;
      total += added;
    }
  return taken;
}

/** First, last, then ever finer in between: what is left out lies evenly between what is taken. */
function evenly(count: number): number[] {
  const order = new Set<number>(count > 0 ? [0, count - 1] : []);
  for (let parts = 2; order.size < count; parts *= 2)
    for (let part = 1; part < parts; part++) order.add(Math.round((part * (count - 1)) / parts));
  return [...order];
}

function packed(data: string | Uint8Array): string {
  return gzipSync(data).toString("base64");
}
