// What the engine computes for requests that come together or again: counted, not timed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { smallEngine } from "../../engines/embedded/testModel.ts";
import { hashImage } from "../../models/qwen2_5_vl/testFixtures.ts";
import { pngUri } from "./agentTranscript.ts";
import { ChatService, type Reply } from "./chatService.ts";
import { parseChatCall } from "./requestBody.ts";

let engine: EmbeddedEngine;
let service: ChatService;
before(async () => {
  engine = await smallEngine();
  const { tokenizer } = engine.files;
  const tokenBytes = (id: number): Uint8Array => tokenizer.tokenBytes(id);
  const model = { id: "m", sampler: engine, codec: engine.codec, tokenBytes, contextTokens: 4096 };
  service = new ChatService(model, { newSeed: () => 1 });
});
after(() => engine.dispose());

async function ask(body: object): Promise<Reply> {
  const replies = service.begin(parseChatCall({ model: "m", max_tokens: 20, ...body })).reply();
  for (;;) {
    const next = await replies.next();
    if (next.done === true) return next.value;
  }
}

/** What the engine did meanwhile. */
async function work(run: () => Promise<unknown>) {
  const start = engine.samplingWork;
  await run();
  const end = engine.samplingWork;
  return {
    prefillTokens: end.prefillTokens - start.prefillTokens,
    images: end.images - start.images,
    decodedTokens: end.decodedTokens - start.decodedTokens,
    decodeSteps: end.decodeSteps - start.decodeSteps,
  };
}

const user = (...content: unknown[]) => ({ role: "user", content });
const text = (words: string) => ({ type: "text", text: words });
const image = { type: "image_url", image_url: { url: pngUri(hashImage(112, 84, 1)) } };

test("requests of one moment are decoded together", async () => {
  const replies: Reply[] = [];
  const { decodedTokens, decodeSteps } = await work(async () => {
    const asked = ["a", "bb", "ccc", "dddd", "eeeee"].map((words, seed) =>
      ask({ messages: [user(text(words))], seed }),
    );
    replies.push(...(await Promise.all(asked)));
  });
  const tokens = replies.map((reply) => reply.tokens.length);
  // The first token of each comes with its prompt.
  assert.equal(
    decodedTokens,
    tokens.reduce((sum, n) => sum + n - 1, 0),
  );
  assert.equal(decodeSteps, Math.max(...tokens) - 1);
  assert.ok(Math.max(...tokens) >= 10, tokens.join(", "));
});

test("equal first messages with a picture are computed once, whenever they come, and drawn from by seed", async () => {
  const messages = [user(image, text("cat"))];
  const replies: Reply[] = [];
  const { images, prefillTokens } = await work(async () => {
    replies.push(...(await Promise.all([1, 2, 3].map((seed) => ask({ messages, seed })))));
    replies.push(await ask({ messages, seed: 1 }));
  });
  assert.equal(images, 1);
  const promptTokens = service.begin(parseChatCall({ model: "m", messages })).promptTokens.length;
  assert.equal(prefillTokens, promptTokens);
  const [first, second, , again] = replies.map((reply) => reply.tokens);
  assert.deepEqual(again, first);
  assert.notDeepEqual(second, first);
});

test("the next turn of a conversation computes what is new, its pictures not again", async () => {
  const opening = [{ role: "system", content: "S" }, user(image, text("the mat"))];
  const { text: said, tokens } = await ask({ messages: opening, seed: 9 });
  const messages = [...opening, { role: "assistant", content: said }, user(text("Sure?"))];
  const { images, prefillTokens } = await work(() => ask({ messages, seed: 9 }));
  assert.equal(images, 0);
  const { endOfTurnId } = engine.codec;
  const closing = tokens.at(-1) === endOfTurnId ? "\n" : "<|im_end|>\n";
  const added = engine.codec.encodeTemplate(
    `${closing}<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\n`,
  );
  // The last token that was sampled has not been through the model yet.
  assert.equal(prefillTokens, added.length + 1);
});
