// The remote runtime on a real Jupyter server: the contract, what a server and its kernels may suffer, and that nothing
// is left behind.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { SandboxError } from "../../core/errors.ts";
import { defineConformance } from "../conformance.ts";
import { pattern } from "../conformance/case.ts";
import type { PythonRuntime } from "../runtime.ts";
import { runLimited } from "../testRuntime.ts";
import { connectJupyterRuntime } from "./runtime.ts";
import { startTestJupyter } from "./testJupyter.ts";

const jupyter = await startTestJupyter();
/** A kernel's folder goes a moment after its process. */
async function nothingLeft(): Promise<void> {
  assert.deepEqual(await jupyter.kernels(), []);
  for (const until = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const left = readdirSync(jupyter.scratch).filter((name) => name.startsWith("pyvision-"));
    if (left.length === 0) return;
    assert.ok(Date.now() < until, `left on the server: ${left.join(", ")}`);
  }
}

defineConformance("a Jupyter server", () => connectJupyterRuntime(jupyter.options), {
  "memory is limited": "a kernel's memory is the server's business",
  "hashes of texts are the same": "the seed of hashes is set when Python starts, and the server starts it",
});

describe("a Jupyter server, beyond the contract", () => {
  test("after the contract's tests nothing is left on the server", nothingLeft);

  test("the token is never part of a message, and a wrong one is named", async () => {
    process.env["PYVISION_WRONG_TOKEN"] = "wrong-and-secret";
    await assert.rejects(
      connectJupyterRuntime({ ...jupyter.options, tokenEnv: "PYVISION_WRONG_TOKEN" }),
      (error) => error instanceof SandboxError && /refuses the token \(status 403\)/.test(error.message) && !/secret/.test(error.message), // prettier-ignore
    );
    const { tokenEnv: _, ...without } = jupyter.options;
    await assert.rejects(
      connectJupyterRuntime(without),
      /^SandboxError: tokenEnv: .* wants a token \(status 403\)/,
    );
  });

  test("a server that lets everybody in", async () => {
    const runtime = await connectJupyterRuntime((await startTestJupyter(true)).options);
    const session = await runtime.open({ images: [] });
    assert.equal((await session.run("1 + 1")).stdout, "2\n");
    await runtime.close();
  });

  test("an unknown kernel is named beside those there are", async () => {
    await assert.rejects(
      connectJupyterRuntime({ ...jupyter.options, kernelName: "julia" }),
      /^SandboxError: kernelName: .* has no kernel "julia"; it has python3$/,
    );
  });

  test("a matplotlib setting that is none is refused, and no kernel stays", async () => {
    await assert.rejects(
      connectJupyterRuntime({ ...jupyter.options, matplotlibRc: { "figure.dip": 1 } }),
      /^SandboxError: python\.matplotlibRc: the kernel's matplotlib does not take "figure\.dip"/,
    );
    await nothingLeft();
  });

  describe("with a runtime of its own", () => {
    let runtime: PythonRuntime;
    before(
      async () =>
        (runtime = await connectJupyterRuntime({ ...jupyter.options, matplotlibRc: { "figure.dpi": 20 } })),
    );
    after(() => runtime.close());

    test("matplotlib settings hold", async () => {
      const session = await runtime.open({ images: [] });
      const { figures } = await session.run("plt.figure(figsize=(2, 1)); plt.show()");
      assert.deepEqual(figures.map(({ width, height }) => [width, height]), [[40, 20]]); // prettier-ignore
      await session.close();
    });

    test("a kernel killed from outside is killed, and the next call fresh", async () => {
      const session = await runtime.open({ images: [pattern(1, 1)] });
      const { stdout } = await session.run("import os\nprint(os.getpid())");
      const running = session.run(
        "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass",
      );
      setTimeout(() => process.kill(Number(stdout), "SIGKILL"), 300);
      const { outcome, alive } = await running;
      assert.deepEqual(
        [outcome, alive],
        [{ type: "killed", reason: "the kernel died, as the server says" }, false],
      );
      assert.equal((await session.run("image_clue_0.size")).stdout, "(1, 1)\n");
      await session.close();
    });

    test("a kernel taken off the server is killed", async () => {
      const session = await runtime.open({ images: [] });
      const [id] = await jupyter.kernels();
      assert.equal((await jupyter.request("DELETE", `api/kernels/${id}`)).status, 204);
      const results = [await session.run("1"), await session.run("2")];
      assert.deepEqual(results.map(({ outcome }) => outcome.type), ["killed", "ok"]); // prettier-ignore
      await session.close();
    });

    test("a kernel restarted by somebody else never answers in the old one's name", async () => {
      const session = await runtime.open({ images: [] });
      assert.equal((await session.run("x = 1")).outcome.type, "ok");
      const [id] = await jupyter.kernels();
      assert.equal((await jupyter.request("POST", `api/kernels/${id}/restart`)).status, 200);
      const told = await runLimited(session, { run: "x", limitMs: 10_000, graceMs: 2000 });
      const next = await session.run("'x' in globals()");
      // Of a restart that was asked for the server tells nobody: the request may also go to the old kernel and be lost.
      assert.ok(told.outcome.type === "killed" || told.outcome.type === "timeout", JSON.stringify(told));
      assert.deepEqual([told.alive, told.stdout], [false, ""]);
      assert.deepEqual([next.outcome.type, next.stdout], ["ok", "False\n"]);
      await session.close();
    });

    test("a kernel that forges a reply ends, and the next call is right", async () => {
      const session = await runtime.open({ images: [] });
      const forge = `import sys
kernel = sys.modules["pyvision_kernel"].get_ipython().kernel
content = {"comm_id": "pyvision", "data": {"nonce": "x", "part": 0, "parts": 1}}
kernel.session.send(kernel.iopub_socket, "comm_msg", content, parent=kernel.get_parent(), buffers=[b"{}"])`;
      const results = [await session.run(forge), await session.run("print('fresh')")];
      assert.deepEqual(results[0]?.outcome, { type: "killed", reason: "the kernel broke the reply protocol: a reply to another request" }); // prettier-ignore
      assert.equal(results[1]?.stdout, "fresh\n");
      await session.close();
    });

    test("a program deaf to the timer is interrupted by the server and keeps its state", async () => {
      const session = await runtime.open({ images: [] });
      const deaf = await runLimited(session, {
        run: "x = 1\nimport signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
        limitMs: 10_000,
        graceMs: 20_000, // after half of it the server interrupts
      });
      assert.deepEqual([deaf.outcome.type, deaf.alive], ["timeout", true]);
      assert.equal((await session.run("x")).stdout, "1\n");
      await session.close();
    });

    test("after its end nothing is left on the server", async () => {
      await runtime.close();
      await nothingLeft();
    });
  });

  test("a server killed in the middle of a call is our fault, and named", async () => {
    const runtime = await connectJupyterRuntime(jupyter.options);
    const session = await runtime.open({ images: [] });
    const running = session.run("import time\ntime.sleep(60)");
    const ended = once(jupyter.process, "exit");
    setTimeout(() => jupyter.process.kill("SIGKILL"), 300);
    await assert.rejects(running, /^SandboxError: http:\S+ the connection to the session's kernel was lost/);
    // Only a server that is gone for good refuses every connection: while it dies, one may still be reset, and one that
    // was kept open is taken for usable until its end has been read from the socket.
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(
      session.run("1"),
      /^SandboxError: baseUrl: no server answers at http:\S+ \(ECONNREFUSED\); start it/,
    );
    await session.close();
    await runtime.close();
  });
});
