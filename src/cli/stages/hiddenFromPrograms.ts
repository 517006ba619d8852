// What an evaluation keeps from the model's programs: answers in its data, and answers to other items in its run. The sandbox
// hides a user's files, but not the folders that programs need.
import { ConfigError } from "../../core/errors.ts";
import { findInputPath, type ResolvedConfig } from "../../runs/config.ts";
import { folderAbove, readableFolders } from "../../sandbox/readableFolders.ts";

/**
 * @param out folder of the run, or the one it is made in
 * @param folders that programs may read; default: of this machine, none where they run on a Jupyter server
 * @throws ConfigError naming option, path and folder when data or run lie in one
 */
export async function checkHidden(
  { tasks, python }: Pick<ResolvedConfig, "tasks" | "python">,
  out: string | undefined,
  folders?: readonly string[],
): Promise<void> {
  const readable = folders ?? (python.runtime.type === "jupyter" ? [] : await readableFolders());
  const places: (readonly [option: string, path: string])[] = [["--out", out ?? "runs"]];
  if (tasks.type === "benchmark") places.push(["--data", findInputPath(tasks.path) ?? tasks.path]);
  if (tasks.type === "file")
    for (const path of [tasks.path].flat()) places.push(["--tasks", findInputPath(path) ?? path]);
  for (const [option, path] of places) {
    const folder = folderAbove(path, readable);
    if (folder !== undefined)
      throw new ConfigError(
        `${option}: ${JSON.stringify(path)} lies in ${folder}, which the model's programs may read, right answers included; ` +
          `${option === "--out" ? "name" : "move it to"} a folder elsewhere, e.g. in your home folder or /srv`,
      );
  }
}
