// One row of a data set as a question with its media, in the layouts that are about:
//   plain      {id, question, answer, ability, data_source, image_path | video_path}
//   prepared   {prompt, data_source, ability, env_name, reward_model: {ground_truth}, extra_info: {question, index},
//              mm_hint: {hint_path, hint_type}}, what the reference makes of the plain one before it trains
//   prepared with media in columns of their own: {..., images: [{bytes, path}]}, verl's parquet files
// The hint counts where no column gives media; a path in two columns is one file, twice in one column a picture shown twice.
// The media of each may also be `image`, `images`, `video` or `videos`: a path, a data URI, bytes, or a list of them.
// The reference's prompt and environment are not used: the recipe's template and `agent.context` ask the question.
import { EmbeddedMedia } from "./rowFile.ts";
import { cleanQuestion, countMarks } from "./mediaMarks.ts";

/** Why a row is broken. */
export type ProblemReason =
  | "malformed"
  | "field"
  | "noQuestion"
  | "emptyAnswer"
  | "noMedia"
  | "marks"
  | "missingFile"
  | "unreadableMedia"
  | "duplicateId"
  | "answerTooLong"
  | "goldRejected";

export interface Problem {
  readonly reason: ProblemReason;
  /** A sentence without its full stop, naming field, rule and value. */
  readonly text: string;
}

/** Something that media are read from: a path or data URI, the bytes of a file, or what a parquet column holds of them. */
export type MediaSource = string | Uint8Array | EmbeddedMedia;

export interface TaskRow {
  readonly layout: "plain" | "prepared";
  /** As the row gives it; undefined when it gives none. */
  readonly id: string | undefined;
  readonly question: string;
  readonly answer: string;
  readonly dataSource: string | undefined;
  readonly ability: string | undefined;
  readonly images: readonly MediaSource[];
  /** Paths. */
  readonly videos: readonly string[];
  /** Numbers of `<image>` in each text that has some, to be compared with the images where those are known later. */
  readonly imageMarks: readonly number[];
}

/** Names of columns that rows are made of: what else a file has is not read. */
export const TEXT_FIELDS = [
  "id",
  "question",
  "answer",
  "ability",
  "data_source",
  "image_path",
  "video_path",
  "prompt",
  "env_name",
  "reward_model",
  "extra_info",
  "mm_hint",
] as const;
export const MEDIA_FIELDS = ["image", "images", "video", "videos"] as const;

type Record_ = Readonly<Record<string, unknown>>;

export interface RowRules {
  /** Whether a question may be without media, when nothing in the row speaks of any. Default: false. */
  readonly textOnly?: boolean;
}

/** @returns the row when nothing keeps it from being asked, and all that is wrong with it */
export function readTaskRow(
  raw: unknown,
  { textOnly = false }: RowRules = {},
): { readonly row?: TaskRow; readonly problems: readonly Problem[] } {
  if (!isRecord(raw))
    return {
      problems: [{ reason: "field", text: `must be an object with the fields of a row, got ${show(raw)}` }],
    };
  const problems: Problem[] = [];
  const fields = new Fields(raw, problems);
  const prepared = ["prompt", "reward_model", "mm_hint"].some((name) => isGiven(raw[name]));
  const extra = fields.record("extra_info");
  const prompt = promptTexts(raw["prompt"], problems);
  const asked = prepared
    ? (fields.text(extra, "extra_info.question") ?? prompt.join("\n\n"))
    : fields.text(raw, "question");
  const answer = prepared
    ? fields.text(fields.record("reward_model"), "reward_model.ground_truth")
    : fields.text(raw, "answer");
  const { images, videos } = fields.media();
  const environment = fields.text(raw, "env_name") ?? "";
  const texts = asked === undefined || prompt.includes(asked) ? prompt : [...prompt, asked];
  const imageMarks = texts.map((text) => countMarks(text, "image")).filter((marks) => marks > 0);
  const question = cleanQuestion(asked ?? "");
  if (question === "") {
    const where = prepared ? "extra_info.question or prompt" : "question";
    problems.push({ reason: "noQuestion", text: `${where} must be the question's text, got ${show(asked)}` });
  }
  if (answer === undefined || answer.trim() === "") {
    const where = prepared ? "reward_model.ground_truth" : "answer";
    problems.push({ reason: "emptyAnswer", text: `${where} must be the right answer, got ${show(answer)}` });
  }
  if (images.length > 0 && videos.length > 0)
    problems.push({
      reason: "field",
      text: `has ${images.length} images and ${videos.length} videos; give it one kind of media`,
    });
  const promised = imageMarks.length > 0 || isGiven(fields.record("mm_hint")["hint_type"]);
  const needed = !textOnly || promised;
  if (needed && images.length + videos.length === 0 && !problems.some(({ reason }) => reason === "field"))
    problems.push({
      reason: "noMedia",
      text: `${prepared ? "mm_hint.hint_path" : "image_path or video_path"} is missing`,
    });
  if (images.length > 0 && !images.some((image) => image instanceof EmbeddedMedia))
    problems.push(...markProblems(imageMarks, images.length));
  if (environment.endsWith("_w_image_hint") && prompt.length > 0 && imageMarks.length === 0)
    problems.push({
      reason: "marks",
      text: `prompt has no <image>, which env_name ${show(environment)} promises`,
    });
  for (const text of texts) {
    const marks = countMarks(text, "video");
    if (marks > 0 && marks !== videos.length)
      problems.push({
        reason: "marks",
        text: `has ${marks} <video> marks in a text for ${videos.length} videos`,
      });
  }
  const row: TaskRow = {
    layout: prepared ? "prepared" : "plain",
    id: fields.text(extra, "extra_info.index") ?? fields.text(raw, "id"),
    question,
    answer: answer ?? "",
    dataSource: fields.text(raw, "data_source"),
    ability: fields.text(raw, "ability"),
    images,
    videos,
    imageMarks,
  };
  return problems.length === 0 ? { row, problems } : { problems };
}

