// What `synth` writes, read by LLaMA-Factory's own loader from its own training file, and trained on by its own trainer:
// token for token, label for label, picture for picture and loss for loss what this project trains on.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { encode } from "fast-png";
import { loadTemplate } from "../../agent/template.ts";
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import { silentReporter } from "../../core/reporter.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { exportToTransformers } from "../../models/qwen2_5_vl/export.ts";
import { hashImage } from "../../models/qwen2_5_vl/testFixtures.ts";
import { loadConfig } from "../../runs/config.ts";
import type { Dialogue } from "../../tasks/formats/shareGpt.ts";
import { datasetInfo, dialoguesText, trainingFile } from "../../tasks/formats/shareGptExport.ts";
import { openDialogueFile } from "../../tasks/formats/shareGptFile.ts";
import { segmentsOf } from "../../tasks/formats/shareGptSegments.ts";
import { runSynth } from "./synth.ts";
import { loadWithLlamaFactory, trainWithLlamaFactory, type LoadedRow } from "./synthLlamaFactory.ts";

const CARRIED = "checkpoints/image-mini/sft";
const root = mkdtempSync(join(tmpdir(), "pyvision-llamafactory-"));
after(() => rmSync(root, { recursive: true }));
const student = join(root, "student");
/** No GPU is asked for, and the data is small. */
const HERE = ["bf16=false", "use_cpu=true", "preprocessing_num_workers=1"];

const template = loadTemplate("mini");
const engine = await EmbeddedEngine.load(CARRIED, { limits: { minPixels: 3136, maxPixels: 12_544 } });
const { codec } = engine;
after(() => engine.dispose());
await exportToTransformers(CARRIED, student);

/** <|im_end|> and the newline, with which LLaMA-Factory closes a turn of the model and which it trains on. */
const CLOSING = codec.encodeTemplate("<|im_end|>\n");

interface Ours {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
  readonly grids: ViewImage["grid"][];
  readonly views: readonly ViewImage[];
}

/** What this project makes of a dialogue, and the closing of the turns as LLaMA-Factory trains on it. */
function ours(dialogue: Dialogue, views: readonly ViewImage[]): Ours {
  const segments = segmentsOf(dialogue, views, codec, template);
  const { tokens, mask } = datumFromSegments(segments, 0, codec.imagePadId);
  const last = segments.at(-1);
  const open = last?.type === "sampled" && last.tokens.at(-1) !== codec.endOfTurnId;
  const ids = [...tokens, ...(open ? CLOSING : CLOSING.slice(1))];
  const labels = ids.map((id, i) => (mask[i] === 1 ? id : -100));
  for (let i = 1; i <= mask.length; i++)
    if (mask[i - 1] === 1 && mask[i] !== 1)
      for (let k = i; k < ids.length && CLOSING.includes(ids[k] as number) && k < i + 2; k++) {
        labels[k] = ids[k] as number;
        if (ids[k] === CLOSING[1]) break;
      }
  return { ids, labels, grids: views.map(({ grid }) => grid), views };
}

async function expectedRows(folder: string): Promise<Ours[]> {
  const file = openDialogueFile(folder);
  return Promise.all(
    file.dialogues.map(async (dialogue, i) =>
      ours(
        dialogue,
        (await file.images(i)).map((image) => codec.viewImage(image)),
      ),
    ),
  );
}

function checkRows(rows: readonly LoadedRow[], expected: readonly Ours[]): void {
  assert.equal(rows.length, expected.length);
  for (const [i, row] of rows.entries()) {
    assert.deepEqual(row.inputIds, expected[i]?.ids, `ids of row ${i + 1}`);
    assert.deepEqual(row.labels, expected[i]?.labels, `labels of row ${i + 1}`);
    assert.deepEqual(row.grids, expected[i]?.grids, `grids of row ${i + 1}`);
  }
}

