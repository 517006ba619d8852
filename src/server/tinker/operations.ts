// The requests that are posted, by name: how each body is read, and what is answered.
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { DataError } from "../../core/errors.ts";
import { decodeForwardBackwardCallJson } from "../../engines/tinker/protocol/json.ts";
import * as messages from "../../engines/tinker/protocol/messages.ts";
import { decodeForwardBackwardCallProto } from "../../engines/tinker/protocol/protobuf.ts";
import type { ForwardBackwardCall } from "../../engines/tinker/protocol/wire.ts";
import { HttpError, parseJson } from "../http.ts";
import { clientConfig, dynamicConfig, infoBody, TRAINS_ALL, weightsInfoBody } from "./bodies.ts";
import { checkMetadata } from "./metadata.ts";
import type { TinkerService } from "./service.ts";
import { parsePath } from "./tinkerPath.ts";

export interface PostedBody {
  readonly bytes: Buffer;
  readonly isProtobuf: boolean;
  /** Of address and bytes. */
  readonly digest: string;
}

export interface Operation {
  /** Whether it must not be done twice for one X-Idempotency-Key. */
  readonly once: boolean;
  readonly run: (service: TinkerService, body: PostedBody) => Promise<unknown>;
}

const { parseMessage } = messages;
const { loadWeightsRequest, modelRequest, sampleRequest, sessionRequest } = messages;

/** Of a request that is always JSON. */
function jsonOf({ bytes, isProtobuf }: PostedBody): unknown {
  if (isProtobuf)
    throw new HttpError("the body must be declared with content-type: application/json", { status: 415 });
  return parseJson(bytes);
}

/** Done again when it is asked again. */
function ask(run: (service: TinkerService, body: unknown) => unknown): Operation {
  return { once: false, run: async (service, body) => run(service, jsonOf(body)) };
}

function once(run: (service: TinkerService, body: unknown, digest: string) => unknown): Operation {
  return { once: true, run: async (service, body) => run(service, jsonOf(body), body.digest) };
}

/** A request of a model's lane: when it is refused, its number counts as used. */
function inLane(
  read: (body: PostedBody) => unknown,
  run: (service: TinkerService, body: PostedBody) => string,
): Operation {
  return {
    once: true,
    run: async (service, body) => {
      try {
        return { request_id: run(service, body) };
      } catch (error) {
        // A conflict takes no number, and what is only too much for now comes again.
        const isBad = error instanceof HttpError ? error.status === 400 : error instanceof DataError;
        if (!isBad) throw error;
        const { model_id: modelId, seq_id: seq } = partsOf(read, body);
        if (modelId !== undefined && seq !== undefined) service.models.refused(modelId, seq);
        throw error;
      }
    },
  };
}

function laneJson(run: (service: TinkerService, body: unknown, digest: string) => string): Operation {
  return inLane(jsonOf, (service, body) => run(service, jsonOf(body), body.digest));
}

const train = inLane(
  (body) => (body.isProtobuf ? protobufParts(body.bytes) : parseJson(body.bytes)),
  (service, body) => service.forwardBackward(callOf(body), body.digest),
);

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "client/config": ask(() => clientConfig),
  "client/dynamic_config": ask(() => dynamicConfig),
  telemetry: ask(() => ({ status: "accepted" })),
  create_session: once((service, body) => {
    const { user_metadata: userMetadata } = parseMessage(messages.createSessionRequest, body);
    const { id } = service.sessions.create(checkMetadata(userMetadata));
    return { session_id: id, info_message: TRAINS_ALL, type: "create_session" };
  }),
  session_heartbeat: ask((service, body) => {
    service.sessions.heartbeat(parseMessage(sessionRequest, body).session_id);
    return { type: "session_heartbeat" };
  }),
  create_model: once((service, body, digest) => ({
    request_id: service.createModel(parseMessage(messages.createModelRequest, body), digest),
  })),
  unload_model: once(async (service, body) => ({
    request_id: await service.unloadModel(parseMessage(modelRequest, body).model_id),
  })),
  get_info: ask(async (service, body) => {
    const model = await service.models.get(parseMessage(modelRequest, body).model_id);
    return infoBody(model, service.bases.get(model.run.baseModel));
  }),
  forward_backward: train,
  forward: train,
  optim_step: laneJson((service, body, digest) =>
    service.optimStep(parseMessage(messages.optimStepRequest, body), digest),
  ),
  save_weights: laneJson((service, body, digest) =>
    service.saveWeights(parseMessage(messages.saveWeightsRequest, body), digest),
  ),
  save_weights_for_sampler: laneJson((service, body, digest) =>
    service.saveWeightsForSampler(parseMessage(messages.saveWeightsForSamplerRequest, body), digest),
  ),
  save_weights_external: laneJson((service, body, digest) =>
    service.saveWeightsExternal(parseMessage(messages.saveWeightsExternalRequest, body), digest),
  ),
  load_weights: laneJson((service, body, digest) =>
    service.loadWeights(parseMessage(loadWeightsRequest, body), digest),
  ),
  create_sampling_session: once(async (service, body) => ({
    sampling_session_id: await service.createSampler(
      parseMessage(messages.createSamplingSessionRequest, body),
    ),
    type: "create_sampling_session",
  })),
  asample: once(async (service, body, digest) => {
    const { requestId, sequenceIds } = await service.sample(parseMessage(sampleRequest, body), digest);
    return { request_id: requestId, sample_sequence_ids: sequenceIds };
  }),
  weights_info: ask(async (service, body) => {
    const place = parsePath(parseMessage(messages.weightsInfoRequest, body).tinker_path);
    await service.checkpoint(place);
    return weightsInfoBody(await service.store.run(place.modelId));
  }),
};

function callOf(body: PostedBody): ForwardBackwardCall {
  return body.isProtobuf
    ? decodeForwardBackwardCallProto(body.bytes)
    : decodeForwardBackwardCallJson(parseJson(body.bytes));
}

/** Whose request it was, of one that could not be read in full. */
function partsOf(
  read: (body: PostedBody) => unknown,
  body: PostedBody,
): { readonly model_id?: string; readonly seq_id?: number } {
  try {
    const { model_id: modelId, seq_id: seq } = read(body) as { model_id?: unknown; seq_id?: unknown };
    return {
      ...(typeof modelId === "string" && { model_id: modelId }),
      ...(typeof seq === "number" && Number.isInteger(seq) && seq >= 1 && { seq_id: seq }),
    };
  } catch {
    return {};
  }
}

/** The first two fields of a ForwardBackwardRequest. */
function protobufParts(bytes: Uint8Array): { model_id?: string; seq_id?: number } {
  const reader = new BinaryReader(bytes);
  const parts: { model_id?: string; seq_id?: number } = {};
  while (reader.pos < reader.len && (parts.model_id === undefined || parts.seq_id === undefined)) {
    const [field, wireType] = reader.tag();
    if (field === 1) parts.model_id = reader.string();
    else if (field === 2) parts.seq_id = reader.int32();
    else reader.skip(wireType);
  }
  return parts;
}
