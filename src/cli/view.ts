// `pyvision view [RUN…]`: runs as a page, live from a server on this machine, or in one file that can be mailed.
import { spawn } from "node:child_process";
import { InvalidArgumentError, type Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { writeFileAtomic } from "../runs/files.ts";
import { createReporter } from "../runs/progress.ts";
import { nextStopSignal, parseWhole } from "./untilStopped.ts";

interface ViewOptions {
  readonly port: number;
  readonly host: string;
  readonly open?: true;
  readonly root: string;
  readonly export?: string;
  readonly steps?: { readonly first: number; readonly last: number };
  readonly maxTrajectories: number;
}

/** Mail servers commonly refuse more. */
const mailableBytes = 20e6;

export function registerView(program: Command): void {
  program
    .command("view")
    .summary("see runs: curves, what the rollout strategy did, every trajectory")
    .description(
      "Show runs as a web page: curves, the rollout strategy, and trajectories with the pictures the model saw. The page " +
        "follows runs that are still going on; several runs are laid over each other. Without a run, those of the runs " +
        "folder are listed. With --export, one HTML file is written instead, which needs no server and no network.",
    )
    .argument("[run...]", "folders of runs, e.g. runs/image-mini")
    .option("--port <number>", "port to listen at; 0 takes a free one", parseWhole(65_535), 8500)
    .option("--host <address>", "address to listen at; 0.0.0.0 is every one", "127.0.0.1")
    .option("--open", "open the page in the default browser")
    .option("--root <dir>", "the runs folder that is listed when no run is named", "runs")
    .option("--export <file>", "write one self-contained HTML file instead of serving")
    .option("--steps <first-last>", "with --export: only sets of these steps, e.g. 10-20", parseSteps)
    .option(
      "--max-trajectories <number>",
      "with --export: whole trajectories in the file, spread over the steps",
      parseWhole(1_000_000),
      200,
    )
    .action(async (dirs: readonly string[], options: ViewOptions) => {
      if (options.export === undefined) await serve(dirs, options);
      else await writeExport(dirs, options, options.export);
    });
}

async function serve(dirs: readonly string[], { host, port, open, root, steps }: ViewOptions): Promise<void> {
  if (steps !== undefined)
    throw new ConfigError("--steps: goes with --export FILE; the page shows every step");
  const reporter = createReporter();
  const { openRuns } = await import("../viewer/runCollection.ts");
  const { startViewer } = await import("../viewer/viewerServer.ts");
  const server = await startViewer(openRuns(dirs, root), { host, port });
  if (!["127.0.0.1", "::1", "localhost"].includes(host))
    reporter.warn(`anybody who reaches ${host} can read these runs`);
  const stopped = nextStopSignal();
  reporter.print(`viewer: ${server.url}`);
  reporter.info("Ctrl-C ends it");
  if (open === true) openBrowser(server.url, (message) => reporter.warn(message));
  await stopped;
  await server.close();
}

async function writeExport(
  dirs: readonly string[],
  { steps, maxTrajectories }: ViewOptions,
  file: string,
): Promise<void> {
  if (dirs.length === 0)
    throw new ConfigError("--export: name the runs to export, e.g. pyvision view runs/image-mini");
  const reporter = createReporter();
  const { openRuns } = await import("../viewer/runCollection.ts");
  const { exportHtml } = await import("../viewer/exportHtml.ts");
  const runs = openRuns(dirs, "runs");
  const chosen = runs.list().chosen.flatMap((key) => runs.get(key) ?? []);
  const result = await exportHtml(chosen, { maxTrajectories, ...(steps !== undefined && { steps }) });
  try {
    writeFileAtomic(file, result.html);
  } catch (error) {
    throw new ConfigError(`--export ${file}: cannot be written: ${(error as Error).message}`);
  }
  const bytes = Buffer.byteLength(result.html);
  reporter.print(
    `${file}: ${(bytes / 1e6).toFixed(1)} MB with ${result.trajectories} of ${result.storedTrajectories} stored ` +
      `trajectories and ${result.pictures} pictures`,
  );
  if (bytes > mailableBytes)
    reporter.warn("many mail servers refuse 20 MB; a smaller --max-trajectories or --steps makes it smaller");
}

function openBrowser(url: string, onError: (message: string) => void): void {
  const [command, args] =
    process.platform === "darwin"
      ? ["open", [url]]
      : process.platform === "win32"
        ? ["cmd", ["/c", "start", "", url]]
        : ["xdg-open", [url]];
  const child = spawn(command, args as string[], { stdio: "ignore", detached: true });
  child.on("error", () =>
    onError(`no browser could be opened (${command} is missing): open ${url} yourself`),
  );
  child.unref();
}

function parseSteps(text: string): { readonly first: number; readonly last: number } {
  const [, first, last] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last ?? first) };
  if (first === undefined || range.last < range.first)
    throw new InvalidArgumentError("Must be one step or a range such as 10-20.");
  return range;
}
