// The official Python SDK of the Tinker API trains and samples on `pyvision serve --tinker`, with text and with a picture,
// and PyTorch takes the same steps with Transformers' model: the same log-probabilities, losses and gradient norms. Then
// recipes of tinker-cookbook run against the same server, unchanged, from their own command lines.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { unpackTar } from "modern-tar";
import { layeredPython } from "../../engines/embedded/parity/layeredPython.ts";
import { createWorld } from "../../tasks/world/world.ts";
import { testRecipes } from "./cookbookRecipes.ts";
import { runPython, serveTinker } from "./officialPrograms.ts";
import type { Failure, Reference, Result, Sample, Step } from "./officialSdkResult.ts";

const CARRIED = fileURLToPath(new URL("../../../checkpoints/image-mini/sft", import.meta.url)).replace(
  /\/$/,
  "",
);
const KEY = "tml-of-the-parity-suite";
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const dir = await mkdtemp(join(tmpdir(), "pyvision-tinker-"));
after(() => rm(dir, { recursive: true, force: true }));
const python = await layeredPython(
  {
    folder: ".venv-tinker",
    requirements: "requirements-tinker.txt",
    oldestPython: 11,
    what: "the SDK of the Tinker API and its cookbook (95 MB to download)",
  },
  (line) => process.stderr.write(`${line}\n`),
);
const server = await serveTinker(CARRIED, ["--store", join(dir, "store"), "--key-variable", "SERVER_KEY"], {
  SERVER_KEY: KEY,
});
after(() => server.stop());
const env = { TINKER_API_KEY: KEY };

const [scene] = createWorld({ seed: 0, split: "test" }).at(0).images;
assert.ok(scene !== undefined);
/** A part of the scene, larger than the model's pictures, so that both sides resize it. */
const [width, height] = [160, 120];
const rows = Array.from({ length: height }, (_, y) => {
  const start = ((scene.height / 2 + y) * scene.width + scene.width / 2) * 3;
  return scene.data.subarray(start, start + width * 3);
});
const data = Uint8Array.from(Buffer.concat(rows));
await writeFile(join(dir, "scene.png"), encode({ width, height, data, channels: 3, depth: 8 }));
const job = { baseUrl: server.baseUrl, model: CARRIED, picture: "scene.png", width, height };
await writeFile(join(dir, "job.json"), JSON.stringify(job));
await runPython(python, [program("officialSdk.py"), dir], { cwd: dir, env });
await runPython(python, [program("officialSdkReference.py"), dir], { cwd: dir, env });
const read = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(join(dir, name), "utf8")) as unknown;
const result = (await read("result.json")) as Result;
const reference = (await read("reference.json")) as Reference;

const at = <T>(list: readonly T[], i: number): T => {
  const value = list.at(i);
  assert.ok(value !== undefined, `entry ${i} of ${list.length}`);
  return value;
};

function near(got: readonly number[], wanted: readonly number[], limit: number, what: string): void {
  assert.equal(got.length, wanted.length, `${what}: number of values`);
  got.forEach((value, i) => {
    const other = at(wanted, i);
    assert.ok(
      Math.abs(value - other) <= limit * (1 + Math.abs(other)),
      `${what}[${i}]: ${value}, wanted ${other}`,
    );
  });
}

const tokensOf = (samples: readonly Sample[]): (readonly number[])[] => samples.map(({ tokens }) => tokens);

test("a training client: its model, its tokenizer, and the positions that a picture takes", () => {
  assert.deepEqual([result.info.name, result.info.isLora], [CARRIED, false]);
  assert.match(result.info.id, /^[^:/]+:train:0$/);
  assert.deepEqual(result.tokenizer, result.theirTokenizer);
  const [text, image] = at(result.steps, 0).data;
  assert.ok(text !== undefined && image !== undefined);
  assert.ok(result.imageTokens > 1 && image.chunks.some((chunk) => chunk.image === result.imageTokens));
});

