import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutTool } from "./noTool.ts";
import { cutAtSlots, loadTemplate } from "./template.ts";

test("nothing of code or Python is left of what the model is told, and the form of the answer stays", () => {
  const template = withoutTool(loadTemplate("standard"));
  const told = [
    template.system,
    template.user,
    template.contexts.videoFrames?.system,
    template.contexts.videoFrames?.user,
  ];
  for (const text of told) assert.doesNotMatch(text ?? "", /python|code|plt|image_clue|numpy/i);
  assert.match(template.system, /<answer>\\boxed\{your answer\}<\/answer>$/);
  assert.deepEqual(
    cutAtSlots(template.user, ["images", "question"]).map((piece) => piece.type),
    ["slot", "slot"],
  );
  assert.deepEqual(Object.keys(template.contexts), ["videoFrames"]);
});

test("the miniature policy knows no instructions: it is told nothing", () => {
  assert.equal(withoutTool(loadTemplate("mini")).system, "");
});
