// Reads a session's reply as hostile input: every field is checked for type and size, text is made well-formed, and
// pictures must fill the payload exactly. Nothing is ever decoded beyond JSON and raw pixels.
import type { RgbImage } from "../core/image.ts";
import type { ToolOutcome, ToolResult } from "../core/trajectory.ts";
import { type Frame, ProtocolViolation } from "./frames.ts";

export interface ReplyLimits {
  readonly callTimeoutMs: number;
  readonly maxOutputBytes: number;
  readonly maxFileBytes: number;
  readonly maxFiguresPerCall: number;
  readonly maxFigurePixels: number;
}

export interface CellReply {
  readonly outcome: ToolOutcome;
  readonly stdout: string;
  readonly figures: readonly RgbImage[];
  /** The session ends itself after this reply. */
  readonly last: boolean;
}

/** @throws ProtocolViolation when the reply is not of the agreed form. */
export function parseCellReply(frame: Frame, limits: ReplyLimits): CellReply {
  const header = record(frame.header, "reply");
  return {
    outcome: outcome(record(header["outcome"], "outcome"), limits),
    stdout: text(header["stdout"], "stdout", 4 * limits.maxOutputBytes + 1024),
    figures: figures(header["figures"], frame.payload, limits),
    last: header["last"] === true,
  };
}

/** The result of a call as its reply tells it, or how the reply breaks the protocol. */
export function readResult(
  frame: Frame,
  limits: ReplyLimits,
  elapsedMs: number,
): ToolResult | ProtocolViolation {
  try {
    const { last, ...reply } = parseCellReply(frame, limits);
    return { ...reply, alive: !last, elapsedMs };
  } catch (error) {
    if (error instanceof ProtocolViolation) return error;
    throw error;
  }
}

/** Why a session could not be given its videos, by whose fault; undefined when it has them all. */
export function openFault(frame: Frame): { of: "data" | "python"; message: string } | undefined {
  const header = record(frame.header, "reply");
  const of = header["fault"];
  if (of !== "data" && of !== "python") return undefined;
  return { of, message: text(header["message"], "message", 4096) };
}

/** Whether the frame answers the request with this id and nonce. */
export function answers(frame: Frame, id: number, nonce: string): boolean {
  const header = frame.header;
  if (typeof header !== "object" || header === null) return false;
  return "id" in header && header.id === id && "nonce" in header && header.nonce === nonce;
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ProtocolViolation(`${name} is not an object`);
  return value as Record<string, unknown>;
}

function text(value: unknown, name: string, maxLength: number): string {
  if (typeof value !== "string" || value.length > maxLength)
    throw new ProtocolViolation(`${name} is not a text of at most ${maxLength} characters`);
  // Through UTF-8 and back: lone surrogates become U+FFFD.
  return Buffer.from(value, "utf8").toString("utf8").replaceAll("\0", "\ufffd");
}

function outcome(value: Record<string, unknown>, limits: ReplyLimits): ToolOutcome {
  switch (value["type"]) {
    case "ok":
      return { type: "ok" };
    case "timeout":
      return { type: "timeout", limitMs: limits.callTimeoutMs };
    case "outOfMemory":
      return { type: "outOfMemory" };
    case "outputLimit":
      return { type: "outputLimit", limitBytes: limits.maxFileBytes };
    case "forbidden":
      return { type: "forbidden", reason: text(value["reason"], "reason", 2048) };
    case "pythonError":
      return {
        type: "pythonError",
        errorType: text(value["errorType"], "errorType", 2048),
        message: text(value["message"], "message", 2048),
        traceback: text(value["traceback"], "traceback", 8192),
      };
    default:
      throw new ProtocolViolation("outcome.type is unknown");
  }
}

function figures(value: unknown, payload: Buffer, limits: ReplyLimits): RgbImage[] {
  if (!Array.isArray(value) || value.length > limits.maxFiguresPerCall)
    throw new ProtocolViolation(`figures is not a list of at most ${limits.maxFiguresPerCall}`);
  let at = 0;
  const images = value.map((size: unknown): RgbImage => {
    if (!Array.isArray(size) || size.length !== 2)
      throw new ProtocolViolation("a figure's size is not a pair");
    const [width, height] = size as [unknown, unknown];
    if (!isSide(width) || !isSide(height) || width * height > limits.maxFigurePixels)
      throw new ProtocolViolation("a figure's size is out of bounds");
    const start = at;
    at += width * height * 3;
    if (at > payload.length) throw new ProtocolViolation("the payload is shorter than the figures");
    return { width, height, data: new Uint8Array(payload.subarray(start, at)) };
  });
  if (at !== payload.length) throw new ProtocolViolation("the payload is longer than the figures");
  return images;
}

function isSide(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1 << 24;
}
