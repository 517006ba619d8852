// Names and what they hold. A branch that may not run gets a layer of its own, whose names are joined with those outside when
// it ends: `if …: image = None` does not make an image forgotten.
import { join } from "./values.ts";
import type { Value } from "./values.ts";

export class Scope {
  readonly #names = new Map<string, Value>();
  readonly #globals = new Set<string>();
  readonly #parent: Scope | undefined;
  /** A branch shares its function's names; a function does not. */
  readonly #branch: boolean;

  constructor(parent?: Scope, branch = false) {
    this.#parent = parent;
    this.#branch = branch;
  }

  get(name: string): Value | undefined {
    let value = this.#names.get(name);
    for (let outer = this.#parent; value === undefined && outer !== undefined; outer = outer.#parent)
      value = outer.#names.get(name);
    return value;
  }

  set(name: string, value: Value): void {
    const target = this.#isGlobal(name) ? this.#outermost() : this;
    target.#names.set(name, value);
  }

  declareGlobal(name: string): void {
    this.#globals.add(name);
  }

  own(name: string): Value | undefined {
    return this.#names.get(name);
  }

  branch(): Scope {
    return new Scope(this, true);
  }

  /** The names of a function within these. */
  inner(): Scope {
    return new Scope(this);
  }

  /** Ends a branch: what it assigned may or may not hold from here on. */
  merge(branch: Scope): void {
    for (const [name, value] of branch.#names) {
      const before = this.get(name);
      this.set(name, before === undefined ? value : join(before, value));
    }
  }

  #isGlobal(name: string): boolean {
    const parent = this.#parent;
    return this.#globals.has(name) || (this.#branch && parent !== undefined && parent.#isGlobal(name));
  }

  #outermost(): Scope {
    const parent = this.#parent;
    return parent === undefined ? this : parent.#outermost();
  }
}
