// The checks of `pyvision doctor`. None throws: what goes wrong is the check's answer.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, freemem, platform, release, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { formatBytes } from "../runs/format.ts";
import { startPythonRuntime } from "../sandbox/forkServer.ts";
import type { Check } from "./check.ts";
import { firstLine } from "./check.ts";
import { checkTool } from "./toolChecks.ts";

const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** In the order they are printed. */
export function doctorChecks(): readonly (() => Promise<Check | readonly Check[]> | Check)[] {
  return [
    () => checkNode(process.versions.node),
    () => checkPlatform(platform(), process.arch, release()),
    () => checkCores(availableParallelism()),
    () => checkMemory(totalmem(), freemem()),
    checkOnnxRuntime,
    () => checkPython(join(packageRoot, ".venv")),
    () => checkTool(() => startPythonRuntime({ leastIsolation: "process" })),
  ];
}

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return { name: "node", state: "ok", text: `v${version}` };
  return {
    name: "node",
    state: "fail",
    text: `v${version} is older than 20.19`,
    remedy: "install Node 20.19 or newer from https://nodejs.org",
  };
}

export function checkPlatform(name: string, arch: string, kernel: string): Check {
  const text = `${name} ${arch}, ${kernel}`;
  if (name === "linux") return { name: "platform", state: "ok", text };
  return {
    name: "platform",
    state: "warn",
    text,
    remedy:
      "the Python tool is isolated by Linux kernel features; run code of models you do not trust on Linux",
  };
}

export function checkCores(cores: number): Check {
  if (cores >= 2) return { name: "cores", state: "ok", text: String(cores) };
  return {
    name: "cores",
    state: "warn",
    text: String(cores),
    remedy: "give two cores or more; training is slow on one",
  };
}

export function checkMemory(totalBytes: number, freeBytes: number): Check {
  const text = `${formatBytes(totalBytes)}, ${formatBytes(freeBytes)} free`;
  if (totalBytes >= 3.5e9) return { name: "memory", state: "ok", text };
  return {
    name: "memory",
    state: "warn",
    text,
    remedy: "the shipped recipe wants 4 GB; lower train.microBatchTokens and python.maxConcurrent",
  };
}

async function checkOnnxRuntime(): Promise<Check> {
  const name = "onnxruntime";
  try {
    await import("../onnx/quiet.ts");
    const runtime = await import("onnxruntime-node");
    const backends = runtime.listSupportedBackends().map((backend) => backend.name);
    return { name, state: "ok", text: `${runtimeVersion()}, providers: ${backends.join(", ")}` };
  } catch (error) {
    return {
      name,
      state: "fail",
      text: firstLine(error),
      remedy: "run npm ci; if it still does not load, this platform has no prebuilt onnxruntime-node",
    };
  }
}

function runtimeVersion(): string {
  const main = createRequire(import.meta.url).resolve("onnxruntime-node");
  const manifest = JSON.parse(readFileSync(join(dirname(main), "..", "package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

const packages = ["numpy", "Pillow", "matplotlib"] as const;
const probe = `
import importlib.metadata as m, json, platform
def version(name):
    try: return m.version(name)
    except m.PackageNotFoundError: return None
print(json.dumps([platform.python_version(), {n: version(n) for n in ${JSON.stringify(packages)}}]))
`;

/** @param venv directory of the virtual environment */
export async function checkPython(venv: string): Promise<Check> {
  const name = "python";
  const remedy =
    "run npm start once: it makes the environment (it needs python3 with venv, and a package index)";
  const python = join(venv, platform() === "win32" ? "Scripts/python.exe" : "bin/python");
  if (!existsSync(python)) return { name, state: "fail", text: `no virtual environment in ${venv}`, remedy };
  try {
    const { stdout } = await promisify(execFile)(python, ["-c", probe], { timeout: 20_000 });
    const [version, found] = JSON.parse(stdout) as [string, Readonly<Record<string, string | null>>];
    const missing = packages.filter((item) => typeof found[item] !== "string");
    const text = [version, ...packages.map((item) => `${item} ${found[item] ?? "missing"}`)].join(", ");
    if (missing.length === 0) return { name, state: "ok", text };
    return { name, state: "fail", text, remedy: `delete ${venv}, then ${remedy}` };
  } catch (error) {
    return { name, state: "fail", text: firstLine(error), remedy: `delete ${venv}, then ${remedy}` };
  }
}
