// Entry point of the `pyvision` command: `node --import tsx src/cli/main.ts …`.
import { holdLifeline } from "./lifeline.ts";
import { runCli } from "./program.ts";

holdLifeline();

// `pyvision … | head` closes the pipe while we write; that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2));
