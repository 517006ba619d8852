// A level of isolation is found, not assumed: small programs try to leave a real session, and the host looks whether
// any of them did. What a kernel, a container or a security module takes away shows here and nowhere else.
import { accessSync, chmodSync, constants, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../core/errors.ts";
import type { PythonSession } from "./runtime.ts";

interface Scenery {
  readonly folder: string;
  /** Files of the host's that exist and can be read by it. */
  readonly files: readonly string[];
  readonly port: number;
  readonly ownNamespaces: boolean;
}

/** The project's own package.json, where nobody expects it to be hidden by a scratch folder or by its owner. */
const OWN_MANIFEST = fileURLToPath(new URL("../../package.json", import.meta.url));
const NOTE = "canary-note";

/** Tries everything and prints a JSON list of what worked. */
const program = (scenery: Scenery, neighbour: string): string => `
import ctypes, json, os, socket
reached = []
def attempt(what, action):
    try:
        if action():
            reached.append(what)
    except BaseException:
        pass
def spawned():
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return True
def forked():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True
def wrote(folder):
    with open(os.path.join(folder, "canary-written"), "w") as file:
        file.write("x")
    return True
libc = ctypes.CDLL(None)
for path in json.loads(${JSON.stringify(JSON.stringify(scenery.files))}):
    attempt("reads " + path, lambda: open(path, "rb").read(1))
attempt("writes into a folder of the host", lambda: wrote(${JSON.stringify(join(scenery.folder, "open"))}))
attempt("writes among the interpreter's modules", lambda: wrote(os.path.dirname(os.__file__)))
attempt("writes among the packages", lambda: wrote(os.path.dirname(np.__file__)))
attempt("reads another session's file", lambda: open(${JSON.stringify(join(neighbour, NOTE))}).read())
attempt("connects to a port of the host", lambda: socket.create_connection(("127.0.0.1", ${scenery.port}), 1))
attempt("makes a socket", lambda: socket.socket(socket.AF_UNIX))
attempt("starts a program", spawned)
attempt("forks", forked)
attempt("signals the host", lambda: ${process.pid} != os.getpid() and os.kill(${process.pid}, 0) is None)
attempt("sees the host's processes", lambda: ${process.pid} > 1 and open("/proc/${process.pid}/status").read())
attempt("makes a namespace", lambda: libc.unshare(0x10000000) == 0)
attempt("is not alone in its process namespace", lambda: ${scenery.ownNamespaces ? "os.getpid() != 1" : "False"})
print(json.dumps(reached))
`;

/**
 * Runs the canaries in two sessions, which it closes.
 * @param ownNamespaces whether sessions are meant to have a process namespace of their own
 * @param folder for what programs must not reach; made here, and removed
 * @returns what a program could do that it must not be able to; empty when the isolation holds
 * @throws SandboxError when a session does not work at all
 */
export async function runCanaries(
  open: () => Promise<PythonSession>,
  ownNamespaces: boolean,
  folder: string,
): Promise<readonly string[]> {
  mkdirSync(folder);
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  const sessions: PythonSession[] = [];
  try {
    // Open to every user, so that isolation is tested and not who owns what.
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "open"));
    chmodSync(join(folder, "open"), 0o777);
    writeFileSync(join(folder, "secret"), "x", { mode: 0o644 });
    const files = [join(folder, "secret"), OWN_MANIFEST, ...[process.cwd(), homedir()].flatMap(firstFile)];
    const port = await listen(server);
    for (let i = 0; i < 2; i++) sessions.push(await open());
    const [first, second] = sessions as [PythonSession, PythonSession];
    const where = await say(first, `import os\nopen("${NOTE}", "w").write("mine")\nprint(os.getcwd())`);
    const printed = await say(second, program({ folder, files, port, ownNamespaces }, where));
    const reached = JSON.parse(printed) as string[];
    if (connections > 0) reached.push("was heard on a port of the host");
    if (readdirSync(join(folder, "open")).length > 0) reached.push("left a file with the host");
    return reached;
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A readable file directly in the folder, if there is one that does not belong to a virtual environment. */
function firstFile(folder: string): string[] {
  try {
    const names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== "pyvenv.cfg")
      .map((entry) => join(folder, entry.name));
    return names.filter(isReadable).slice(0, 1);
  } catch {
    return []; // no such folder, or not ours to look into
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

async function say(session: PythonSession, code: string): Promise<string> {
  const { outcome, stdout } = await session.run(code);
  if (outcome.type !== "ok")
    throw new SandboxError(`a first program ended with ${JSON.stringify(outcome)} instead of running`);
  return stdout.trim();
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      server.unref();
      resolve((server.address() as AddressInfo).port);
    });
  });
}
