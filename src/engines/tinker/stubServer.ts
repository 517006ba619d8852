// A Tinker server for tests, without sockets and without waiting: a `fetch` that answers each request by a table, and a clock
// that sleeping moves on. What a test does not say is answered as a server in good health would. The real one is in
// src/server/tinker/.
import type { Codec } from "../../core/codec.ts";
import type { RgbImage } from "../../core/image.ts";
import type { World } from "./options.ts";

export interface StubRequest {
  /** Path below /api/v1. */
  readonly name: string;
  readonly headers: Headers;
  readonly json: Readonly<Record<string, unknown>>;
  /** Of a body that is not JSON. */
  readonly bytes: Uint8Array | undefined;
  /** How many of this name came before. */
  readonly index: number;
  readonly atMs: number;
}

/** A body for status 200, a whole response, or an error that `fetch` throws. */
export type StubAnswer = object | Response | Error;
export type StubRoute = (request: StubRequest) => StubAnswer | undefined | Promise<StubAnswer | undefined>;

export interface Stub {
  readonly world: World;
  readonly requests: readonly StubRequest[];
  /** Lengths of all pauses, in milliseconds. */
  readonly pauses: readonly number[];
  /** Runs what was asked to run every so often, once. */
  tick(ms: number): void;
  named(name: string): readonly StubRequest[];
}

/**
 * @param routes by name; undefined means the usual answer. What is handed in gets the number of its place as `request_id`; its
 *   result is asked of the route `result:<name>`.
 */
export function stub(routes: Readonly<Record<string, StubRoute>> = {}): Stub {
  const requests: StubRequest[] = [];
  const handed: StubRequest[] = [];
  const pauses: number[] = [];
  const timers = new Set<() => void>();
  let now = 0;
  const answer = async (request: StubRequest): Promise<StubAnswer> => {
    const told = await routes[request.name]?.(request);
    if (told !== undefined) return told;
    if (request.name === "retrieve_future") {
      const about = handed[Number(request.json["request_id"])] as StubRequest;
      return (await routes[`result:${about.name}`]?.(about)) ?? usualResult(about);
    }
    const usual = USUAL[request.name] ?? (request.name.endsWith("/finish") ? {} : undefined);
    if (usual !== undefined) return usual;
    handed.push(request);
    return { request_id: String(handed.length - 1) };
  };
  const world: World = {
    fetch: async (url, init) => {
      const name = new URL(url as string).pathname.replace(/^.*\/api\/v1\//, "");
      const { body } = init ?? {};
      const text = typeof body === "string" ? body : undefined;
      const request: StubRequest = {
        name,
        headers: new Headers(init?.headers),
        json: text === undefined ? {} : (JSON.parse(text) as Record<string, unknown>),
        bytes: body instanceof Uint8Array ? body : undefined,
        index: requests.filter((one) => one.name === name).length,
        atMs: now,
      };
      requests.push(request);
      const given = await answer(request);
      if (given instanceof Error) throw given;
      return given instanceof Response ? given : Response.json(given);
    },
    now: () => now,
    random: () => 1,
    sleep: async (ms) => {
      pauses.push(ms);
      now += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
    every: (_ms, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  };
  return {
    world,
    requests,
    pauses,
    tick: (ms) => {
      now += ms;
      for (const run of [...timers]) run();
    },
    named: (name) => requests.filter((one) => one.name === name),
  };
}

const USUAL: Readonly<Record<string, object>> = {
  "client/config": {},
  get_server_capabilities: { supported_models: [{ model_name: "base" }] },
  create_session: { session_id: "s" },
  session_heartbeat: {},
};

function usualResult({ name, json }: StubRequest): object {
  switch (name) {
    case "create_model":
    case "load_weights":
      return { model_id: json["model_id"] ?? `s:train:${String(json["model_seq_id"])}` };
    case "forward_backward":
      return { loss_fn_output_type: "x", loss_fn_outputs: logprobsFor(json), metrics: {} };
    case "optim_step":
      return { metrics: { grad_norm: 1 } };
    case "save_weights":
      return { path: `tinker://s:train:0/weights/${json["path"] as string}` };
    case "save_weights_for_sampler":
      return json["path"] === undefined
        ? { path: null, sampling_session_id: `s:sample:${String(json["sampling_session_seq_id"])}` }
        : { path: `tinker://s:train:0/sampler_weights/${json["path"] as string}` };
    default:
      return {};
  }
}

/** ln p of -1 everywhere. */
function logprobsFor(json: StubRequest["json"]): object[] {
  const { data } = json["forward_backward_input"] as {
    readonly data: readonly {
      readonly loss_fn_inputs: { readonly target_tokens: { readonly data: readonly number[] } };
    }[];
  };
  return data.map(({ loss_fn_inputs: { target_tokens } }) => ({
    logprobs: { data: target_tokens.data.map(() => -1), dtype: "float32" },
  }));
}

/** What `fetch` throws when no connection is made. */
export function refusedConnection(): TypeError {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:8400"), { code: "ECONNREFUSED" });
  return new TypeError("fetch failed", { cause });
}

/** What `fetch` throws when the connection breaks after the request was sent. */
export function brokenConnection(): TypeError {
  const cause = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" });
  return new TypeError("fetch failed", { cause });
}

/** One letter per token: ids 97 to 122 are a to z, 0 is the placeholder of images, 1 the end of a turn. */
export const lettersCodec: Codec = {
  imagePadId: 0,
  endOfTurnId: 1,
  encodeText: (text) => [...text].map((letter) => letter.charCodeAt(0)),
  encodeTemplate: (text) => [...text].map((letter) => letter.charCodeAt(0)),
  decode: (tokens) => tokens.map((id) => (id === 1 ? "<end>" : String.fromCharCode(id))).join(""),
  viewImage: (pixels: RgbImage) => {
    const grid = [1, pixels.height / 14, pixels.width / 14] as const;
    return { pixels, grid, tokenCount: (grid[1] * grid[2]) / 4 };
  },
};
