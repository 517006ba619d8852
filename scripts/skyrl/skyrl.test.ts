// What the demonstration on a SkyRL server is made of, without the server: the programs of its dialogues print what its tasks
// ask for, its weights have the names and shapes of a Qwen3, and its table is that of the run.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadProcessor } from "../../src/models/qwen2_5_vl/processor.ts";
import { readSafetensors } from "../../src/models/qwen2_5_vl/safetensors.ts";
import { loadTemplate } from "../../src/agent/template.ts";
import { parseTurn } from "../../src/agent/parser.ts";
import { loadConfig } from "../../src/runs/config.ts";
import { openDialogueFile } from "../../src/tasks/formats/shareGptFile.ts";
import { TaskFiles } from "../../src/tasks/formats/taskFile.ts";
import { writeData } from "./data.ts";
import { residentBytes } from "./memory.ts";
import { writeTinyQwen3 } from "./model.ts";
import { commandsOf, rewardTable } from "./plan.ts";
import { startSkyrl } from "./server.ts";

const TOKENIZER = fileURLToPath(new URL("../../checkpoints/image-mini/sft", import.meta.url));

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "pyvision-skyrl-test-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("every task asks for a side of the picture that Python will have", () =>
  inFolder(async (folder) => {
    const { tasks } = await writeData(folder, { seed: 0, dialogues: 1, impatient: 0 });
    const files = new TaskFiles({ paths: [tasks] });
    assert.equal(files.count, 128);
    assert.equal(files.leftOut.count, 0);
    const sides = Array.from({ length: files.count }, (_, i) => files.at(i)).map((task) => {
      const [image] = task.images;
      assert.equal(task.answer, String(task.kind === "width" ? image?.width : image?.height));
      return `${task.question} ${task.answer}`;
    });
    assert.equal(sides.filter((side) => side === "How wide? 2").length, 8);
    assert.equal(sides.filter((side) => side === "How high? 9").length, 8);
    files.close();
  }));

test("a dialogue looks with a program that the agent would run, or guesses five", () =>
  inFolder(async (folder) => {
    const { dialogues } = await writeData(folder, { seed: 3, dialogues: 400, impatient: 0.75 });
    const marks = loadTemplate("mini");
    let looks = 0;
    for (const { system, messages, images } of openDialogueFile(dialogues).dialogues) {
      assert.equal(system, "Look with Python.");
      assert.deepEqual(images, []);
      const [question, first, observation, last] = messages.map(({ text }) => text);
      const action = parseTurn(first as string, marks);
      if (messages.length === 2) {
        assert.deepEqual(action, { type: "answer", answer: "5" });
        continue;
      }
      looks++;
      const side = question === "How wide?" ? "width" : "height";
      assert.deepEqual(action, { type: "code", code: `print(image_clue_0.${side})` });
      const printed = /^<tool_response>([2-9])<\/tool_response>$/.exec(observation as string)?.[1];
      assert.deepEqual(parseTurn(last as string, marks), { type: "answer", answer: printed });
    }
    assert.ok(looks > 70 && looks < 130, `${looks} of 400 dialogues look, about 100 should`);
  }));

test("the tiny model has a Qwen3's tensors, and our tokenizer's ids", () =>
  inFolder(async (folder) => {
    const shape = { hidden: 8, layers: 2, heads: 4, kvHeads: 2, headWidth: 4, intermediate: 6 };
    const count = await writeTinyQwen3(folder, TOKENIZER, 0, shape);
    const { tensors } = await readSafetensors(join(folder, "model.safetensors"));
    const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes["model.embed_tokens.weight"], [512, 8]);
    assert.deepEqual(shapes["lm_head.weight"], [512, 8]);
    assert.deepEqual(shapes["model.layers.1.self_attn.q_proj.weight"], [16, 8]);
    assert.deepEqual(shapes["model.layers.1.self_attn.v_proj.weight"], [8, 8]);
    assert.deepEqual(shapes["model.layers.1.self_attn.k_norm.weight"], [4]);
    assert.deepEqual(shapes["model.layers.0.mlp.down_proj.weight"], [8, 6]);
    assert.equal(tensors.size, 2 * 11 + 3);
    // 512·8 twice; a layer: 2·8·16 + 2·8·8 + 3·8·6 + 2·8 + 2·4; the last norm: 8.
    assert.equal(count, 8192 + 2 * 552 + 8);
    const head = tensors.get("lm_head.weight")?.data as Float32Array;
    const spread = Math.sqrt(head.reduce((sum, x) => sum + x * x, 0) / head.length);
    assert.ok(Math.abs(spread - 0.3) < 0.02, `the head's standard deviation is ${spread}`);
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
    const { codec } = await loadProcessor(TOKENIZER);
    assert.equal(config["eos_token_id"], codec.endOfTurnId);
    assert.equal(
      await readFile(join(folder, "tokenizer.json"), "utf8"),
      await readFile(join(TOKENIZER, "tokenizer.json"), "utf8"),
    );
  }));

