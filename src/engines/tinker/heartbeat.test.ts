import assert from "node:assert/strict";
import test from "node:test";
import { startHeartbeat } from "./heartbeat.ts";
import { settingsOf, systemWorld } from "./options.ts";
import { brokenConnection, type Stub, stub, type StubRoute } from "./stubServer.ts";
import { Transport } from "./transport.ts";

interface Beating {
  readonly server: Stub;
  readonly warnings: string[];
  readonly stop: () => void;
  /** Ten seconds pass, and the answer is read. */
  beat(): Promise<void>;
}

function beating(route: StubRoute): Beating {
  const server = stub({ session_heartbeat: route });
  const warnings: string[] = [];
  const settings = settingsOf({ baseUrl: "http://tinker.test", dialect: "hosted", baseModel: "b", rank: 1 });
  const stop = startHeartbeat(new Transport(settings, server.world), "s", (text) => warnings.push(text));
  const beat = async (): Promise<void> => {
    server.tick(10_000);
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { server, warnings, stop, beat };
}

test("the session is named, until it is stopped", async () => {
  const { server, warnings, stop, beat } = beating(() => undefined);
  await beat();
  await beat();
  stop();
  await beat();
  assert.deepEqual(
    server.requests.map(({ json }) => json),
    [
      { session_id: "s", type: "session_heartbeat" },
      { session_id: "s", type: "session_heartbeat" },
    ],
  );
  assert.deepEqual(warnings, []);
});

test("silence is said once after two minutes, and its end", async () => {
  let up = false;
  const { warnings, beat } = beating(() => (up ? undefined : brokenConnection()));
  for (let i = 1; i <= 11; i++) await beat();
  assert.deepEqual(warnings, []);
  await beat();
  await beat();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /no heartbeat of the session got through for 120 s \(other side closed\)/);
  up = true;
  await beat();
  assert.match(warnings[1]!, /hears the session's heartbeat again/);
  assert.equal(warnings.length, 2);
});

test("a session that the server ended is said at once, and not asked for again", async () => {
  const { server, warnings, beat } = beating(() =>
    Response.json({ detail: "Session not found" }, { status: 404 }),
  );
  await beat();
  await beat();
  assert.equal(server.requests.length, 1);
  assert.match(
    warnings.join("\n"),
    /^http:\/\/tinker\.test: the server ended session s \(404 Session not found\)[^\n]*$/,
  );
});

test("no second beat while one is under way", async () => {
  const { server, beat } = beating(() => new Promise(() => undefined));
  const before = timers();
  await beat();
  assert.equal(timers(), before, "it waits without keeping the process alive");
  await beat();
  assert.equal(server.requests.length, 1);
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

test("the timer does not keep the process alive", () => {
  const before = timers();
  const stop = systemWorld.every(1_000_000, () => undefined);
  assert.equal(timers(), before);
  stop();
});