test("every step is that of PyTorch: log-probabilities of all positions, loss, norm of the gradient", (t) => {
  assert.equal(result.steps.length, reference.steps.length);
  let worst = 0;
  result.steps.forEach((step, i) => {
    const theirs = at(reference.steps, i);
    const what = `step ${i} (${step.loss_fn})`;
    step.logprobs.forEach((logprobs, k) => {
      near(logprobs, at(theirs.logprobs, k), 2e-3, `${what}, datum ${k}`);
      logprobs.forEach(
        (value, n) => (worst = Math.max(worst, Math.abs(value - at(at(theirs.logprobs, k), n)))),
      );
    });
    near([at([step.metrics["loss:sum"] ?? NaN], 0)], [theirs.loss], 2e-3, `${what}, loss`);
    if (theirs.grad_norm !== null && step.optim_metrics !== null)
      near([step.optim_metrics["grad_norm"] ?? NaN], [theirs.grad_norm], 5e-3, `${what}, norm`);
  });
  assert.ok(result.steps.filter(({ optim_metrics }) => optim_metrics !== null).length >= 7);
  t.diagnostic(`largest difference of a log-probability: ${worst.toExponential(2)}`);
});

test("the loss falls, with text and with a picture", (t) => {
  const whole = (step: Step): boolean => step.loss_fn === "cross_entropy" && step.data.length === 2;
  const losses = result.steps.filter(whole).map(({ metrics }) => metrics["loss:sum"] ?? NaN);
  t.diagnostic(`loss: ${losses.map((loss) => loss.toFixed(2)).join(" ")}`);
  assert.ok(at(losses, 3) < 0.7 * at(losses, 0), losses.join(" "));
  const nll = (step: Step): number[] =>
    step.logprobs.map((row, k) =>
      row.reduce((sum, value, n) => sum - value * (at(step.data, k).inputs["weights"]?.[n] ?? NaN), 0),
    );
  const [first, last] = [nll(at(result.steps, 0)), nll(at(result.steps.filter(whole), 3))];
  first.forEach((value, k) => assert.ok(at(last, k) < value, `datum ${k}: ${value} to ${at(last, k)}`));
});

test("sampler and trainer agree: what a prompt scores is what its training forward gives", () => {
  const forward = at(result.steps, 0);
  const scored = (values: readonly (number | null)[]): number[] => {
    assert.equal(values[0], null, "nothing predicts the first token");
    return values.slice(1).map((value) => value ?? NaN);
  };
  forward.logprobs.forEach((logprobs, k) => {
    const { chunks } = at(forward.data, k);
    // A picture's own positions predict nothing that is trained on; what is scored there is the server's business.
    const isText = chunks.flatMap(
      (c) => c.tokens?.map(() => true) ?? Array<boolean>(c.image ?? 0).fill(false),
    );
    isText.push(true);
    const text = (values: readonly number[]): number[] => values.filter((_, n) => isText[n + 1] === true);
    for (const scores of [at(result.before.scores, k), at(result.base, k)])
      near(text(scored(scores)), text(logprobs), 1e-3, `datum ${k}`);
  });
  const last = at(result.steps, -1);
  last.logprobs.forEach((logprobs, k) => {
    const named = scored(at(result.named.scores, k));
    near(named.slice(-3), logprobs.slice(-3), 1e-3, `saved sampler, datum ${k}`);
  });
});

test("a snapshot keeps its weights while training goes on", () => {
  const said = (samples: readonly Sample[]): unknown[] =>
    samples.map(({ tokens, logprobs, stop }) => [tokens, logprobs, stop]);
  assert.deepEqual(result.after.scores, result.before.scores);
  assert.deepEqual(said(result.after.greedy), said(result.before.greedy));
  assert.notDeepEqual(result.named.scores, result.before.scores);
});

