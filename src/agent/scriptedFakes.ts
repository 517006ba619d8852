// Fakes of the contracts around an episode, for tests: a codec of one token per UTF-8 byte, a sampler that says what a
// script says, a runtime whose calls give what a script gives. Sequences are drawn one character per token, so that a
// test can show a whole trajectory and its mask as two strings of equal length.
import { datumFromSegments } from "../core/datum.ts";
import { DataError } from "../core/errors.ts";
import type { RgbImage } from "../core/image.ts";
import type { Segment, ToolResult } from "../core/trajectory.ts";
import type { Codec, SampleRequest, SampleResult, Sampler } from "../engines/engine.ts";
import type { PythonRuntime, SessionOptions } from "../sandbox/runtime.ts";

/** Special tokens of the fake codec and the character each is drawn as. */
export const FAKE_SPECIALS = [
  { text: "<|im_start|>", id: 300, glyph: "«" },
  { text: "<|im_end|>", id: 301, glyph: "»" },
  { text: "<|vision_start|>", id: 302, glyph: "‹" },
  { text: "<|vision_end|>", id: 303, glyph: "›" },
  { text: "<|image_pad|>", id: 304, glyph: "#" },
] as const;

const bytesOf = (text: string): number[] => [...Buffer.from(text, "utf8")];

/** One token per byte; an image of w x h pixels takes ceil(w / 28) * ceil(h / 28) tokens and is not resized. */
export const byteCodec: Codec = {
  imagePadId: 304,
  endOfTurnId: 301,
  encodeText: bytesOf,
  encodeTemplate: (text) =>
    text
      .split(/(<\|[a-z_]+\|>)/)
      .flatMap((part) => FAKE_SPECIALS.find((s) => s.text === part)?.id ?? bytesOf(part)),
  decode: (tokens) => {
    const bytes = tokens.flatMap((t) =>
      t < 256 ? [t] : bytesOf(FAKE_SPECIALS.find((s) => s.id === t)?.text ?? "?"),
    );
    return Buffer.from(bytes).toString("utf8");
  },
  viewImage: (image) => {
    if (Math.max(image.width / image.height, image.height / image.width) >= 200)
      throw new DataError(`image of ${image.width} x ${image.height} is too narrow`);
    const [h, w] = [Math.ceil(image.height / 28), Math.ceil(image.width / 28)];
    return { pixels: image, grid: [1, 2 * h, 2 * w], tokenCount: h * w };
  },
};

/** A grey image that takes `tokens` tokens. */
export function fakeImage(tokens: number, grey = 0): RgbImage {
  const width = 28 * tokens;
  return { width, height: 28, data: new Uint8Array(width * 28 * 3).fill(grey) };
}

/** Tokens as one character each: bytes as themselves (a line end as ¶), specials as their glyph. */
export function drawTokens(tokens: Iterable<number>): string {
  const drawOne = (t: number) => FAKE_SPECIALS.find((s) => s.id === t)?.glyph ?? String.fromCharCode(t);
  return [...tokens].map((t) => (t === 10 ? "¶" : drawOne(t))).join("");
}

/** The two drawings of a sequence: its tokens, and `^` where the loss is taken, `.` elsewhere. */
export function draw(segments: readonly Segment[]): { tokens: string; mask: string } {
  const datum = datumFromSegments(segments, 1, byteCodec.imagePadId);
  return {
    tokens: drawTokens(datum.tokens),
    mask: [...datum.mask].map((m) => (m === 1 ? "^" : ".")).join(""),
  };
}

/**
 * Says the next line of the script at each request, cut to maxNewTokens (then `stop` is `length`). Token i of a turn has
 * log-probability -(i + 1) / 1024, exact in every float format. Specials in a line are special tokens.
 */
export class ScriptedSampler implements Sampler {
  readonly requests: SampleRequest[] = [];
  readonly released: string[] = [];

  constructor(private readonly lines: readonly string[]) {}

  async sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    return requests.map((request) => {
      const line = this.lines[this.requests.length];
      if (line === undefined) throw new Error("the script has no further turn");
      this.requests.push(request);
      return sayLine(line, request.params.maxNewTokens);
    });
  }

  release(sequenceId: string): void {
    this.released.push(sequenceId);
  }
}

export function sayLine(line: string, maxNewTokens: number): SampleResult {
  const all = byteCodec.encodeTemplate(line);
  const tokens = all.slice(0, maxNewTokens);
  return {
    tokens,
    logprobs: tokens.map((_, i) => -(i + 1) / 1024),
    stop: all.length > maxNewTokens ? "length" : "stop",
  };
}

/** A call that ran, unless told otherwise. */
export function toolResult(result: Partial<ToolResult>): ToolResult {
  return { outcome: { type: "ok" }, alive: true, stdout: "", figures: [], elapsedMs: 1, ...result };
}

/** Gives the scripted results in order, or throws the scripted error; records what was opened, run and closed. */
export class ScriptedRuntime implements PythonRuntime {
  readonly isolation = { level: "process", by: "none", shortfalls: [] } as const;
  readonly opened: SessionOptions[] = [];
  readonly codes: string[] = [];
  closed = 0;

  constructor(private readonly results: readonly (ToolResult | Error)[]) {}

  async open(options: SessionOptions) {
    this.opened.push(options);
    return {
      run: async (code: string): Promise<ToolResult> => {
        const result = this.results[this.codes.length];
        this.codes.push(code);
        if (result === undefined) throw new Error("the script has no further call");
        if (result instanceof Error) throw result;
        return result;
      },
      close: async (): Promise<void> => {
        this.closed++;
      },
    };
  }

  async close(): Promise<void> {}
}
