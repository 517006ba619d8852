// `pyvision bench [NAME]`: how fast this machine runs the two halves of a step, measured now. The programs are in bench/,
// outside src/, and are loaded when the command runs, so that the other commands do not wait for them.
import { Argument, type Command } from "commander";
import { createReporter } from "../runs/progress.ts";

const NAMES = ["engine", "python"] as const;
type Name = (typeof NAMES)[number];

export function registerBench(program: Command): void {
  program
    .command("bench")
    .summary("measure the engine and the Python tool on this machine")
    .description(
      "Run the benchmarks: the embedded engine, and the Python tool beside a stand-in that works as the reference's. " +
        "Both without a name. A bar that is missed is reported and is no error.",
    )
    .addArgument(new Argument("[name]", "the one to run").choices([...NAMES]))
    .option("--json", "one JSON object on stdout, keyed by the names, in place of tables")
    .option("--quick", "fewer rounds: a minute or two, with more noise")
    .action(async (name: Name | undefined, options: { readonly json?: true; readonly quick?: true }) => {
      const { runBenchmark, formatReport } = await import("../../bench/run.ts");
      const reporter = createReporter();
      const reports: Record<string, unknown> = {};
      for (const each of name === undefined ? NAMES : [name]) {
        const report = await runBenchmark(each, { quick: options.quick === true, reporter });
        if (options.json === true) reports[each] = report;
        else reporter.print(`${formatReport(each, report)}\n`);
      }
      if (options.json === true) reporter.print(JSON.stringify(reports, null, 2));
    });
}
