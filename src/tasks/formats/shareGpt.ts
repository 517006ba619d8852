// Dialogues in the ShareGPT layout of LLaMA-Factory, with images: what supervised fine-tuning is exchanged in. A row has
// its messages in turn (user and assistant, a system message before them), with `<image>` where a picture stands, and the
// pictures' paths in the same order. Read are both spellings (`messages` with role and content, `conversations` with from
// and value) and what a dataset_info.json beside the file says; a row that LLaMA-Factory would drop is an error here, and so is one with
// videos, sounds or tools, which training would not see.
import { DataError } from "../../core/errors.ts";

/** Stands in a text where a picture is. */
export const IMAGE_MARK = "<image>";

/** Stand in a text where media are that cannot be shown: trained on as text they would teach nothing but the mark. */
const UNREAD_MARKS = ["<video>", "<audio>"] as const;

export interface DialogueMessage {
  readonly role: "user" | "assistant";
  /** With an IMAGE_MARK for each picture. */
  readonly text: string;
}

export interface Dialogue {
  /** Empty for none. */
  readonly system: string;
  /** User first, assistant last, in turns. */
  readonly messages: readonly DialogueMessage[];
  /** Paths as the file has them, in the order of the marks. */
  readonly images: readonly string[];
}

/** Where a row keeps what; the fields and their names are those of dataset_info.json. */
export interface DialogueLayout {
  readonly messages: string;
  readonly images: string;
  /** Columns that must be empty: what they hold is not read. */
  readonly videos: string;
  readonly audios: string;
  readonly tools: string;
  /** Column of the system message, where it is not the first message. */
  readonly system: string | undefined;
  readonly roleTag: string;
  readonly contentTag: string;
  readonly userTag: string;
  readonly assistantTag: string;
  readonly observationTag: string;
  readonly functionTag: string;
  readonly systemTag: string;
}

/** LLaMA-Factory's own names, for what a dataset_info.json leaves out. */
export const DEFAULT_LAYOUT: DialogueLayout = {
  messages: "conversations",
  images: "images",
  videos: "videos",
  audios: "audios",
  tools: "tools",
  system: undefined,
  roleTag: "from",
  contentTag: "value",
  userTag: "human",
  assistantTag: "gpt",
  observationTag: "observation",
  functionTag: "function_call",
  systemTag: "system",
};

/** The spelling of the OpenAI protocol, in which this project writes. */
export const MESSAGES_LAYOUT: DialogueLayout = {
  ...DEFAULT_LAYOUT,
  messages: "messages",
  roleTag: "role",
  contentTag: "content",
  userTag: "user",
  assistantTag: "assistant",
  observationTag: "tool",
};

/** A row as this project writes it. */
export function dialogueRow(id: string, { system, messages, images }: Dialogue): Record<string, unknown> {
  const all = messages.map(({ role, text }) => ({ role: role as string, content: text }));
  if (system !== "") all.unshift({ role: "system", content: system });
  return { id, messages: all, images: [...images] };
}

/**
 * @param layout how the file is laid out; found out from the row when left out
 * @param name names the row in errors, e.g. "dialogues.json row 3"
 * @throws DataError naming the row, the field and the rule
 */
export function parseDialogue(row: unknown, name: string, layout = layoutOf(row, name)): Dialogue {
  const fields = recordOf(row, name, "must be an object");
  for (const column of [layout.videos, layout.audios, layout.tools])
    if (!isEmpty(fields[column]))
      throw new DataError(
        `${name}: ${column}: must be empty, since only texts and images are trained on, received ${show(fields[column])}`,
      );
  const listed = fields[layout.messages];
  if (!Array.isArray(listed) || listed.length === 0)
    throw new DataError(`${name}: ${layout.messages}: must be a list of messages, received ${show(listed)}`);
  const messages = listed.map((message, i) =>
    readMessage(message, `${name}: ${layout.messages}[${i}]`, layout),
  );
  let system =
    layout.system === undefined ? "" : shownText(fields[layout.system] ?? "", `${name}: ${layout.system}`);
  const [first] = messages;
  if (first?.role === "system") {
    system = first.text;
    messages.shift();
  }
  const turns = messages.map(({ role, text }, i): DialogueMessage => {
    const expected = i % 2 === 0 ? "user" : "assistant";
    if (role !== expected)
      throw new DataError(
        `${name}: ${layout.messages}: message ${i + 1} after the system message must be the ${expected}'s, received ` +
          `the ${role}'s; user and assistant take turns, the user begins`,
      );
    return { role: expected, text };
  });
  if (turns.length === 0 || turns.length % 2 !== 0)
    throw new DataError(
      `${name}: ${layout.messages}: must end with a message of the assistant, received ${turns.length} without the system message`,
    );
  const images = imagesOf(fields[layout.images], `${name}: ${layout.images}`);
  const marks = turns.reduce((n, { text }) => n + countMarks(text), 0);
  if (marks !== images.length)
    throw new DataError(
      `${name}: ${IMAGE_MARK} must stand once for each image, received ${marks} marks and ${images.length} images`,
    );
  if (system.includes(IMAGE_MARK))
    throw new DataError(
      `${name}: the system message must hold no ${IMAGE_MARK}: pictures belong to the user's messages`,
    );
  return { system, messages: turns, images };
}

