// One call of the tool as it is read: what was found, and the session it belongs to.
import { CODE_CATEGORIES } from "./categories.ts";
import type { CodeCategory } from "./categories.ts";
import type { Arguments, Axes, Picture, Value } from "./values.ts";

/** Categories that say what was done to pictures or videos; beside one of them, showing and arithmetic are only means. */
const LOOKING: readonly CodeCategory[] = CODE_CATEGORIES.slice(0, CODE_CATEGORIES.indexOf("show"));

export class Cell {
  readonly #found = new Set<CodeCategory>();
  readonly #marked = new Set<Axes>();
  readonly #limited = new Set<Axes>();
  #shown = false;
  #arithmetic = false;
  /** The axes that functions of pyplot act on. */
  axes: Axes = { type: "axes", pictured: false };

  add(category: CodeCategory): void {
    this.#found.add(category);
  }

  /** Numbers were worked with. */
  calculates(): void {
    this.#arithmetic = true;
  }

  shows(): void {
    this.#shown = true;
  }

  /** Somebody looks at the value: what was done to its colours counts now. */
  looksAt(value: Value): void {
    this.#shown = true;
    if (value.type !== "picture") return;
    if (value.form === "mask") this.add("segment");
    if (value.difference) this.add("filter");
    else if (value.adjusted) this.add("enhance");
  }

  /** Something is drawn into axes: on a picture if they show one by the end, else a chart. */
  marks(axes: Axes): void {
    this.#marked.add(axes);
  }

  limits(axes: Axes): void {
    this.#limited.add(axes);
  }

  /** In the order of CODE_CATEGORIES; never empty. */
  categories(): readonly CodeCategory[] {
    for (const axes of this.#marked) {
      if (axes.pictured) this.add("draw");
      else this.calculates();
    }
    for (const axes of this.#limited) if (axes.pictured) this.add("crop");
    const chart = [...this.#marked].some((axes) => !axes.pictured);
    if (!LOOKING.some((category) => this.#found.has(category))) {
      if (this.#arithmetic && (chart || !this.#shown)) this.add("compute");
      else if (this.#shown) this.add("show");
    }
    if (this.#found.size === 0) this.add("other");
    return CODE_CATEGORIES.filter((category) => this.#found.has(category));
  }
}

/** The first picture among the arguments, lists and tuples of pictures included. */
export function pictureIn({ positional, named }: Arguments): Picture | undefined {
  for (const value of [...positional, ...named.values()]) {
    const found = asPicture(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function asPicture(value: Value | undefined): Picture | undefined {
  if (value?.type === "picture") return value;
  if (value?.type === "list") return value.element.type === "picture" ? value.element : undefined;
  if (value?.type === "tuple") return value.items.find((item): item is Picture => item.type === "picture");
  return undefined;
}

export const argument = ({ positional, named }: Arguments, index: number, name: string): Value | undefined =>
  positional[index] ?? named.get(name);

export const numberOf = (value: Value | undefined): number | undefined =>
  value?.type === "number" ? value.value : undefined;

export const textOf = (value: Value | undefined): string | undefined =>
  value?.type === "text" ? value.value : undefined;
