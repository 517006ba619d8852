// A soak: a real training run of many thousand episodes, watched from outside. What may leak is read every few seconds over
// the whole process tree: memory, file handles, processes, temporary files. It fails when one of them keeps growing.
//
//   node --import tsx scripts/soak.ts [--episodes 20000] [--out docs/reliability/soak.json] [--dir /tmp/soak] [--set …]
//
// Temporary files are counted in a folder of the run's own (TMPDIR). Linux only: it reads /proc.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

interface Reading {
  readonly seconds: number;
  readonly episodes: number;
  readonly steps: number;
  /** Of the trainer itself: what it does not share, in MB. */
  readonly trainerMb: number;
  /** Of every process below it: proportional share, in MB. */
  readonly toolMb: number;
  readonly processes: number;
  readonly handles: number;
  readonly temporaryFiles: number;
}

const { values } = parseArgs({
  options: {
    episodes: { type: "string", default: "20000" },
    out: { type: "string" },
    dir: { type: "string", default: "/tmp/pyvision-soak" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const episodes = Number(values.episodes);
const root = fileURLToPath(new URL("..", import.meta.url));
const dir = resolve(values.dir);
const run = join(dir, "run");
const temporary = join(dir, "tmp");
rmSync(dir, { recursive: true, force: true });
mkdirSync(temporary, { recursive: true });

// Many rollouts for each update: episodes are what may leak.
const PER_STEP = 256;
const settings = [
  `train.steps=${Math.ceil(episodes / PER_STEP)}`,
  "selection.genBatch=32",
  "selection.rolloutsPerPrompt=8",
  "selection.trainBatch=4",
  "selection.maxGenBatches=1",
  "evaluation.tasks=32",
  "logging.trajectoriesPerStep=16",
  ...values.set,
];
const child = spawn(
  process.execPath,
  [
    join(root, "bin/pyvision.mjs"),
    "train",
    "configs/image-mini.yaml",
    "--run",
    run,
    ...settings.flatMap((setting) => ["--set", setting]),
  ],
  {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, TMPDIR: temporary },
  },
);
let ended: number | null | undefined;
child.on("exit", (code, signal) => (ended = signal === null ? code : 1));

const startedAt = performance.now();
const readings: Reading[] = [];
while (ended === undefined) {
  await sleep(5000);
  const reading = read(child.pid as number);
  if (reading !== undefined) readings.push(reading);
}
const left = countFiles(temporary);
const lost = processesOf(run);
report();

function read(pid: number): Reading | undefined {
  // The first process starts the one that trains.
  const trainer = descendants(pid).find((id) => commandOf(id).includes("src/cli/main.ts"));
  if (trainer === undefined || !existsSync(`/proc/${trainer}/smaps_rollup`)) return undefined;
  const below = descendants(trainer);
  const { episodes: drawn, steps } = progress();
  return {
    seconds: Math.round((performance.now() - startedAt) / 1000),
    episodes: drawn,
    steps,
    trainerMb: memory(trainer, "Private_Clean") + memory(trainer, "Private_Dirty"),
    toolMb: below.reduce((sum, id) => sum + memory(id, "Pss"), 0),
    processes: below.length,
    handles: [trainer, ...below].reduce((sum, id) => sum + namesIn(`/proc/${id}/fd`).length, 0),
    temporaryFiles: countFiles(temporary),
  };
}

function progress(): { readonly episodes: number; readonly steps: number } {
  const path = join(run, "metrics.jsonl");
  if (!existsSync(path)) return { episodes: 0, steps: 0 };
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  const drawn = lines.map((line) =>
    Number((JSON.parse(line) as Record<string, number>)["trajectories/drawn"]),
  );
  return { episodes: drawn.reduce((sum, n) => sum + n, 0), steps: lines.length };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function memory(pid: number, field: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(text)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended meanwhile
  }
}

function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of namesIn("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      continue;
    }
  }
  const found: number[] = [];
  const add = (parent: number): void => {
    for (const [id, of] of parents)
      if (of === parent) {
        found.push(id);
        add(id);
      }
  };
  add(pid);
  return found;
}

/** Processes that still hold something of the run open, after its end. */
function processesOf(folder: string): number {
  return namesIn("/proc").filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    return ["cwd", ...namesIn(`/proc/${name}/fd`).map((fd) => `fd/${fd}`)].some((link) => {
      try {
        return readlinkSync(`/proc/${name}/${link}`).startsWith(folder);
      } catch {
        return false;
      }
    });
  }).length;
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** But what tsx and ONNX Runtime keep there once: compiled sources, and files of its own. */
function countFiles(path: string): number {
  try {
    const names = readdirSync(path).filter((name) => !/^(tsx-|mat-debug-|\.ses$)/.test(name));
    return names.reduce((sum, name) => sum + 1 + namesIn(join(path, name)).length, 0);
  } catch {
    return 0; // a folder went away while it was read
  }
}

/**
 * Of each tenth of the episodes the median, which follows how many episodes are alive at once, and the floor, what is there
 * when hardly any is. What leaks raises the floor for good: it may not grow by more than 5% over the last five tenths, when
 * buffers have found their sizes.
 */
function report(): void {
  const names = ["trainerMb", "toolMb", "processes", "handles", "temporaryFiles"] as const;
  const total = readings.at(-1)?.episodes ?? 0;
  const tenths = Array.from({ length: 10 }, (_, i) =>
    readings.filter((r) => r.episodes > (i * total) / 10 && r.episodes <= ((i + 1) * total) / 10),
  );
  const rows = names.map((name) => {
    const sorted = tenths.map((part) => part.map((r) => r[name]).sort((a, b) => a - b));
    const floors = sorted.map((part) => part[0] ?? NaN);
    const [fifth, last] = [floors[4] as number, floors[9] as number];
    const medians = sorted.map((part) => part[part.length >> 1] ?? NaN);
    return { name, medians, floors, flat: last <= fifth * 1.05 + 2 };
  });
  const write = (text: string): void => void process.stdout.write(`${text}\n`);
  write(`\n${total} episodes in ${readings.at(-1)?.seconds} s, each tenth`);
  const shown = (values: readonly number[]): string => values.map((v) => v.toFixed(0).padStart(7)).join("");
  for (const { name, medians, floors, flat } of rows) {
    write(`${name.padEnd(16)}median${shown(medians)}`);
    write(`${(flat ? "flat" : "GROWS").padEnd(16)}floor ${shown(floors)}`);
  }
  write(`left behind: ${left} temporary files, ${lost} processes`);
  const failed =
    ended !== 0 ||
    total < Math.floor(episodes / PER_STEP) * PER_STEP ||
    rows.some(({ flat }) => !flat) ||
    left > 0 ||
    lost > 0;
  if (values.out !== undefined) {
    const record = { date: new Date().toISOString(), node: process.version, settings, episodes: total };
    mkdirSync(dirname(resolve(values.out)), { recursive: true });
    writeFileSync(values.out, `${JSON.stringify({ ...record, tenths: rows, left, lost }, null, 2)}\n`);
  }
  write(failed ? "NOT flat, or not finished" : "flat");
  process.exitCode = failed ? 1 : 0;
}
