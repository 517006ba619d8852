// Runs the comparison of docs/experiments.md between reading a clip on demand and uniform frames in the context, from
// nothing: cold start of both arms, RL with several seeds, tables and curves. What is finished is left as it is, so it can
// be stopped and started again.
//   node --import tsx scripts/videoStudy.ts --help
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { dumpConfig, loadConfig } from "../src/runs/config.ts";
import { armsOf, RECIPE, studyPlan } from "./videoStudy/plan.ts";
import type { StudyOptions } from "./videoStudy/plan.ts";
import { seedTable, summarySchema } from "./videoStudy/tables.ts";

const USAGE = `node --import tsx scripts/videoStudy.ts [options]
  --seeds 0,1,2     seeds of RL, in both arms
  --steps N         RL steps of either arm (those of configs/video-mini.yaml)
  --frames 32       frames in the baseline's context
  --runs DIR        where runs go (runs/video-study)
  --out DIR         where configs, metrics, summaries and tables are kept (docs/experiments/video)
  --svg FILE        where the curves go (docs/images/video.svg)
  --set key=value   of every command, e.g. --set engine.threads=1 (repeatable)
  --only WORDS      only the runs whose names hold one of these, e.g. --only base,sft; no tables then
  --dry             only print the commands that are still to run`;

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "0,1,2" },
    steps: { type: "string" },
    frames: { type: "string", default: "32" },
    runs: { type: "string", default: "runs/video-study" },
    out: { type: "string", default: "docs/experiments/video" },
    svg: { type: "string", default: "docs/images/video.svg" },
    set: { type: "string", multiple: true, default: [] },
    only: { type: "string" },
    dry: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** From the folder of the project, as all paths of this program are. */
const pyvision = (args: readonly string[], cwd = root): void => {
  const { status, signal } = spawnSync(process.execPath, [join(root, "bin/pyvision.mjs"), ...args], {
    cwd,
    stdio: "inherit",
  });
  if (status !== 0)
    throw new Error(`pyvision ${args[0]} ended with ${signal ?? status}; start again to go on`);
};

function whole(text: string, name: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} must be a whole number, got "${text}"\n${USAGE}`);
  return Number(text);
}

function main(): void {
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  const options: StudyOptions = {
    runs: values.runs,
    seeds: values.seeds.split(",").map((seed) => whole(seed, "seeds")),
    frames: whole(values.frames, "frames"),
    ...(values.steps !== undefined && { steps: whole(values.steps, "steps") }),
    set: values.set,
  };
  const words = values.only?.split(",");
  for (const { name, set, args, run } of studyPlan(options)) {
    if (words !== undefined && !words.some((word) => name.includes(word))) continue;
    const done = existsSync(resolve(root, run, "summary.json"));
    if (done) checkSettings(resolve(root, run), set);
    process.stdout.write(`${done ? "done" : "pyvision"} ${done ? name : args.map(quoted).join(" ")}\n`);
    if (!done && !values.dry) pyvision(args);
  }
  if (words === undefined && !values.dry)
    report(options, resolve(root, values.out), resolve(root, values.svg));
}

/** A finished run of other settings must not pass for one of these. */
function checkSettings(run: string, set: readonly string[]): void {
  const wanted = dumpConfig(loadConfig(join(root, RECIPE), set));
  if (readFileSync(join(run, "config.yaml"), "utf8") !== wanted)
    throw new Error(`${run} was made with other settings; remove it, or name another folder with --runs`);
}

/** Copies what is needed to draw every figure again, then draws them from the copies. */
function report(options: StudyOptions, out: string, svg: string): void {
  const arms = armsOf(options);
  const runOf = (name: string, part: string): string => `${name}-${part}`;
  const keep = (name: string, files: readonly string[]): void => {
    mkdirSync(join(out, name), { recursive: true });
    for (const file of files) copyFileSync(resolve(root, options.runs, name, file), join(out, name, file));
  };
  for (const { name } of arms) {
    keep(runOf(name, "sft"), ["config.yaml", "summary.json"]);
    for (const seed of options.seeds)
      keep(runOf(name, `s${seed}`), ["config.yaml", "metrics.jsonl", "summary.json"]);
  }
  const runs = arms.flatMap(({ name, label }) =>
    options.seeds.map((seed) => {
      const text = readFileSync(join(out, runOf(name, `s${seed}`), "summary.json"), "utf8");
      return { arm: label, summary: summarySchema.parse(JSON.parse(text)) };
    }),
  );
  writeFileSync(join(out, "seeds.md"), seedTable(runs));
  const series = arms.map(
    ({ name, label }) => `${label}=${options.seeds.map((seed) => runOf(name, `s${seed}`)).join(",")}`,
  );
  pyvision(["compare", ...series, "--out", svg, "--markdown", join(out, "means.md")], out);
  process.stdout.write(`tables: ${join(out, "seeds.md")} and ${join(out, "means.md")}\n`);
}

const quoted = (arg: string): string => (/[\s{}]/.test(arg) ? `"${arg}"` : arg);

try {
  main();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
