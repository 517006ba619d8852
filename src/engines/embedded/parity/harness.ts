// Runs the reference side of the parity suite: one job, in a folder of its own, by the Python that has Transformers.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { RgbImage } from "../../../core/image.ts";

const PROGRAM = fileURLToPath(new URL("reference/main.py", import.meta.url));
const VARIABLE = "PYVISION_PARITY_PYTHON";

/** A task of reference/main.py with its input. */
export interface Job {
  readonly task: "versions" | "train" | "processor" | "text" | "serve" | "export";
}

/** A picture as the reference side finds it: a file of raw RGB bytes in the job's folder. */
export interface PictureFile {
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

/** A folder that is deleted after the test. */
export async function jobFolder(context: Pick<TestContext, "after">): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "pyvision-parity-"));
  context.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export async function writePicture(dir: string, name: string, image: RgbImage): Promise<PictureFile> {
  const file = `${name}.rgb`;
  await writeFile(join(dir, file), image.data);
  return { file, width: image.width, height: image.height };
}

/**
 * Runs the job in `dir` and returns the JSON it wrote; bigger results lie in `dir`.
 * @throws Error when the variable PYVISION_PARITY_PYTHON is not set, or with the program's own words when it fails.
 */
export async function runReference(dir: string, job: Job): Promise<unknown> {
  const python = process.env[VARIABLE];
  if (python === undefined || python === "")
    throw new Error(
      `${VARIABLE} names no Python with Transformers: run \`npm run test:parity\`, which makes one`,
    );
  await writeFile(join(dir, "job.json"), JSON.stringify(job));
  // -E -s: neither PYTHON* variables nor the user's own packages may leak in.
  const child = spawn(python, ["-E", "-s", PROGRAM, dir], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString("utf8")).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`the reference failed at "${job.task}" (exit code ${code}):\n${output}`);
  return JSON.parse(await readFile(join(dir, "result.json"), "utf8")) as unknown;
}
