// `pyvision ask`: the agent on the user's own files and question, shown while it works, with the embedded engine or a model
// behind a server.
import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { createReporter } from "../runs/progress.ts";
import { askTerminal } from "./ask/terminal/askTerminal.ts";
import { GRAPHICS, type Graphics } from "./ask/terminal/graphics.ts";
import { lineReader } from "./ask/readLine.ts";
import { askConfig, type AskFlags, readRequest } from "./ask/request.ts";
import { setOption } from "./stageCommand.ts";
import { parseWhole } from "./untilStopped.ts";

interface AskOptions extends AskFlags {
  readonly followUp?: readonly string[];
  readonly json?: true;
  readonly save?: string;
  readonly graphics: Graphics | "auto" | "none";
  readonly terminalWait: number;
  readonly once?: true;
}

export function registerAsk(program: Command): void {
  program
    .command("ask")
    .summary("ask a model about pictures or videos, and watch it look")
    .description(
      "Let the agent answer a question about files of yours: its reasoning, its programs, what they print and show, and " +
        "the answer, as they come. Without --engine it is the carried checkpoint of the miniature recipe. In a terminal " +
        "you may then ask on: the conversation and its Python session live until you end them. Exit code 1 when a " +
        "question got no answer.",
    )
    .argument("[question]", 'e.g. "What does the sign say?"')
    .addOption(new Option("--image <file...>", "PNG or JPEG files to ask about").conflicts("video"))
    .option("--video <file...>", "video files to ask about; the model looks at frames by code")
    .addOption(new Option("--engine <name>", "where the model runs").choices(["embedded", "openai"]))
    .option("--checkpoint <dir>", "embedded: its folder (default: checkpoints/image-mini/sft)")
    .option("--base-url <url>", "openai: address of the server's API, e.g. http://127.0.0.1:8000/v1")
    .option("--model <name>", "openai: the model's name there")
    .option("--key-variable <name>", "openai: environment variable of the key (default: OPENAI_API_KEY)")
    .option("--follow-up <text>", "a further question for the same session (repeatable)", collect)
    .option("--once", "end with the answer, without asking for more in a terminal")
    .option("--json", "print one JSON object a line instead: question, turn, tool, end")
    .option("--save <dir>", "keep the conversation, its figures and its trajectory there")
    .addOption(
      new Option("--graphics <how>", "how the terminal shows figures; without they are saved as files")
        .choices(["auto", ...GRAPHICS, "none"])
        .default("auto"),
    )
    .option(
      "--terminal-wait <ms>",
      "milliseconds to wait for the terminal's answer about pictures; more for a slow connection",
      parseWait,
      500,
    )
    .option("--config <file>", "play by a recipe of yours: prompt template, limits, sampling, Python tool")
    .option(...setOption)
    .action(async (question: string | undefined, options: AskOptions) => {
      const request = readRequest(question, options, existsSync);
      const config = askConfig(options);
      const { followUp: followUps = [], json = false, save, once = false } = options;
      const { stdin, stdout } = process;
      const isTerminal = stdout.isTTY === true;
      const isSomebodyThere = isTerminal && stdin.isTTY === true && !json && !once && followUps.length === 0;
      const wanted = json ? "none" : options.graphics;
      const { runAsk } = await import("./ask/run.ts");
      const answered = await runAsk(
        {
          ...{ ...request, followUps, json, save, stdout },
          color: isTerminal && process.env["NO_COLOR"] === undefined,
          terminal: await askTerminal(stdin, stdout, process.env, wanted, options.terminalWait),
          readLine: isSomebodyThere ? lineReader(stdin, stdout) : undefined,
        },
        config,
        createReporter(),
      );
      if (!answered) process.exitCode = 1;
    });
}

/** Answers that come when nobody waits for them would stand in the user's prompt as if they had been typed. */
function parseWait(text: string): number {
  const value = parseWhole(600_000)(text);
  if (value === 0) throw new InvalidArgumentError("Must be at least 1; --graphics none does not ask.");
  return value;
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
