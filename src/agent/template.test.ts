import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { observationSegments } from "./observation.ts";
import { promptSegments } from "./prompt.ts";
import { byteCodec, draw, fakeImage, toolResult } from "./scriptedFakes.ts";
import { BUILT_IN_TEMPLATES, cutAtSlots, fillSlots, loadTemplate, parseTemplate } from "./template.ts";

const mini = readFileSync(new URL("./templates/mini.yaml", import.meta.url), "utf8");
const fails = (source: string, message: RegExp): void => {
  assert.throws(
    () => parseTemplate(source, "my.yaml"),
    (error) => error instanceof ConfigError && message.test(error.message),
  );
};

test("the built-in templates load by name and by path", () => {
  for (const name of BUILT_IN_TEMPLATES) assert.equal(loadTemplate(name).name, name);
  assert.equal(
    loadTemplate(new URL("./templates/mini.yaml", import.meta.url).pathname).system,
    "Look with Python.",
  );
});

test("a template without words for other contexts loads; the built-in ones have them all", () => {
  const own = parseTemplate(mini.replace(/contexts:\n( {2}.*\n)+/, ""), "my.yaml");
  assert.deepEqual([own.contexts, own.videoLabel], [{}, "video_clue_{i}"]);
  for (const name of BUILT_IN_TEMPLATES)
    assert.deepEqual(Object.keys(loadTemplate(name).contexts).sort(), [
      ...["imageInRuntime", "videoFrames", "videoFramesInBoth", "videoInRuntime"],
    ]);
});

test("both built-in templates keep the protocol", () => {
  for (const name of BUILT_IN_TEMPLATES) {
    const { codeOpen, codeClose, fence, answerOpen, answerClose, boxed } = loadTemplate(name);
    assert.deepEqual(
      [codeOpen, codeClose, fence, answerOpen, answerClose, boxed],
      ["<code>", "</code>", "```python", "<answer>", "</answer>", "required"],
    );
  }
});

test("errors name the key, the file and the nearest valid name", () => {
  fails(`${mini}\nsytem: x`, /my\.yaml: unknown key "sytem", did you mean "system"\?/);
  fails(
    mini.replace("  timeout: timeout", "  timeot: timeout"),
    /unknown key "errors\.timeot", did you mean "errors\.timeout"\?/,
  );
  fails(
    mini.replace("{images}{question}", "{images}"),
    /user: must contain \{question\} exactly once, found 0/,
  );
  fails(
    mini.replace("{stdout}", "{stdout}{stdout}"),
    /observation: must contain \{stdout\} exactly once, found 2/,
  );
  fails(mini.replace("system: Look with Python.", "system: 3"), /system: .*string/);
  fails(mini.replace('"```python"', "python"), /fence: must be three or more backticks/);
  const contexts = mini.replace("  imageInRuntime:", "  imagesInRuntime:");
  fails(contexts, /unknown key "contexts\.imagesInRuntime", did you mean "contexts\.imageInRuntime"\?/);
  fails(
    mini.replace('    frame: "{seconds}{image}"', '    fram: "{seconds}{image}"'),
    /unknown key "contexts\.videoFrames\.fram", did you mean "contexts\.videoFrames\.frame"\?/,
  );
  fails(
    mini.replace("{videos}{question}", "{question}"),
    /contexts\.videoInRuntime\.user: must contain \{videos\} exactly once, found 0/,
  );
  fails("a: [", /my\.yaml is not valid YAML/);
  assert.throws(
    () => loadTemplate("minni"),
    /"minni" is not built in \(standard, mini\); did you mean "mini"\?/,
  );
  assert.throws(() => loadTemplate("no/such.yaml"), /no\/such\.yaml cannot be read/);
});

