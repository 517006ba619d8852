// Prompt templates as data: what the model is told and the marks its turns are read by. Two are built in (`standard`
// for models that follow instructions, `mini` for the miniature policy); a user may bring a YAML file of the same
// form. A slot such as {question} is found in the template before anything is filled in, so braces in a question or in
// tool output are never taken for slots.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { closest } from "fastest-levenshtein";
import { parse } from "yaml";
import { z } from "zod";
import { ConfigError } from "../core/errors.ts";

export const BUILT_IN_TEMPLATES = ["standard", "mini"] as const;

const text = z.string();
const mark = z.string().min(1);
const withSlots = (...slots: readonly string[]) =>
  z.string().superRefine((value, context) => {
    for (const slot of slots) {
      const count = value.split(`{${slot}}`).length - 1;
      if (count !== 1)
        context.addIssue({ code: "custom", message: `must contain {${slot}} exactly once, found ${count}` });
    }
  });

const errorsShape = {
  /** Slots {type}, {message}, {traceback}. */
  pythonError: text,
  /** Slot {seconds}. */
  timeout: text,
  outOfMemory: text,
  /** Slot {bytes}. */
  outputLimit: text,
  /** Slot {reason}. */
  killed: text,
  /** Slot {reason}. */
  forbidden: text,
} as const;

/** Left out: the template's own. */
const system = text.exactOptional();

/**
 * One form of the user's message for each other way of showing media (src/agent/context/), with the system message if it
 * differs. Lines bring their own line end.
 */
const contextsShape = {
  /** Images in Python only. Line `image`: slots {label}, {width}, {height}. */
  imageInRuntime: z.strictObject({ system, user: withSlots("images", "question"), image: text }),
  /** Videos in Python only. Line `video`: slots {label}, {frames}, {fps}, {seconds}, {width}, {height}. */
  videoInRuntime: z.strictObject({ system, user: withSlots("videos", "question"), video: text }),
  /** Frames in the context only. Line `frame`: {image}, and slots {label}, {video}, {index}, {seconds}. */
  videoFrames: z.strictObject({
    system,
    user: withSlots("frames", "question"),
    video: text.default(""),
    frame: withSlots("image"),
  }),
  /** Frames in the context, and the videos in Python. Lines as above. */
  videoFramesInBoth: z.strictObject({
    system,
    user: withSlots("videos", "frames", "question"),
    video: text,
    frame: withSlots("image"),
  }),
} as const;

const contexts = z.strictObject({
  imageInRuntime: contextsShape.imageInRuntime.exactOptional(),
  videoInRuntime: contextsShape.videoInRuntime.exactOptional(),
  videoFrames: contextsShape.videoFrames.exactOptional(),
  videoFramesInBoth: contextsShape.videoFramesInBoth.exactOptional(),
});

export type ContextTexts = Readonly<z.infer<typeof contexts>>;

const shape = {
  name: mark,
  /** The system message; an empty one is left out. */
  system: text,
  /** The first user message, with the images in the context and in Python. */
  user: withSlots("images", "question"),
  contexts: contexts.default({}),
  /** One image of {images}; {label} may be left out. Brings its own line end. */
  image: withSlots("image"),
  /**
   * The message that answers a call. A line whose slots are all empty vanishes; where {stdout} and {error} touch and
   * both have text, a line end is put between them.
   */
  observation: withSlots("stdout", "error", "figures"),
  /** One figure of {figures}. */
  figure: withSlots("image"),
  /** Name of image i, counted over the task's images and then the figures. */
  figureLabel: withSlots("i"),
  /** Name of video i. */
  videoLabel: withSlots("i").default("video_clue_{i}"),
  /** Stands in for {stdout} when a call printed, drew and raised nothing. */
  emptyOutput: text,
  /** Added to {error} by the call in which the session died. */
  sessionLost: text,
  /** Added to {error} for a figure the image processor refuses; slots {width}, {height}. */
  unviewableFigure: text,
  errors: z.strictObject(errorsShape),
  codeOpen: mark,
  codeClose: mark,
  /** Opening line of the block inside codeOpen/codeClose; its leading backticks also close the block. */
  fence: z.string().regex(/^`{3,}[A-Za-z0-9]*$/, "must be three or more backticks and a language"),
  answerOpen: mark,
  answerClose: mark,
  /** Whether an answer without \boxed{} counts as an answer (then its whole text is the answer). */
  boxed: z.enum(["required", "optional"]),
} as const;

const schema = z.strictObject(shape);

export type PromptTemplate = Readonly<z.infer<typeof schema>>;

/**
 * Loads a built-in template by name, or a file by path (anything with a slash or ending in .yaml/.yml).
 * @throws ConfigError for an unknown name, an unreadable file, and unknown, missing or ill-typed keys.
 */
export function loadTemplate(pathOrName: string): PromptTemplate {
  const isPath = /[/\\]|\.ya?ml$/.test(pathOrName);
  if (!isPath && !(BUILT_IN_TEMPLATES as readonly string[]).includes(pathOrName))
    throw new ConfigError(
      `template "${pathOrName}" is not built in (${BUILT_IN_TEMPLATES.join(", ")}); did you mean ` +
        `"${closest(pathOrName, BUILT_IN_TEMPLATES)}"? For a file of your own give its path, ending in .yaml`,
    );
  const file = isPath
    ? pathOrName
    : fileURLToPath(new URL(`./templates/${pathOrName}.yaml`, import.meta.url));
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`template file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return parseTemplate(source, file);
}

/** Checks the text of a template; `file` is only named in errors. @throws ConfigError */
export function parseTemplate(source: string, file: string): PromptTemplate {
  let data: unknown;
  try {
    data = parse(source);
  } catch (error) {
    throw new ConfigError(`template ${file} is not valid YAML: ${messageOf(error)}`, { cause: error });
  }
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw new ConfigError(`template ${file}: ${result.error.issues.map(describe).join("; ")}`);
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return `${path === "" ? "the file" : path}: ${issue.message}`;
  const valid = validKeys(issue.path.map(String));
  const prefix = path === "" ? "" : `${path}.`;
  return issue.keys
    .map((key) => `unknown key "${prefix}${key}", did you mean "${prefix}${closest(key, valid)}"?`)
    .join("; ");
}

function validKeys([first, second]: readonly string[]): string[] {
  if (first === "errors") return Object.keys(errorsShape);
  if (first !== "contexts") return Object.keys(shape);
  if (second === undefined) return Object.keys(contextsShape);
  return Object.keys(contextsShape[second as keyof typeof contextsShape].shape);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A template cut at its slots: literal text and slot names in order. */
export type TemplatePiece =
  { readonly type: "literal"; readonly text: string } | { readonly type: "slot"; readonly name: string };

/** Cuts at the named slots only; other braces stay text. */
export function cutAtSlots(template: string, slots: readonly string[]): TemplatePiece[] {
  return template
    .split(new RegExp(`\\{(${slots.join("|")})\\}`))
    .map((part, i): TemplatePiece =>
      i % 2 === 1 ? { type: "slot", name: part } : { type: "literal", text: part },
    )
    .filter((piece) => piece.type === "slot" || piece.text !== "");
}

/** Fills slots with plain values in one pass. */
export function fillSlots(template: string, values: Readonly<Record<string, string | number>>): string {
  return cutAtSlots(template, Object.keys(values))
    .map((piece) => (piece.type === "literal" ? piece.text : String(values[piece.name])))
    .join("");
}
