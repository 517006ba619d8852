// A policy that is served and a policy that is sampled in process say the same: the carried checkpoint plays episodes in
// this process, and before every turn the real server is asked the same thing in chat messages. Greedily it would guess at
// once, so that some episodes draw their first two turns, by one seed on both sides.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runEpisode } from "../../agent/episode.ts";
import { ScriptedRuntime, toolResult } from "../../agent/scriptedFakes.ts";
import { loadTemplate } from "../../agent/template.ts";
import { randomStream } from "../../core/random.ts";
import type { Trajectory } from "../../core/trajectory.ts";
import type { Sampler } from "../../engines/engine.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { createWorld } from "../../tasks/world/world.ts";
import { AgentTranscript } from "./agentTranscript.ts";
import { tokensOf } from "./prompt.ts";
import { startTestServer, type TestServer } from "./testServer.ts";

const CARRIED = fileURLToPath(new URL("../../../checkpoints/image-mini/sft", import.meta.url));
/** As the recipe has them. */
const LIMITS = { maxTurns: 5, maxTurnTokens: 64, maxContextTokens: 512, maxImages: 8 };
/** Position of the task, and turns that are drawn before all others are greedy. */
const EPISODES = [
  { index: 0, drawn: 0 },
  { index: 2, drawn: 0 },
  { index: 7, drawn: 2 },
  { index: 11, drawn: 2 },
  { index: 28, drawn: 2 },
  { index: 37, drawn: 2 },
] as const;
type Planned = (typeof EPISODES)[number];
const STOPS = ["</code>", "</answer>"];

