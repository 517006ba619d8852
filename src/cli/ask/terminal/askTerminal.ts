// Asks the terminal that the command runs in what it can show (graphics.ts has questions and answers).
import { type CellSize, type Graphics, graphicsOfEnvironment, isWorthAsking, QUERIES, readAnswers, USUAL_CELL } from "./graphics.ts"; // prettier-ignore

/** Of a terminal's input, what is needed; process.stdin has it. */
export interface TerminalInput {
  readonly isTTY?: boolean | undefined;
  readonly isRaw?: boolean | undefined;
  setRawMode?(raw: boolean): unknown;
  on(event: "data", listener: (data: Buffer) => void): unknown;
  off(event: "data", listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface TerminalOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface Terminal {
  /** How pictures can be shown; undefined: not at all. */
  readonly graphics: Graphics | undefined;
  readonly cell: CellSize;
}

/** No picture at all: a pipe, a file, or a terminal that cannot. */
export const NO_GRAPHICS: Terminal = { graphics: undefined, cell: USUAL_CELL };

/**
 * What the terminal says itself goes before what the environment says, but for iTerm2's protocol, which has no question.
 * @param wanted a protocol that is to be used without asking for it
 * @param timeoutMs wait at most; a terminal answers within a few milliseconds, over a network within its round trip
 */
export async function askTerminal(
  input: TerminalInput,
  output: TerminalOutput,
  env: Readonly<Record<string, string | undefined>>,
  wanted: Graphics | "none" | "auto",
  timeoutMs: number,
): Promise<Terminal> {
  if (wanted === "none" || (wanted === "auto" && output.isTTY !== true)) return NO_GRAPHICS;
  const canAsk =
    input.isTTY === true && output.isTTY === true && input.setRawMode !== undefined && isWorthAsking(env);
  const { graphics, cell } = canAsk
    ? readAnswers(await conversation(input, output, timeoutMs))
    : { graphics: undefined, cell: undefined };
  const named = graphicsOfEnvironment(env);
  const own = named === "iterm2" ? named : (graphics ?? named);
  return { graphics: wanted === "auto" ? own : wanted, cell: cell ?? USUAL_CELL };
}

/** In raw mode, so that the answers are not echoed and come without a line end. */
function conversation(input: TerminalInput, output: TerminalOutput, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const wasRaw = input.isRaw === true;
    const onData = (data: Buffer): void => {
      text += data.toString("latin1");
      if (readAnswers(text).complete || text.includes("\x03")) finish();
    };
    const finish = (): void => {
      clearTimeout(timer);
      input.off("data", onData);
      input.setRawMode?.(wasRaw);
      input.pause();
      // Raw mode takes Ctrl-C for a character: it is the user's, and not lost.
      if (text.includes("\x03")) process.kill(process.pid, "SIGINT");
      resolve(text);
    };
    const timer = setTimeout(finish, timeoutMs);
    input.setRawMode?.(true);
    input.on("data", onData);
    input.resume();
    output.write(QUERIES);
  });
}