test("sampling: seeds, greedy, stops, lengths, log-probabilities", () => {
  const { sampling } = result;
  const [first, again, other] = sampling.seeded.map(tokensOf);
  assert.deepEqual(again, first);
  assert.deepEqual(sampling.seeded[1]?.map(({ logprobs }) => logprobs), sampling.seeded[0]?.map(({ logprobs }) => logprobs)); // prettier-ignore
  assert.notDeepEqual(other, first);
  assert.ok(new Set(first?.map((tokens) => tokens.join())).size > 1, "samples of one request differ");
  const unseeded = sampling.unseeded.flatMap(tokensOf).map((tokens) => tokens.join());
  assert.ok(new Set(unseeded).size > 1, "without a seed two requests differ");
  const ids = [...sampling.seeded, ...sampling.unseeded].flat().map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, "every sample has an id of its own");

  const [greedy] = tokensOf(sampling.greedy);
  assert.deepEqual(tokensOf(sampling.topOne), [greedy]);
  assert.deepEqual(tokensOf(sampling.smallNucleus), [greedy]);
  assert.ok(greedy !== undefined);
  const { stopToken, stopString, short, endless } = sampling;
  const upTo = greedy.indexOf(stopToken.stop) + 1;
  assert.deepEqual([stopToken.reply.tokens, stopToken.reply.stop], [greedy.slice(0, upTo), "stop"]);
  const end = stopString.greedyText.indexOf(stopString.stop) + stopString.stop.length;
  assert.ok(stopString.stop.length > 0 && stopString.text.startsWith(stopString.greedyText.slice(0, end)));
  assert.ok(!stopString.text.slice(0, -1).includes(stopString.stop) || stopString.text.length === end);
  assert.deepEqual(stopString.reply.tokens, greedy.slice(0, stopString.reply.tokens.length));
  assert.equal(stopString.reply.stop, "stop");
  assert.deepEqual([short.tokens, short.stop], [greedy.slice(0, 2), "length"]);
  assert.deepEqual([endless.tokens.length, endless.stop], [40, "length"]);
  assert.deepEqual(sampling.together, sampling.alone, "in one batch or alone");
  for (const { tokens, logprobs } of [...sampling.greedy, ...sampling.seeded.flat()]) {
    assert.equal(logprobs.length, tokens.length);
    assert.ok(logprobs.every((value) => value <= 0));
  }
});

test("what was sampled has the trainer's log-probabilities, so importance sampling begins at a ratio of 1", () => {
  const step = result.steps.find(({ loss_fn }) => loss_fn === "importance_sampling");
  assert.ok(step !== undefined);
  let advantages = 0;
  step.data.forEach(({ inputs }, k) => {
    const [given, sampled] = [inputs["advantages"] ?? [], inputs["logprobs"] ?? []];
    given.forEach((advantage, n) => {
      if (advantage === 0) return;
      advantages += advantage;
      near([at(at(step.logprobs, k), n)], [at(sampled, n)], 1e-3, `token ${n} of ${k}`);
    });
  });
  // Σ -r A with r = 1.
  near([step.metrics["loss:sum"] ?? NaN], [-advantages], 1e-3, "loss");
});

test("custom losses of the SDK run on the server's forward and backward passes", () => {
  const step = result.steps.find(({ loss_fn }) => loss_fn === "custom");
  assert.deepEqual(
    [step?.metrics["custom_terms"], typeof step?.metrics["surrogate_loss:sum"]],
    [2, "number"],
  );
});

test("a saved state goes on exactly; without the optimiser's state, from the same weights on another way", () => {
  const wholes = result.steps.filter(({ loss_fn, optim }) => loss_fn === "cross_entropy" && optim !== null);
  const third = at(wholes, 2).logprobs;
  const fourth = at(result.steps, result.steps.indexOf(at(wholes, 2)) + 1).logprobs;
  const { resumed, legacy, bare } = result.continued;
  assert.match(result.saved, /^tinker:\/\/[^/]+\/weights\/mid$/);
  assert.deepEqual(resumed, [third, fourth]);
  assert.deepEqual(legacy, [third, fourth]);
  assert.deepEqual(bare[0], third);
  assert.notDeepEqual(bare[1], fourth);
});

test("a call of many datums: requests out of order are put in order, and joined", () => {
  const { alone, logprobs, loss } = result.chunked;
  assert.deepEqual([alone.length, logprobs.length], [3, 1030]);
  logprobs.forEach((row, i) => near(row, at(alone, i % 3), 1e-4, `datum ${i}`));
  const sum = logprobs.flat().reduce((total, value) => total - value, 0);
  near([loss], [sum], 1e-4, "loss");
});

