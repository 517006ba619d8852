// Dark or light as the system says, unless the person chose; and colours of the style sheet as canvases need them.
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const order: readonly Theme[] = ["system", "light", "dark"];

export const theme = signal<Theme>(order.find((name) => name === remembered("theme")) ?? "system");
const systemDark = matchMedia("(prefers-color-scheme: dark)");
/** Counts changes of appearance; canvases that read it are drawn again. */
export const appearance = signal(0);

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  remember("theme", theme.value);
  appearance.value = appearance.peek() + 1;
});
systemDark.addEventListener("change", () => appearance.value++);

export function nextTheme(): void {
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] as Theme;
}

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** `--line` → `rgb(…)` of the present appearance. */
export function colour(variable: string): string {
  probe.style.color = `var(${variable})`;
  return getComputedStyle(probe).color;
}

/** A file opened from disk may have no storage. */
export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(`pyvision.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`pyvision.${name}`, value);
  } catch {
    // Remembered for this visit only.
  }
}