export function countMarks(text: string): number {
  return text.split(IMAGE_MARK).length - 1;
}

/** The layout that a row of a file without a dataset_info.json shows. @throws DataError when it is none of the two */
function layoutOf(row: unknown, name: string): DialogueLayout {
  const fields = recordOf(row, name, "must be an object");
  for (const base of [MESSAGES_LAYOUT, DEFAULT_LAYOUT]) {
    const messages = fields[base.messages];
    const first: unknown = Array.isArray(messages) ? messages[0] : undefined;
    if (!isRecord(first)) continue;
    const spelled =
      base.roleTag in first ? base : first["role"] === undefined ? DEFAULT_LAYOUT : MESSAGES_LAYOUT;
    const system = typeof fields["system"] === "string" ? "system" : undefined;
    const single = (column: string, one: string): string =>
      column in fields || !(one in fields) ? column : one;
    return {
      ...spelled,
      messages: base.messages,
      images: single(base.images, "image"),
      videos: single(base.videos, "video"),
      audios: single(base.audios, "audio"),
      system,
    };
  }
  throw new DataError(
    `${name}: must hold a list "messages" or "conversations", received the keys ${Object.keys(fields).slice(0, 8).join(", ")}; ` +
      "name other columns in a dataset_info.json beside the file",
  );
}

interface ReadMessage {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
}

function readMessage(message: unknown, name: string, layout: DialogueLayout): ReadMessage {
  const fields = recordOf(message, name, "must be an object");
  const role = fields[layout.roleTag];
  const text = shownText(fields[layout.contentTag], `${name}.${layout.contentTag}`);
  switch (role) {
    case layout.userTag:
      return { role: "user", text };
    case layout.assistantTag:
      if (text.includes(IMAGE_MARK))
        throw new DataError(
          `${name}.${layout.contentTag}: must hold no ${IMAGE_MARK}, being the assistant's: pictures belong to the user's ` +
            `messages, received ${show(text)}`,
        );
      return { role: "assistant", text };
    case layout.systemTag:
      return { role: "system", text };
    case layout.observationTag:
      // As LLaMA-Factory's template of Qwen2-VL writes an observation.
      return { role: "user", text: `<tool_response>\n${text}\n</tool_response>` };
    case layout.functionTag:
      throw new DataError(
        `${name}.${layout.roleTag}: function calls (${show(role)}) are not read; write the call into a message of ` +
          `${JSON.stringify(layout.assistantTag)} in the agent's own form, <code> and so on`,
      );
    default:
      throw new DataError(
        `${name}.${layout.roleTag}: must be one of ${[layout.userTag, layout.assistantTag, layout.systemTag, layout.observationTag].join(", ")}, received ${show(role)}`,
      );
  }
}

function imagesOf(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((path, i) => {
    const text = isRecord(path) && typeof path["path"] === "string" ? path["path"] : path;
    if (typeof text !== "string" || text === "")
      throw new DataError(`${name}[${i}]: must be the path of an image, received ${show(path)}`);
    return text;
  });
}

/** A text whose media, if any, are images. */
function shownText(value: unknown, name: string): string {
  if (typeof value !== "string") throw new DataError(`${name}: must be a text, received ${show(value)}`);
  const mark = UNREAD_MARKS.find((unread) => value.includes(unread));
  if (mark !== undefined)
    throw new DataError(
      `${name}: must hold no ${mark}, since only texts and images are trained on, received ${show(value)}; ` +
        "show a video by some of its frames, as images",
    );
  return value;
}

/** Tools are a list as JSON text in LLaMA-Factory's files. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === "string") return ["", "[]"].includes(value.trim());
  return Array.isArray(value) && value.length === 0;
}

function recordOf(value: unknown, name: string, rule: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw new DataError(`${name}: ${rule}, received ${show(value)}`);
  return value;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