test("errors are the SDK's own exceptions with the server's words, at once", (t) => {
  const { afterwards, ...failures } = result.errors;
  const expected: Readonly<Record<string, RegExp>> = {
    baseModel: /no\/such-model/,
    samplerModel: /no\/such-model/,
    lengths: /target_tokens/,
    weights: /weights/,
    unknownInput: /mask/,
    missingTargets: /target_tokens/,
    missingAdvantages: /advantages/,
    unknownLoss: /dro/,
    unknownConfig: /clip_low/,
    tokenId: /1000000/,
    expectedTokens: new RegExp(String(result.imageTokens + 1)),
    sampleExpectedTokens: new RegExp(String(result.imageTokens + 1)),
    notAnImage: /image|picture/i,
    longPrompt: /40000|40001|40002/,
    temperature: /temperature/,
    alternatives: /topk_prompt_logprobs/,
    lateLoad: /load|first/i,
    noCheckpoint: /no-run/,
    noSampler: /no-run/,
    optimizer: /dimuon/,
    key: /key/i,
    deleted: /unwanted/,
  };
  assert.deepEqual(Object.keys(failures).sort(), Object.keys(expected).sort());
  for (const [name, words] of Object.entries(expected)) {
    const failure = (failures as Readonly<Record<string, Failure | null>>)[name];
    assert.ok(failure !== null && failure !== undefined, `${name}: no exception`);
    t.diagnostic(
      `${name}: ${failure.type} ${failure.category ?? failure.status ?? ""} ${failure.text.slice(0, 160)}`,
    );
    assert.match(failure.text, words, name);
    assert.ok(failure.seconds < 30, `${name}: took ${failure.seconds} s, which is retries`);
    const isCallers = failure.category === "user" || (failure.status !== null && failure.status < 500);
    assert.ok(isCallers, `${name}: ${failure.type}, ${failure.category ?? failure.status}`);
  }
  assert.equal(failures.key?.type, "AuthenticationError");
  near(afterwards, at(at(result.steps, -1).logprobs, 0), 1e-6, "the client goes on after refusals");
});

test("the REST side lists and deletes", () => {
  const { rest, info } = result;
  assert.deepEqual(rest.capabilities, [CARRIED]);
  assert.ok(rest.runs.includes(info.id) && rest.session.includes(info.id));
  assert.deepEqual([rest.run, rest.weightsInfo], [CARRIED, CARRIED]);
  const kept = ["external_weights/exported", "sampler_weights/named"];
  assert.deepEqual(rest.checkpoints, [...kept, "sampler_weights/unwanted", "weights/mid"]);
  assert.deepEqual(rest.afterDeletion, [...kept, "weights/mid"]);
});

test("weights are downloaded, and Transformers loads them: file by file, and as an archive", async () => {
  assert.match(result.exported, /\/external_weights\/exported$/);
  at(result.steps, -1).logprobs.forEach((row, k) =>
    near(at(reference.downloaded, k), row, 2e-3, `datum ${k}`),
  );
  const address = `${server.baseUrl}/api/v1/training_runs/${result.info.id}/checkpoints/sampler_weights/named/archive`;
  assert.equal((await fetch(address)).status, 401, "without the key");
  const redirect = await fetch(address, { headers: { "X-API-Key": KEY }, redirect: "manual" });
  assert.equal(redirect.status, 302);
  // The address stands for itself, as one of a cloud's storage does.
  const archive = await fetch(redirect.headers.get("location") ?? "");
  const files = await unpackTar(Buffer.from(await archive.arrayBuffer()));
  const packed = files.find(({ header }) => header.name.endsWith("model.safetensors"))?.data;
  const loose = await readFile(join(dir, "downloaded/model.safetensors"));
  assert.ok(packed !== undefined && loose.equals(packed), "the same weights either way");
});

testRecipes({ dir, python, baseUrl: server.baseUrl, model: CARRIED, env });
