// Which way of showing pictures a terminal has. Two sources: what the environment says of the terminal's kind, and, better,
// what the terminal itself answers. Asked are the Kitty protocol's query with a picture of one pixel, the size of a
// character cell, and the primary device attributes, which every terminal answers: its answer, the last, ends the wait.
//   Kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol/
//   iTerm2: https://iterm2.com/documentation-images.html
//   Sixel: attribute 4 of the answer to CSI c (VT300 series; xterm's ctlseqs)

export const GRAPHICS = ["kitty", "iterm2", "sixel"] as const;
export type Graphics = (typeof GRAPHICS)[number];

type Environment = Readonly<Record<string, string | undefined>>;

/** Of one character, in pixels. */
export interface CellSize {
  readonly width: number;
  readonly height: number;
}

/** What most fonts come near to, for terminals that do not tell. */
export const USUAL_CELL: CellSize = { width: 8, height: 16 };

/** A multiplexer draws the screen itself, so that the terminal around it does not matter. */
function isMultiplexed(env: Environment): boolean {
  return env["TMUX"] !== undefined || env["STY"] !== undefined || /^(tmux|screen)/.test(env["TERM"] ?? "");
}

/** By the names that terminals leave in the environment; undefined when none of them is known. */
export function graphicsOfEnvironment(env: Environment): Graphics | undefined {
  if (isMultiplexed(env)) return undefined;
  const term = env["TERM"] ?? "";
  const program = env["TERM_PROGRAM"] ?? "";
  if (env["KITTY_WINDOW_ID"] !== undefined || term === "xterm-kitty") return "kitty";
  if (program === "ghostty" || term === "xterm-ghostty" || program === "WarpTerminal") return "kitty";
  if (program === "iTerm.app" || env["LC_TERMINAL"] === "iTerm2") return "iterm2";
  if (program === "WezTerm" || program === "mintty") return "iterm2";
  if (/^(foot|mlterm|contour)/.test(term)) return "sixel";
  return undefined;
}

/** Whether it is of any use to ask: plain consoles and macOS's Terminal would print the question. */
export function isWorthAsking(env: Environment): boolean {
  const plain = ["", "dumb", "linux", "unknown"].includes(env["TERM"] ?? "");
  return !plain && env["TERM_PROGRAM"] !== "Apple_Terminal";
}

/** Asked in this order; the answer to the last one is waited for. */
export const QUERIES = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c";

export interface Answers {
  /** The best way the terminal says it has. */
  readonly graphics: Graphics | undefined;
  readonly cell: CellSize | undefined;
  /** Whether the last answer is there. */
  readonly complete: boolean;
}

/** Reads what the terminal sent back so far; whatever else stands in it (keys that were pressed) is skipped. */
export function readAnswers(text: string): Answers {
  const attributes = /\x1b\[\?([\d;]*)c/.exec(text)?.[1]?.split(";");
  const kitty = /\x1b_Gi=31[^;\x1b]*;OK\x1b\\/.test(text);
  const size = /\x1b\[6;(\d+);(\d+)t/.exec(text);
  const [height, width] = [Number(size?.[1] ?? 0), Number(size?.[2] ?? 0)];
  return {
    graphics: kitty ? "kitty" : attributes?.slice(1).includes("4") === true ? "sixel" : undefined,
    cell: width > 0 && height > 0 ? { width, height } : undefined,
    complete: attributes !== undefined,
  };
}
