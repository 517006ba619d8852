// Random Qwen2.5-VL models made by Transformers, saved by it and loaded by the engine: positions, logits, token
// log-probabilities, gradients of every weight and three steps of AdamW.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { readSafetensors } from "../../../models/qwen2_5_vl/safetensors.ts";
import { smallTokenizer } from "../../../models/qwen2_5_vl/testFixtures.ts";
import { EmbeddedEngine } from "../embeddedEngine.ts";
import { MODEL_CASES, trainingJob } from "./cases.ts";
import { checkCase, storeOf, type CaseSummary } from "./checkCase.ts";
import { Agreement } from "./compare.ts";
import { jobFolder, runReference } from "./harness.ts";

test("the embedded engine is Qwen2_5_VLForConditionalGeneration", async (t) => {
  const dir = await jobFolder(t);
  await writeFile(join(dir, "tokenizer.json"), JSON.stringify(smallTokenizer().toJson()));
  const summaries = (await runReference(dir, await trainingJob(dir, MODEL_CASES))) as Record<
    string,
    CaseSummary
  >;
  const agreement = new Agreement();
  for (const modelCase of MODEL_CASES)
    await t.test(modelCase.name, async () => {
      const { tensors } = await readSafetensors(join(dir, `${modelCase.name}.safetensors`));
      const engine = await EmbeddedEngine.load(join(dir, modelCase.name));
      const updates = [...tensors.keys()].filter((name) => name.startsWith("update."));
      assert.deepEqual(
        storeOf(engine).entries().map(({ spec }) => `update.${spec.name}`).sort(),
        updates.sort(),
        "the engine has the reference's weights, no more and no fewer",
      ); // prettier-ignore
      const summary = summaries[modelCase.name] as CaseSummary;
      await checkCase(engine, modelCase, tensors, summary, agreement);
      await engine.dispose();
    });
  agreement.report(t);
});
