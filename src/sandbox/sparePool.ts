// Session processes made ahead of need: forking and isolating one takes longer than everything else about opening it.
import type { Worker } from "./worker.ts";

export class SparePool {
  #spares: Promise<Worker>[] = [];

  /** @param size spares kept; 0 makes every worker when it is asked for */
  constructor(
    readonly size: number,
    readonly make: () => Promise<Worker>,
  ) {}

  /** A spare that still lives, or a new one. @throws what `make` throws */
  async take(): Promise<Worker> {
    for (let spare = this.#spares.shift(); spare !== undefined; spare = this.#spares.shift()) {
      const worker = await spare.catch(() => undefined); // whoever needs it gets the error of an own attempt
      if (worker?.death === undefined && worker !== undefined) {
        this.#refill();
        return worker;
      }
    }
    const worker = await this.make();
    this.#refill();
    return worker;
  }

  /** Ends the spares; the next are made anew. */
  discard(): void {
    for (const spare of this.#spares) void spare.then((worker) => worker.close()).catch(() => undefined);
    this.#spares = [];
  }

  #refill(): void {
    while (this.#spares.length < this.size) {
      const spare = this.make();
      spare.catch(() => undefined);
      this.#spares.push(spare);
    }
  }
}
