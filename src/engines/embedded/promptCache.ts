// Prompts that groups share, kept after their first computation, so that a member that begins later, in another call or
// when another member is long done, does not compute its prompt again.
import { EngineError } from "../../core/errors.ts";
import type { Segment, ViewImage } from "../../core/trajectory.ts";
import type { SampleRequest } from "../engine.ts";
import type { Sequence } from "./sequence.ts";

/** Prompts kept; beyond that the one that was not asked for longest goes. */
const KEPT = 64;

export interface SharedPrompt {
  readonly segments: readonly Segment[];
  /** Holds the prompt and nothing more; to be cloned. */
  readonly sequence: Sequence;
  /** After the prompt's last token. */
  readonly logits: Float32Array;
}

export class PromptCache {
  private readonly prompts = new Map<string, SharedPrompt>();

  /** @throws EngineError when the request does not begin with the prompt that its key stands for. */
  find(request: SampleRequest): SharedPrompt | undefined {
    const { promptKey } = request;
    const prompt = promptKey === undefined ? undefined : this.prompts.get(promptKey);
    if (promptKey === undefined || prompt === undefined) return undefined;
    checkPrompt(request, prompt.segments);
    this.prompts.delete(promptKey);
    this.prompts.set(promptKey, prompt);
    return prompt;
  }

  keep(key: string, prompt: SharedPrompt): void {
    this.prompts.set(key, prompt);
    for (const oldest of this.prompts.keys()) {
      if (this.prompts.size <= KEPT) return;
      this.prompts.delete(oldest);
    }
  }

  clear(): void {
    this.prompts.clear();
  }
}

/** @throws EngineError when the request's first segments are not those of the prompt. */
export function checkPrompt(request: SampleRequest, prompt: readonly Segment[]): void {
  if (request.segments === prompt) return;
  const differs = prompt.findIndex((segment, i) => !equalSegments(segment, request.segments[i]));
  if (differs >= 0)
    throw new EngineError(
      `sampling "${request.sequenceId}": promptKey "${request.promptKey}" stands for another prompt (segment ` +
        `${differs} differs); requests with one key must begin with the same segments`,
    );
}

function equalSegments(a: Segment, b: Segment | undefined): boolean {
  if (a === b) return true;
  if (b === undefined) return false;
  if (a.type === "image" || b.type === "image")
    return a.type === "image" && b.type === "image" && equalImages(a.image, b.image);
  return a.tokens.length === b.tokens.length && a.tokens.every((token, i) => token === b.tokens[i]);
}

function equalImages(a: ViewImage, b: ViewImage): boolean {
  if (a === b) return true;
  const [one, other] = [a.pixels, b.pixels];
  return (
    one.width === other.width && one.height === other.height && Buffer.compare(one.data, other.data) === 0
  );
}
