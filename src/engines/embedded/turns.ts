// Who may use the engine when. Calls of `sample` run together; whatever reads or changes weights runs alone; and
// everything begins in the order in which it was asked for.
export class Turns {
  /** Settles when everything asked for so far has ended. Never rejects. */
  private tail: Promise<unknown> = Promise.resolve();
  /** The last in line, when others may join it. */
  private shared: { readonly start: Promise<unknown>; open: number; readonly end: () => void } | undefined;

  alone<T>(run: () => Promise<T>): Promise<T> {
    this.shared = undefined;
    const result = this.tail.then(run);
    this.tail = result.catch(() => undefined);
    return result;
  }

  async together<T>(run: () => Promise<T>): Promise<T> {
    let turn = this.shared;
    if (turn === undefined || turn.open === 0) {
      const start = this.tail;
      let end = (): void => undefined;
      this.tail = new Promise<void>((resolve) => (end = resolve));
      turn = this.shared = { start, open: 0, end };
    }
    turn.open++;
    try {
      await turn.start;
      return await run();
    } finally {
      if (--turn.open === 0) turn.end();
    }
  }
}
