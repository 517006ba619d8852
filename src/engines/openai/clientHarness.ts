// A client before a scripted server, for tests. Pauses are written down instead of slept.
import assert from "node:assert/strict";
import { after } from "node:test";
import { EngineError } from "../../core/errors.ts";
import type { ChatRequest } from "./chat.ts";
import { openAiClient, type OpenAiOptions, systemClock } from "./client.ts";
import { type StubAnswer, stubServer, type StubServer } from "./stubServer.ts";

export const KEY = "sk-very-secret-0123456789";
const servers: StubServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

export async function serve(...script: readonly StubAnswer[]): Promise<StubServer> {
  const server = await stubServer(...script);
  servers.push(server);
  return server;
}

export function clientOf(server: Pick<StubServer, "baseUrl">, more: Partial<OpenAiOptions> = {}) {
  const pauses: number[] = [];
  const clock = {
    ...systemClock,
    random: () => 0,
    epochMs: () => Date.parse("2026-01-01T00:00:00Z"),
    sleep: async (ms: number): Promise<void> => {
      pauses.push(ms);
    },
  };
  const client = openAiClient({
    baseUrl: server.baseUrl,
    model: "m",
    env: { OPENAI_API_KEY: KEY },
    clock,
    ...more,
  });
  return { client, pauses };
}

/** With all that a request may have, but streaming. */
export const question: ChatRequest = {
  messages: [
    {
      role: "system",
      content: [
        { type: "text", text: "Be " },
        { type: "text", text: "brief." },
      ],
    },
    {
      role: "user",
      content: [
        { type: "text", text: "What is " },
        { type: "image", png: Uint8Array.of(1, 2, 255) },
      ],
    },
  ],
  maxTokens: 9,
  temperature: 0.5,
  topP: 0.9,
  topK: 20,
  stop: ["</code>", "</answer>"],
  seed: 7,
};

/** The error it fails with, which holds no key anywhere. */
export async function failureOf(promise: Promise<unknown>): Promise<EngineError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, String(error));
  assert.equal(error.stack?.includes(KEY), false, "no key in the stack");
  assert.equal(error.cause, undefined, "no cause that could hold one");
  return error;
}
