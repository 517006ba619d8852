// Which calls brought something new. The tool reward pays per call, so code that prints nothing, repeats itself or
// shows what was already seen would be paid too; `countedCalls: effective` counts only what this tracker lets through.
import { createHash } from "node:crypto";
import type { RgbImage } from "../core/image.ts";
import type { ToolResult } from "../core/trajectory.ts";

export class NoveltyTracker {
  private readonly seen = new Set<string>();

  /** @param shown keys (`imageKey`) of the pictures in the prompt: they count as seen. */
  constructor(shown: readonly string[]) {
    for (const key of shown) this.seen.add(key);
  }

  /**
   * True when the call ran to its end, its program was not run before in this trajectory, and its text or one of its
   * figures was not seen before. Remembers everything either way: failed calls also show what they printed.
   */
  isNew(code: string, result: ToolResult): boolean {
    const codeKey = `code:${code.trim()}`;
    const printed = result.stdout.trim();
    const shown = result.figures.map(imageKey);
    if (printed !== "") shown.push(`text:${printed}`);
    const newProgram = !this.seen.has(codeKey);
    const newOutput = shown.some((key) => !this.seen.has(key));
    for (const key of [codeKey, ...shown]) this.seen.add(key);
    return result.outcome.type === "ok" && newProgram && newOutput;
  }
}

/** Equal for equal pixels. */
export function imageKey(image: RgbImage): string {
  const hash = createHash("sha256").update(image.data).digest("base64");
  return `image:${image.width}x${image.height}:${hash}`;
}
