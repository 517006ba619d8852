// What the client asks again, when, and how long: against a scripted server in this process.
import assert from "node:assert/strict";
import { test } from "node:test";
import { holdTimers, replyBegins } from "../../core/testTime.ts";
import { clientOf, failureOf, question, serve } from "./clientHarness.ts";
import { json, piece, raw, says, streams, type StubAnswer } from "./stubServer.ts";

const faults: readonly (readonly [name: string, answer: StubAnswer, told: RegExp])[] = [
  ["500", json({ error: { message: "out of luck" } }, 500), /^500 out of luck$/],
  ["503 in plain text", raw("upstream gone", 503, { "content-type": "text/plain" }), /^503 upstream gone$/],
  ["408", json({ error: { message: "too late" } }, 408), /^408 too late$/],
  ["malformed JSON", raw('{"choices": [{"mess'), /^its reply is not JSON/],
  [
    "a page instead of JSON",
    raw("<html>hello</html>", 200, { "content-type": "text/html" }),
    /not that of a chat/,
  ],
  ["an error with status 200", json({ error: { message: "upstream died", code: 502 } }), /upstream died/],
  ["empty choices", json({ choices: [] }), /^its reply has no choice/],
  ["no choices", json({ ok: true }), /not that of a chat \(choices/],
  ["no end", says("half", { finish_reason: null }), /breaks off/],
  ["a cut connection", (response) => void response.destroy(), /terminated|socket|Connection/i],
];
for (const [name, answer, told] of faults)
  test(`asked again after ${name}, and then all is well`, async () => {
    const server = await serve(answer, answer, says("fine"));
    const { client, pauses } = clientOf(server);
    const reasons: string[] = [];
    const reply = await client.complete({ ...question, onRetry: (reason) => reasons.push(reason) });
    assert.deepEqual([reply.text, reply.attempts, server.requests.length], ["fine", 3, 3]);
    assert.deepEqual(pauses, [250, 500], "half of half a second, then doubled");
    assert.equal(reasons.length, 2);
    assert.match(reasons[0] ?? "", told);
  });

const brokenStreams: readonly (readonly [name: string, answer: StubAnswer])[] = [
  ["cut off", streams([piece("one "), piece("two")], { cut: true })],
  ["ended without an end", streams([piece("one ")])],
  ["with broken JSON in it", streams([piece("one "), '{"choi'])],
  ["with an error in it", streams([piece("one "), { error: { message: "engine died", code: 500 } }])],
];
for (const [name, answer] of brokenStreams)
  test(`a stream ${name} is asked for again; what was told before is void`, async () => {
    const whole = streams([piece("all of it"), piece(undefined, { finish_reason: "stop" })]);
    const server = await serve(answer, whole);
    let told = "";
    const reply = await clientOf(server).client.complete({
      ...question,
      onText: (text) => (told += text),
      onRetry: () => (told += "|"),
    });
    assert.equal(reply.text, "all of it");
    assert.match(told, /^(one (two)?)?\|all of it$/);
  });

test("the server's own wish is waited for: seconds, milliseconds, a date", async () => {
  const busy = (headers: Record<string, string>): StubAnswer =>
    json({ error: { message: "busy" } }, 429, headers);
  const server = await serve(
    busy({ "retry-after": "2" }),
    busy({ "retry-after-ms": "1500", "retry-after": "60" }),
    busy({ "retry-after": "Thu, 01 Jan 2026 00:00:07 GMT" }),
    busy({ "retry-after": "soon" }),
    says("at last"),
  );
  const { client, pauses } = clientOf(server);
  assert.equal((await client.complete(question)).attempts, 5);
  // A tenth of the own pause (250 ms, doubled each time) on top, so that not all come back at once.
  assert.deepEqual(pauses, [2025, 1550, 7100, 2000]);
});

test("a wish beyond the deadline is not waited for", async () => {
  const server = await serve(json({ error: { message: "tomorrow" } }, 429, { "retry-after": "86400" }));
  const { client, pauses } = clientOf(server, { requestTimeoutSeconds: 60 });
  const error = await failureOf(client.complete(question));
  assert.match(error.message, /429 tomorrow; lower maxConcurrent/);
  assert.deepEqual([pauses, server.requests.length], [[], 1]);
});

test("a slow reply is given up and asked for again, its first byte or its last", async (t) => {
  const patience = holdTimers(t, 500);
  const never: StubAnswer = () => void setImmediate(patience.expireNext);
  const stalls: StubAnswer = (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    void replyBegins().then(patience.expireNext);
    response.write('{"choices":');
  };
  const server = await serve(never, stalls, says("quick"));
  const { client } = clientOf(server, { requestTimeoutSeconds: 0.5, deadlineSeconds: 600 });
  const reasons: string[] = [];
  const reply = await client.complete({ ...question, onRetry: (reason) => reasons.push(reason) });
  assert.equal(reply.text, "quick");
  assert.deepEqual(reasons, ["no whole reply within 0.5 s", "no whole reply within 0.5 s"]);
  assert.equal(patience.begun, 3);
});

test("a stream that stalls is given up, too", async (t) => {
  const patience = holdTimers(t, 500);
  const stalls: StubAnswer = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${JSON.stringify(piece("one "))}\n\n`);
  };
  const whole = streams([piece("two"), piece(undefined, { finish_reason: "length" })]);
  const { client } = clientOf(await serve(stalls, whole), {
    requestTimeoutSeconds: 0.5,
    deadlineSeconds: 600,
  });
  const told: string[] = [];
  const onText = (text: string): void => {
    told.push(text);
    if (text === "one ") patience.expireNext();
  };
  const reply = await client.complete({ ...question, onText });
  assert.deepEqual(told, ["one ", "two"]);
  assert.deepEqual([reply.text, reply.stop, reply.attempts], ["two", "length", 2]);
});

test("after all retries the error tells how often and how long it was tried", async () => {
  const server = await serve(json({ error: { message: "no" } }, 500));
  const error = await failureOf(clientOf(server, { maxRetries: 2 }).client.complete(question));
  assert.match(error.message, /500 no \(3 attempts in \d\.\d s\); look into the server's log/);
  assert.equal(server.requests.length, 3);
});
