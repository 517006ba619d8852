// The table of what is handed in again, when, and when not.
import assert from "node:assert/strict";
import test from "node:test";
import { TinkerError } from "./failures.ts";
import { settingsOf, type TinkerOptions } from "./options.ts";
import { brokenConnection, refusedConnection, type Stub, stub, type StubAnswer } from "./stubServer.ts";
import { pauseMs, submit, type Submission } from "./submit.ts";
import { Transport } from "./transport.ts";

const KEY = "tml-very-secret";

function status(
  code: number,
  body: unknown = { detail: "no" },
  headers: Record<string, string> = {},
): Response {
  return Response.json(body, { status: code, headers });
}

interface Tried {
  readonly server: Stub;
  /** `ok`, or the kind and text of the error. */
  readonly outcome: string;
}

/** Hands one request in; the script's last answer answers all further attempts. */
async function tried(
  script: readonly (() => StubAnswer)[],
  more: Partial<Submission> = {},
  config: Partial<TinkerOptions> = {},
): Promise<Tried> {
  const server = stub({ optim_step: ({ index }) => script[Math.min(index, script.length - 1)]!() });
  const settings = settingsOf({
    baseUrl: "http://tinker.test/",
    dialect: "pyvision",
    baseModel: "base",
    rank: 8,
    apiKey: KEY,
    ...config,
  });
  const outcome = await submit(new Transport(settings, server.world), {
    name: "optim_step",
    body: { type: "json", value: { x: 1 } },
    repeatable: true,
    ...more,
  }).then(
    () => "ok",
    (error: unknown) => {
      assert.ok(error instanceof TinkerError, String(error));
      assert.ok(!error.message.includes(KEY));
      return `${error.kind}: ${error.message}`;
    },
  );
  return { server, outcome };
}

const ok = (): StubAnswer => ({ request_id: "1" });

test("what can be sent twice is tried again after a failure in passing, with pauses that grow", async () => {
  for (const [what, failure] of Object.entries({
    "no connection": refusedConnection,
    "a broken one": brokenConnection,
    408: () => status(408),
    429: () => status(429),
    500: () => status(500),
    503: () => status(503, "<html>"),
    "a wish": () => status(404, {}, { "x-should-retry": "true" }),
  })) {
    const { server, outcome } = await tried([failure, failure, ok]);
    assert.equal(outcome, "ok", what);
    assert.deepEqual(server.pauses, [1000, 2000], what);
  }
});

test("what would be done twice is tried again only where nothing can have been taken", async () => {
  const once = { repeatable: false };
  for (const failure of [refusedConnection, () => status(429)])
    assert.equal((await tried([failure, ok], once)).outcome, "ok");
  for (const failure of [brokenConnection, () => status(500)]) {
    const { server, outcome } = await tried([failure, ok], once);
    assert.match(outcome, /^lost: .*whether the server took it is not known/);
    assert.equal(server.requests.length, 1);
  }
});

test("a refusal is final and told with the server, the request, its words and a remedy", async () => {
  for (const [code, body, told] of [
    [
      400,
      { detail: "rank must be a power of two" },
      /^refused: .*: 400 rank must be a power of two; change what it/,
    ],
    [401, { detail: "no" }, /check the key in the environment variable TINKER_API_KEY/],
    [404, { detail: "Model not found" }, /^gone: .*404 Model not found/],
    [409, { detail: "seq_id reused" }, /^refused: .*409 seq_id reused/],
    [
      422,
      { detail: [{ type: "missing", loc: ["body", "adam_params"], msg: "Field required", input: {} }] },
      /422 adam_params: Field required/,
    ],
    [418, `teapot of ${KEY}\n\u0007`, /418 teapot of \[key\];/],
  ] as const) {
    const { server, outcome } = await tried([() => status(code, body)], { about: "of model m" });
    assert.match(outcome, told);
    assert.match(outcome, /http:\/\/tinker\.test, optim_step of model m: /);
    assert.equal(server.requests.length, 1, `${code}`);
  }
});

test("a conflict and a bill pass by only on the hosted service", async () => {
  const hosted = { dialect: "hosted" } as const;
  assert.equal((await tried([() => status(409), ok], {}, hosted)).outcome, "ok");
  const { server, outcome } = await tried([() => status(402), ok], {}, hosted);
  assert.equal(outcome, "ok");
  assert.deepEqual(server.pauses, [5000]);
  assert.match((await tried([() => status(402)])).outcome, /^refused: .*402/);
});

test("the server's wishes are heeded", async () => {
  const later = await tried([() => status(503, {}, { "retry-after": "7" }), ok]);
  assert.deepEqual(later.server.pauses, [7000]);
  const exact = await tried([() => status(503, {}, { "retry-after-ms": "1500" }), ok]);
  assert.deepEqual(exact.server.pauses, [1500]);
  const never = await tried([() => status(503, {}, { "x-should-retry": "false" }), ok]);
  assert.match(never.outcome, /503/);
});

test("it is given up after five minutes, with the number of attempts", async () => {
  const { server, outcome } = await tried([refusedConnection]);
  // 1 + 2 + 4 + 8 + 16 + 8 * 30 = 271 s; a ninth pause of 30 s would pass 300.
  assert.deepEqual(server.pauses, [1000, 2000, 4000, 8000, 16000, ...new Array<number>(8).fill(30000)]);
  assert.match(
    outcome,
    /^unreachable: .*connect ECONNREFUSED 127\.0\.0\.1:8400 \(14 attempts in 271\.0 s\); check that the server runs/,
  );
});

test("failures of the server to the end leave open whether it was done", async () => {
  const { outcome } = await tried([() => status(500, { detail: "oops" })]);
  assert.match(outcome, /^lost: .*500 oops \(14 attempts in 271\.0 s\); look into the server's log/);
});

test("pauses double up to half a minute, jittered down to the half", () => {
  assert.deepEqual(
    [0, 1, 4, 5, 20].map((n) => pauseMs(n, 1)),
    [1000, 2000, 16000, 30000, 30000],
  );
  assert.equal(pauseMs(3, 0), 4000);
});

test("keys: ours to our server only when there is one, a dummy to servers that want the header", async () => {
  const sent = async (config: Partial<TinkerOptions>): Promise<string | null> =>
    (await tried([ok], {}, config)).server.requests[0]!.headers.get("x-api-key");
  assert.equal(await sent({}), KEY);
  assert.equal(await sent({ apiKey: undefined }), null);
  assert.equal(await sent({ apiKey: "", dialect: "skyrl" }), "tml-dummy");
  assert.throws(
    () => settingsOf({ baseUrl: "http://x", dialect: "hosted", baseModel: "b", rank: 1, apiKey: "a b" }),
    {
      message:
        /TINKER_API_KEY: a key must be printable ASCII without spaces, this one \(3 characters\) is not/,
    },
  );
});

test("addresses are those of a server, not of a path or with a secret in them", () => {
  const at = (baseUrl: string): string =>
    settingsOf({ baseUrl, dialect: "hosted", baseModel: "b", rank: 1 }).baseUrl;
  assert.equal(at("http://h:1/a/"), "http://h:1/a");
  assert.equal(at("http://h:1/api/v1"), "http://h:1");
  for (const wrong of ["h:1", "ftp://h", "http://me:pw@h", "http://h?key=1"])
    assert.throws(() => at(wrong), /engine\.baseUrl: must be an http or https address/);
});
