// Keys: the page that is open says which it answers to, and the help lists just those.
import { useLayoutEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";

export interface KeyBinding {
  /** As KeyboardEvent.key says, several for one action. */
  readonly keys: readonly string[];
  readonly about: string;
  readonly act: () => void;
}

interface Layer {
  readonly of: "page" | "frame";
  readonly bindings: () => readonly KeyBinding[];
}
const layers: Layer[] = [];
export const helpOpen = signal(false);

/** What is bound now: the page's own first. */
export function boundKeys(): readonly KeyBinding[] {
  const of = (wanted: Layer["of"]): KeyBinding[] =>
    layers.filter((layer) => layer.of === wanted).flatMap(({ bindings }) => bindings());
  return [...of("page"), ...of("frame")];
}

export function useKeys(bindings: readonly KeyBinding[], of: Layer["of"] = "page"): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  // As soon as the page is there, not after it was painted: a key between the two would be lost.
  useLayoutEffect(() => {
    const layer: Layer = { of, bindings: () => latest.current };
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  }, []);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  const typing = target.matches("input:not([type=range]):not([type=checkbox]), textarea, select");
  if (typing && event.key === "Escape") target.blur();
  if (typing || (event.key === "Enter" && target.matches("a, button"))) return;
  if (event.key.startsWith("Arrow") && target.matches("input[type=range], [role=slider], [data-own-arrows]"))
    return;
  if (helpOpen.value && event.key !== "?") return;
  const found = boundKeys().find(({ keys }) => keys.includes(event.key));
  if (found === undefined) return;
  event.preventDefault();
  found.act();
});