test("LLaMA-Factory reads and trains on what synth wrote, with the loss that the embedded engine has", async (t) => {
  const folder = join(root, "synth");
  const config = loadConfig("configs/image-mini.yaml", [
    "synth.teacher=scripted",
    "synth.tasks=24",
    "synth.filter.right=false",
    "sft.teacher.pythonError=0.5",
    `synth.student.model=${student}`,
    "synth.student.learningRate=0.0005",
    "synth.student.epochs=2",
  ]);
  const report = await runSynth(config, folder, silentReporter);
  assert.equal(report.dialogues, 24);
  const expected = await expectedRows(folder);
  const loaded = loadWithLlamaFactory(folder, "llamafactory.yaml", HERE);
  t.diagnostic(`LLaMA-Factory ${loaded.version}: ${loaded.rows.length} rows`);
  const { rows, ...settings } = loaded;
  assert.deepEqual(settings, {
    version: "0.9.5",
    stage: "sft",
    finetuning: "full",
    learningRate: 0.0005,
    epochs: 2,
    cutoff: 576,
  });
  checkRows(rows, expected);
  const pictures = rows.reduce((n, { grids }) => n + grids.length, 0);
  assert.equal(pictures, report.images);
  assert.ok(rows.some(({ grids }) => grids.length >= 3) && pictures > 24, `${pictures} pictures`);

  // One step over all rows at once: the loss before it is that of the weights as they are.
  const output = join(root, "trained");
  const oneStep = [`gradient_accumulation_steps=${rows.length}`, "max_steps=1", "logging_steps=1"];
  const [theirs] = trainWithLlamaFactory(folder, "llamafactory.yaml", output, [...HERE, ...oneStep]);
  // With pictures LLaMA-Factory takes the mean of the dialogues' means (this project's own loops: of all tokens).
  const data = rows.map(({ inputIds, labels }, i): Datum => {
    const tokens = Int32Array.from(inputIds);
    const trained = labels.filter((label) => label !== -100).length;
    const mask = Float32Array.from(labels, (label) => (label === -100 ? 0 : 1 / trained / rows.length));
    const zeros = new Float32Array(tokens.length);
    return { tokens, images: expected[i]?.views ?? [], mask, logprobs: zeros, advantages: zeros };
  });
  const { loss } = await engine.forwardBackward(data, { type: "crossEntropy" });
  t.diagnostic(`loss: ${loss} here, ${theirs} there`);
  assert.ok(theirs !== undefined && Math.abs(theirs - loss) < 1e-4, `${theirs} there, ${loss} here`);
});

test("dialogues of other makers: no system message, several pictures, none, prose, other scripts", async () => {
  const folder = join(root, "others");
  const user = (text: string) => ({ role: "user", text }) as const;
  const assistant = (text: string) => ({ role: "assistant", text }) as const;
  const dialogues: readonly Dialogue[] = [
    {
      system: "",
      messages: [user("First <image> and then <image>: what differs?"), assistant("The second is brighter.")],
      images: ["a.png", "b.png"],
    },
    {
      system: "You look at pictures.",
      messages: [
        user("Größe? <b>'\"\\n{{content}} 你好 🙂"),
        assistant("Ich sehe nach.\n<code>\n```python\nprint('a')\n```\n</code>"),
        user("<tool_response>\na\n</tool_response>"),
        assistant("<answer>\\boxed{\\frac{1}{2}}</answer>"),
      ],
      images: [],
    },
    {
      system: "S",
      messages: [user("<image>"), assistant("one"), user("<image>Again"), assistant("two")],
      images: ["b.png", "c.png"],
    },
  ];
  for (const [name, width, height] of [
    ["a", 112, 84],
    ["b", 56, 56],
    ["c", 84, 140],
  ] as const)
    writeFile(folder, `${name}.png`, encode({ ...hashImage(width, height, width), channels: 3, depth: 8 }));
  const rows = dialogues.map((dialogue, i) => ({ id: String(i), dialogue }));
  writeFile(folder, "dialogues.json", [...dialoguesText(rows)].join(""));
  writeFile(folder, "dataset_info.json", datasetInfo("others"));
  const limits = { minPixels: 3136, maxPixels: 12_544 };
  const file = {
    dataset: "others",
    model: student,
    learningRate: 1e-5,
    epochs: 1,
    cutoffTokens: 1000,
    ...limits,
  };
  writeFile(folder, "train.yaml", trainingFile(file));
  const loaded = loadWithLlamaFactory(folder, "train.yaml", HERE);
  checkRows(loaded.rows, await expectedRows(folder));
  assert.deepEqual(
    loaded.rows.map(({ grids }) => grids),
    [
      [
        [1, 6, 8],
        [1, 4, 4],
      ],
      [],
      [
        [1, 4, 4],
        [1, 10, 6],
      ],
    ],
  );
  // Nothing was put in the place of the missing system message.
  assert.deepEqual(
    loaded.rows[0]?.inputIds.slice(0, 3),
    codec.encodeTemplate("<|im_start|>user\n").slice(0, 3),
  );
});

function writeFile(folder: string, name: string, data: string | Uint8Array): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), data);
}
