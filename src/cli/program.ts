// The `pyvision` command, put together from its subcommands.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { createReporter } from "../runs/progress.ts";
import { describeFailure } from "./failure.ts";

/** In the order of `--help`. A command's own modules are loaded when it is called: all of them are a second's work. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  doctor: async () => (await import("./doctor.ts")).registerDoctor,
  train: async () => (await import("./train.ts")).registerTrain,
  sft: async () => (await import("./sft.ts")).registerSft,
  synth: async () => (await import("./synth.ts")).registerSynth,
  pretrain: async () => (await import("./pretrain.ts")).registerPretrain,
  eval: async () => (await import("./eval.ts")).registerEval,
  evaluate: async () => (await import("./evaluate.ts")).registerEvaluate,
  rollout: async () => (await import("./rollout.ts")).registerRollout,
  ask: async () => (await import("./ask.ts")).registerAsk,
  serve: async () => (await import("./serve.ts")).registerServe,
  exec: async () => (await import("./exec.ts")).registerExec,
  tasks: async () => (await import("./tasks.ts")).registerTasks,
  data: async () => (await import("./data.ts")).registerData,
  compare: async () => (await import("./compare.ts")).registerCompare,
  study: async () => (await import("./study.ts")).registerStudy,
  view: async () => (await import("./view.ts")).registerView,
  export: async () => (await import("./export.ts")).registerExport,
  bench: async () => (await import("./bench.ts")).registerBench,
  "bench-data": async () => (await import("./benchData.ts")).registerBenchData,
};

function emptyProgram(): Command {
  return new Command("pyvision")
    .description(
      "Train, run and evaluate agentic vision models that look at images and videos by writing Python.",
    )
    .version(packageVersion(), "-V, --version", "print the version")
    .option("--debug", "print the stack of an error (also: PYVISION_DEBUG=1)")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .showHelpAfterError("(pyvision --help lists the commands, pyvision <command> --help their options)")
    .exitOverride();
}

/** The command that `args` begin with; all of them when they begin with none, as for help or a typing error. */
async function addCommands(program: Command, args: readonly string[]): Promise<void> {
  const [called = ""] = args.filter((arg) => !arg.startsWith("-"));
  const load = Object.hasOwn(COMMANDS, called) ? COMMANDS[called] : undefined;
  for (const command of load === undefined ? Object.values(COMMANDS) : [load]) (await command())(program);
}

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit code; never rejects
 */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = emptyProgram();
  try {
    await addCommands(program, args);
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