/** What is wrong with the marks of a row that has so many images. */
export function markProblems(imageMarks: readonly number[], images: number): Problem[] {
  return imageMarks
    .filter((marks) => marks !== images)
    .map((marks) => ({ reason: "marks", text: `has ${marks} <image> marks in a text for ${images} images` }));
}

/** Reads fields by name; what is of the wrong type becomes a problem and counts as missing. */
class Fields {
  constructor(
    private readonly raw: Record_,
    private readonly problems: Problem[],
  ) {}

  record(name: string): Record_ {
    const value = this.raw[name];
    if (!isGiven(value)) return {};
    if (isRecord(value)) return value;
    this.wrong(name, "a record", value);
    return {};
  }

  /** @param path its last part is the key of `record`; the whole is for messages */
  text(record: Record_, path: string): string | undefined {
    const value = record[path.slice(path.lastIndexOf(".") + 1)];
    if (!isGiven(value)) return undefined;
    if (typeof value === "string") return value;
    if ((typeof value === "number" && Number.isFinite(value)) || typeof value === "bigint")
      return String(value);
    this.wrong(path, "text or a number", value);
    return undefined;
  }

  media(): { readonly images: readonly MediaSource[]; readonly videos: readonly string[] } {
    const columns = (...names: readonly string[]): MediaSource[] =>
      withoutRepeats(names.map((name) => this.sources(name)));
    const images = columns("image_path", "image", "images");
    const videos = columns("video_path", "video", "videos");
    // A hint beside columns names the files once more, or where the bytes in the columns came from.
    if (images.length === 0 && videos.length === 0) {
      const hint = this.record("mm_hint");
      const type = hint["hint_type"];
      if (type === "image" || type === "video")
        (type === "image" ? images : videos).push(...this.sources("mm_hint.hint_path", hint["hint_path"]));
      else if (isGiven(type)) this.wrong("mm_hint.hint_type", '"image" or "video"', type);
    }
    return { images, videos: videos.filter((video): video is string => this.isPath(video)) };
  }

  private sources(name: string, value: unknown = this.raw[name]): MediaSource[] {
    if (!isGiven(value)) return [];
    if (value instanceof EmbeddedMedia) return [value];
    return (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap((item) => {
      const source = mediaSource(item);
      if (source === undefined) this.wrong(name, "a path, a data URI or bytes, or a list of them", item);
      return source === undefined ? [] : [source];
    });
  }

  private isPath(video: MediaSource): video is string {
    const path = typeof video === "string" && !video.startsWith("data:");
    if (!path)
      this.wrong("video", "the path of a file (videos inside the data file cannot be opened)", video);
    return path;
  }

  private wrong(name: string, rule: string, value: unknown): void {
    this.problems.push({ reason: "field", text: `${name} must be ${rule}, got ${show(value)}` });
  }
}

/** What an item of a list of media is read from: bytes if it has them, else its path. */
export function mediaSource(item: unknown): MediaSource | undefined {
  if (item instanceof Uint8Array) return item;
  if (typeof item === "string") return item === "" ? undefined : item;
  if (!isRecord(item)) return undefined;
  const { bytes, path } = item;
  if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
  // What `datasets` writes as JSON has bytes in base64.
  if (typeof bytes === "string" && bytes !== "") return `data:;base64,${bytes}`;
  return typeof path === "string" && path !== "" ? path : undefined;
}

/** The texts of the user's messages; a message may be text, or a list of text and image parts. */
function promptTexts(prompt: unknown, problems: Problem[]): string[] {
  if (!isGiven(prompt)) return [];
  if (typeof prompt === "string") return [prompt];
  const messages = Array.isArray(prompt) ? (prompt as unknown[]) : undefined;
  const texts = messages?.map((message) => {
    if (!isRecord(message)) return undefined;
    const { role, content } = message;
    if (role !== "user") return "";
    if (typeof content === "string") return content;
    const parts = Array.isArray(content) ? (content as unknown[]) : undefined;
    return parts?.map((part) => (isRecord(part) ? partText(part) : "")).join("");
  });
  if (texts !== undefined && texts.every((text) => text !== undefined))
    return texts.filter((text) => text !== "");
  problems.push({
    reason: "field",
    text: `prompt must be a list of messages {role, content}, got ${show(prompt)}`,
  });
  return [];
}

function partText({ type, text }: Record_): string {
  if (type === "image" || type === "image_url") return "<image>";
  if (type === "video" || type === "video_url") return "<video>";
  return typeof text === "string" ? text : "";
}

/** All columns as one list, without paths that an earlier column has. Within a column a picture may be shown twice. */
function withoutRepeats(columns: readonly (readonly MediaSource[])[]): MediaSource[] {
  const sources: MediaSource[] = [];
  for (const column of columns) {
    const earlier = new Set(sources);
    sources.push(...column.filter((source) => typeof source !== "string" || !earlier.has(source)));
  }
  return sources;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isRecord(value: unknown): value is Record_ {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** A value for a message, short. */
function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof EmbeddedMedia) return "bytes";
  const text = JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v));
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
