// One episode: prompt, then (sample, parse, run, observe) until an end reason. The token sequence only ever grows, and
// what the sampler returned is what is trained on.
//
// Limits, in the order they are looked at; the first that is hit names the end:
//   before a turn    0. context   room for at least one more token (only the prompt can fail here)   contextLimit
//                                 and no more prompt images than maxImages                           imageLimit
//   after sampling   1. turn tokens: cut by length, maxTurnTokens was the tighter bound              turnTokenLimit
//                    2. context: cut by length, the context was the tighter bound                    contextLimit
//                    3. the action: an answer ends it (answered), nothing readable ends it           noAction
//                    4. turns: code in the last allowed turn is not run, nobody would read it        turnLimit
//   after the call   5. errorPolicy "end": any outcome but ok                                        pythonError
//                    6. context: observation and one more token must fit                             contextLimit
//                    7. images: figures would exceed maxImages                                       imageLimit
// An observation enters whole or not at all, so every finished sequence ends with a sampled turn (or is a bare prompt).
import { EngineError, SandboxError } from "../core/errors.ts";
import { segmentLength } from "../core/datum.ts";
import type { EndReason, Segment, Trajectory, Turn } from "../core/trajectory.ts";
import type { SampleResult } from "../engines/engine.ts";
import type { PythonSession } from "../sandbox/runtime.ts";
import { strategyFor } from "./context/choose.ts";
import type { PreparedContext } from "./context/context.ts";
import type { EpisodeOptions } from "./episodeOptions.ts";
import { NoveltyTracker } from "./novelty.ts";
import { observationSegments } from "./observation.ts";
import { parseTurn } from "./parser.ts";

export type { EpisodeLimits, EpisodeOptions, ErrorPolicy } from "./episodeOptions.ts";

/**
 * Plays one episode. The Python session is opened at the first call (many episodes never call) and always closed; the
 * sampler is always told to release the sequence.
 * @throws whatever the sampler, the codec or the context's strategy throws. A SandboxError is data: end reason
 * `sandboxFailure` (with an empty sequence when it kept the prompt from being made).
 */
export async function runEpisode(options: EpisodeOptions): Promise<Trajectory> {
  let context: PreparedContext;
  try {
    context = await (options.context ?? strategyFor(options.task).prepare(options.task, options));
  } catch (error) {
    options.sampler.release(options.sequenceId);
    if (!(error instanceof SandboxError)) throw error;
    const nothing = { prompt: [], session: { images: [] }, firstLabel: 0, seen: [] };
    return new Episode(options, nothing).trajectory({ type: "sandboxFailure", message: error.message });
  }
  const episode = new Episode(options, context);
  let endReason: EndReason;
  try {
    endReason = await episode.play();
  } catch (error) {
    if (!(error instanceof SandboxError)) {
      await episode.close().catch(() => undefined); // the first error is the one to report
      throw error;
    }
    endReason = { type: "sandboxFailure", message: error.message };
  }
  try {
    await episode.close();
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    endReason = { type: "sandboxFailure", message: error.message };
  }
  return episode.trajectory(endReason);
}

class Episode {
  private readonly segments: Segment[];
  private readonly turns: Turn[] = [];
  private readonly novelty: NoveltyTracker;
  private length: number;
  private imageCount: number;
  private session: PythonSession | undefined;
  private toolCalls = 0;
  private effectiveToolCalls = 0;

  constructor(
    private readonly o: EpisodeOptions,
    private readonly context: PreparedContext,
  ) {
    this.segments = [...context.prompt];
    this.length = this.segments.reduce((n, s) => n + segmentLength(s), 0);
    this.imageCount = countImages(this.segments);
    this.novelty = new NoveltyTracker(context.seen);
  }

  async play(): Promise<EndReason> {
    const { limits } = this.o;
    if (this.length >= limits.maxContextTokens) return { type: "contextLimit" };
    if (this.imageCount > limits.maxImages) return { type: "imageLimit" };
    for (;;) {
      const end = (await this.sampleTurn()) ?? (await this.useTool());
      if (end !== undefined) return end;
    }
  }

