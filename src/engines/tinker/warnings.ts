// Things to say once, not at every step.
export class OnceWarnings {
  private readonly said = new Set<string>();

  constructor(private readonly warn: (text: string) => void) {}

  once(text: string): void {
    if (this.said.has(text)) return;
    this.said.add(text);
    this.warn(text);
  }
}
