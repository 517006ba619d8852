// The data of an exported file: blocks of the document itself, unpacked when they are first needed.
import type { EmbeddedIndex, EmbeddedTrajectory } from "../../src/viewer/protocol.ts";
import { decodeTables, type SetTable } from "../../src/viewer/tableCodec.ts";
import type { Source } from "./source.ts";

/** undefined when this page was not exported. */
export function embeddedSource(): Source | undefined {
  const text = document.getElementById("index")?.textContent;
  if (text === undefined || text === null) return undefined;
  const { runs, note } = JSON.parse(text) as EmbeddedIndex;
  const numberOf = (key: string): number => runs.findIndex((run) => run.key === key);
  const tables = new Map<string, Promise<ReadonlyMap<string, SetTable>>>();
  const sets = new Map<string, Promise<readonly (EmbeddedTrajectory | null)[]>>();

  const tablesOf = (key: string): Promise<ReadonlyMap<string, SetTable>> =>
    remembered(tables, key, async () => {
      const decoded = decodeTables(await unpacked(`table-${numberOf(key)}`));
      const keptOf = new Map(runs[numberOf(key)]?.sets.map(({ name, stored }) => [name, stored]));
      return new Map(decoded.map((t) => [t.set, { ...t, stored: keptOf.get(t.set) ?? 0 }]));
    });
  const entry = async (key: string, set: string, index: number): Promise<EmbeddedTrajectory> => {
    const id = `set-${numberOf(key)}-${set}`;
    const all = await remembered(sets, id, async () => {
      const json = new TextDecoder().decode(await unpacked(id));
      return JSON.parse(json) as (EmbeddedTrajectory | null)[];
    });
    const found = all[index];
    if (found === undefined) throw new Error("This trajectory is not in the export.");
    if (found === null)
      throw new Error("This trajectory, or a picture of it, was damaged when the export was made.");
    return found;
  };

  return {
    note,
    list: async () => ({ runs, chosen: runs.map(({ key }) => key) }),
    overview: async (key) => {
      const run = runs[numberOf(key)];
      if (run === undefined) throw new Error(`The run ${key} is not in the export.`);
      return run;
    },
    tables: async (key, names) => {
      const all = await tablesOf(key);
      return names.flatMap((name) => all.get(name) ?? []);
    },
    trajectory: async (key, set, index) => ({
      set,
      index,
      trajectory: (await entry(key, set, index)).trajectory,
    }),
    tokens: async (key, set, index) => (await entry(key, set, index)).tokens,
    imageUrl: (key, hash) => {
      const data = document.getElementById(`image-${numberOf(key)}-${hash}`)?.textContent ?? "";
      return `data:image/png;base64,${data}`;
    },
    listen: () => {},
  };
}

async function unpacked(id: string): Promise<ArrayBuffer> {
  const text = document.getElementById(id)?.textContent;
  if (text === undefined || text === null) throw new Error("This part of the run is not in the export.");
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const promise = known.get(key) ?? make();
  known.set(key, promise);
  return promise;
}
