// Replies that describe what there is, in the words of the protocol.
import type { BaseModel } from "./models.ts";
import type { Checkpoint, Run } from "./store.ts";
import type { TrainedModel } from "./trainedModel.ts";

type Json = Readonly<Record<string, unknown>>;

/** What this server takes beyond the hosted service's protocol. */
export const EXTENSIONS = ["random_state", "sequence", "together", "trained_only", "weights"] as const;

export const TRAINS_ALL =
  "this server trains all weights of a model: a LoRA rank is accepted and remembered, and changes nothing";

export const clientConfig: Json = {
  pjwt_auth_enabled: false,
  credential_default_source: "api_key",
  parallel_fwdbwd_chunks: true,
  // zstd is in Node since 22.15 only.
  proto_compress_fwdbwd: false,
  use_pyqwest_transport: false,
  sample_use_retrieve_futures: false,
  custom_loss_server_side: false,
  sample_join_sampling_session: false,
};

export const dynamicConfig: Json = { refresh_interval_sec: 300, sample_cancel_enabled: false };

export function capabilitiesBody(models: readonly BaseModel[]): Json {
  return {
    supported_models: models.map(({ name, contextTokens }) => ({
      model_name: name,
      max_context_length: contextTokens,
      trainable: true,
      sampleable: true,
    })),
    extensions: EXTENSIONS,
  };
}

export function infoBody({ id, run }: TrainedModel, { name, dir }: BaseModel): Json {
  return {
    type: "get_info",
    model_id: id,
    // The folder has the tokenizer's files.
    model_data: { arch: "qwen2_5_vl", model_name: name, tokenizer_id: dir },
    model_name: name,
    is_lora: false,
    ...(run.rank !== null && { lora_rank: run.rank }),
  };
}

export function weightsInfoBody({ baseModel, rank }: Run): Json {
  return { base_model: baseModel, is_lora: false, ...(rank !== null && { lora_rank: rank }) };
}

export function checkpointBody({
  kind,
  name,
  time,
  path,
  sizeBytes,
  userMetadata,
  expiresAt,
}: Checkpoint): Json {
  const types = { weights: "training", sampler_weights: "sampler", external_weights: "external" } as const;
  return {
    checkpoint_id: `${kind}/${name}`,
    checkpoint_type: types[kind],
    time,
    tinker_path: path,
    size_bytes: sizeBytes,
    public: false,
    ...(userMetadata !== null && { user_metadata: texts(userMetadata) }),
    ...(expiresAt !== null && { expires_at: expiresAt }),
  };
}

/** @param checkpoints of the run, the newest first */
export function runBody(run: Run, checkpoints: readonly Checkpoint[], model: TrainedModel | undefined): Json {
  const last = (kind: Checkpoint["kind"]): Json | undefined => {
    const found = checkpoints.find((checkpoint) => checkpoint.kind === kind);
    return found && checkpointBody(found);
  };
  const lastRequest =
    model === undefined
      ? (checkpoints[0]?.time ?? run.createdAt)
      : new Date(model.lastRequestAt).toISOString();
  return {
    training_run_id: run.modelId,
    base_model: run.baseModel,
    model_owner: "local",
    is_lora: false,
    ...(run.rank !== null && { lora_rank: run.rank }),
    corrupted: false,
    last_request_time: lastRequest,
    last_checkpoint: last("weights") ?? null,
    last_sampler_checkpoint: last("sampler_weights") ?? null,
    ...(run.userMetadata !== null && { user_metadata: texts(run.userMetadata) }),
  };
}

/** Clients expect texts alone. */
function texts(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** A part of a list, and where it stands. */
export function page<T>(
  all: readonly T[],
  query: URLSearchParams,
  most: number,
): { readonly part: readonly T[]; readonly cursor: Json } {
  const whole = (name: string, otherwise: number): number => {
    const value = Number(query.get(name) ?? otherwise);
    return Number.isInteger(value) && value >= 0 ? value : otherwise;
  };
  const limit = Math.min(whole("limit", most), most);
  const offset = whole("offset", 0);
  return { part: all.slice(offset, offset + limit), cursor: { offset, limit, total_count: all.length } };
}
