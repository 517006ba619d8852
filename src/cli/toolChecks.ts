// What `pyvision doctor` says about the tool runtime is measured, not promised: a session is started, computes, and
// tries to leave its box (a connection to a port of this process, a read of the project's package.json).
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { PythonRuntime } from "../sandbox/runtime.ts";
import { formatDuration } from "../runs/format.ts";
import { firstLine, type Check } from "./check.ts";

const projectFile = fileURLToPath(new URL("../../package.json", import.meta.url));

const probe = (port: number, path: string): string => `
import json, socket
def works(action):
    try:
        action().close()
        return True
    except Exception:
        return False
print(json.dumps({
    "network": works(lambda: socket.create_connection(("127.0.0.1", ${port}), timeout=2)),
    "files": works(lambda: open(${JSON.stringify(path)})),
}))
`;

/** `tool` and, when it works, `isolation`. @param start opens the runtime to look at */
export async function checkTool(start: () => Promise<PythonRuntime>): Promise<readonly Check[]> {
  const remedy = "see the python check above; npm start sets up what is missing";
  const listener = createServer((socket) => socket.destroy());
  let runtime: PythonRuntime | undefined;
  try {
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    runtime = await start();
    const began = performance.now();
    const session = await runtime.open({ images: [] });
    const result = await session.run(probe((listener.address() as AddressInfo).port, projectFile));
    const elapsed = formatDuration(performance.now() - began);
    await session.close();
    if (result.outcome.type !== "ok")
      return [
        { name: "tool", state: "fail", text: `a first cell ended with ${result.outcome.type}`, remedy },
      ];
    const reached = JSON.parse(result.stdout) as { readonly network: boolean; readonly files: boolean };
    return [
      { name: "tool", state: "ok", text: `a session started and ran a cell in ${elapsed}` },
      isolationCheck(reached),
    ];
  } catch (error) {
    return [{ name: "tool", state: "fail", text: firstLine(error), remedy }];
  } finally {
    await runtime?.close();
    listener.close();
  }
}

export function isolationCheck(reached: { readonly network: boolean; readonly files: boolean }): Check {
  const open = [...(reached.network ? ["the network"] : []), ...(reached.files ? ["this user's files"] : [])];
  const base = "own process with limits on memory, files and processes";
  if (open.length === 0)
    return {
      name: "isolation",
      state: "ok",
      text: `${base}; neither the network nor this user's files can be reached`,
    };
  return {
    name: "isolation",
    state: "warn",
    text: `${base}; Python can reach ${open.join(" and ")}`,
    remedy: "let models you do not trust write code only in a container or virtual machine",
  };
}
