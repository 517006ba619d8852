// Dialogues given in two parts, with a stop between them, are those given at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Datum } from "../../core/datum.ts";
import { silentReporter } from "../../core/reporter.ts";
import { createCodec } from "../../models/qwen2_5_vl/codec.ts";
import { loadProcessor } from "../../models/qwen2_5_vl/processor.ts";
import { loadConfig } from "../../runs/config.ts";
import type { DialogueFile } from "../../tasks/formats/shareGptFile.ts";
import { dialogueDatums, type DialoguePosition } from "./sftDialogues.ts";

const { tokenizer, limits } = await loadProcessor("checkpoints/image-mini/sft");
const codec = createCodec(tokenizer, limits);
const config = loadConfig("configs/image-mini.yaml", ["sft.epochs=3", "agent.maxContextTokens=200"]);
const marks = { codeClose: "</code>", answerClose: "</answer>" };

/** Row 2 is longer than the agent's context. */
const file: DialogueFile = {
  path: "rows.json",
  dialogues: Array.from({ length: 5 }, (_, i) => ({
    system: "",
    messages: [
      { role: "user" as const, text: `question ${i}` },
      { role: "assistant" as const, text: (i === 2 ? "very ".repeat(60) : "") + `answer ${i}` },
    ],
    images: [],
  })),
  images: async () => [],
};

async function take(from: DialoguePosition | undefined, count: number) {
  const datums = dialogueDatums(file, config, codec, marks, silentReporter, from);
  const taken: Datum[] = [];
  for await (const datum of datums.data) {
    taken.push(datum);
    if (taken.length === count) break;
  }
  const rows = taken.map(({ tokens }) => /answer (\d)/.exec(codec.decode([...tokens]))?.[1]);
  return { rows, position: JSON.parse(JSON.stringify(datums.position())) as DialoguePosition };
}

test("wherever it is stopped, what follows is what would have followed, and what is too long stays out", async () => {
  const whole = await take(undefined, Infinity);
  assert.equal(whole.rows.length, 12, "three epochs of four");
  assert.deepEqual([...new Set(whole.rows)].sort(), ["0", "1", "3", "4"]);
  assert.deepEqual(whole.position, { epoch: 3, seen: 0, tooLong: [2] });
  for (let count = 1; count < 12; count++) {
    const first = await take(undefined, count);
    const second = await take(first.position, Infinity);
    assert.deepEqual([...first.rows, ...second.rows], whole.rows, `stopped after ${count}`);
    assert.deepEqual(second.position, whole.position);
  }
});
