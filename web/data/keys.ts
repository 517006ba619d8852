// Keys: the page that is open says which it answers to, and the help lists just those.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";

export interface KeyBinding {
  /** As KeyboardEvent.key says, several for one action. */
  readonly keys: readonly string[];
  readonly about: string;
  readonly act: () => void;
}

const layers: (() => readonly KeyBinding[])[] = [];
export const helpOpen = signal(false);

/** What is bound now, the innermost first. */
export function boundKeys(): readonly KeyBinding[] {
  return layers.flatMap((layer) => layer()).reverse();
}

export function useKeys(bindings: readonly KeyBinding[]): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(() => {
    const layer = (): readonly KeyBinding[] => latest.current;
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
  const found = boundKeys().find(({ keys }) => keys.includes(event.key));
  if (found === undefined) return;
  event.preventDefault();
  found.act();
});
