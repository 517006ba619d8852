// tinker.json: what a folder of ours holds of a checkpoint that lives on a server.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../../core/errors.ts";
import { writeAtomically } from "../../models/qwen2_5_vl/atomicFile.ts";

export const TINKER_FILE = "tinker.json";

const schema = z.strictObject({
  /** Weights and optimiser state: `tinker://…/weights/…`. */
  path: z.string().startsWith("tinker://"),
  /** The same weights to sample from: `tinker://…/sampler_weights/…`. */
  samplerPath: z.string().startsWith("tinker://").optional(),
  baseUrl: z.string(),
  baseModel: z.string(),
  dialect: z.enum(["pyvision", "skyrl", "hosted"]),
  rank: z.int().min(0),
  /** Updates made since the engine was opened. */
  step: z.int().min(0).optional(),
});

export type TinkerFolder = z.infer<typeof schema>;

/** Makes the folder when it is missing. */
export async function writeTinkerFolder(dir: string, content: TinkerFolder): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeAtomically(join(dir, TINKER_FILE), [Buffer.from(`${JSON.stringify(content, null, 2)}\n`)]);
}

/** @throws DataError when there is none, or it says something else */
export async function readTinkerFolder(dir: string): Promise<TinkerFolder> {
  const file = join(dir, TINKER_FILE);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new DataError(
      `${file}: there is no state of a Tinker server here (${(error as NodeJS.ErrnoException).code}); give a folder that ` +
        "saveState or saveWeights wrote",
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataError(`${file}: it is not JSON (${(error as Error).message})`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new DataError(`${file}: ${issue?.path.map(String).join(".")}: ${issue?.message}`);
}