test("slots are found before anything is filled in", () => {
  assert.equal(fillSlots("{a}-{b}-{c}", { a: "{b}", b: 2 }), "{b}-2-{c}");
  assert.deepEqual(cutAtSlots("x{a}{b}\\boxed{4}", ["a", "b"]), [
    { type: "literal", text: "x" },
    { type: "slot", name: "a" },
    { type: "slot", name: "b" },
    { type: "literal", text: "\\boxed{4}" },
  ]);
  const task = { question: "{images} $& {question}?", images: [fakeImage(1)] };
  const prompt = draw(promptSegments(task, { ...loadTemplate("mini"), system: "" }, byteCodec));
  assert.equal(prompt.tokens, "«user¶‹#›{images} $& {question}?»¶«assistant¶");
});

test("mini: what the miniature policy sees", () => {
  const template = loadTemplate("mini");
  const prompt = promptSegments({ question: "color?", images: [fakeImage(2)] }, template, byteCodec);
  assert.equal(draw(prompt).tokens, "«system¶Look with Python.»¶«user¶‹##›color?»¶«assistant¶");
  const observe = (result: Parameters<typeof toolResult>[0]) =>
    draw(
      observationSegments({
        result: toolResult(result),
        template,
        codec: byteCodec,
        imagesBefore: 1,
        turnClosed: true,
      }),
    ).tokens;
  const message = (text: string): string => `¶«user¶<tool_response>${text}</tool_response>»¶«assistant¶`;
  assert.equal(observe({ figures: [fakeImage(3)] }), message("‹###›"));
  assert.equal(observe({ stdout: " \n" }), message("nothing"));
  assert.equal(observe({ stdout: "3\n" }), message("3"));
  const outcome = {
    type: "pythonError",
    errorType: "NameError",
    message: "name 'x'",
    traceback: "long",
  } as const;
  assert.equal(observe({ stdout: "3\n", outcome }), message("3¶NameError: name 'x'"));
});

test("standard: labelled images, tracebacks in full, lines without content vanish", () => {
  const template = loadTemplate("standard");
  const prompt = draw(
    promptSegments({ question: "Q?", images: [fakeImage(1), fakeImage(2)] }, template, byteCodec),
  ).tokens;
  assert.ok(prompt.includes("«user¶image_clue_0: ‹#›¶image_clue_1: ‹##›¶¶In Python"), prompt);
  assert.ok(prompt.endsWith("¶¶Q?»¶«assistant¶"), prompt);
  const observe = (result: Parameters<typeof toolResult>[0]) =>
    draw(
      observationSegments({
        result: toolResult(result),
        template,
        codec: byteCodec,
        imagesBefore: 2,
        turnClosed: false,
      }),
    ).tokens;
  const message = (text: string): string => `»¶«user¶<tool_response>¶${text}</tool_response>»¶«assistant¶`;
  assert.equal(
    observe({ stdout: "a\nb\n", figures: [fakeImage(1), fakeImage(1)] }),
    message("a¶b¶<image_clue_2>: ‹#›¶<image_clue_3>: ‹#›¶"),
  );
  assert.equal(observe({ figures: [fakeImage(1)] }), message("<image_clue_2>: ‹#›¶"));
  assert.equal(observe({}), message("The code ran. It printed nothing and showed no figure.¶"));
  const outcome = {
    type: "pythonError",
    errorType: "E",
    message: "m",
    traceback: "Traceback\nE: m\n",
  } as const;
  assert.equal(observe({ outcome }), message("Traceback¶E: m¶"));
  assert.equal(
    observe({ outcome: { type: "timeout", limitMs: 1500 }, alive: false }),
    message(
      "The code ran longer than 1.5 seconds and was stopped.¶All variables are lost. " +
        "What was loaded for you is loaded again under its name.¶",
    ),
  );
  const reasons = [
    [{ type: "outOfMemory" }, "The code used more memory than allowed and was stopped.¶"],
    [
      { type: "outputLimit", limitBytes: 10 },
      "The code produced more than 10 bytes of output and was stopped.¶",
    ],
    [{ type: "killed", reason: "signal 9" }, "The Python process was ended: signal 9.¶"],
    [{ type: "forbidden", reason: "network" }, "The code tried something that is not allowed: network.¶"],
  ] as const;
  for (const [other, text] of reasons) assert.equal(observe({ outcome: other }), message(text));
});