  /** Samples and reads one turn; undefined when it is code that is to run. */
  private async sampleTurn(): Promise<EndReason | undefined> {
    const { o } = this;
    const room = o.limits.maxContextTokens - this.length;
    const maxNewTokens = Math.min(o.limits.maxTurnTokens, room);
    const results = await o.sampler.sample([
      {
        sequenceId: o.sequenceId,
        ...(o.promptKey !== undefined && { promptKey: o.promptKey }),
        segments: [...this.segments],
        params: { ...o.sampling, maxNewTokens, stopStrings: [o.template.codeClose, o.template.answerClose] },
        random: o.random,
      },
    ]);
    const sampled = checkResult(results, maxNewTokens);
    const text = o.codec.decode(sampled.tokens);
    // A sampled image placeholder has no image behind it. It and what follows stay out of the sequence, since
    // placeholders must equal images wherever it is read again.
    const pad = sampled.tokens.indexOf(o.codec.imagePadId);
    const tokens = pad < 0 ? sampled.tokens : sampled.tokens.slice(0, pad);
    const logprobs = pad < 0 ? sampled.logprobs : sampled.logprobs.slice(0, pad);
    if (tokens.length > 0) this.append([{ type: "sampled", tokens, logprobs }]);
    const turn = { text, tokenCount: tokens.length, stop: sampled.stop };
    if (pad >= 0) {
      this.turns.push({ ...turn, action: { type: "none", reason: "image placeholder in the model's text" } });
      return { type: "noAction" };
    }
    if (sampled.stop === "length") {
      this.turns.push({ ...turn, action: { type: "none", reason: "cut by length" } });
      return { type: o.limits.maxTurnTokens <= room ? "turnTokenLimit" : "contextLimit" };
    }
    const closed = tokens.at(-1) === o.codec.endOfTurnId;
    const action = parseTurn(closed ? o.codec.decode(tokens.slice(0, -1)) : text, o.template);
    this.turns.push({ ...turn, action });
    if (action.type === "answer") return { type: "answered" };
    if (action.type === "none") return { type: "noAction" };
    return this.turns.length >= o.limits.maxTurns ? { type: "turnLimit" } : undefined;
  }

  /** Runs the code of the last turn and appends its observation. */
  private async useTool(): Promise<EndReason | undefined> {
    const { o } = this;
    const turn = this.turns.at(-1);
    if (turn?.action.type !== "code") throw new Error("internal: useTool without a code turn");
    this.session ??= await o.runtime.open(this.context.session);
    const tool = await this.session.run(turn.action.code);
    this.turns[this.turns.length - 1] = { ...turn, tool };
    const ok = tool.outcome.type === "ok";
    const isNew = this.novelty.isNew(turn.action.code, tool);
    if (ok) this.toolCalls++;
    if (isNew) this.effectiveToolCalls++;
    if (!ok && o.errorPolicy === "end") return { type: "pythonError" };

    const last = this.segments.at(-1);
    const observation = observationSegments({
      result: tool,
      template: o.template,
      codec: o.codec,
      imagesBefore: this.context.firstLabel + this.imageCount,
      turnClosed: last?.type === "sampled" && last.tokens.at(-1) === o.codec.endOfTurnId,
    });
    const length = observation.reduce((n, s) => n + segmentLength(s), 0);
    if (this.length + length >= o.limits.maxContextTokens) return { type: "contextLimit" };
    if (this.imageCount + countImages(observation) > o.limits.maxImages) return { type: "imageLimit" };
    this.append(observation);
    return undefined;
  }

  private append(segments: readonly Segment[]): void {
    this.segments.push(...segments);
    this.length += segments.reduce((n, s) => n + segmentLength(s), 0);
    this.imageCount += countImages(segments);
  }

  async close(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    this.o.sampler.release(this.o.sequenceId);
    await session?.close();
  }

  trajectory(endReason: EndReason): Trajectory {
    const { task, member } = this.o;
    const action = this.turns.at(-1)?.action;
    return {
      taskId: task.id,
      taskKind: task.kind,
      question: task.question,
      groundTruth: task.answer,
      member,
      segments: this.segments,
      turns: this.turns,
      endReason,
      ...(endReason.type === "answered" && action?.type === "answer" && { answer: action.answer }),
      ...(this.context.firstLabel > 0 && { firstLabel: this.context.firstLabel }),
      toolCalls: this.toolCalls,
      effectiveToolCalls: this.effectiveToolCalls,
    };
  }
}

function countImages(segments: readonly Segment[]): number {
  return segments.filter((s) => s.type === "image").length;
}

function checkResult(results: readonly SampleResult[], maxNewTokens: number): SampleResult {
  const [result] = results;
  if (result === undefined || results.length !== 1)
    throw new EngineError(`internal: sampler gave ${results.length} results for 1 request`);
  const { tokens, logprobs } = result;
  if (tokens.length !== logprobs.length || tokens.length > maxNewTokens)
    throw new EngineError(
      `internal: sampler gave ${tokens.length} tokens and ${logprobs.length} logprobs for at most ${maxNewTokens}`,
    );
  return result;
}
