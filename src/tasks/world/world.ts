// The mini world of visual search as an endless task source. Task i of a split is a pure function of
// (seed, split, i): each has a random stream of its own, so splits share nothing and order does not matter.
import { ConfigError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";
import { randomStream } from "../../core/random.ts";
import type { Task, TaskSource } from "../../core/task.ts";
import { questionOf } from "./phrases.ts";
import { renderScene } from "./render.ts";
import { answerOf, drawScene } from "./scene.ts";
import type { Scene, SceneOptions } from "./scene.ts";
import { KINDS, PLACES } from "./vocabulary.ts";
import type { Kind } from "./vocabulary.ts";

export const SPLITS = ["train", "validation", "test"] as const;
export type Split = (typeof SPLITS)[number];

export interface WorldOptions extends Partial<SceneOptions> {
  readonly seed: number;
  readonly split: Split;
}

/** A task that knows its scene. Only `images` (bare pixels) is ever handed to a Python session. */
export interface WorldTask extends Task {
  readonly kind: Kind;
  /** Privileged; not enumerable, so it is not copied or serialised along with the task. */
  readonly scene: Scene;
}

export interface WorldSource extends TaskSource {
  at(index: number): WorldTask;
}

export const DEFAULT_WEIGHTS: Readonly<Record<Kind, number>> = {
  plain: 0.15,
  look: 0.25,
  search: 0.35,
  compare: 0.15,
  count: 0.1,
};

/** @throws ConfigError for weights, places or contrast out of range. */
export function createWorld(options: WorldOptions): WorldSource {
  const weights = options.weights ?? DEFAULT_WEIGHTS;
  const places = options.places ?? PLACES.length;
  const contrast = options.contrast ?? 1;
  const drawn = KINDS.map((kind) => weights[kind] ?? 0);
  if (drawn.some((weight) => !(weight >= 0 && weight < Infinity)) || !drawn.some((weight) => weight > 0))
    throw new ConfigError(
      `world.weights must be finite numbers >= 0 with at least one above 0, got ${JSON.stringify(weights)}; ` +
        `give a weight to one of ${KINDS.join(", ")}`,
    );
  if (!Number.isInteger(places) || places < 2 || places > PLACES.length)
    throw new ConfigError(
      `world.places must be an integer from 2 to ${PLACES.length}, got ${places}; use ${PLACES.length} for the full world`,
    );
  if (!(contrast > 0 && contrast <= 1))
    throw new ConfigError(`world.contrast must be in (0, 1], got ${contrast}; use 1 for the plainest beads`);

  return {
    name: `world-${options.split}`,
    size: Infinity,
    at(index) {
      if (!Number.isSafeInteger(index) || index < 0)
        throw new RangeError(`world task index must be an integer >= 0, got ${index}`);
      const random = randomStream("world", options.seed, options.split, index);
      const scene = drawScene({ weights, places, contrast }, random);
      return worldTask(`world-${options.split}-${index}`, scene);
    },
  };
}

/** A task of the given scene. The picture is rendered when it is first asked for. */
export function worldTask(id: string, scene: Scene): WorldTask {
  let images: readonly RgbImage[] | undefined;
  const task = {
    id,
    kind: scene.kind,
    question: questionOf(scene),
    answer: answerOf(scene),
    get images() {
      images ??= [renderScene(scene)];
      return images;
    },
  };
  return Object.defineProperty(task, "scene", { value: scene, enumerable: false }) as typeof task & WorldTask;
}
