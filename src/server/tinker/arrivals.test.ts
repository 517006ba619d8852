import assert from "node:assert/strict";
import { request as startRequest } from "node:http";
import { test } from "node:test";
import { Arrivals } from "./arrivals.ts";
import { sampling, serveSmall, smallCheckpoint } from "./testClient.ts";

test("a body is on its way while it comes: until it is there, or 100 ms after its last byte", () => {
  let now = 0;
  const arrivals = new Arrivals(() => now);
  assert.equal(arrivals.any, false);
  const one = arrivals.begin();
  now = 99;
  assert.equal(arrivals.any, true);
  one.progress();
  now = 198;
  assert.equal(arrivals.any, true);
  now = 199;
  assert.equal(arrivals.any, false);
  const other = arrivals.begin();
  one.end();
  assert.equal(arrivals.any, true);
  other.end();
  assert.equal(arrivals.any, false);
});

test(
  "a sampling request that stops half-way does not hold up the others",
  { timeout: 120_000 },
  async (t) => {
    const checkpoint = await smallCheckpoint();
    t.after(() => checkpoint.remove());
    const { server, client } = await serveSmall(checkpoint);
    t.after(() => server.close());
    const made = { session_id: await client.session(), sampling_session_seq_id: 0, base_model: "small" };
    const { sampling_session_id: sampler } = await client.ask("create_sampling_session", made);
    const half = startRequest(`${client.baseUrl}/api/v1/asample`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": "1000" },
    });
    half.on("error", () => undefined);
    await new Promise((resolve) => half.write("{", resolve));
    // The half one would be waited for until the server gives it up, after five minutes.
    for (let i = 0; i < 4; i++) await client.done("asample", sampling(sampler as string, i, [1, 2, 3]));
    half.destroy();
  },
);
