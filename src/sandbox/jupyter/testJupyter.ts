// A real Jupyter server for the parity tests, on this machine, of the interpreter that PYVISION_PARITY_PYTHON names.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { CONFORMANCE_OPTIONS } from "../conformance.ts";
import type { JupyterRuntimeOptions } from "./options.ts";

export interface TestJupyter {
  readonly process: ChildProcess;
  /** Folder for temporary files of the server and its kernels. */
  readonly scratch: string;
  readonly options: JupyterRuntimeOptions;
  /** The server's own list of its kernels' ids. */
  kernels(): Promise<string[]>;
  request(method: string, path: string): Promise<Response>;
}

/** Starts a server that ends with the test file. @param open whether it lets everybody in, without a token */
export async function startTestJupyter(open = false): Promise<TestJupyter> {
  const python = process.env["PYVISION_PARITY_PYTHON"];
  assert.ok(
    python,
    "PYVISION_PARITY_PYTHON must name a Python with requirements-jupyter.txt; npm run test:parity does",
  );
  const home = mkdtempSync(join(tmpdir(), "jupyter-"));
  const scratch = join(home, "tmp");
  mkdirSync(scratch);
  const port = await freePort();
  const token = randomBytes(16).toString("hex");
  const tokenEnv = `PYVISION_TEST_TOKEN_${port}`;
  process.env[tokenEnv] = token;
  const settings = {
    ...(open && { "IdentityProvider.token": "" }),
    "ServerApp.root_dir": home,
    "ServerApp.port": port,
    "ServerApp.port_retries": 0,
  };
  const child = spawn(
    python,
    [
      "-m",
      "jupyter_server",
      "--no-browser",
      "--allow-root",
      ...Object.entries(settings).map(([k, v]) => `--${k}=${v}`),
    ],
    {
      env: {
        PATH: `${dirname(python)}:/usr/bin:/bin`,
        HOME: home,
        TMPDIR: scratch,
        LANG: "C.UTF-8",
        JUPYTER_TOKEN: open ? "" : token,
        JUPYTER_CONFIG_DIR: join(home, "config"),
        JUPYTER_DATA_DIR: join(home, "data"),
        JUPYTER_RUNTIME_DIR: join(home, "run"),
        IPYTHONDIR: join(home, "ipython"),
        MPLCONFIGDIR: join(dirname(dirname(python)), "matplotlib"), // the list of fonts takes seconds to make
      },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-4000)));
  after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  const baseUrl = `http://127.0.0.1:${port}/`;
  const request = (method: string, path: string): Promise<Response> =>
    fetch(baseUrl + path, { method, headers: { Authorization: `token ${token}` } });
  for (const until = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    if ((await request("GET", "api/status").catch(() => undefined))?.status === 200) break;
    assert.ok(Date.now() < until && child.exitCode === null, `the Jupyter server did not start:\n${log}`);
  }
  return {
    process: child,
    scratch,
    options: { ...CONFORMANCE_OPTIONS, baseUrl, ...(!open && { tokenEnv }) },
    request,
    kernels: async () => {
      const list = (await (await request("GET", "api/kernels")).json()) as { id: string }[];
      return list.map(({ id }) => id);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}
