// Where the page has its data from: the server that gave it, or the blocks of an exported file. Pages and parts do not
// know which.
import type {
  ChangeEvent,
  RunList,
  RunOverview,
  TokensAnswer,
  TrajectoryAnswer,
} from "../../src/viewer/protocol.ts";
import { decodeTables, type SetTable } from "../../src/viewer/tableCodec.ts";
import { embeddedSource } from "./embeddedSource.ts";

export interface Known {
  readonly generation: number;
  readonly metrics: number;
  readonly sets: number;
}

export interface Source {
  /** Shown under the page; says what an export leaves out. */
  readonly note?: string;
  list(): Promise<RunList>;
  /** Only what is new since `known`, when that still holds. */
  overview(key: string, known?: Known): Promise<RunOverview>;
  tables(key: string, sets: readonly string[]): Promise<readonly SetTable[]>;
  trajectory(key: string, set: string, index: number): Promise<TrajectoryAnswer>;
  tokens(key: string, set: string, index: number): Promise<TokensAnswer>;
  imageUrl(key: string, hash: string): string;
  /** Calls back whenever a run has news; `onState` says whether the server is there. */
  listen(onChange: (event: ChangeEvent) => void, onState: (connected: boolean) => void): void;
}

export function openSource(): Source {
  return embeddedSource() ?? serverSource();
}

function serverSource(): Source {
  const get = async (path: string): Promise<Response> => {
    const response = await fetch(path).catch(() => {
      throw new Error("The viewer's server does not answer. Is pyvision view still running?");
    });
    if (!response.ok) throw new Error(await response.text());
    return response;
  };
  const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;
  const of = (key: string): string => `/api/runs/${encodeURIComponent(key)}`;
  return {
    list: () => json("/api/runs"),
    overview: (key, known) =>
      json(
        known === undefined
          ? of(key)
          : `${of(key)}?generation=${known.generation}&metrics=${known.metrics}&sets=${known.sets}`,
      ),
    tables: async (key, sets) => {
      const query = sets.map((set) => `set=${encodeURIComponent(set)}`).join("&");
      return decodeTables(await (await get(`${of(key)}/table?${query}`)).arrayBuffer());
    },
    trajectory: (key, set, index) => json(`${of(key)}/trajectory/${encodeURIComponent(set)}/${index}`),
    tokens: (key, set, index) => json(`${of(key)}/tokens/${encodeURIComponent(set)}/${index}`),
    imageUrl: (key, hash) => `${of(key)}/image/${hash}.png`,
    listen: (onChange, onState) => {
      const events = new EventSource("/api/events");
      events.onopen = () => onState(true);
      events.onerror = () => onState(false);
      events.onmessage = (message: MessageEvent<string>) => onChange(JSON.parse(message.data) as ChangeEvent);
    },
  };
}
