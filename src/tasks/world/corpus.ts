// Raw text for training the tokenizer: everything a policy of the mini world reads and writes, in about the
// frequencies in which it meets them.
import { fillSlots } from "../../agent/template.ts";
import type { PromptTemplate } from "../../agent/template.ts";
import { randomStream } from "../../core/random.ts";
import { teacherScript } from "./teacherScript.ts";
import { createWorld } from "./world.ts";

export interface CorpusOptions {
  readonly seed: number;
  readonly template: PromptTemplate;
  /** Number of episodes. */
  readonly episodes: number;
}

/** What the undefined name of the teacher's Python error comes back as. */
const NAME_ERROR = { type: "NameError", message: "name 'img' is not defined" } as const;
const TRACEBACK = [
  "Traceback (most recent call last):",
  '  File "<cell 1>", line 1, in <module>',
  "    plt.imshow(img.crop((304,224,336,256)))",
  "               ^^^",
  `${NAME_ERROR.type}: ${NAME_ERROR.message}`,
].join("\n");

/** Texts without special tokens, one after another; a text never spans two messages. */
export function* worldCorpus({ seed, template, episodes }: CorpusOptions): Generator<string, undefined> {
  const world = createWorld({ seed, split: "train" });
  const scaffold = (text: string): string =>
    fillSlots(text, { stdout: "", error: "", figures: "", image: "", label: "" });
  for (let i = 0; i < episodes; i++) {
    const task = world.at(i);
    yield `system\n${template.system}`;
    yield `user\n${fillSlots(template.user, { images: scaffold(template.image), question: task.question })}`;
    const mistakes = { wrongPlace: 0.1, pythonError: 0.1 };
    for (const turn of teacherScript(task.scene, randomStream(seed, "corpus", i), mistakes)) {
      yield `assistant\n${turn}`;
      if (turn.includes(template.codeClose)) yield `user\n${scaffold(template.observation)}`;
      if (turn.includes("img."))
        yield fillSlots(template.errors.pythonError, { ...NAME_ERROR, traceback: TRACEBACK });
    }
    if (i % 50 === 0) {
      const { errors, emptyOutput, sessionLost } = template;
      yield* [
        emptyOutput,
        sessionLost,
        errors.timeout,
        errors.outOfMemory,
        errors.outputLimit,
        errors.killed,
      ];
    }
  }
}
