// Questions that only a program can answer, for a policy that sees text alone: a picture lies in Python, never in the context,
// and its width or height is asked for. And dialogues for the cold start, most of which guess instead of looking, so that
// reinforcement learning has a habit to break.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "fast-png";
import { loadTemplate } from "../../src/agent/template.ts";
import { randomStream } from "../../src/core/random.ts";
import type { Random } from "../../src/core/random.ts";
import { dialogueRow } from "../../src/tasks/formats/shareGpt.ts";

/** Sides of a picture in pixels: one digit each, so a guess is right once in eight times. */
const SIDES = [2, 3, 4, 5, 6, 7, 8, 9] as const;
/** What an impatient dialogue answers. Always the same, so that the cold start's loss is not mostly its noise. */
const GUESS = 5;
const KINDS = {
  width: "How wide?",
  height: "How high?",
} as const;
type Kind = keyof typeof KINDS;

export interface DataOptions {
  readonly seed: number;
  readonly dialogues: number;
  /** Share of dialogues that answer at once, always with the same digit. */
  readonly impatient: number;
}

export interface DataFiles {
  readonly tasks: string;
  readonly dialogues: string;
}

/** Writes tasks.jsonl and dialogues.jsonl into `folder`, which is made when missing. Equal options give equal bytes. */
export async function writeData(folder: string, options: DataOptions): Promise<DataFiles> {
  await mkdir(folder, { recursive: true });
  const files = { tasks: join(folder, "tasks.jsonl"), dialogues: join(folder, "dialogues.jsonl") };
  await writeFile(files.tasks, lines(taskRows(options.seed)));
  await writeFile(files.dialogues, lines(dialogueRows(options)));
  return files;
}

/** Every size with both questions, 128 rows in the plain layout of task files. */
export function taskRows(seed: number): Record<string, unknown>[] {
  const random = randomStream(seed, "pictures");
  return SIDES.flatMap((width) =>
    SIDES.flatMap((height) => {
      const image = noisePng(width, height, random);
      return kinds().map((kind) => ({
        id: `${width}x${height}`,
        data_source: kind,
        question: KINDS[kind],
        answer: String(kind === "width" ? width : height),
        image_path: image,
      }));
    }),
  );
}

/** Dialogues as an episode with the template `mini` would have them. */
export function dialogueRows({ seed, dialogues, impatient }: DataOptions): Record<string, unknown>[] {
  const { system, answerOpen, answerClose, codeOpen, codeClose } = loadTemplate("mini");
  const answer = (digit: number): string => `${answerOpen}\\boxed{${digit}}${answerClose}`;
  return Array.from({ length: dialogues }, (_, i) => {
    const random = randomStream(seed, "dialogue", i);
    const kind = random.pick(kinds());
    const said = random.pick(SIDES);
    const looks = random.next() >= impatient;
    const turns = looks
      ? [
          `${codeOpen}print(image_clue_0.${kind})${codeClose}`,
          `<tool_response>${said}</tool_response>`,
          answer(said),
        ]
      : [answer(GUESS)];
    const messages = [KINDS[kind], ...turns].map((text, k) => ({
      role: k % 2 === 0 ? ("user" as const) : ("assistant" as const),
      text,
    }));
    return dialogueRow(String(i), { system, messages, images: [] });
  });
}

function noisePng(width: number, height: number, random: Random): string {
  const data = Uint8Array.from({ length: width * height * 3 }, () => random.below(256));
  const bytes = encode({ width, height, data, channels: 3, depth: 8 });
  return `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
}

const kinds = (): Kind[] => ["width", "height"];
const lines = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
