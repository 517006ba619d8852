// For tests of `pyvision eval`: questions of any number, a server that answers them by a rule and counts, and the command as a
// process of its own that dies of SIGKILL when so many answers are recorded.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { says, type StubAnswer, stubServer, type StubServer } from "../engines/openai/stubServer.ts";
import { standBeforeAppending } from "./testGate.ts";

/** One small picture that all questions share. @returns the file of questions "What is i plus i?" */
export function writeSums(dir: string, count: number): string {
  mkdirSync(dir, { recursive: true });
  const grey = { width: 56, height: 56, channels: 3 as const, data: new Uint8Array(56 * 56 * 3).fill(90) };
  writeFileSync(join(dir, "grey.png"), encode(grey));
  const rows = Array.from({ length: count }, (_, i) => ({
    id: `sum-${i}`,
    question: `What is ${i} plus ${i}?`,
    answer: String(2 * i),
    data_source: i % 3 === 0 ? "threes" : "others",
    image_path: ["grey.png"],
  }));
  const path = join(dir, "sums.jsonl");
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

export interface SumServer extends StubServer {
  /** Requests about each number, first turns and later ones. */
  readonly asked: ReadonlyMap<number, number>;
}

/**
 * Right but for multiples of five. Multiples of ten are asked about after a look with Python.
 * @param delayMs before each reply
 */
export async function sumServer(delayMs: number): Promise<SumServer> {
  const asked = new Map<number, number>();
  const answer: StubAnswer = async (response, request) => {
    const text = JSON.stringify(request.body["messages"]);
    const n = Number(/What is (\d+) plus/.exec(text)?.[1]);
    asked.set(n, (asked.get(n) ?? 0) + 1);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const looks = n % 10 === 0 && !text.includes("tool_response");
    const sum = n % 5 === 0 ? 2 * n + 1 : 2 * n;
    const reply = looks
      ? "I look.\n<code>\n```python\nprint(image_clue_0.crop((0, 0, 28, 28)).size)\n```\n</code>"
      : `It is plain.\n<answer>\\boxed{${sum}}</answer>`;
    await says(reply)(response, request);
  };
  const server = await stubServer(answer);
  // What was asked is counted, not kept: pictures would fill the memory of the test.
  const forget = setInterval(() => ((server.requests as unknown[]).length = 0), 50);
  return {
    ...server,
    asked,
    close: async () => {
      clearInterval(forget);
      await server.close();
    },
  };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

// The kill comes soon after so many answers. Should it come late, the command waits for it: some answers further on it stands
// still, so that no run is over before it was killed. (For other signals nothing stands still: they have to be heard.)
const SLACK = 3;
const HOLD_MS = 120_000;
/** Then a command that has not ended by itself is killed. */
const COMMAND_MS = 1_800_000;

/** @param kill SIGKILL, or once another signal, to the whole process group as soon as so many answers are recorded in the folder */
export function runEvalCommand(
  cwd: string,
  args: readonly string[],
  kill?: { readonly dir: string; readonly records: number; readonly signal?: NodeJS.Signals },
  /** Looked at ten times a second: the process, and how many answers are recorded in `dir`. */
  watch?: {
    readonly dir: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly look: (pid: number, records: number) => void;
  },
): Promise<Ended> {
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const holds = kill !== undefined && (kill.signal ?? "SIGKILL") === "SIGKILL";
  const gate = holds
    ? [standBeforeAppending("items.jsonl", `lines >= ${kill.records + SLACK}`, HOLD_MS)]
    : [];
  const words = [...gate, "--import", import.meta.resolve("tsx"), main, "eval", ...args];
  const child = spawn(process.execPath, words, {
    cwd,
    detached: true,
    env: { ...process.env, ...watch?.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...{ timeout: COMMAND_MS, killSignal: "SIGKILL" },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const strike = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // it has ended
    }
  };
  const end = (): void => strike("SIGKILL");
  process.once("exit", end);
  let struck = false;
  const timer = setInterval(() => {
    if (kill === undefined || struck || recordedLines(kill.dir) < kill.records) return;
    struck = true;
    strike(kill.signal ?? "SIGKILL");
  }, 10);
  const watching = setInterval(() => {
    if (watch !== undefined && child.pid !== undefined) watch.look(child.pid, recordedLines(watch.dir));
  }, 100);
  return new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearInterval(timer);
      clearInterval(watching);
      process.off("exit", end);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Whole lines of items.jsonl. */
function recordedLines(dir: string): number {
  const path = join(dir, "items.jsonl");
  if (!existsSync(path)) return 0;
  let lines = 0;
  for (const byte of readFileSync(path)) if (byte === 10) lines++;
  return lines;
}

/** Ids in the whole lines of items.jsonl. */
export function recordedIds(dir: string): string[] {
  const path = join(dir, "items.jsonl");
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { readonly id: string }).id);
}

/** A run's files as text, without what a clock decides. */
export function untimedRun(dir: string, set: string): Record<string, string> {
  const read = (name: string): string => readFileSync(join(dir, name), "utf8");
  return {
    items: read("items.jsonl")
      .replaceAll(/"seconds":[\d.]+/g, '"seconds":0')
      .replaceAll(/"sum":"[0-9a-f]{16}"/g, '"sum":""'),
    json: read("report.json").replaceAll(/"(median|p90)": [\d.e-]+/g, '"$1": 0'),
    markdown: read("report.md").replaceAll(/^\| seconds.*$/gm, ""),
    trajectories: read(join("trajectories", `${set}.jsonl`)).replaceAll(
      /"(elapsedMs|seconds)":[\d.e-]+/g,
      '"$1":0',
    ),
  };
}
