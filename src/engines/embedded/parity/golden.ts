// The golden files: what Transformers computed for two tiny models and some pictures, committed so that the plain test
// suite holds the engine against it without any Python. `npm run test:parity -- --write-golden` makes them anew.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../../../models/qwen2_5_vl/safetensors.ts";
import { EmbeddedEngine } from "../embeddedEngine.ts";
import type { ModelCase } from "./cases.ts";
import type { CaseSummary, Results } from "./checkCase.ts";
import type { ProcessedPicture } from "./pictures.ts";

export const GOLDEN_DIR = fileURLToPath(new URL("golden/", import.meta.url));

export interface GoldenSummary {
  /** Of the Python packages that made the files. */
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: Readonly<Record<string, CaseSummary>>;
  readonly pictures: readonly ProcessedPicture[];
}

export async function goldenSummary(): Promise<GoldenSummary> {
  return JSON.parse(await readFile(join(GOLDEN_DIR, "summary.json"), "utf8")) as GoldenSummary;
}

export interface GoldenCase {
  readonly engine: EmbeddedEngine;
  readonly results: Results;
  readonly summary: CaseSummary;
}

/** An engine from the checkpoint that Transformers saved, and what Transformers computed with it. */
export async function goldenCase({ name }: ModelCase): Promise<GoldenCase> {
  const engine = await EmbeddedEngine.load(join(GOLDEN_DIR, name), { threads: 1 });
  const { tensors } = await readSafetensors(join(GOLDEN_DIR, `${name}.safetensors`));
  return { engine, results: tensors, summary: (await goldenSummary()).cases[name] as CaseSummary };
}
