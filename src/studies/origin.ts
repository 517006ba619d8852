// What a run was made with beside its config: commit, versions, machine.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { thisMachine } from "../runs/runRecord.ts";
import type { Origin } from "./runFolder.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export function originNow(): Origin {
  const [model] = cpus();
  return {
    commit: commit(),
    versions: {
      "pyvision-rl": versionOf("package.json"),
      "onnxruntime-node": versionOf("node_modules/onnxruntime-node/package.json"),
      node: process.versions.node,
    },
    machine: `${thisMachine()}, ${model?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 1e9)} GB`,
  };
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unknown";
  }
}

function versionOf(path: string): string {
  try {
    return (
      JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")) as { version: string }
    ).version;
  } catch {
    return "unknown";
  }
}
