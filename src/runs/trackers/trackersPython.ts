// For the parity tests of the trackers: a Python with the real TensorBoard, MLflow and W&B, and programs run in it.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { layeredPython } from "../../engines/embedded/parity/layeredPython.ts";

/** Made at first use. @returns its interpreter */
export function trackersPython(): Promise<string> {
  return layeredPython(
    {
      folder: ".venv-trackers",
      requirements: "requirements-trackers.txt",
      oldestPython: 10,
      what: "TensorBoard, MLflow and W&B (130 MB to download)",
    },
    (line) => process.stderr.write(`${line}\n`),
  );
}

/** Runs a program of this folder and reads the JSON it prints. @throws Error with what it said when it failed */
export async function readWithPython(
  python: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(python, [path, ...args], { env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${program} failed (${code}): ${stderr.slice(-3000)}`);
  return JSON.parse(stdout) as unknown;
}
