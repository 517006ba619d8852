// What `pyvision doctor` says about the tool runtime is measured, not promised: a session is started and computes, and
// the level of isolation is what the runtime's canary programs left standing.
import { formatDuration } from "../runs/format.ts";
import type { Isolation, PythonRuntime } from "../sandbox/runtime.ts";
import { firstLine, type Check } from "./check.ts";

/** `tool` and, when it works, `isolation`. @param start opens the runtime to look at */
export async function checkTool(start: () => Promise<PythonRuntime>): Promise<readonly Check[]> {
  const remedy = "see the python check above; npm start sets up what is missing";
  let runtime: PythonRuntime | undefined;
  try {
    runtime = await start();
    const began = performance.now();
    const session = await runtime.open({ images: [] });
    const { outcome } = await session.run("print(np.arange(3).sum())");
    const elapsed = formatDuration(performance.now() - began);
    await session.close();
    if (outcome.type !== "ok")
      return [{ name: "tool", state: "fail", text: `a first cell ended with ${outcome.type}`, remedy }];
    return [
      { name: "tool", state: "ok", text: `a session started and ran a cell in ${elapsed}` },
      isolationCheck(runtime.isolation),
    ];
  } catch (error) {
    return [{ name: "tool", state: "fail", text: firstLine(error), remedy }];
  } finally {
    await runtime?.close();
  }
}

const MEANING = {
  namespaces: "programs reached no file, process or network of this machine",
  lite: "programs reached no file of the user's, process or network, but share the file system without a quota",
  remote: "isolated by another machine",
  process: "programs can read this user's files and use the network; `train` refuses",
} as const;

export function isolationCheck({ level, by, shortfalls }: Isolation): Check {
  const check = { name: "isolation", text: `${level}, by ${by}: ${MEANING[level]}` };
  if (level === "namespaces" || level === "remote") return { ...check, state: "ok" };
  const why = shortfalls.length > 0 ? `why not better: ${shortfalls.join("; ")}. ` : "";
  const allow =
    process.platform === "linux"
      ? "Allow this user unprivileged user namespaces (in a container: seccomp and AppArmor profiles that permit " +
        "unshare and mount), or install bubblewrap"
      : "Run on Linux";
  const accept = level === "process" ? ", or accept this by python.leastIsolation=process" : "";
  return { ...check, state: "warn", remedy: `${why}${allow}${accept}` };
}
