// Folders of this machine that programs see at every level of isolation: the system's libraries and the interpreter with its
// packages. What lies there is no secret from a model that writes programs.
import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SandboxError } from "../core/errors.ts";
import { defaultPython } from "./settings.ts";

const WORKER = fileURLToPath(new URL("worker", import.meta.url));
/** Asks the interpreter itself, by the list that the sandbox is furnished from. */
const PROBE = `
import json, os, sys
sys.path.insert(0, sys.argv[1])
import view
shown = [source for kind, source, target in view.plan("", []) if kind == "read-only" and target != view.HOST_FOLDER]
print(json.dumps(sorted({os.path.realpath(path) for path in shown})))
`;

/**
 * Their real paths; some are files. None where no sandbox hides the rest (not on Linux).
 * @param python default: the project's own
 * @throws SandboxError when the interpreter is missing or cannot say
 */
export async function readableFolders(python = defaultPython()): Promise<readonly string[]> {
  if (process.platform !== "linux") return [];
  try {
    const { stdout } = await promisify(execFile)(python, ["-I", "-B", "-c", PROBE, WORKER]);
    return JSON.parse(stdout) as readonly string[];
  } catch (error) {
    throw new SandboxError(`python: ${python} cannot say which folders its programs see: ${String(error)}`, {
      cause: error,
    });
  }
}

/** The one of the folders that the path is or lies below, links followed; the path need not exist yet. */
export function folderAbove(path: string, folders: readonly string[]): string | undefined {
  const real = realPath(resolve(path));
  return folders.find(
    (folder) => real === folder || real.startsWith(folder.endsWith(sep) ? folder : folder + sep),
  );
}

/** Of what is there; the rest of the path as it is. */
function realPath(path: string): string {
  for (let there = path; ; there = dirname(there)) {
    try {
      return join(realpathSync(there), relative(there, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || there === dirname(there)) throw error;
    }
  }
}
