// The Python tool as a recipe's `python` section asks for it.
import type { Reporter } from "../../core/reporter.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import { startPythonRuntime } from "../../sandbox/forkServer.ts";
import { ensurePackages } from "../../sandbox/packages.ts";
import type { Isolation, PythonRuntime } from "../../sandbox/runtime.ts";

export interface PythonTool {
  readonly runtime: PythonRuntime;
  /** For the record of the run. */
  readonly record: { readonly isolation: Isolation; readonly packages: readonly string[] };
}

/** @throws SandboxError, ConfigError */
export async function startPythonTool(
  { python }: Pick<ResolvedConfig, "python">,
  reporter: Reporter,
): Promise<PythonTool> {
  const { runtime: where, packages, maxConcurrent, maxTotalMemoryBytes, ...local } = python;
  const concurrency = maxConcurrent > 0 ? { maxConcurrent } : {};
  if (where.type === "jupyter") {
    const { callTimeoutMs, maxOutputBytes, maxFiguresPerCall, matplotlibRc } = python;
    const limits = { callTimeoutMs, maxOutputBytes, maxFiguresPerCall, matplotlibRc, ...concurrency };
    const { type: _type, ...server } = where;
    // Loaded when asked for: its client brings 30 MB of packages.
    const { connectJupyterRuntime } = await import("../../sandbox/jupyter/runtime.ts");
    const runtime = await connectJupyterRuntime({ ...server, ...limits });
    return { runtime, record: { isolation: runtime.isolation, packages: [] } };
  }
  const { preload, versions } = await ensurePackages(packages, (line) => reporter.info(line));
  const runtime = await startPythonRuntime({
    ...local,
    ...concurrency,
    preload,
    ...(maxTotalMemoryBytes > 0 && { maxTotalMemoryBytes }),
  });
  warnOfIsolation(runtime.isolation, reporter);
  return { runtime, record: { isolation: runtime.isolation, packages: versions } };
}

/** Says so when programs are isolated less than they could be. */
export function warnOfIsolation({ level, by, shortfalls }: Isolation, reporter: Reporter): void {
  if (level === "namespaces" || level === "remote") return;
  const meaning =
    level === "lite"
      ? "programs share this machine's file system, read-only but for their own folder, without a quota"
      : "programs have this user's rights: they can read its files and use the network";
  const why = shortfalls.length > 0 ? ` (${shortfalls.join("; ")})` : "";
  reporter.warn(`the Python tool's isolation is "${level}", by ${by}: ${meaning}${why}`);
}
