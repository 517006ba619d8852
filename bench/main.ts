// `npm run bench [-- engine|python] [--json] [--quick]`: the same as `pyvision bench`.
import { runCli } from "../src/cli/program.ts";

process.exitCode = await runCli(["bench", ...process.argv.slice(2)]);
