// The `pyvision` command, put together from its subcommands.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { createReporter } from "../runs/progress.ts";
import { registerAsk } from "./ask.ts";
import { registerBench } from "./bench.ts";
import { registerBenchData } from "./benchData.ts";
import { registerCompare } from "./compare.ts";
import { registerData } from "./data.ts";
import { registerDoctor } from "./doctor.ts";
import { registerEval } from "./eval.ts";
import { registerEvaluate } from "./evaluate.ts";
import { registerExec } from "./exec.ts";
import { registerExport } from "./export.ts";
import { describeFailure } from "./failure.ts";
import { registerPretrain } from "./pretrain.ts";
import { registerRollout } from "./rollout.ts";
import { registerServe } from "./serve.ts";
import { registerSft } from "./sft.ts";
import { registerStudy } from "./study.ts";
import { registerSynth } from "./synth.ts";
import { registerTasks } from "./tasks.ts";
import { registerTrain } from "./train.ts";
import { registerView } from "./view.ts";

export function buildProgram(): Command {
  const program = new Command("pyvision")
    .description(
      "Train, run and evaluate agentic vision models that look at images and videos by writing Python.",
    )
    .version(packageVersion(), "-V, --version", "print the version")
    .option("--debug", "print the stack of an error (also: PYVISION_DEBUG=1)")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .showHelpAfterError("(pyvision --help lists the commands, pyvision <command> --help their options)")
    .exitOverride();
  registerDoctor(program);
  registerTrain(program);
  registerSft(program);
  registerSynth(program);
  registerPretrain(program);
  registerEval(program);
  registerEvaluate(program);
  registerRollout(program);
  registerAsk(program);
  registerServe(program);
  registerExec(program);
  registerTasks(program);
  registerData(program);
  registerCompare(program);
  registerStudy(program);
  registerView(program);
  registerExport(program);
  registerBench(program);
  registerBenchData(program);
  return program;
}

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit code; never rejects
 */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = buildProgram();
  try {
    await program.parseAsync([...args], { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const debug = program.opts<{ debug?: true }>().debug === true || process.env["PYVISION_DEBUG"] === "1";
    const { message, exitCode } = describeFailure(error, debug);
    if (message !== undefined) createReporter().info(message);
    return exitCode;
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
