// What both servers refuse before anything else, over real connections.
import assert from "node:assert/strict";
import { request as startRequest } from "node:http";
import { after, before, describe, test } from "node:test";
import { checkCaller, HttpError, type HttpServer, startHttpServer } from "./http.ts";

async function serve(host: string): Promise<HttpServer> {
  return startHttpServer({ host, port: 0 }, async (request, response) => {
    await Promise.resolve();
    try {
      checkCaller(request, host);
      response.end("taken");
    } catch (error) {
      assert.ok(error instanceof HttpError);
      response.writeHead(error.status).end(error.message);
    }
  });
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

function ask(origin: string, method: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    startRequest(origin, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    })
      .on("error", reject)
      .end();
  });
}

describe("on loopback", () => {
  let server: HttpServer;
  before(async () => {
    server = await serve("127.0.0.1");
  });
  after(() => server.close());
  const port = (): string => new URL(server.origin).port;

  for (const host of ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
    test(`${host} is this machine, through a tunnel's port too`, async () => {
      assert.equal((await ask(server.origin, "POST", { host: `${host}:${port()}` })).text, "taken");
      assert.equal((await ask(server.origin, "POST", { host: `${host}:9` })).text, "taken");
    });

  for (const host of ["rebound.example", "127.0.0.1.rebound.example", "10.0.0.1", "[::2]"])
    test(`${host} is not, whatever is asked`, async () => {
      for (const method of ["GET", "POST"]) {
        const { status, text } = await ask(server.origin, method, { host: `${host}:${port()}` });
        assert.equal(status, 403, method);
        assert.match(text, /^this server answers only to its own address, .* Host is "/);
      }
    });

  test("pages of other origins may not send, and may look as far as their browser lets them", async () => {
    for (const origin of [
      "https://page.example",
      "null",
      "http://localhost:1",
      "http://127.0.0.1.page.example",
    ]) {
      const { status, text } = await ask(server.origin, "POST", { origin });
      assert.equal(status, 403, origin);
      assert.match(text, /no requests from pages of another origin/);
      assert.equal((await ask(server.origin, "DELETE", { origin })).status, 403);
      assert.equal((await ask(server.origin, "GET", { origin })).text, "taken");
    }
    assert.equal((await ask(server.origin, "POST", { origin: server.origin })).text, "taken");
  });
});

test("where others may ask, any name may be this machine's, but no page of another's may send", async (t) => {
  const server = await serve("0.0.0.0");
  t.after(() => server.close());
  const at = server.origin.replace("0.0.0.0", "127.0.0.1");
  assert.equal((await ask(at, "POST", { host: "box.lan:80" })).text, "taken");
  const foreign = { host: "box.lan", origin: "http://page.example" };
  assert.equal((await ask(at, "POST", foreign)).status, 403);
});
