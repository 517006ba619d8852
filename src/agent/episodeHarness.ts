// Plays scripted episodes for tests and draws what came out.
import assert from "node:assert/strict";
import type { RgbImage } from "../core/image.ts";
import { randomStream } from "../core/random.ts";
import type { ToolResult, Trajectory } from "../core/trajectory.ts";
import { runEpisode } from "./episode.ts";
import type { EpisodeOptions } from "./episode.ts";
import { byteCodec, draw, ScriptedRuntime, ScriptedSampler, toolResult } from "./scriptedFakes.ts";
import { loadTemplate } from "./template.ts";
import type { PromptTemplate } from "./template.ts";

/** As short as can be, so that whole sequences fit a line. */
export const template: PromptTemplate = {
  ...loadTemplate("mini"),
  system: "S",
  user: "{images}{question}",
  image: "{label}:{image}",
  observation: "[{stdout}{error}{figures}]",
  figure: "{label}:{image}",
  figureLabel: "i{i}",
  emptyOutput: "-",
  sessionLost: "lost",
};

export interface Play {
  readonly says: readonly string[];
  readonly gives?: readonly (ToolResult | Error)[];
  readonly images?: readonly RgbImage[];
  readonly limits?: Partial<EpisodeOptions["limits"]>;
  readonly errorPolicy?: EpisodeOptions["errorPolicy"];
  readonly question?: string;
}

export function episodeOptions(p: Play) {
  return {
    task: { id: "t", kind: "k", question: p.question ?? "Q", answer: "4", images: p.images ?? [] },
    member: 3,
    template,
    codec: byteCodec,
    sampler: new ScriptedSampler(p.says),
    runtime: new ScriptedRuntime(p.gives ?? []),
    limits: { maxTurns: 4, maxTurnTokens: 100, maxContextTokens: 1000, maxImages: 4, ...p.limits },
    errorPolicy: p.errorPolicy ?? "show",
    sampling: { temperature: 1, topP: 1, topK: 0 },
    random: randomStream("test"),
    sequenceId: "s",
  } satisfies EpisodeOptions;
}

/** Plays and checks what holds for every episode: sessions closed, sequence released. */
export async function play(p: Play) {
  const options = episodeOptions(p);
  const { sampler, runtime } = options;
  const trajectory = await runEpisode(options);
  assert.equal(runtime.closed, runtime.opened.length, "every session is closed");
  assert.deepEqual(sampler.released, ["s"]);
  return { trajectory, sampler, runtime };
}

/** `drawing`: lines of tokens, each followed by its line of the mask. */
export function assertDrawn(trajectory: Trajectory, drawing: string): void {
  const lines = drawing.trim().split("\n");
  const drawn = draw(trajectory.segments);
  assert.equal(drawn.tokens, lines.filter((_, i) => i % 2 === 0).join(""));
  assert.equal(drawn.mask, lines.filter((_, i) => i % 2 === 1).join(""));
}

export function errorResult(traceback: string, more: Partial<ToolResult> = {}): ToolResult {
  const [errorType = "", message = ""] = traceback.split(": ");
  return toolResult({ outcome: { type: "pythonError", errorType, message, traceback }, ...more });
}

export const ANSWER = "<answer>\\boxed{4}</answer>";
