// What the tokens of a trajectory say, one by one. Trajectories hold ids; the text comes from the tokenizer of the run's
// own checkpoint, or of the one it began with. Without one, ids are all there is.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { parse } from "yaml";
import { Tokenizer } from "../models/qwen2_5_vl/tokenizer.ts";
import { resolveInputPath } from "../runs/config.ts";
import type { TrajectoryJson } from "../runs/trajectoryJson.ts";
import type { TokensAnswer } from "./protocol.ts";

export interface TokenTexts {
  of(trajectory: TrajectoryJson): TokensAnswer;
}

export function openTokenTexts(runPath: string): TokenTexts {
  let found: { readonly tokenizer: Tokenizer; readonly path: string } | undefined;
  const find = (): typeof found => {
    for (const path of candidates(runPath)) {
      if (!existsSync(path)) continue;
      try {
        return { tokenizer: Tokenizer.fromJson(JSON.parse(readFileSync(path, "utf8")), path), path };
      } catch {
        // Another family's tokenizer: the next candidate, or none.
      }
    }
    return undefined;
  };
  return {
    of: ({ segments }) => {
      found ??= find();
      const tokenizer = found?.tokenizer;
      const textOf = (id: number): string =>
        tokenizer === undefined ? String(id) : readable(tokenizer.tokenBytes(id));
      return {
        segments: segments.map((segment) => (segment.type === "image" ? [] : segment.tokens.map(textOf))),
        ...(found !== undefined && { tokenizer: basename(dirname(found.path)) }),
      };
    },
  };
}

/** A token may be a part of a character: then its bytes are shown. */
function readable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  return text.includes("\uFFFD")
    ? Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")
    : text;
}

function candidates(runPath: string): string[] {
  const own = join(runPath, "checkpoints", "final", "tokenizer.json");
  try {
    const config = parse(readFileSync(join(runPath, "config.yaml"), "utf8")) as {
      readonly model?: { readonly init?: unknown };
    } | null;
    const init = config?.model?.init;
    if (typeof init !== "string") return [own];
    const beside = isAbsolute(init) ? init : resolve(runPath, init);
    return [own, ...folders(init), beside].map((dir) => (dir === own ? own : join(dir, "tokenizer.json")));
  } catch {
    return [own];
  }
}

function folders(init: string): string[] {
  try {
    return [resolveInputPath(init, "model.init")];
  } catch {
    return [];
  }
}
