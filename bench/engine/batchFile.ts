// Batches in a form that both sides read: tokens and weights as JSON, pictures as bytes for ours and as ready patches
// for the peer.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PatchGrid, ViewImage } from "../../src/core/trajectory.ts";
import { preprocess } from "../../src/models/qwen2_5_vl/imageProcessor.ts";

export interface BatchRow {
  readonly tokens: readonly number[];
  readonly mask: readonly number[];
  readonly logprobs: readonly number[];
  readonly advantages: readonly number[];
  /** Of `pictures`, those whose placeholders are among the tokens. */
  readonly pictures: readonly number[];
}

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly grid: PatchGrid;
  readonly tokenCount: number;
}

export interface BatchFile {
  readonly rows: readonly BatchRow[];
  readonly padId: number;
  /** Rows with one key begin alike. */
  readonly promptKeys: readonly string[] | undefined;
  readonly grids: readonly PatchGrid[];
  readonly pictures: readonly Picture[];
}

export async function writeBatch(
  folder: string,
  rows: readonly BatchRow[],
  pictures: readonly ViewImage[],
  padId: number,
  promptKeys?: readonly string[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const used = rows.flatMap((row) => row.pictures.map((at) => pictures[at] as ViewImage));
  const file: BatchFile = {
    rows,
    padId,
    promptKeys,
    grids: used.map(({ grid }) => grid),
    pictures: pictures.map(({ grid, tokenCount, pixels: { width, height } }) => ({
      ...{ width, height, grid, tokenCount },
    })),
  };
  await writeFile(join(folder, "batch.json"), JSON.stringify(file));
  await writeFile(join(folder, "pixels.rgb"), Buffer.concat(pictures.map(({ pixels }) => pixels.data)));
  const patches = used.map((picture) => Buffer.from(preprocess(picture).buffer));
  await writeFile(join(folder, "patches.f32"), Buffer.concat(patches));
}

export async function readBatch(folder: string): Promise<{ file: BatchFile; pictures: ViewImage[] }> {
  const file = JSON.parse(await readFile(join(folder, "batch.json"), "utf8")) as BatchFile;
  const bytes = await readFile(join(folder, "pixels.rgb"));
  let at = 0;
  const pictures = file.pictures.map(({ width, height, grid, tokenCount }): ViewImage => {
    const data = Uint8Array.from(bytes.subarray(at, (at += width * height * 3)));
    return { pixels: { width, height, data }, grid, tokenCount };
  });
  return { file, pictures };
}
