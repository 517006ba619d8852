// The trajectories folder of a run: one JSON-lines file a step, one line a trajectory, and the pictures as PNG files
// named by a hash of their pixels, so that the image that a whole group looks at is stored once.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { decode, encode } from "fast-png";
import { DataError } from "../core/errors.ts";
import type { RgbImage } from "../core/image.ts";
import type { ScoredTrajectory, Trajectory } from "../core/trajectory.ts";
import { writeFileAtomic } from "./files.ts";
import { trajectoryFromJson, trajectoryToJson } from "./trajectoryJson.ts";

/** Trajectories of one task; those of questions without a known answer are not scored. */
export interface StoredGroup {
  readonly trajectories: readonly (Trajectory | ScoredTrajectory)[];
}

export interface TrajectoryStore {
  readonly path: string;
  /**
   * Stores whole groups, from the first on, until `limit` trajectories are reached (a group that would pass the limit
   * is stored when it is the first). Replaces what the step had. Returns how many trajectories were stored.
   */
  save(name: string, groups: readonly StoredGroup[], limit?: number): number;
  /** Names that were saved, in order. */
  names(): string[];
  /** @throws DataError when there is no such name, or a line or picture is damaged */
  load(name: string): (Trajectory | ScoredTrajectory)[];
  /** The line of one trajectory, without its newline; its pictures are stored. */
  toLine(trajectory: Trajectory | ScoredTrajectory): string;
  /** @throws DataError when the line or a picture is damaged */
  fromLine(line: string): Trajectory | ScoredTrajectory;
  /**
   * Removes what a run that goes on after `lastStep` makes again: later steps, evaluations, which are stored when a run is
   * over, and files that were being written.
   */
  cutBack(lastStep: number): void;
}

/** The file name part of a training step, which sorts as the steps do: `train-000012`. */
export function stepName(stage: string, step: number): string {
  return `${stage}-${String(step).padStart(6, "0")}`;
}

/** A store in `path`, which is made when the first trajectory is saved. */
export function openTrajectoryStore(path: string): TrajectoryStore {
  const imagesPath = join(path, "images");
  const fileOf = (name: string): string => join(path, `${name}.jsonl`);
  const known = new Set<string>();

  const putImage = (image: RgbImage): string => {
    const hash = hashImage(image);
    const file = join(imagesPath, `${hash}.png`);
    if (!known.has(hash) && !existsSync(file)) writeFileAtomic(file, encodePng(image));
    known.add(hash);
    return hash;
  };

  const toLine = (trajectory: Trajectory | ScoredTrajectory): string => {
    mkdirSync(imagesPath, { recursive: true });
    return JSON.stringify(trajectoryToJson(trajectory, putImage));
  };

  return {
    path,
    toLine,
    fromLine: (line) => trajectoryFromJson(JSON.parse(line), imagesOf(imagesPath)),
    cutBack: (lastStep) => {
      for (const folder of [path, imagesPath])
        for (const file of existsSync(folder) ? readdirSync(folder) : [])
          if (file.endsWith(".tmp") || isLater(file, lastStep)) rmSync(join(folder, file), { force: true });
    },
    save: (name, groups, limit = Infinity) => {
      const chosen: (Trajectory | ScoredTrajectory)[] = [];
      for (const { trajectories } of groups) {
        if (limit <= 0 || (chosen.length > 0 && chosen.length + trajectories.length > limit)) break;
        chosen.push(...trajectories);
      }
      if (chosen.length === 0) return 0;
      mkdirSync(imagesPath, { recursive: true });
      writeFileAtomic(fileOf(name), chosen.map((trajectory) => `${toLine(trajectory)}\n`).join(""));
      return chosen.length;
    },
    names: () =>
      existsSync(path)
        ? readdirSync(path)
            .filter((file) => file.endsWith(".jsonl"))
            .map((file) => file.slice(0, -".jsonl".length))
            .sort()
        : [],
    load: (name) => {
      const file = fileOf(name);
      if (!existsSync(file)) throw new DataError(`no trajectories named ${JSON.stringify(name)} in ${path}`);
      const getImage = imagesOf(imagesPath);
      const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
      return lines.map((line, i) => {
        try {
          return trajectoryFromJson(JSON.parse(line), getImage);
        } catch (error) {
          throw new DataError(`${file} line ${i + 1}: ${(error as Error).message}`);
        }
      });
    },
  };
}

function isLater(file: string, lastStep: number): boolean {
  const [, stage, step] = /^(.+)-(\d{6,})\.jsonl$/.exec(file) ?? [];
  return stage === "evaluation" || (step !== undefined && Number(step) > lastStep);
}

/** Each picture is read once. */
function imagesOf(imagesPath: string): (hash: string) => RgbImage {
  const images = new Map<string, RgbImage>();
  return (hash) => {
    const image = images.get(hash) ?? readImage(imagesPath, hash);
    images.set(hash, image);
    return image;
  };
}

/** 32 hexadecimal digits of SHA-256 over the size and the pixels. */
export function hashImage(image: RgbImage): string {
  return createHash("sha256")
    .update(`${image.width}x${image.height}:`)
    .update(image.data)
    .digest("hex")
    .slice(0, 32);
}

function encodePng({ width, height, data }: RgbImage): Uint8Array {
  return encode({ width, height, data, channels: 3, depth: 8 });
}

function readImage(imagesPath: string, hash: string): RgbImage {
  if (!/^[0-9a-f]{32}$/.test(hash))
    throw new DataError(`picture reference must be 32 hex digits, received ${hash}`);
  const file = join(imagesPath, `${hash}.png`);
  if (!existsSync(file)) throw new DataError(`picture ${file} is missing`);
  const { width, height, data, channels } = decode(readFileSync(file));
  const image = { width, height, data: Uint8Array.from(data) };
  if (channels !== 3 || hashImage(image) !== hash)
    throw new DataError(`picture ${file} is not what was stored`);
  return image;
}
