// Names of checkpoints, `tinker://<model>/<kind>/<name>`: what a client keeps of a checkpoint and hands back.
import { HttpError } from "../http.ts";

/** The second part of a path, and the folder of a run that holds them. */
export const checkpointKinds = ["weights", "sampler_weights", "external_weights"] as const;
export type CheckpointKind = (typeof checkpointKinds)[number];

export interface TinkerPath {
  readonly modelId: string;
  readonly kind: CheckpointKind;
  readonly name: string;
}

export function formatPath({ modelId, kind, name }: TinkerPath): string {
  return `tinker://${modelId}/${kind}/${name}`;
}

export function isCheckpointKind(text: string | undefined): text is CheckpointKind {
  return checkpointKinds.some((kind) => kind === text);
}

/** As checkpoints are named; each is the name of a folder. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/;
/** Longer than those that this server gives. A colon takes three characters of a folder's name, of 255 at most. */
const MODEL_ID = /^[A-Za-z0-9_.:-]{1,80}$/;

/** Whether there may be a folder of that model's. */
export function isModelId(text: string): boolean {
  return MODEL_ID.test(text);
}

/** Whether a checkpoint may be there. */
export function isPlace({ modelId, name }: TinkerPath): boolean {
  return isModelId(modelId) && NAME.test(name);
}

/** Also the older form of a sampler's path, without its kind. @throws HttpError (400) */
export function parsePath(path: string): TinkerPath {
  const [, modelId, kind = "sampler_weights", name] =
    /^tinker:\/\/([^/]+)\/(?:([^/]+)\/)?([^/]+)$/.exec(path) ?? [];
  if (modelId === undefined || name === undefined || !isCheckpointKind(kind))
    throw new HttpError(
      `the path must be tinker://<model>/weights/<name> or tinker://<model>/sampler_weights/<name>, ` +
        `got ${JSON.stringify(path.slice(0, 200))}`,
      { status: 400 },
    );
  if (!isModelId(modelId))
    throw new HttpError(
      `the path must name a model by 1 to 80 letters, digits, "_", "-", "." or ":", got ${JSON.stringify(modelId.slice(0, 200))}`,
      { status: 400 },
    );
  return { modelId, kind, name: checkName(name) };
}

/** It becomes the name of a folder. @throws HttpError (400) */
export function checkName(name: string): string {
  if (!NAME.test(name))
    throw new HttpError(
      `path: the name of a checkpoint must be 1 to 200 letters, digits, "_", "-" or ".", not beginning with a ` +
        `"."; got ${JSON.stringify(name.slice(0, 200))}`,
      { status: 400 },
    );
  return name;
}
