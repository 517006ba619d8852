// Plays a conversation from its files to its last question: opens what it takes, shows, saves, and closes all of it.
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { loadTemplate } from "../../agent/template.ts";
import { strategyFor } from "../../agent/context/choose.ts";
import { ConfigError, EngineError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Trajectory } from "../../core/trajectory.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { OutputStream } from "../../runs/progress.ts";
import { openTrajectoryStore } from "../../runs/trajectoryStore.ts";
import { startPythonTool } from "../stages/pythonTool.ts";
import { AskConversation } from "./conversation.ts";
import { FigureFiles } from "./figureFiles.ts";
import { loadTask } from "./media.ts";
import { openModel } from "./model.ts";
import type { LineReader } from "./readLine.ts";
import type { AskRequest } from "./request.ts";
import type { Terminal } from "./terminal/askTerminal.ts";
import { encodeImage, fitToTerminal } from "./terminal/encode.ts";
import { TerminalView } from "./terminalView.ts";
import { type AskView, jsonView, together } from "./view.ts";

export interface AskRun extends AskRequest {
  readonly followUps: readonly string[];
  readonly json: boolean;
  /** Folder of the conversation, to be made. */
  readonly save: string | undefined;
  readonly stdout: OutputStream;
  readonly color: boolean;
  readonly terminal: Terminal;
  /** Asks the user for more when all is answered; undefined: nobody is there. */
  readonly readLine: LineReader | undefined;
}

/** Names of what `--save` makes. */
const RECORD = "conversation.jsonl";
const STORED = "conversation";

/** @returns whether every question got an answer. @throws ConfigError, DataError, EngineError, SandboxError */
export async function runAsk(run: AskRun, config: ResolvedConfig, reporter: Reporter): Promise<boolean> {
  if (run.save !== undefined && existsSync(join(run.save, RECORD)))
    throw new ConfigError(`--save ${run.save}: holds a conversation already; name another folder`);
  const { task, media } = await loadTask(run);
  const template = loadTemplate(config.agent.template);
  const model = await openModel(config, reporter);
  try {
    const { runtime } = await startPythonTool(config, reporter);
    try {
      const { maxTurns, maxTurnTokens, maxContextTokens, maxImages, onPythonError, context } = config.agent;
      const { temperature, topP, topK } = config.evaluation;
      const tools = { template, codec: model.codec, runtime };
      const files = new FigureFiles(run.save === undefined ? undefined : join(run.save, "figures"));
      const keepsFigures = run.save !== undefined || run.json || run.terminal.graphics === undefined;
      const conversation = await AskConversation.open({
        ...{ task, media, template, runtime, model },
        context: await strategyFor(task, context).prepare(task, tools),
        limits: {
          maxTurns: config.evaluation.maxTurns ?? maxTurns,
          ...{ maxTurnTokens, maxContextTokens, maxImages },
        },
        errorPolicy: onPythonError,
        sampling: { temperature, topP, topK },
        random: randomStream(config.seed, "ask", task.id),
        view: viewOf(run, template),
        saveFigure: keepsFigures ? (image, turn, figure) => files.save(image, turn, figure) : undefined,
        now: () => performance.now(),
      });
      try {
        return await converse(run, conversation, reporter);
      } finally {
        await conversation.close();
      }
    } finally {
      await runtime.close();
    }
  } finally {
    await model.close();
  }
}

async function converse(run: AskRun, conversation: AskConversation, reporter: Reporter): Promise<boolean> {
  const { readLine } = run;
  const keep = (trajectory: Trajectory): void => {
    if (run.save === undefined) return;
    openTrajectoryStore(join(run.save, "trajectories")).save(STORED, [{ trajectories: [trajectory] }]);
  };
  let allAnswered = true;
  const left = [...run.followUps];
  for (;;) {
    const trajectory = await playOrRetry(conversation, readLine, reporter);
    if (trajectory === undefined) return false;
    keep(trajectory);
    allAnswered &&= trajectory.endReason.type === "answered";
    if (trajectory.endReason.type === "sandboxFailure") return false;
    const next = left.shift() ?? (await nextQuestion(readLine));
    if (next === undefined) return allAnswered;
    conversation.ask(next);
  }
}

/** With somebody there, a server that failed for good may be asked once more. @returns undefined when they have enough */
async function playOrRetry(
  conversation: AskConversation,
  readLine: LineReader | undefined,
  reporter: Reporter,
): Promise<Trajectory | undefined> {
  for (;;)
    try {
      return await conversation.play();
    } catch (error) {
      if (readLine === undefined || !(error instanceof EngineError)) throw error;
      reporter.info(`error: ${error.message}`);
      if ((await readLine("Enter asks again, Ctrl-D ends: ")) === undefined) return undefined;
    }
}

/** An empty line is no question, and ends the conversation like Ctrl-D. */
async function nextQuestion(readLine: LineReader | undefined): Promise<string | undefined> {
  const line = await readLine?.("\nask on (an empty line ends) > ");
  return line === undefined || line.trim() === "" ? undefined : line;
}

function viewOf(run: AskRun, marks: ConstructorParameters<typeof TerminalView>[0]["marks"]): AskView {
  const { stdout, terminal, color, save } = run;
  const write = (text: string): unknown => stdout.write(text);
  const { graphics, cell } = terminal;
  /** Rows of a figure at most: it stays on the screen with the text around it. */
  const rows = 24;
  const draw: ConstructorParameters<typeof TerminalView>[0]["draw"] =
    graphics === undefined
      ? undefined
      : (image) => encodeImage(fitToTerminal(image, (stdout.columns ?? 80) - 1, rows, cell), graphics);
  const shown = run.json
    ? jsonView(write)
    : new TerminalView({ write, color, marks, draw, typed: run.readLine !== undefined });
  if (save === undefined) return shown;
  mkdirSync(save, { recursive: true });
  return together([shown, jsonView((line) => appendFileSync(join(save, RECORD), line))]);
}
