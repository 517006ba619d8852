// What a server, a gateway or a network may do wrong, played by a fake one; also the older wire protocol, which it speaks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SandboxError } from "../../core/errors.ts";
import type { ToolResult } from "../../core/trajectory.ts";
import { type Call, type FakeServer, pack, startFakeServer } from "./fakeServer.ts";
import { resolveJupyterSettings } from "./options.ts";
import { type LimitedCell, LONG_MS, runLimited } from "../testRuntime.ts";
import { connectJupyterRuntime } from "./runtime.ts";

const OK = { outcome: { type: "ok" }, stdout: "", figures: [] };
const LIMITS = { callTimeoutMs: LONG_MS, hardKillGraceMs: LONG_MS, startTimeoutMs: LONG_MS };

/** Runs two cells, the first of which meets the fault. */
async function withFault(
  fault: (call: Call, server: FakeServer) => void,
  {
    limits = {},
    beforeNext = () => undefined,
  }: { limits?: Partial<LimitedCell>; beforeNext?: () => void } = {},
): Promise<[ToolResult, ToolResult, FakeServer]> {
  const server = await startFakeServer();
  const runtime = await connectJupyterRuntime({ ...LIMITS, baseUrl: server.baseUrl });
  const session = await runtime.open({ images: [] });
  server.onRun = (call) => {
    if (call.request.code === "fault") fault(call, server);
    else {
      beforeNext();
      call.answer({ ...OK, stdout: "fresh\n" });
    }
  };
  try {
    const first = await runLimited(session, { run: "fault", limitMs: LONG_MS, ...limits });
    return [first, await session.run("next"), server];
  } finally {
    await session.close();
    await runtime.close();
  }
}

async function killedBy(reason: string | RegExp, fault: (call: Call) => void): Promise<void> {
  const [{ outcome, alive }, next, { requests }] = await withFault(fault);
  assert.equal(outcome.type, "killed", JSON.stringify(outcome));
  if (typeof reason === "string") assert.equal(outcome.reason, reason);
  else assert.match(outcome.reason, reason);
  assert.deepEqual([alive, next.stdout, next.alive], [false, "fresh\n", true]);
  assert.deepEqual(requests.filter((request) => request.startsWith("DELETE")).sort(), ["DELETE /api/kernels/kernel-1", "DELETE /api/kernels/kernel-2"]); // prettier-ignore
}

const broke = (detail: string): string => `the kernel broke the reply protocol: ${detail}`;

test("an answer of many parts, its shell reply first, is put together", async () => {
  const [result] = await withFault(
    (call) =>
    call.answer({ ...OK, figures: [[1, 2], [1, 1]] }, [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6, 7]), Buffer.from([8, 9])]), // prettier-ignore
  );
  assert.deepEqual(result.outcome, { type: "ok" });
  assert.deepEqual(result.figures, [
    { width: 1, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
    { width: 1, height: 1, data: Uint8Array.of(7, 8, 9) },
  ]);
});

test("messages of other senders are left alone", async () => {
  const [result] = await withFault((call) => {
    call.send("iopub", "stream", { name: "stdout", text: "noise" });
    call.send("iopub", "comm_msg", { comm_id: "widget", data: { part: 7 } });
    call.send("iopub", "display_data", { data: {} }, [Buffer.alloc(10)]);
    call.answer({ ...OK, stdout: "mine\n" });
  });
  assert.deepEqual([result.stdout, result.alive], ["mine\n", true]);
});

test("garbage in the channel is killed", async () => {
  await killedBy(broke("a message that cannot be read"), ({ socket }) => socket.send("{no json"));
  await killedBy(broke("a message that cannot be read"), ({ socket }) => socket.send(Buffer.alloc(3)));
  await killedBy(broke("a message without header or content"), ({ socket }) => socket.send("[]"));
  await killedBy(broke("a message without type or channel"), ({ socket }) =>
    socket.send(pack([Buffer.from(`{"header":{},"content":{}}`), Buffer.alloc(2)])),
  );
});

test("replies that are not of the agreed form are killed", async () => {
  const part = (call: Call, data: object, buffers = [Buffer.from("{}")]): void =>
    call.send(
      "iopub",
      "comm_msg",
      { comm_id: "pyvision", data: { nonce: call.request.nonce, ...data } },
      buffers,
    );
  await killedBy(broke("a reply to another request"), (call) =>
    part(call, { nonce: "x", part: 0, parts: 1 }),
  );
  await killedBy(broke("a part out of order"), (call) => part(call, { part: 1, parts: 2 }));
  await killedBy(broke("a part out of order"), (call) => part(call, { part: 0, parts: 1e9 }));
  await killedBy(broke("a part that is not one buffer"), (call) => part(call, { part: 0, parts: 1 }, []));
  await killedBy(broke("more than one reply"), (call) => {
    part(call, { part: 0, parts: 1 });
    part(call, { part: 1, parts: 1 });
  });
  await killedBy(broke("reply is not an object"), (call) => {
    part(call, { part: 0, parts: 1 }, [Buffer.from("{no json")]);
    call.send("shell", "execute_reply", { status: "ok" });
  });
  await killedBy(broke("the payload is longer than the figures"), (call) =>
    call.answer(OK, [Buffer.alloc(3)]),
  );
  await killedBy(broke("a figure's size is out of bounds"), (call) =>
    call.answer({ ...OK, figures: [[1e6, 1e6]] }),
  );
});

