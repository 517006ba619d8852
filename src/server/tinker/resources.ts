// What is asked for by address: training runs, their checkpoints, samplers, sessions.
import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpError, parseJson, sendJson } from "../http.ts";
import { capabilitiesBody, checkpointBody, page, runBody } from "./bodies.ts";
import type { Downloads } from "./downloads.ts";
import type { TinkerService } from "./service.ts";
import { type Checkpoint } from "./store.ts";
import { isCheckpointKind, type TinkerPath } from "./tinkerPath.ts";

export interface ResourceRequest {
  readonly service: TinkerService;
  readonly downloads: Downloads;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly body: () => Promise<Buffer>;
}

type Handler = (asked: ResourceRequest, parts: readonly string[]) => Promise<unknown>;

interface Resource {
  readonly method: string;
  /** Of the path behind /api/v1/; its groups are what the handler gets. */
  readonly path: RegExp;
  readonly handle: Handler;
}

/** Most that a list gives at once. */
const PAGE = 100;
/** What a handler gives that has answered itself. */
const ANSWERED = Symbol("answered");

const RESOURCES: readonly Resource[] = [
  get(/^get_server_capabilities$/, async ({ service }) => capabilitiesBody(service.bases.all)),
  get(/^samplers\/(.+)$/, async ({ service }, [id = ""]) => {
    const { base, path } = service.samplers.get(id);
    return { sampler_id: id, base_model: base.name, model_path: path ?? null };
  }),
  get(/^sessions$/, async ({ service, query }) => {
    const { part, cursor } = page(service.sessions.all, query, PAGE);
    return { sessions: part.map(({ id }) => id), cursor };
  }),
  get(/^sessions\/([^/]+)$/, async ({ service }, [id = ""]) => {
    const { modelIds, samplerIds } = service.sessions.get(id);
    return { training_run_ids: [...modelIds], sampler_ids: [...samplerIds] };
  }),
  post(/^sessions\/([^/]+)\/finish$/, async ({ service, body }, [id = ""]) => {
    const given = parseJson(await body()) as { readonly reason?: { readonly type?: unknown } } | null;
    const type = given?.reason?.type;
    service.finish(
      id,
      `it was finished (${typeof type === "string" ? type.slice(0, 40) : "no reason given"})`,
    );
    return {};
  }),
  get(/^training_runs$/, async ({ service, query }) => {
    const { part, cursor } = page(await service.store.runs(), query, PAGE);
    return { training_runs: await Promise.all(part.map(({ modelId }) => runOf(service, modelId))), cursor };
  }),
  get(/^training_runs\/([^/]+)$/, async ({ service }, [id = ""]) => runOf(service, id)),
  get(/^training_runs\/([^/]+)\/checkpoints$/, async ({ service }, [id = ""]) => {
    await runOf(service, id);
    return { checkpoints: (await service.store.checkpoints(id)).map(checkpointBody) };
  }),
  get(/^checkpoints$/, async ({ service, query }) => {
    const runs = await service.store.runs();
    const all = await Promise.all(runs.map(({ modelId }) => service.store.checkpoints(modelId)));
    const { part, cursor } = page(all.flat(), query, PAGE);
    return { checkpoints: part.map(checkpointBody), cursor };
  }),
  {
    method: "DELETE",
    path: /^training_runs\/([^/]+)\/checkpoints\/([^/]+)\/([^/]+)$/,
    handle: async ({ service, response }, parts) => {
      await service.deleteCheckpoint(placeOf(parts));
      response.writeHead(204).end();
      return ANSWERED;
    },
  },
  {
    method: "PUT",
    path: /^training_runs\/([^/]+)\/checkpoints\/([^/]+)\/([^/]+)\/ttl$/,
    handle: async ({ service, body }, parts) => {
      const { ttl_seconds: ttl } = (parseJson(await body()) ?? {}) as { readonly ttl_seconds?: unknown };
      if (ttl !== undefined && ttl !== null && !(typeof ttl === "number" && Number.isInteger(ttl) && ttl > 0))
        throw new HttpError(
          `ttl_seconds: must be a whole number of at least 1, or null; got ${JSON.stringify(ttl)}`,
          {
            status: 400,
          },
        );
      const place = placeOf(parts);
      await service.checkpoint(place);
      await service.store.setExpiry(place, ttl ?? undefined);
      return {};
    },
  },
  get(/^training_runs\/([^/]+)\/checkpoints\/([^/]+)\/([^/]+)\/archive$/, sendToArchive),
  // As SkyRL has it: a sampler's checkpoint by its bare name.
  get(/^training_runs\/([^/]+)\/checkpoints\/([^/]+)\/archive$/, (asked, [run = "", name = ""]) =>
    sendToArchive(asked, [run, "sampler_weights", name]),
  ),
  get(
    /^training_runs\/([^/]+)\/checkpoints\/([^/]+)\/([^/]+)\/external_weights_urls$/,
    async ({ service, downloads, request }, parts) => {
      const { urls, expires } = await downloads.files(
        originOf(request),
        await service.checkpoint(placeOf(parts)),
      );
      return { urls, expires: expires.toISOString() };
    },
  ),
];

/** @returns false when there is no such address. @throws HttpError (405) when it takes another method */
export async function answerResource(asked: ResourceRequest, path: string): Promise<boolean> {
  const here = RESOURCES.filter((resource) => resource.path.test(path));
  const resource = here.find(({ method }) => method === asked.request.method);
  if (resource === undefined) {
    if (here.length === 0) return false;
    throw new HttpError(
      `${asked.request.method} is not possible here, only ${here.map(({ method }) => method).join(" and ")}`,
      { status: 405, code: "method_not_allowed" },
    );
  }
  const [, ...parts] = resource.path.exec(path) ?? [];
  const body = await resource.handle(asked, parts);
  if (body !== ANSWERED) sendJson(asked.response, 200, body);
  return true;
}

function get(path: RegExp, handle: Handler): Resource {
  return { method: "GET", path, handle };
}

function post(path: RegExp, handle: Handler): Resource {
  return { method: "POST", path, handle };
}

async function runOf(service: TinkerService, id: string): Promise<unknown> {
  const run = await service.store.findRun(id);
  if (run === undefined)
    throw new HttpError(`there is no training run ${JSON.stringify(id.slice(0, 120))}`, { status: 404 });
  return runBody(run, await service.store.checkpoints(id), service.models.now(id));
}

async function sendToArchive(
  { service, downloads, request, response }: ResourceRequest,
  parts: readonly string[],
): Promise<typeof ANSWERED> {
  const checkpoint: Checkpoint = await service.checkpoint(placeOf(parts));
  const { url, expires } = downloads.archive(originOf(request), checkpoint);
  response.writeHead(302, { location: url, expires: expires.toUTCString() }).end();
  return ANSWERED;
}

function placeOf([modelId = "", kind, name = ""]: readonly string[]): TinkerPath {
  if (!isCheckpointKind(kind))
    throw new HttpError(`there are no checkpoints of the kind ${JSON.stringify(kind?.slice(0, 80))}`, {
      status: 404,
    });
  return { modelId, kind, name };
}

/** As the client reaches this server. */
function originOf(request: IncomingMessage): string {
  return `http://${request.headers.host ?? "127.0.0.1"}`;
}
