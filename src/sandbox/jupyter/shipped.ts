// What is sent into a kernel before anything else: the modules of the local worker, so that cells behave the same.
import { readFile } from "node:fs/promises";
import { SandboxError } from "../../core/errors.ts";

/** In the order they import one another. */
const MODULES: readonly [name: string, path: string][] = [
  ["cell", "../worker/cell.py"],
  ["output", "../worker/output.py"],
  ["figures", "../worker/figures.py"],
  ["lazy_ticks", "../worker/lazy_ticks.py"],
  ["video", "../worker/video.py"],
  ["pyvision_kernel", "./kernel.py"],
];

/** Code of every request: what it is about lies in its buffers. */
export const CALL_CODE = `__import__("pyvision_kernel").serve()`;

/** Code of the first request: executes the modules of its second buffer, then serves it. */
export const SHIP_CODE = `
def _pyvision_ship():
    import json, os, sys, types
    os.environ["MPLBACKEND"] = "Agg"
    import matplotlib
    matplotlib.use("Agg")
    for name, source in json.loads(bytes(get_ipython().kernel.get_parent()["buffers"][1])):
        sys.modules[name] = module = types.ModuleType(name)
        exec(compile(source, f"<pyvision {name}>", "exec"), module.__dict__)
_pyvision_ship()
del _pyvision_ship
${CALL_CODE}`;

let cached: Promise<Buffer> | undefined;

/** The modules as JSON: a list of [name, source]. @throws SandboxError when they cannot be read. */
export function shippedModules(): Promise<Buffer> {
  cached ??= Promise.all(
    MODULES.map(async ([name, path]) => [name, await readFile(new URL(path, import.meta.url), "utf8")]),
  ).then(
    (sources) => Buffer.from(JSON.stringify(sources)),
    (error: Error) => {
      cached = undefined;
      throw new SandboxError(
        `the runner's own Python files cannot be read: ${error.message}; install it again`,
      );
    },
  );
  return cached;
}
