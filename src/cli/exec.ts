// `pyvision exec`: runs files as the turns of one session of the tool runtime, to see what a model's code would get
// back. The text and pictures it prints are exactly those an episode would put into the context.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { InvalidArgumentError, type Command } from "commander";
import { encode } from "fast-png";
import { ConfigError, DataError } from "../core/errors.ts";
import type { ToolResult } from "../core/trajectory.ts";
import { createReporter } from "../runs/progress.ts";
import type { Reporter } from "../core/reporter.ts";
import { startPythonRuntime } from "../sandbox/forkServer.ts";
import { ensurePackages } from "../sandbox/packages.ts";
import { loadImage } from "../tasks/media.ts";
import { warnOfIsolation } from "./stages/pythonTool.ts";

interface ExecOptions {
  readonly image: readonly string[];
  readonly video: readonly string[];
  readonly json?: true;
  readonly timeout: number;
  readonly save: string;
  readonly python?: string;
  readonly package: readonly string[];
}

/** What `--json` prints per cell, one object a line. */
export interface CellReport extends Omit<ToolResult, "figures"> {
  /** Position from 1, the N of `<cell N>` in tracebacks. */
  readonly number: number;
  readonly cell: string;
  readonly figures: readonly { readonly path: string; readonly width: number; readonly height: number }[];
}

export function registerExec(program: Command): void {
  program
    .command("exec")
    .summary("run Python files as the turns of one tool session")
    .description(
      "Run cells one after another in one session of the tool runtime and print what the model would get back. " +
        "Exit code 1 unless every cell is ok.",
    )
    .argument("[cell...]", "Python files (*.py after --image or --video), `-` for standard input")
    .option("--image <file...>", "PNG or JPEG files, in Python image_clue_0, image_clue_1, ...", [])
    .option("--video <file...>", "video files, in Python video_clue_0, ..., read as with decord", [])
    .option("--json", "print one JSON object a cell")
    .option("--timeout <seconds>", "time a cell may take", parseSeconds, 30)
    .option("--save <dir>", "folder the figures go to, as PNG", "pyvision-exec")
    .option("--package <name...>", "more Python packages, installed when they are missing, e.g. scipy", [])
    .option("--python <path>", "interpreter to use (default: the project's own)")
    .action(async (named: readonly string[], given: ExecOptions) => {
      const [images, afterImages] = splitList(given.image);
      const [videos, afterVideos] = splitList(given.video);
      const [packages, afterPackages] = splitList(given.package);
      const cells = [...named, ...afterImages, ...afterVideos, ...afterPackages];
      const options = { ...given, image: images, video: videos, package: packages };
      const reporter = createReporter();
      const report = options.json ? (cell: CellReport) => JSON.stringify(cell) : cellText;
      const ok = await runCells(cells, options, reporter, (cell) => reporter.print(report(cell)));
      if (!ok) process.exitCode = 1;
    });
}

/** `--image a.png b.png look.py` takes everything up to the next option; Python files in it are cells. */
function splitList(values: readonly string[]): [media: string[], cells: string[]] {
  const isCell = (value: string): boolean => value === "-" || value.endsWith(".py");
  return [values.filter((value) => !isCell(value)), values.filter(isCell)];
}

/** @returns whether every cell was ok */
async function runCells(
  cells: readonly string[],
  options: ExecOptions,
  reporter: Reporter,
  print: (report: CellReport) => void,
): Promise<boolean> {
  if (cells.length === 0)
    throw new ConfigError(
      "exec: needs at least one cell, a Python file or `-`, got none; e.g. pyvision exec look.py",
    );
  const [codes, images] = await Promise.all([
    Promise.all(cells.map(readCell)),
    Promise.all(options.image.map(loadImage)),
  ]);
  if (options.package.length > 0 && options.python !== undefined)
    throw new ConfigError(
      `--package ${options.package.join(" ")}: goes into the project's own environment, not with --python; install it there`,
    );
  const { preload } = await ensurePackages(options.package, (line) => reporter.info(line));
  const runtime = await startPythonRuntime({
    callTimeoutMs: Math.round(options.timeout * 1000),
    leastIsolation: "process", // the user's own code
    preload,
    ...(options.python === undefined ? {} : { python: options.python }),
  });
  warnOfIsolation(runtime.isolation, reporter);
  try {
    const session = await runtime.open({ images, videos: options.video });
    let ok = true;
    for (const [index, code] of codes.entries()) {
      const { figures, ...result } = await session.run(code);
      const saved = await saveFigures(figures, options.save, index + 1);
      print({ number: index + 1, cell: cells[index] ?? "-", ...result, figures: saved });
      ok &&= result.outcome.type === "ok";
    }
    return ok;
  } finally {
    await runtime.close();
  }
}

async function readCell(path: string): Promise<string> {
  if (path === "-") return readAll(process.stdin);
  return readFile(path, "utf8").catch((error: Error) => {
    throw new DataError(
      `cell ${path}: cannot be read (${error.message}); name a Python file, or \`-\` for standard input`,
    );
  });
}

async function saveFigures(
  figures: ToolResult["figures"],
  dir: string,
  cell: number,
): Promise<CellReport["figures"]> {
  if (figures.length > 0) await mkdir(dir, { recursive: true });
  return Promise.all(
    figures.map(async ({ width, height, data }, index) => {
      const path = join(dir, `cell${cell}-figure${index + 1}.png`);
      await writeFile(path, encode({ width, height, data, channels: 3 }));
      return { path, width, height };
    }),
  );
}

/** The form for people: a line of outcome, then what the cell printed, its error and its figures. */
export function cellText({ number, cell, outcome, alive, stdout, figures, elapsedMs }: CellReport): string {
  const lines = [`== cell ${number}, ${cell}: ${outcomeText(outcome)} (${elapsedMs.toFixed(1)} ms)`];
  if (stdout !== "") lines.push(stdout.trimEnd());
  if (outcome.type === "pythonError") lines.push(outcome.traceback);
  for (const { path, width, height } of figures) lines.push(`figure ${width}x${height}: ${path}`);
  if (!alive) lines.push("the session ended with this cell; the next one starts without its variables");
  return lines.join("\n");
}

function outcomeText(outcome: ToolResult["outcome"]): string {
  switch (outcome.type) {
    case "ok":
      return "ok";
    case "pythonError":
      return `error, ${outcome.errorType}`;
    case "timeout":
      return `stopped after ${outcome.limitMs} ms`;
    case "outOfMemory":
      return "out of memory";
    case "outputLimit":
      return `stopped, it wrote more than ${outcome.limitBytes} bytes`;
    case "killed":
      return `killed, ${outcome.reason}`;
    case "forbidden":
      return `forbidden, ${outcome.reason}`;
    default:
      return outcome satisfies never;
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new InvalidArgumentError("Must be a number of seconds above 0.");
  return seconds;
}
