// `pyvision doctor`: is everything here that a run needs? One line a check, with the remedy under what is not well.
import type { Command } from "commander";
import { createReporter } from "../runs/progress.ts";
import type { Check } from "./check.ts";
import { doctorChecks } from "./doctorChecks.ts";

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("check that this machine has what a run needs")
    .description(
      "Check Node, the machine, ONNX Runtime, Python and its packages, and the tool runtime. Exit code 1 if a check fails.",
    )
    .action(async () => {
      const reporter = createReporter();
      const checks: Check[] = [];
      for (const check of doctorChecks()) {
        const results = [await check()].flat();
        checks.push(...results);
        for (const result of results) reporter.print(checkText(result));
      }
      const failed = checks.filter(({ state }) => state === "fail").length;
      const warned = checks.filter(({ state }) => state === "warn").length;
      reporter.print(summaryText(failed, warned));
      if (failed > 0) process.exitCode = 1;
    });
}

/** "ok    node      v20.20.2", with the remedy on a line of its own. */
export function checkText({ name, state, text, remedy }: Check): string {
  const line = `${state.padEnd(4)}  ${name.padEnd(12)}  ${text}`;
  return remedy === undefined ? line : `${line}\n${" ".repeat(20)}→ ${remedy}`;
}

function summaryText(failed: number, warned: number): string {
  const warnings = `${warned} ${warned === 1 ? "warning" : "warnings"}`;
  if (failed > 0) return `${failed} ${failed === 1 ? "check" : "checks"} failed, ${warnings}`;
  return warned > 0 ? `ready, with ${warnings}` : "ready";
}