interface Completion {
  readonly choices: readonly {
    readonly message: { readonly content: string };
    readonly token_ids: readonly number[];
    readonly logprobs: { readonly content: readonly { readonly logprob: number }[] };
    readonly finish_reason: string;
  }[];
  readonly prompt_token_ids: readonly number[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

let server: TestServer;
let engine: EmbeddedEngine;
before(async () => {
  [server, engine] = await Promise.all([startTestServer(), EmbeddedEngine.load(CARRIED, { threads: 1 })]);
});
after(async () => {
  await engine.dispose();
  assert.equal(await server.stop(), 0, server.stderr());
});

async function complete(body: object): Promise<Completion> {
  const response = await fetch(`${server.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: server.model, temperature: 0, stop: STOPS, ...body }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text) as Completion;
}

interface Compared {
  readonly trajectory: Trajectory;
  /** Prompt tokens of each turn that the server had computed already. */
  readonly cached: readonly number[];
}

/** Without the end-of-turn token, and without what the last token says beyond a stop string. */
function textOf(tokens: readonly number[]): string {
  const closed = tokens.at(-1) === engine.codec.endOfTurnId;
  const text = engine.codec.decode(closed ? tokens.slice(0, -1) : tokens);
  return /^[^]*?<\/(code|answer)>/.exec(text)?.[0] ?? text;
}

/** Looks that show a part of the scene, so that the policy goes on as it does with Python. */
async function playBeside({ index, drawn }: Planned, cut: "parts" | "joined"): Promise<Compared> {
  const task = createWorld({ seed: 0, split: "test" }).at(index);
  const [scene] = task.images;
  assert.ok(scene !== undefined);
  const transcript = new AgentTranscript(engine.codec);
  const cached: number[] = [];
  const sampling = (): { temperature: number; seed: number } => ({
    temperature: cached.length < drawn ? 1 : 0,
    seed: 100 * index + cached.length,
  });
  const inner: Sampler = {
    release: (id) => engine.release(id),
    sample: (requests) => {
      const { temperature, seed } = sampling();
      const random = randomStream("served", seed);
      return engine.sample(requests.map((r) => ({ ...r, params: { ...r.params, temperature }, random })));
    },
  };
  const sampler = transcript.sampler(inner, async ({ segments, params }, ours) => {
    const { maxNewTokens } = params;
    const messages = transcript.messages(cut);
    const asked = {
      ...sampling(),
      messages,
      max_tokens: maxNewTokens,
      include_stop_str_in_output: true,
      logprobs: true,
      return_token_ids: true,
    };
    const { choices, prompt_token_ids, usage } = await complete(asked);
    const [choice] = choices;
    assert.ok(choice !== undefined);
    assert.deepEqual(prompt_token_ids, tokensOf(segments, engine.codec.imagePadId));
    assert.deepEqual(choice.token_ids, ours.tokens);
    assert.equal(choice.finish_reason, ours.stop);
    assert.equal(choice.message.content, textOf(ours.tokens));
    choice.logprobs.content.forEach(({ logprob }, i) =>
      assert.ok(Math.abs(logprob - (ours.logprobs[i] ?? NaN)) < 1e-4, `${logprob} and ${ours.logprobs[i]}`),
    );
    assert.equal(usage.prompt_tokens, prompt_token_ids.length);
    cached.push(usage.prompt_tokens_details.cached_tokens);
  });
  const figure = (n: number) => ({ width: 84, height: 84, data: scene.data.slice(n * 84 * 84 * 3, (n + 1) * 84 * 84 * 3) }); // prettier-ignore
  const looks = LIMITS.maxTurns;
  const runtime = new ScriptedRuntime(
    Array.from({ length: looks }, (_, n) =>
      toolResult({ figures: [figure(n)], stdout: n === 1 ? "(3, 4).\n" : "" }),
    ),
  );
  const trajectory = await runEpisode({
    task,
    member: 0,
    template: loadTemplate("mini"),
    codec: transcript.codec,
    sampler,
    runtime,
    limits: LIMITS,
    errorPolicy: "show",
    sampling: { temperature: 0, topP: 1, topK: 0 },
    random: randomStream("served test", index),
    sequenceId: `${index}-${cut}`,
  });
  return { trajectory, cached };
}

describe("the carried policy, served and in process", { concurrency: 1 }, () => {
  test("says the same in every turn of several episodes at once, by the same tokens", async () => {
    const played = await Promise.all(EPISODES.map((episode) => playBeside(episode, "parts")));
    const turns = played.map(({ trajectory }) => trajectory.turns.length);
    assert.ok(turns.filter((n) => n >= 3).length >= 3, `turns: ${turns.join(", ")}`);
    for (const { trajectory, cached } of played) {
      assert.equal(cached.length, trajectory.turns.length);
      assert.equal(cached[0], 0);
      // From the second turn on, the whole conversation but its newest message is there already.
      assert.ok(
        cached.slice(1).every((n, i) => n > (cached[i] ?? 0) + 20),
        cached.join(", "),
      );
    }
  });

  test("a client that joins its texts asks for the same tokens here, where no merge crosses a joint", async () => {
    const { trajectory } = await playBeside(EPISODES[4], "joined");
    assert.ok(trajectory.turns.length >= 3);
  });

  test("streamed, it says the same in the same tokens", async () => {
    const task = createWorld({ seed: 0, split: "test" }).at(0);
    const messages = [
      { role: "system", content: "Look with Python." },
      { role: "user", content: task.question },
    ];
    const whole = await complete({ messages, max_tokens: 64, return_token_ids: true });
    const response = await fetch(`${server.baseUrl}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: server.model, messages, temperature: 0, stop: STOPS, max_tokens: 64, return_token_ids: true, stream: true }), // prettier-ignore
    });
    interface Chunk {
      readonly choices: readonly {
        readonly delta: { readonly content?: string };
        readonly token_ids?: number[];
      }[];
    }
    const events = (await response.text()).split("\n\n").filter((event) => /^data: \{/.test(event));
    const chunks = events.map((event) => JSON.parse(event.slice(6)) as Chunk);
    assert.ok(chunks.length > 4, "it comes in pieces");
    assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), whole.choices[0]?.message.content); // prettier-ignore
    assert.deepEqual(chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? []), whole.choices[0]?.token_ids); // prettier-ignore
  });

  test("one seed draws one reply, another another", async () => {
    const messages = [{ role: "user", content: "What is the color of the bead?" }];
    const drawn = async (seed: number): Promise<string> => {
      const { choices } = await complete({ messages, max_tokens: 40, temperature: 2, seed });
      return choices[0]?.message.content ?? "";
    };
    const [first, again, other] = [await drawn(1), await drawn(1), await drawn(2)];
    assert.equal(first, again);
    assert.notEqual(first, other);
  });
});
