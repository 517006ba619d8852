// The vocabulary of the attack suite: an attack is data, a program of one or more turns with what may and may not come
// of each. Beside these expectations the harness holds every attack to the same rules (harness.ts).
import type { ToolOutcome } from "../../core/trajectory.ts";

export type OutcomeType = ToolOutcome["type"];

export interface Turn {
  /** Python. `@name@` is replaced by the scenery of that name (scenery.ts). */
  readonly run: string;
  /** Outcomes that may come. */
  readonly ends: readonly OutcomeType[];
  /** The output must match. */
  readonly prints?: RegExp;
  /** Neither the output nor the error's message may match. */
  readonly never?: RegExp;
  /** The error's type and message ("Type: message"), or the reason of another outcome, must match. */
  readonly says?: RegExp;
  /** Whether the session still has its variables afterwards; when absent either will do. */
  readonly alive?: boolean;
  /** Sizes of the figures, e.g. "640x480 64x48". */
  readonly figures?: string;
  /** Longest time in milliseconds, a busy machine's due not counted; when absent the call's limit and the grace after it. */
  readonly withinMs?: number;
  /** The call's limit in milliseconds; when absent, long unless `ends` has `timeout` (harness.ts). */
  readonly limitMs?: number;
}

export interface Attack {
  readonly name: string;
  readonly category: Category;
  readonly turns: readonly Turn[];
  /** Paths of the host, placeholders allowed, that must not exist afterwards. */
  readonly absent?: readonly string[];
  /** Run in the sibling before the attack. */
  readonly siblingBefore?: string;
  /** Run in the sibling after the attack; its output must match. */
  readonly siblingAfter?: readonly [cell: string, prints: RegExp];
  /** Run in the session that is opened after the attack; its output must match. */
  readonly nextSession?: readonly [cell: string, prints: RegExp];
  /** How many of the turns end as `killed`; when absent, any number that their `ends` allow. */
  readonly kills?: number;
  /** Most processor time in milliseconds that the session may use in a second of idleness after its last turn. */
  readonly idleCpuMs?: number;
}

export const CATEGORIES = [
  "read",
  "write",
  "net",
  "exec",
  "rce",
  "dos",
  "time",
  "crash",
  "tamper",
  "integrity",
  "persist",
  "stdin",
  "kernel",
  "usability",
] as const;
export type Category = (typeof CATEGORIES)[number];

/** The program ran into an error and says so; nothing was stopped by force. */
export const REFUSED = ["pythonError", "forbidden"] as const;
/** It may go through, as long as the rest of the expectation holds. */
export const OK_OR_REFUSED = ["ok", ...REFUSED] as const;
/** A limit ended it. */
export const LIMITED = ["timeout", "outOfMemory", "outputLimit", "killed"] as const;
/** Whatever a program can come to. */
export const ANY = [...OK_OR_REFUSED, ...LIMITED] as const;

/** A last turn that shows that the session, the same or its replacement, answers. */
export const ALIVE: Turn = { run: "print('alive', 6 * 7)", ends: ["ok"], prints: /^alive 42\n$/ };
/** The same, with the variable `kept = 7` of an earlier turn still there. */
export const KEPT: Turn = { run: "print('alive', 6 * kept)", ends: ["ok"], prints: /^alive 42\n$/ };

/** One program that may end in any of the ways and never prints what would mean success. */
export function oneTurn(run: string, ends: readonly OutcomeType[], more: Partial<Turn> = {}): Turn[] {
  return [{ run, ends, ...more }];
}

/** Python text as it stands (backslashes are Python's), without the indentation its lines share. */
export function py(strings: TemplateStringsArray): string {
  const lines = strings.raw.join("").replace(/^\n/, "").trimEnd().split("\n");
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const shared = Math.min(...indents);
  return lines.map((line) => line.slice(shared)).join("\n");
}
