// Reads a question from the terminal.
import { createInterface } from "node:readline";

/** @returns the line that was typed; undefined when the user is done (Ctrl-D, Ctrl-C, or the terminal is gone) */
export type LineReader = (prompt: string) => Promise<string | undefined>;

/** Lines can be edited, and earlier ones come back with the arrow keys. */
export function lineReader(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): LineReader {
  let history: string[] = [];
  return (prompt) =>
    new Promise((resolve) => {
      // Opened anew for each line: between two, what is typed belongs to nobody.
      const lines = createInterface({ input, output, terminal: true, history });
      lines.on("history", (now: string[]) => (history = now));
      lines.on("close", () => resolve(undefined));
      lines.on("SIGINT", () => lines.close());
      lines.question(prompt, (line) => {
        resolve(line);
        lines.close();
      });
    });
}
