// Beginning a session, what the server says of itself, and what people are told of it.
import assert from "node:assert/strict";
import test from "node:test";
import { type Reporter, silentReporter } from "../../core/reporter.ts";
import { CROSS_ENTROPY, datum, fbResult, open, request, sampled } from "./engineHarness.ts";
import { refusedConnection } from "./stubServer.ts";
import { lifetimeMs } from "./token.ts";

const jwt = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

test("what the server has to say at the beginning is passed on; an error of the session ends it", async () => {
  const { warnings } = await open({
    create_session: () => ({ session_id: "s", warning_message: "maintenance at noon" }),
  });
  assert.deepEqual(warnings, ["maintenance at noon"]);
  await assert.rejects(
    open({ create_session: () => ({ session_id: "s", error_message: "too old" }) }),
    /create_session: too old/,
  );
});

test("an address that is no Tinker server's is named as the fault", async () => {
  await assert.rejects(
    open({ create_session: () => new Response("<html>hello</html>") }),
    /create_session: its reply is not that of a Tinker server \(not JSON\); check engine\.baseUrl/,
  );
  await assert.rejects(open({ "client/config": refusedConnection }), /client\/config: connect ECONNREFUSED/);
  await open({ "client/config": () => new Response("", { status: 404 }) });
});

test("what work waits for is said once for all that waits, and again when it comes again", async () => {
  const waiting = (json: unknown): object => ({
    type: "try_again",
    request_id: json,
    queue_state: "paused_rate_limit",
  });
  let round = 0;
  const polls = new Map<string, number>();
  const { engine, warnings } = await open({
    retrieve_future: ({ json }) => {
      const id = json["request_id"] as string;
      const count = (polls.get(id) ?? 0) + 1;
      polls.set(id, count);
      return round > 0 && count <= 2 ? waiting(id) : undefined;
    },
    "result:asample": sampled([1]),
  });
  const all = (): Promise<unknown> =>
    engine.sample([0, 1, 2].map((i) => request({ sequenceId: `${round}/${i}` })));
  await all();
  round = 1;
  await all();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /the server lets work wait \(paused_rate_limit\)/);
  round = 2;
  await all();
  assert.equal(warnings.length, 2);
});

test("that the same thing is asked again is said once in a while, not for each of many", async () => {
  const told: string[] = [];
  const reporter: Reporter = { ...silentReporter, info: (text) => told.push(text) };
  const failing = new Set([0, 1, 2, 3]);
  const { engine } = await open(
    {
      asample: ({ index }) =>
        failing.has(index) ? Response.json({ detail: "busy" }, { status: 503 }) : undefined,
      "result:asample": sampled([1]),
    },
    {},
    { reporter },
  );
  await engine.sample([0, 1, 2, 3].map((i) => request({ sequenceId: `${i}` })));
  assert.deepEqual(told, ["http://tinker.test, asample: 503 busy; asking again"]);
});

test("where the server wants it, the key is exchanged for a token, which is renewed before it ends", async () => {
  const tokens = [1, 2].map((i) => jwt({ iat: 1000, exp: 1000 + 1200, i }));
  const { named, requests, tick } = await open(
    {
      "client/config": () => ({ pjwt_auth_enabled: true }),
      "auth/token": ({ index }) => ({ jwt: tokens[index] }),
    },
    { apiKey: "tml-key", dialect: "hosted" },
  );
  const keyOf = (name: string): unknown => named(name)[0]?.headers.get("x-api-key");
  assert.equal(keyOf("client/config"), "tml-key");
  assert.equal(keyOf("auth/token"), "tml-key");
  assert.equal(keyOf("create_session"), tokens[0]);
  tick(1000 * (1200 - 301));
  assert.equal(named("auth/token").length, 1);
  tick(2000);
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(named("auth/token").length, 2);
  assert.equal(named("auth/token")[1]?.headers.get("x-api-key"), "tml-key");
  tick(0);
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(requests.at(-1)?.headers.get("x-api-key"), tokens[1]);
});

test("a token's life is read from itself; one that does not say lives an hour", () => {
  assert.equal(lifetimeMs(jwt({ iat: 5, exp: 65 })), 60_000);
  assert.equal(lifetimeMs(jwt({ exp: 65 })), 3_600_000);
  assert.equal(lifetimeMs("nonsense"), 3_600_000);
});

test("every request of a session has a key of its own against doing it twice", async () => {
  const { engine, requests } = await open({ "result:forward_backward": fbResult([-1, -1, -1]) });
  await engine.forwardBackward([datum()], CROSS_ENTROPY);
  await engine.forwardBackward([datum()], CROSS_ENTROPY);
  const keys = requests.flatMap(({ headers }) => headers.get("x-idempotency-key") ?? []);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 3);
});
