// Builds stretches of the token sequence out of template scaffolding, foreign text and images. Scaffolding and foreign
// text are encoded apart: special tokens are recognised only in the former, and no BPE merge ever crosses the joint,
// so the ids do not depend on what a tool happened to print next to a mark.
import type { Segment, ViewImage } from "../core/trajectory.ts";
import type { Codec } from "../engines/engine.ts";

export class SequenceBuilder {
  private readonly segments: Segment[] = [];
  private tokens: number[] = [];
  private pendingScaffold = "";

  constructor(
    private readonly codec: Codec,
    private readonly source: "prompt" | "observation",
  ) {}

  /** Trusted text. Neighbouring scaffolds are encoded as one. */
  scaffold(text: string): this {
    this.pendingScaffold += text;
    return this;
  }

  /** Text of a task or a tool: what looks like a special token is plain text. */
  content(text: string): this {
    this.encodeScaffold();
    for (const token of this.codec.encodeText(text)) this.tokens.push(token);
    return this;
  }

  /** An image between its vision marks. */
  image(image: ViewImage): this {
    this.scaffold("<|vision_start|>");
    this.endText();
    this.segments.push({ type: "image", source: this.source, image });
    return this.scaffold("<|vision_end|>");
  }

  build(): Segment[] {
    this.endText();
    return this.segments;
  }

  private encodeScaffold(): void {
    if (this.pendingScaffold === "") return;
    for (const token of this.codec.encodeTemplate(this.pendingScaffold)) this.tokens.push(token);
    this.pendingScaffold = "";
  }

  private endText(): void {
    this.encodeScaffold();
    if (this.tokens.length > 0)
      this.segments.push({ type: "text", source: this.source, tokens: this.tokens });
    this.tokens = [];
  }
}
