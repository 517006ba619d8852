// A server that has moved, over real sockets: said at once, with the new address, and never followed with the key.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { silentReporter } from "../../core/reporter.ts";
import { TinkerError } from "./failures.ts";
import { retrieve } from "./futures.ts";
import { settingsOf, systemWorld, type World } from "./options.ts";
import { lettersCodec } from "./stubServer.ts";
import { submit } from "./submit.ts";
import { openTinkerEngine } from "./tinkerEngine.ts";
import { Transport } from "./transport.ts";

const NEW = "https://new.test/tinker";
const SAID =
  /30[278]: it redirects to https:\/\/new\.test\/tinker\/api\/v1\/\S+; set engine\.baseUrl to the address of the server itself/;

interface Moved {
  readonly config: {
    readonly baseUrl: string;
    readonly dialect: "hosted";
    readonly baseModel: string;
    readonly rank: 8;
  };
  readonly asked: string[];
}

async function moved(t: TestContext, status: number, headers: Record<string, string> = {}): Promise<Moved> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    request.resume();
    response.writeHead(status, { location: `${NEW}${request.url}`, ...headers }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    config: { baseUrl: `http://127.0.0.1:${port}`, dialect: "hosted", baseModel: "base", rank: 8 },
    asked,
  };
}

const impatient: World = { ...systemWorld, sleep: () => Promise.reject(new Error("it waits to ask again")) };

test("opening an engine on an address that redirects fails at once and names the new one", async (t) => {
  for (const status of [302, 307, 308]) {
    const { config, asked } = await moved(t, status);
    await assert.rejects(
      openTinkerEngine({ config, codec: lettersCodec, reporter: silentReporter, world: impatient }),
      (error) => error instanceof TinkerError && error.kind === "refused" && SAID.test(error.message),
    );
    assert.deepEqual(asked, ["/api/v1/client/config"]);
  }
});

test("it is final whatever it says of asking again, and for a result as well, which may be there", async (t) => {
  const { config, asked } = await moved(t, 302, { "x-should-retry": "true" });
  const transport = new Transport(settingsOf(config), impatient);
  const kindOf = (error: unknown): string => {
    assert.ok(error instanceof TinkerError && SAID.test(error.message), String(error));
    return error.kind;
  };
  const body = { type: "json", value: {} } as const;
  assert.equal(
    await submit(transport, { name: "optim_step", body, repeatable: true }).then(String, kindOf),
    "refused",
  );
  const fetching = retrieve(transport, {
    requestId: "7",
    name: "optim_step",
    requestType: "OptimStep",
    protobuf: false,
    pollTimeoutMs: 60_000,
    deadlineMs: 60_000,
  });
  assert.equal(await fetching.then(String, kindOf), "lost");
  assert.equal(asked.length, 2);
});

test("a fetch that hides where a redirect leads is understood as one", async () => {
  const hidden = {
    type: "opaqueredirect",
    status: 0,
    headers: new Headers(),
    text: () => Promise.resolve(""),
  };
  const world: World = { ...impatient, fetch: () => Promise.resolve(hidden as unknown as Response) };
  const settings = settingsOf({
    baseUrl: "http://tinker.test",
    dialect: "pyvision",
    baseModel: "base",
    rank: 8,
  });
  await assert.rejects(
    submit(new Transport(settings, world), {
      name: "x",
      body: { type: "json", value: {} },
      repeatable: true,
    }),
    /302: it redirects to an address that it does not name; set engine\.baseUrl/,
  );
});