test("both stages speak to the server that was started, and RL begins with the cold start's weights", () => {
  const [sft, train] = commandsOf({
    runs: "/r",
    baseUrl: "http://127.0.0.1:1",
    modelFolder: "/r/model",
    tasks: "/r/t",
    dialogues: "/r/d",
    set: ["train.steps=2"],
  });
  assert.deepEqual(sft?.args.slice(0, 4), ["sft", "configs/skyrl-mini.yaml", "--run", "/r/sft"]);
  assert.equal(train?.run, "/r/train");
  for (const setting of [
    "engine.baseUrl=http://127.0.0.1:1",
    "model.init=/r/sft/checkpoints/final",
    "train.steps=2",
  ])
    assert.ok(train.args.includes(setting), setting);
});

test("the table has a row a step; a gap that was not measured is left empty", () => {
  const metrics = [
    '{"step":1,"accuracy/mean":0.25,"reward/mean":0.275,"tool_calls/mean":0.25,"train/logprob_gap_max":0.000003,"time/step_s":4.04}',
    '{"step":2,"accuracy/mean":1,"reward/mean":1.1,"tool_calls/mean":1,"time/step_s":3}',
    "",
  ].join("\n");
  assert.equal(
    rewardTable(metrics),
    [
      "| step | reward | accuracy | calls | largest gap (nats) | seconds |",
      "| ---: | ---: | ---: | ---: | ---: | ---: |",
      "| 1 | 0.275 | 0.250 | 0.25 | 3.0e-6 | 4.0 |",
      "| 2 | 1.100 | 1.000 | 1.00 |  | 3.0 |",
      "",
    ].join("\n"),
  );
});

test("a server that ends while it starts is told at once, with its log", () =>
  inFolder(async (folder) => {
    const logPath = join(folder, "server.log");
    const options = { modelFolder: "/nowhere", maxRank: 8, trainSequences: 8, sampleSequences: 8, logPath };
    // This program is no Python, and ends with code 1 over the launcher's text.
    await assert.rejects(
      startSkyrl({ ...options, python: process.execPath }),
      /SkyRL ended with 1 while it started; see .*server\.log/,
    );
    assert.match(await readFile(logPath, "utf8"), /SyntaxError|launch\.py/);
  }));

test(
  "memory is that of the whole tree, and of nobody when the process is gone",
  { skip: process.platform !== "linux" && "only Linux tells it" },
  () => {
    const own = residentBytes(process.pid);
    assert.ok(own !== undefined && own > 30e6 && own < 20e9, `${own}`);
    assert.equal(residentBytes(2 ** 22 + 1), undefined);
  },
);

test("the recipes for 7B have the paper's figures", () => {
  for (const name of ["image-7b", "video-7b"]) {
    const path = fileURLToPath(new URL(`../../configs/${name}.yaml`, import.meta.url));
    const { engine, selection, optimizer, train, agent, reward, sampling } = loadConfig(path, []);
    assert.equal(engine.type, "tinker");
    assert.deepEqual([selection.genBatch, selection.trainBatch, selection.rolloutsPerPrompt], [32, 16, 8]);
    assert.deepEqual([optimizer.learningRate, optimizer.weightDecay, optimizer.maxGradNorm], [1e-6, 0.01, 1]);
    assert.deepEqual([train.steps, train.clipLow, train.clipHigh], [700, 0.2, 0.2]);
    assert.deepEqual([agent.maxTurns, agent.maxTurnTokens, agent.maxContextTokens], [5, 10_240, 32_768]);
    assert.deepEqual([agent.maxImages, reward.toolCall, sampling.temperature], [32, 0.1, 1]);
  }
});