test("a call that ends without a result is killed with what the kernel says", async () => {
  await killedBy("the kernel ended the call without a result (NameError: no module)", (call) => {
    call.send("shell", "execute_reply", { status: "error", ename: "NameError", evalue: "no module" });
    call.send("iopub", "status", { execution_state: "idle" });
  });
});

test("a restart by the server is killed", async () => {
  await killedBy("the kernel died, as the server says", (call) =>
    call.send("iopub", "status", { execution_state: "restarting" }),
  );
});

test("no answer is a timeout, after an interruption and before a late answer", async () => {
  let late: Call | undefined;
  const [result, next, { requests }] = await withFault((call) => (late = call), {
    limits: { limitMs: 600, graceMs: 400 },
    beforeNext: () => late?.answer({ ...OK, stdout: "late\n" }),
  });
  assert.deepEqual([result.outcome, result.alive], [{ type: "timeout", limitMs: 600 }, false]);
  assert.ok(result.elapsedMs >= 995 && result.elapsedMs < 15_000, `${result.elapsedMs} ms`);
  assert.equal(next.stdout, "fresh\n");
  assert.ok(requests.includes("POST /api/kernels/kernel-1/interrupt"));
});

test("a lost connection is our fault when the kernel is still there, the program's when it is gone", async () => {
  await assert.rejects(
    withFault((call) => call.socket.terminate()),
    /^SandboxError: http:\S+ the connection to the session's kernel was lost \(closed with code 1006\); is the server up\?$/,
  );
  const [gone] = await withFault((call, server) => {
    server.kernelStatus = 404;
    call.socket.close();
  });
  assert.deepEqual(gone.outcome, { type: "killed", reason: "the kernel is gone from the server" });
});

test("a kernel that does not get ready is given up in time and taken off the server", async () => {
  const server = await startFakeServer();
  server.awake = false;
  await assert.rejects(
    connectJupyterRuntime({ baseUrl: server.baseUrl, startTimeoutMs: 10_000 }),
    /^SandboxError: startTimeoutMs: kernel "python3" of http:\S+ was not ready within 10000 ms/,
  );
  assert.ok(server.requests.includes("DELETE /api/kernels/kernel-1"));
});

test("an opening that fails half-way takes its kernel off the server", async () => {
  const server = await startFakeServer();
  const runtime = await connectJupyterRuntime({ ...LIMITS, baseUrl: server.baseUrl });
  await assert.rejects(
    runtime.open({ images: [{ width: 1, height: 1, data: new Uint8Array(2) }] }),
    /^SandboxError: image: data must have width \* height \* 3 bytes, got 2 for 1x1$/,
  );
  await assert.rejects(
    runtime.open({ images: [], videos: ["/nowhere/film.mp4"] }),
    /^DataError: video film\.mp4: /,
  );
  assert.ok(server.requests.includes("DELETE /api/kernels/kernel-1"));
  await runtime.close();
});

test("no server, no Jupyter, and no right to it are told apart, with the remedy", async () => {
  const rejected = (baseUrl: string, message: RegExp, tokenEnv?: string): Promise<void> =>
    assert.rejects(connectJupyterRuntime({ baseUrl, ...(tokenEnv && { tokenEnv }) }), (error) => {
      assert.ok(error instanceof SandboxError, String(error));
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /very-secret/);
      return true;
    });
  await rejected(
    "http://127.0.0.1:9/",
    /^baseUrl: no server answers at http:\/\/127\.0\.0\.1:9\/ \(.+\); start it, or/,
  );
  process.env["PYVISION_TEST_TOKEN"] = "very-secret";
  const refusing = (await startFakeServer(403)).baseUrl;
  await rejected(refusing, /^tokenEnv: http:\S+ wants a token \(status 403\)/);
  await rejected(refusing, /^tokenEnv: http:\S+ refuses the token \(status 403\)/, "PYVISION_TEST_TOKEN");
  await rejected((await startFakeServer(500)).baseUrl, /GET api\/kernelspecs was answered with status 500/);
});

test("addresses, limits and variables that cannot be used are refused", () => {
  const refused = (options: object, message: RegExp): void =>
    assert.throws(
      () => resolveJupyterSettings({ baseUrl: "http://h/", ...options }, { EMPTY: " ", ODD: "a b" }),
      message,
    );
  refused({ baseUrl: "ftp://h/" }, /^SandboxError: baseUrl: must be an http or https address/);
  for (const baseUrl of ["http://h/?token=very-secret", "http://very:secret@h/"])
    assert.throws(() => resolveJupyterSettings({ baseUrl }), (error) => /^SandboxError: baseUrl: must hold no user name/.test(String(error)) && !/secret/.test(String(error))); // prettier-ignore
  refused({ tokenEnv: "EMPTY" }, /^SandboxError: tokenEnv: the environment variable EMPTY is not set/);
  refused({ tokenEnv: "ODD" }, /^SandboxError: tokenEnv: the environment variable ODD holds characters/);
  refused({ callTimeoutMs: 0 }, /^SandboxError: callTimeoutMs: must be a positive integer, got 0$/);
  assert.equal(
    resolveJupyterSettings({ baseUrl: "https://hub/user/ann" }, {}).baseUrl,
    "https://hub/user/ann/",
  );
});
